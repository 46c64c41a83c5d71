"""What a person or a program reads about this API: /openapi.json, and /docs, a page that shows it.

The page is a file of HTML, one of CSS and one of JavaScript, all served from here: it works without the internet. None
of it needs credentials, and none of it says anything that is not in the public source.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Request, Response, route
from litestar.response.base import ASGIResponse

from api.answer import CORS, Header
from api.openapi import document

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.handlers import HTTPRouteHandler

_STATIC: Final = Path(__file__).parent / "static"
_FILES: Final = {
    "/docs": ("docs.html", "text/html; charset=utf-8"),
    "/docs/docs.css": ("docs.css", "text/css; charset=utf-8"),
    "/docs/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
}
# The page runs its own script and nothing else, and is shown in no other page.
_GUARDED: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
        b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Page(Response[bytes]):
    """A file with its ETag; 304 for whoever has it already."""

    def __init__(self, body: bytes, headers: tuple[Header, ...], status: int = 200) -> None:
        super().__init__(content=body, status_code=status)
        self._body, self._headers = body, headers

    def to_asgi_response(
        self, app: Litestar | None, request: Request[Any, Any, Any], **_: Any
    ) -> ASGIResponse:
        tag = dict(self._headers).get(b"etag", b"").decode()
        asked = [
            one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")
        ]
        known = bool(tag) and (tag in asked or "*" in asked)
        head = request.method == "HEAD" or known
        named = [(name.decode(), value.decode()) for name, value in self._headers]
        if not known:
            named.append(("content-length", str(len(self._body))))
        return ASGIResponse(
            body=b"" if head else self._body,
            status_code=304 if known else self.status_code,
            headers=named,
            is_head_response=head,
        )


def pages(served: Collection[str]) -> list[HTTPRouteHandler]:
    """The routes of the page and of the description of the operations named in `served`."""
    description = msgspec.json.encode(document(served))
    files = {path: ((_STATIC / name).read_bytes(), kind) for path, (name, kind) in _FILES.items()}
    files["/openapi.json"] = (description, "application/json")
    return [_file(path, *file) for path, file in files.items()] + [_to_docs()]


def _file(path: str, body: bytes, kind: str) -> HTTPRouteHandler:
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers: tuple[Header, ...] = (
        *CORS,
        *_GUARDED,
        (b"content-type", kind.encode()),
        (b"etag", tag.encode()),
        (b"cache-control", b"no-cache"),  # kept, but asked for again each time: a new version shows at once
    )

    async def serve() -> Page:
        return Page(body, headers)

    return route(path, http_method=["GET", "HEAD"], operation_id=path, status_code=200)(serve)


def _to_docs() -> HTTPRouteHandler:
    """The root has nothing of its own; whoever opens it in a browser wants to know what this is."""

    async def serve() -> Page:
        return Page(b"", (*CORS, (b"location", b"/docs")), 307)

    return route("/", http_method=["GET", "HEAD"], operation_id="Root", status_code=200)(serve)
