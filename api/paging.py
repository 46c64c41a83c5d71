"""Lists: which page is asked for, and the `meta` around its rows.

Pages follow a cursor that the engine gives (`next_after`), so rows that come and go do not shift them. A
PageToken wraps the cursor of its page, preceded by those of up to four earlier pages: that is what
`previous_page_url` is made of. Further back than that it is null, as on the first page.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlencode
from zlib import crc32

import msgspec
from msgspec import Struct

from api.answer import Answer, Header, json
from api.call import Call
from api.errors import RequestError

DEFAULT_SIZE: Final = 50
MAX_SIZE: Final = 1_000
MAX_TOKEN: Final = 4_096  # characters
BACKWARD: Final = 4  # earlier pages a token can lead back to; each makes URLs about 50 characters longer

_encode: Final = msgspec.json.Encoder().encode
_cursors: Final = msgspec.json.Decoder(list[str]).decode


class Asked(Struct):
    """The page a request asks for."""

    size: int
    index: int  # counts for the client's own use
    cursors: list[str]  # of the latest earlier pages and of this one; "" is the first page

    @property
    def after(self) -> str | None:
        """What the engine's list continues from; None for the first page."""
        return self.cursors[-1] or None


class Revised(Protocol):
    """A record that counts its changes."""

    @property
    def sid(self) -> str: ...

    @property
    def revision(self) -> int: ...


def asked(call: Call) -> Asked:
    """The page that PageSize, Page and PageToken ask for.

    A size above 1,000 is cut to it. Raises RequestError (400) for one below 1, a page without its token, a
    bad token.
    """
    query = call.query
    size = _number(query.raw("PageSize"), "PageSize", DEFAULT_SIZE)
    if size < 1:
        raise RequestError(400, 20001, "Invalid PageSize.")
    index = _number(query.raw("Page"), "Page", 0)
    token = query.raw("PageToken")
    if not token:
        if index > 0:
            raise RequestError(400, 20001, "Invalid Page: follow next_page_url instead.")
        return Asked(min(size, MAX_SIZE), 0, [""])
    return Asked(min(size, MAX_SIZE), index, _opened(token))


def answer(
    call: Call, page: Asked, key: str, rows: Sequence[Any], next_after: str | None, *filters: str
) -> Answer:
    """One page of a list: the rows under `key`, and `meta` with URLs that repeat the filters in force."""
    return json(200, _body(call, page, key, rows, next_after, filters))


def tagged_answer(
    call: Call,
    page: Asked,
    key: str,
    rows: Sequence[Any],
    items: Sequence[Revised],
    next_after: str | None,
    *filters: str,
) -> Answer:
    """As `answer`, with an ETag: a list has no revision of its own, so it is a weak digest of its items'."""
    marks = ",".join(f"{item.sid}:{item.revision}" for item in items)
    tag: Header = (b"etag", b'W/"%d"' % crc32(marks.encode()))
    return json(200, _body(call, page, key, rows, next_after, filters), tag)


def _body(
    call: Call, page: Asked, key: str, rows: Sequence[Any], next_after: str | None, filters: Sequence[str]
) -> dict[str, Any]:
    shown = [pair for pair in call.query.pairs if pair[0] in filters]

    def url(index: int, cursors: list[str]) -> str:
        end: list[tuple[str, str | int]] = [*shown, ("PageSize", page.size), ("Page", index)]
        if cursors[-1]:
            end.append(("PageToken", _sealed(cursors)))
        return f"{call.base}{call.path}?{urlencode(end)}"

    earlier = page.cursors[:-1]
    meta = {
        "page": page.index,
        "page_size": page.size,
        "first_page_url": url(0, [""]),
        "previous_page_url": url(max(0, page.index - 1), earlier) if earlier else None,
        "url": url(page.index, page.cursors),
        "next_page_url": url(page.index + 1, [*page.cursors, next_after]) if next_after else None,
        "key": key,
    }
    return {"meta": meta, key: rows}


def _number(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RequestError(400, 20001, f"Invalid {name}.")
    return int(text)


def _sealed(cursors: list[str]) -> str:
    return urlsafe_b64encode(_encode(cursors[-BACKWARD - 1 :])).decode().rstrip("=")


def _opened(token: str) -> list[str]:
    try:
        if len(token) > MAX_TOKEN:
            raise ValueError("too long")
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        cursors = _cursors(raw)
        if not 1 <= len(cursors) <= BACKWARD + 1 or not cursors[-1]:
            raise ValueError("no cursor")
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise RequestError(400, 20001, "Invalid PageToken.") from None
    return cursors
