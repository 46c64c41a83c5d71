"""Redis URLs: redis://, rediss:// (TLS) and unix://, read the way redis-py reads them."""

import ssl
from typing import Literal, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

CertReqs = Literal["none", "optional", "required"]

_CERT_REQS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LOGIN_OPTIONS = {"db", "username", "password"}
_TLS_OPTIONS = {"ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"}
_DEFAULT_PORT = 6379


class RedisURL(Struct, frozen=True, kw_only=True):
    """Where a Redis server is and how to log in. `path` (a unix socket) excludes host and port.

    `str()` and `repr()` hide the password, so that the value may be logged.
    """

    host: str = ""
    port: int = _DEFAULT_PORT
    path: str = ""
    db: int = 0
    username: str = ""
    password: str = ""
    tls: bool = False
    ssl_cert_reqs: CertReqs = "required"
    ssl_ca_certs: str = ""  # file; empty: the system's certificate authorities
    ssl_certfile: str = ""  # client certificate
    ssl_keyfile: str = ""
    ssl_check_hostname: bool = True

    @classmethod
    def parse(cls, url: str) -> "RedisURL":
        """Read a URL. Raises ValueError that names what is wrong, never showing the password."""
        parts = _split(url)
        options = _options(parts)
        username = options.get("username", unquote(parts.username or ""))
        password = options.get("password", unquote(parts.password or ""))
        if username and not password:
            raise ValueError("Redis URL: a user name needs a password")
        if parts.scheme == "unix":
            if parts.hostname:
                raise ValueError("Redis URL: unix:// takes a path, as in unix:///run/redis.sock, no host")
            if not parts.path.startswith("/"):
                raise ValueError(
                    "Redis URL: unix:// needs the path of a socket, as in unix:///run/redis.sock"
                )
            db = _db(options.get("db", "0"))
            return cls(path=unquote(parts.path), db=db, username=username, password=password)
        return cls(
            host=_host(parts),
            port=_port(parts),
            db=_db(options.get("db", parts.path.strip("/") or "0")),
            username=username,
            password=password,
            tls=parts.scheme == "rediss",
            ssl_cert_reqs=_cert_reqs(options.get("ssl_cert_reqs", "required")),
            ssl_ca_certs=options.get("ssl_ca_certs", ""),
            ssl_certfile=options.get("ssl_certfile", ""),
            ssl_keyfile=options.get("ssl_keyfile", ""),
            ssl_check_hostname=_boolean("ssl_check_hostname", options.get("ssl_check_hostname", "true")),
        )

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS settings, None without TLS. Reads the certificate files: ValueError if one is unusable."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ssl_ca_certs or None)
            if self.ssl_certfile:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile or None)
        except OSError as error:
            raise ValueError(f"Redis URL: a certificate file cannot be used: {error}") from error
        verify = self.ssl_cert_reqs != "none"
        context.check_hostname = verify and self.ssl_check_hostname
        context.verify_mode = _CERT_REQS[self.ssl_cert_reqs]
        return context

    def __str__(self) -> str:
        login = f"{self.username}:***@" if self.password else ""
        if self.path:
            return f"unix://{login}{self.path}?db={self.db}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' if self.tls else ''}://{login}{host}:{self.port}/{self.db}"

    def __repr__(self) -> str:
        return f"RedisURL({str(self)!r})"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError as error:  # an unbalanced [ of an IPv6 address
        raise ValueError(f"Redis URL: {error}") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"Redis URL: the scheme must be redis, rediss or unix, not {parts.scheme!r}")
    if parts.fragment:
        raise ValueError("Redis URL: '#' starts a fragment, which means nothing here; write it as %23")
    return parts


def _options(parts: SplitResult) -> dict[str, str]:
    known = _LOGIN_OPTIONS | (_TLS_OPTIONS if parts.scheme == "rediss" else set())
    try:
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError("Redis URL: the options behind '?' must be name=value, joined by '&'") from None
    if unknown := sorted(set(options) - known):
        raise ValueError(f"Redis URL: unknown option {unknown[0]!r}; known here: {', '.join(sorted(known))}")
    return options


def _host(parts: SplitResult) -> str:
    host = parts.hostname or "localhost"
    try:
        host.encode("idna")  # the resolver would do it at every connect and fail there
    except UnicodeError:
        raise ValueError(f"Redis URL: {host!r} is not a host name") from None
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("Redis URL: the port must be a number from 1 to 65535") from None
    if port == 0:
        raise ValueError("Redis URL: the port must be a number from 1 to 65535")
    return port or _DEFAULT_PORT


def _db(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"Redis URL: the database must be a number from 0 up, not {text!r}")
    return int(text)


def _cert_reqs(text: str) -> CertReqs:
    if text not in _CERT_REQS:
        raise ValueError(f"Redis URL: ssl_cert_reqs must be none, optional or required, not {text!r}")
    return cast(CertReqs, text)


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(f"Redis URL: {name} must be true or false, not {text!r}")
    return _BOOLEANS[text.lower()]
