"""Builds the ASGI app: Litestar with a route for every operation, and the door in front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from litestar import Litestar, Request, Response, get, route
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from api import errors
from api.answer import Answer, headers_of, json, send_answer
from api.auth import Gate, verify_with
from api.call import Face, head_of
from api.docs_page import pages
from api.door import Door
from api.limits import Limits, limited
from api.operate import operate
from api.proxies import Proxies
from api.routes import WORKSPACE, Route
from api.tokens import Tokens
from api.v1 import ROUTES

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Method, Receive, Scope, Send

    from engine.router import Engine

_FETCHED: Final = {route.path for route in ROUTES if route.method == "GET" and route.path.endswith("/{Sid}")}
_ORDER: Final = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")


NO_LIMITS: Final = Limits()


class Reply(Response[bytes]):
    """An Answer as Litestar wants it, sent with exactly the headers that the door would send."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(content=answer.body, status_code=answer.status)
        self.answer = answer

    def to_asgi_response(
        self, app: Litestar | None, request: Request[Any, Any, Any], **_: Any
    ) -> ASGIResponse:
        if self.answer.stream is not None:
            return _Streamed(self.answer)
        head = request.method == "HEAD"
        named = headers_of(self.answer)
        return ASGIResponse(
            body=b"" if head else self.answer.body,
            status_code=self.answer.status,
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in named],
            is_head_response=head,
        )


class _Streamed(ASGIResponse):
    """An Answer that sends its body itself."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(status_code=answer.status)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_answer(self._answer, send)


def build(
    engine: Engine,
    *,
    ready: Callable[[], list[str]],
    public_url: str | None = None,
    allow_private_callbacks: bool = False,
    secret: str = "",
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
    limits: Limits = NO_LIMITS,
    door: bool = True,
    clock: Callable[[], float] = monotonic,
) -> ASGIApp:
    """The whole HTTP face as one ASGI app.

    `ready` lists what keeps this process from serving, in sentences; /readyz answers 503 with them until it
    is empty. `public_url` is scheme and authority of all links, without a slash at the end; None takes those
    of each request, as a proxy in `trusted_proxies` forwards them. `secret` seals page tokens and is the same
    in all processes of a deployment; "" makes one up, so that this app alone knows its tokens. `limits` says
    how many requests an Account may make. `door` False leaves the hot paths to Litestar too. `clock` (seconds)
    ages remembered credentials.
    """
    root = None if public_url is None else public_url.rstrip("/")
    tokens = Tokens(engine.accounts.get, engine.api_keys.get, clock)
    gate = Gate(verify_with(engine.accounts, engine.api_keys), tokens.admit, clock)
    proxies = Proxies(trusted_proxies) if trusted_proxies else None
    key = (secret or token_hex()).encode()
    face = Face(engine, gate, root, allow_private_callbacks, key, proxies)
    routes = limited(ROUTES, limits)
    litestar = Litestar(
        # Preflights first: for a path without one Litestar adds its own, which knows nothing of CORS.
        route_handlers=[
            *_preflights(),
            *_health(ready),
            *pages([line.name for line in routes]),
            *(_handler(face, line) for line in routes),
        ],
        exception_handlers={HTTPException: _refusal, Exception: _failure},
        openapi_config=None,
        logging_config=None,
    )
    return Door(face, routes, litestar) if door else litestar


def _handler(face: Face, line: Route) -> HTTPRouteHandler:
    async def serve(request: Request[Any, Any, Any]) -> Reply:
        params, head = tuple(request.path_params.values()), head_of(request.scope)
        return Reply(await operate(face, line, params, head, request.receive))

    return _route(line.path, _methods(line), line.name)(serve)


def _route(path: str, methods: list[Method], name: str) -> HTTPRouteHandler:
    """A route whose handler returns a Reply. That has the status; 200 here only allows it a body."""
    return route(path.replace("}", ":str}"), http_method=methods, operation_id=name, status_code=200)


def _methods(line: Route) -> list[Method]:
    return ["GET", "HEAD"] if line.method == "GET" else [line.method]


def _preflights() -> list[HTTPRouteHandler]:
    """One OPTIONS handler a path. It needs no credentials: a browser asks before it sends any."""
    methods: dict[str, set[str]] = {}
    for line in ROUTES:
        methods.setdefault(line.path, {"OPTIONS"}).update(_methods(line))
    return [_preflight(path, allowed) for path, allowed in methods.items()]


def _preflight(path: str, allowed: set[str]) -> HTTPRouteHandler:
    told = Answer(204, b"", ((b"allow", _in_order(allowed).encode()),))

    async def options() -> Reply:
        return Reply(told)

    return _route(path, ["OPTIONS"], f"Options{path}")(options)


def _health(ready: Callable[[], list[str]]) -> list[HTTPRouteHandler]:
    @get("/healthz")
    async def healthz() -> Reply:
        return Reply(json(200, {"status": "alive"}))

    @get("/readyz")
    async def readyz() -> Reply:
        reasons = ready()
        return Reply(json(503 if reasons else 200, {"ready": not reasons, "reasons": reasons}))

    return [healthz, readyz]


def _in_order(methods: set[str]) -> str:
    return ", ".join(method for method in _ORDER if method in methods)


def _refusal(request: Request[Any, Any, Any], raised: HTTPException) -> Reply:
    """Litestar's own refusals, in our words: no such path, wrong method, a request it cannot take."""
    if isinstance(raised, MethodNotAllowedException):
        if _is_beside(request.method, request.scope["path"]):
            return Reply(errors.not_found(request.scope["path"]))
        allowed = set((raised.headers or {}).get("allow", "").split(", "))
        allow = (b"allow", _in_order(allowed).encode())
        return Reply(errors.error(405, 20004, f"Method {request.method} is not allowed here", allow))
    if raised.status_code < 500 and raised.status_code != 404:
        return Reply(errors.error(raised.status_code, 20001, raised.detail))
    if raised.status_code == 404:
        return Reply(errors.not_found(request.scope["path"]))
    return _failure(request, raised)


def _is_beside(method: str, path: str) -> bool:
    """Whether something is read that is only posted to, with a word where others have a SID: as a SID it is unknown."""
    match path.split("/"):
        case ["", "v1", "Workspaces", _, kind, _]:
            return method in ("GET", "HEAD") and f"{WORKSPACE}/{kind}/{{Sid}}" in _FETCHED
    return False


def _failure(request: Request[Any, Any, Any], raised: Exception) -> Reply:
    return Reply(errors.answer(raised, request.scope["path"]))
