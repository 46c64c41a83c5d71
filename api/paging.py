"""Lists: which page is asked for, and the `meta` around its rows.

Pages follow cursors that the engine gives (engine/cursors.py), so rows that come and go do not shift them. A
PageToken is such a cursor under a seal: nobody can make one, and it opens only under the Account, path and filters it
was made for. All API processes of a deployment share the key.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode
from zlib import crc32

import msgspec
from msgspec import Struct

from api.answer import Answer, Header, json
from api.call import Call
from api.errors import RequestError
from api.forms import Form
from engine.model import Page

DEFAULT_SIZE: Final = 50
MAX_SIZE: Final = 1_000
MAX_TOKEN: Final = 512  # characters; the longest cursor makes 115
SEAL: Final = 16  # bytes of the HMAC in front of the cursor

_encode: Final = msgspec.json.Encoder().encode

Pairs = list[tuple[str, str]]


class Asked(Struct):
    """The page a request asks for."""

    size: int
    index: int  # counts for the client's own use
    after: str | None  # what the engine's list continues from; None for the first page
    token: str  # the same as it was sent
    query: Form  # the filters in force: one sent empty narrows nothing, and is not here


class Revised(Protocol):
    """A record that counts its changes."""

    @property
    def sid(self) -> str: ...

    @property
    def revision(self) -> int: ...


R = TypeVar("R", bound=Revised)


def asked(call: Call, *filters: str) -> Asked:
    """The page that PageSize, Page and PageToken ask for, of a list that takes these filters.

    A size above 1,000 is cut to it. Raises RequestError (400) for one below 1, a page without its token, a
    token that is not ours or not for this list.
    """
    query = call.query
    size = _number(query.raw("PageSize"), "PageSize", DEFAULT_SIZE)
    if size < 1:
        raise RequestError(400, 20001, "Invalid PageSize.")
    index = _number(query.raw("Page"), "Page", 0)
    token = query.raw("PageToken") or ""
    if index > 0 and not token:
        raise RequestError(400, 20001, "Invalid Page: follow next_page_url instead.")
    narrowing = Form([pair for pair in query.pairs if pair[0] in filters and pair[1]], query.place)
    after = _opened(call, narrowing.pairs, token) if token else None
    return Asked(min(size, MAX_SIZE), index, after, token, narrowing)


def answer(call: Call, page: Asked, key: str, rows: Sequence[Any], found: Page[Any]) -> Answer:
    """One page of a list: the rows under `key`, and `meta` with URLs that repeat the filters in force."""
    return json(200, _body(call, page, key, rows, found))


def tagged_answer(call: Call, page: Asked, key: str, rows: Sequence[Any], found: Page[R]) -> Answer:
    """As `answer`, with an ETag: a list has no revision of its own, so it is a weak digest of its items'."""
    marks = ",".join(f"{item.sid}:{item.revision}" for item in found.items)
    tag: Header = (b"etag", b'W/"%d"' % crc32(marks.encode()))
    return json(200, _body(call, page, key, rows, found), tag)


def _body(call: Call, page: Asked, key: str, rows: Sequence[Any], found: Page[Any]) -> dict[str, Any]:
    shown = page.query.pairs

    def url(index: int, token: str = "") -> str:
        end: list[tuple[str, str | int]] = [*shown, ("PageSize", page.size), ("Page", index)]
        if token:
            end.append(("PageToken", token))
        return f"{call.base}{call.path}?{urlencode(end)}"

    def turned(index: int, cursor: str | None) -> str | None:
        return None if cursor is None else url(index, _sealed(call, shown, cursor))

    meta = {
        "page": page.index,
        "page_size": page.size,
        "first_page_url": url(0),
        "previous_page_url": turned(max(0, page.index - 1), found.previous_after),
        "url": url(page.index, page.token),
        "next_page_url": turned(page.index + 1, found.next_after),
        "key": key,
    }
    return {"meta": meta, key: rows}


def _number(text: str | None, name: str, default: int) -> int:
    """A count in digits; one of more than nine is read as 999,999,999, which is beyond every limit."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise RequestError(400, 20001, f"Invalid {name}.")
    return int(text) if len(text) < 10 else 999_999_999


def _sealed(call: Call, filters: Pairs, cursor: str) -> str:
    return _text(_seal(call, filters, cursor) + cursor.encode())


def _opened(call: Call, filters: Pairs, token: str) -> str:
    """The cursor in a token. Raises RequestError (400), in the same words whatever is wrong with it."""
    try:
        if len(token) > MAX_TOKEN:
            raise ValueError("too long")
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        seal, cursor = raw[:SEAL], raw[SEAL:].decode()
        if _text(raw) != token or not hmac.compare_digest(seal, _seal(call, filters, cursor)):
            raise ValueError("not ours")
    except (ValueError, binascii.Error):
        raise RequestError(400, 20001, "Invalid PageToken.") from None
    return cursor


def _seal(call: Call, filters: Pairs, cursor: str) -> bytes:
    """HMAC-SHA256, cut to 128 bits, of the cursor and of everything that it is good for. About 4 µs."""
    bound = _encode((call.account, call.path, sorted(filters), cursor))
    return hmac.digest(call.face.secret, bound, "sha256")[:SEAL]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
