"""Answer: what an operation returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from engine.model import Found

if TYPE_CHECKING:
    from litestar.types import Send

Header = tuple[bytes, bytes]
Stream = Callable[["Send"], Awaitable[None]]

_encode: Final = msgspec.json.Encoder().encode


# Sent with every response, errors and 204 included, so that a page in a browser can read all of them.
# Credentials travel in an Authorization header that the page sets itself, never in cookies: hence `false`.
CORS: Final[tuple[Header, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, If-Match, Idempotency-Key"),
    (b"access-control-allow-credentials", b"false"),
    (
        b"access-control-expose-headers",
        b"ETag, Idempotency-Replayed, Retry-After, X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Config",
    ),
)


def rated(limit: bytes, remaining: bytes, config: bytes) -> tuple[Header, ...]:
    """The three headers about a rate limit."""
    return (
        (b"x-rate-limit-limit", limit),
        (b"x-rate-limit-remaining", remaining),
        (b"x-rate-limit-config", config),
    )


# Where no limit is set the three headers say so in words rather than with an invented number.
UNLIMITED: Final = rated(b"unlimited", b"unlimited", b"none")


class Answer(Struct):
    """A response: status, body, and the headers that only this one has (lower-case names).

    With a `stream`, that sends the body, of whatever length and type its headers say.
    """

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()
    rate: tuple[Header, ...] = UNLIMITED  # the three headers about a rate limit
    stream: Stream | None = None


def json(status: int, body: dict[str, Any], *headers: Header) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, _encode(body), headers)


def tagged(status: int, body: dict[str, Any], revision: int, *headers: Header) -> Answer:
    """An answer with a JSON body and the revision of the resource as its ETag."""
    return Answer(status, _encode(body), (etag(revision), *headers))


def replayed(found: Found[Any]) -> tuple[Header, ...]:
    """The header that tells a repeated creation from the first one."""
    return ((b"idempotency-replayed", b"true"),) if found.replayed else ()


def etag(revision: int) -> Header:
    return b"etag", b'"%d"' % revision


NO_CONTENT: Final = Answer(204)


JSON: Final[Header] = (b"content-type", b"application/json")


def headers_of(answer: Answer) -> list[Header]:
    """All headers of a response, in the form that ASGI wants."""
    if answer.status == 204 or answer.stream is not None:
        return [*CORS, *answer.rate, *answer.headers]
    length = b"%d" % len(answer.body)
    return [*CORS, *answer.rate, JSON, *answer.headers, (b"content-length", length)]


async def send_answer(answer: Answer, send: Send) -> None:
    """Send a response by ASGI."""
    await send({"type": "http.response.start", "status": answer.status, "headers": headers_of(answer)})
    if answer.stream is None:
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})
    else:
        await answer.stream(send)
