"""Settings: everything a deployment may choose, read once at start and checked there.

A setting has one name in three spellings: the field below, `--a-name` on the command line, `TRUNKLINE_A_NAME`
in the environment. The command line wins over the environment, which wins over the default. The descriptions
here are also the help texts of the command line, and each setting is a row of the README.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from engine.errors import SettingError
from engine.redis.url import RedisURL
from engine.sids import is_sid

PREFIX: Final = "TRUNKLINE_"
ENVIRONMENT_ONLY: Final = frozenset({"account_sid", "auth_token"})  # `ps` shows command lines to every user
SHARDS_EMBEDDED: Final = 1  # one server has one thread for scripts, so more shards would gain nothing
SHARDS_ELSEWHERE: Final = 16  # leaves room to spread over up to 16 primaries later
_TOKEN: Final = re.compile(r"[!-~]{16,256}\Z")  # as Accounts takes them, but without blanks

Durability = Literal["durable", "relaxed"]


class Settings(Struct, frozen=True, kw_only=True):
    """What one process of a deployment was told. Made by `read`, which checks it."""

    host: Annotated[str, Meta(description="address the API listens on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port of the API; 0 takes a free one")] = 8780
    data: Annotated[str, Meta(description="folder of the embedded server; none with --redis")] = ""
    redis: Annotated[
        str, Meta(description="your own server: redis://, rediss:// or unix:// URL; empty embeds one")
    ] = ""
    api: Annotated[int, Meta(ge=1, le=64, description="API processes `serve` runs, all on one port")] = 1
    matchers: Annotated[int, Meta(ge=1, le=64, description="matcher processes `serve` runs")] = 1
    relays: Annotated[int, Meta(ge=1, le=64, description="relay processes `serve` runs")] = 1
    shards: Annotated[
        int,
        Meta(
            ge=0,
            le=4096,
            description="parts the data is split into, fixed at first start; 0: 1 embedded, else 16",
        ),
    ] = 0
    durability: Annotated[
        Durability,
        Meta(
            description="embedded server: `durable` answers after fsync, `relaxed` syncs each second"
            " (a power cut may take the last second)"
        ),
    ] = "durable"
    allow_weak_durability: Annotated[
        bool, Meta(description="accept a server of yours that may lose acknowledged writes in a power cut")
    ] = False
    public_url: Annotated[
        str, Meta(description="scheme and host of links in answers; empty: those of the request")
    ] = ""
    trusted_proxies: Annotated[
        str,
        Meta(description="addresses or networks, with commas between, whose forwarded headers are believed"),
    ] = ""
    allow_private_callbacks: Annotated[
        bool, Meta(description="let callback URLs name loopback, link-local and private addresses")
    ] = False
    events_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="days that events are kept; from the 31st on without attributes of Tasks",
        ),
    ] = 30
    events_kept: Annotated[
        int, Meta(ge=1_000, le=100_000_000, description="events of a Workspace that are kept at most, about")
    ] = 100_000
    rate_limit: Annotated[
        int, Meta(ge=0, le=1_000_000, description="requests a second an account may make; 0: any number")
    ] = 0
    rate_limit_expressions: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="lists filtered by an expression, of each kind, a second and account; 0: any number",
        ),
    ] = 3
    rate_limit_bulk: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="bulk real-time statistics a second and account; 0: any number",
        ),
    ] = 5
    deployment: Annotated[
        str,
        Meta(description="id the data must carry, so that an emptied or wrong server is refused; empty: any"),
    ] = ""
    event_retries_hours: Annotated[
        int,
        Meta(ge=0, le=72, description="hours for which events are told again that a callback did not take"),
    ] = 0
    account_sid: Annotated[str, Meta(description="SID of the first account; goes with auth_token")] = ""
    auth_token: Annotated[str, Meta(description="auth token of the first account, environment only")] = ""
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least severe line written to stderr")
    ] = "info"
    log_format: Annotated[Literal["text", "json"], Meta(description="form of those lines")] = "text"

    @property
    def embedded(self) -> bool:
        """Whether this deployment runs its own server in `data`."""
        return not self.redis

    @property
    def shards_wanted(self) -> int:
        """The number of shards a first start gives the deployment."""
        return self.shards or (SHARDS_EMBEDDED if self.embedded else SHARDS_ELSEWHERE)

    @property
    def api_url(self) -> str:
        """Scheme and host under which the API is reached, for links that no request asked for."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = self.host if self.host.strip("0.:") else "localhost"  # all addresses are no address
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def data_dir(self) -> Path:
        """Folder of the embedded server, absolute."""
        return Path(self.data).expanduser().absolute()


TYPES: Final[dict[str, Any]] = get_type_hints(Settings, include_extras=True)


def environment_name(field: str) -> str:
    """The environment variable of a setting: `log_level` is TRUNKLINE_LOG_LEVEL."""
    return PREFIX + field.upper()


def option_name(field: str) -> str:
    """The command line option of a setting: `log_level` is --log-level."""
    return "--" + field.replace("_", "-")


def describe(field: str) -> str:
    """What a setting means, in one line without its default."""
    return str(_meta(field, "description"))


def default_of(field: str) -> Any:
    """The value a setting has when nobody gives one."""
    return getattr(Settings(), field)


def default_data_dir(environment: Mapping[str, str]) -> str:
    """Where data goes unless told: `trunkline` in $XDG_DATA_HOME, or in ~/.local/share."""
    base = environment.get("XDG_DATA_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.local/share"), "trunkline")


def read(options: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Settings from the command line's `options` (None: not given) and the `environment`.

    Raises SettingError naming the setting, its value and what is allowed. An empty variable is not set.
    """
    given: dict[str, Any] = {}
    chosen = {field: value for field, value in options.items() if value is not None}
    for field in Settings.__struct_fields__:
        value = chosen.get(field, environment.get(environment_name(field)) or None)
        if value is not None and not _displaced(field, chosen):
            given[field] = _convert(field, value)
    settings = Settings(**given)
    if settings.embedded and not settings.data:
        settings = msgspec.structs.replace(settings, data=default_data_dir(environment))
    _check(settings)
    return settings


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables from which `read` makes these settings again, for a child process.

    Not through the command line: `ps` would show everybody the server's password.
    """
    values = {}
    for field in Settings.__struct_fields__:
        value = getattr(settings, field)
        if value != default_of(field):
            values[environment_name(field)] = str(value).lower() if isinstance(value, bool) else str(value)
    return values


def _displaced(field: str, chosen: Mapping[str, Any]) -> bool:
    """`--redis` on the command line overrides TRUNKLINE_DATA, and the other way round."""
    other = {"data": "redis", "redis": "data"}.get(field)
    return other is not None and field not in chosen and bool(chosen.get(other))


def _convert(field: str, value: Any) -> Any:
    try:
        return msgspec.convert(value, TYPES[field], strict=False)
    except msgspec.ValidationError:
        raise _refused(field, value, f"must be {allowed(field)}") from None


def _refused(field: str, value: Any, must: str) -> SettingError:
    shown = "***" if field == "auth_token" else repr(value)
    spellings = (
        [environment_name(field)]
        if field in ENVIRONMENT_ONLY
        else [option_name(field), environment_name(field)]
    )
    return SettingError(f"{field} ({', '.join(spellings)}) is {shown}; {must}")


def allowed(field: str) -> str:
    """The values a setting may have, in words."""
    kind = get_args(TYPES[field])[0]
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    if kind is bool:
        return "true or false"
    if kind is int:
        return f"a whole number from {_meta(field, 'ge')} to {_meta(field, 'le')}"
    return "text"


def _meta(field: str, name: str) -> Any:
    return next(getattr(m, name) for m in get_args(TYPES[field])[1:] if isinstance(m, Meta))


def _check(s: Settings) -> None:
    """What single types cannot say: forms of texts and relations between settings."""
    if not s.host:
        raise _refused("host", s.host, "must be an address or host name")
    if s.redis:
        _check_redis(s.redis)
    if s.redis and s.data:
        raise _refused("data", s.data, "must be left out when redis is set: the data is in that server")
    if s.redis and s.durability != "durable":
        raise _refused(
            "durability", s.durability, "is for the embedded server; with redis, use --allow-weak-durability"
        )
    if s.public_url and not _is_base_url(s.public_url):
        raise _refused(
            "public_url", s.public_url, "must be like https://router.example.com, without path or query"
        )
    try:
        networks(s.trusted_proxies)
    except ValueError as wrong:
        must = f"must be addresses or networks such as 10.0.0.0/8 with commas between; {wrong}"
        raise _refused("trusted_proxies", s.trusted_proxies, must) from None
    _check_account(s)


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks in a comma list of them and of addresses. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _check_redis(url: str) -> None:
    try:
        RedisURL.parse(url)
    except ValueError as wrong:
        shown = re.sub(r"//.*@", "//***@", url).partition("?")[
            0
        ]  # before the `@` or behind the `?`: passwords
        why = str(wrong).removeprefix("Redis URL: ")
        raise _refused("redis", shown, f"must be a redis://, rediss:// or unix:// URL; {why}") from None


def _check_account(s: Settings) -> None:
    if bool(s.account_sid) != bool(s.auth_token):
        missing = "auth_token" if s.account_sid else "account_sid"
        raise SettingError(
            f"{missing} ({environment_name(missing)}) is not set; account_sid and auth_token go together"
        )
    if s.account_sid and not is_sid(s.account_sid, "AC"):
        raise _refused("account_sid", s.account_sid, "must be AC and 32 hexadecimal digits")
    if s.auth_token and not _TOKEN.match(s.auth_token):
        raise _refused(
            "auth_token", s.auth_token, "must be 16 to 256 printable ASCII characters without blanks"
        )


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    extra = parts.path.rstrip("/") or parts.query or parts.fragment or "@" in parts.netloc
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not extra
