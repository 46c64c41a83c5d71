"""Call: what an operation is given, without any framework in between."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, Struct, UnsetType, field

from api.answer import Answer
from api.errors import ParameterError, RequestError
from api.forms import Form
from api.proxies import HOST, Proxies
from api.urls import check_callback

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Receive

    from api.auth import Gate
    from api.policies import Permit
    from engine.router import Engine

_REVISION: Final = re.compile(r'(?:W/)?"(\d{1,15})"|(\d{1,15})')
MAX_KEY: Final = 255  # characters of an idempotency key
_KNOWN_HOSTS: Final = 256  # a process has a handful of names; the bound is for senders who vary Host


class Face(Struct):
    """What all operations of one app share."""

    engine: Engine
    gate: Gate
    public_url: str | None = None  # scheme and authority for `url` and `links`; None takes the request's own
    allow_private_callbacks: bool = False
    secret: bytes = b""  # seals page tokens; all API processes of a deployment have the same
    proxies: Proxies | None = None  # whose forwarded headers are believed; None: nobody's
    bases: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def base(self, head: Head) -> str:
        """`scheme://host` that links start with: the configured one, else what the caller asked for.

        A Host that is missing or not a host name is replaced by the address the request arrived at, so that
        nothing a sender invents is echoed. Forwarded headers count only from a proxy that is believed.
        """
        if self.public_url is not None:
            return self.public_url
        scheme, host = head.scheme, head.headers.get(b"host")
        if self.proxies is not None:
            scheme, host = self.proxies.asked_for(head.client, scheme, head.headers)
        known = self.bases.get((scheme, host or b""))
        if known is not None:
            return known
        if host is None or HOST.fullmatch(host) is None:
            name, port = head.server or ("localhost", None)
            return f"{scheme}://{name}" + (f":{port}" if port else "")
        if len(self.bases) >= _KNOWN_HOSTS:
            self.bases.clear()
        made = self.bases[(scheme, host)] = f"{scheme}://{host.decode('ascii')}"
        return made


class Head(Struct):
    """What a request says before its body."""

    path: str
    query: bytes
    headers: dict[bytes, bytes]  # by lower-case name
    scheme: str
    client: tuple[str, int] | None  # address and port of who sent it
    server: tuple[str, int | None] | None  # and those it arrived at


def head_of(scope: HTTPScope) -> Head:
    """The same from ASGI."""
    headers, scheme = dict(scope["headers"]), scope["scheme"]
    return Head(scope["path"], scope["query_string"], headers, scheme, scope["client"], scope["server"])


class Call(Struct):
    """One request, authenticated and parsed."""

    face: Face
    account: str
    path: str  # as asked for, from /v1 on, without the query
    params: tuple[str, ...]  # path parameters from left to right, not checked
    base: str  # scheme://host for links
    headers: dict[bytes, bytes]
    form: Form
    query: Form
    receive: Receive | None = None  # the body, where it was left to the operation
    permit: Permit | None = None  # what a token's policies say about that body; None where they have no say

    @property
    def engine(self) -> Engine:
        return self.face.engine

    def workspace_url(self, sid: str) -> str:
        return f"{self.base}/v1/Workspaces/{sid}"

    def callback_url(self, name: str) -> str | UnsetType:
        """A form parameter that is a callback URL, empty when it is to be cleared. Raises ParameterError."""
        url = self.form.raw(name)
        return UNSET if url is None else check_callback(name, url, private=self.face.allow_private_callbacks)

    def if_match(self) -> int | None:
        """The revision the caller insists on; None when there is no condition.

        Accepted: `7`, `"7"`, `W/"7"` and `*`. Anything else matches nothing and is refused with 412.
        """
        raw = self.headers.get(b"if-match")
        if raw is None:
            return None
        text = raw.decode("latin-1").strip()
        if text == "*":
            return None
        found = _REVISION.fullmatch(text)
        if found is None:
            raise RequestError(
                412, 20412, 'If-Match must be a revision such as 7 or "7"; nothing was changed'
            )
        return int(found[1] or found[2])

    def idempotency_key(self) -> str | None:
        """The Idempotency-Key of a creation; None without one. Raises RequestError."""
        raw = self.headers.get(b"idempotency-key")
        return None if raw is None else checked_key("Idempotency-Key", raw.decode("latin-1"))


def checked_key(name: str, key: str) -> str:
    """An idempotency key of the form that is allowed. Raises ParameterError."""
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise ParameterError(name, f"must have 1 to {MAX_KEY} printable ASCII characters")
    return key


Operation = Callable[[Call], Awaitable[Answer]]
