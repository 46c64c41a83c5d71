"""Pages of living records: walks an ordered index in chunks and keeps what a filter lets through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from engine.cursors import Cursor, back_to, cursor_of
from engine.live import CHUNK, MAX_SCAN
from engine.model import Page

T = TypeVar("T")
Place = str  # a spot in an index
Entry = tuple[Place, T | None]  # a record and its place; None when it was removed while the index was read


class Start(Struct, frozen=True):
    """From where an index is read, and which way."""

    place: Place | None  # None: from the end that the way begins at
    back: bool
    including: bool  # whether an entry at the place itself counts


Read = Callable[[Start, int], Awaitable[Sequence[Entry[T]]]]


async def page_by_scan(read: Read[T], keep: Callable[[T], bool], *, after: str | None, limit: int) -> Page[T]:
    """Up to `limit` records that `keep` lets through, at the cursor `after`.

    `read(start, count)` gives the next `count` entries of the index on the way, fewer only at its end. A page looks at
    no more than MAX_SCAN records; one that found too few of them by then is short, and continues where it stopped.
    """
    cursor = cursor_of(after)
    start = Start(cursor.place, cursor.back, including=cursor.back)
    found: list[tuple[Place, T]] = []
    seen, chunk = 0, min(CHUNK, limit + 1)
    while True:
        entries = await read(start, chunk)
        for place, record in entries:
            if record is None or not keep(record):
                continue
            if len(found) == limit:
                return _page(cursor, found, stopped=found[-1][0], beyond=place)
            found.append((place, record))
        seen += len(entries)
        if len(entries) < chunk:
            return _page(cursor, found, stopped=None, beyond=None)
        last = entries[-1][0]
        if seen >= MAX_SCAN:
            return _page(cursor, found, stopped=last, beyond=last)
        start, chunk = Start(last, cursor.back, including=False), CHUNK


def _page(
    cursor: Cursor, found: list[tuple[Place, T]], *, stopped: Place | None, beyond: Place | None
) -> Page[T]:
    """The page found on the way: `stopped` is the last place that counts for it, `beyond` the first that does not.

    Where the scan ran out of its share both are the last place looked at. A page back is cut before it, since the
    cursor of the page before that includes its place.
    """
    if not cursor.back:
        previous = None if cursor.place is None else back_to(cursor.place)
        return Page([record for _, record in found], stopped, previous)
    items = [record for place, record in reversed(found) if place != beyond]
    return Page(items, cursor.place, None if beyond is None else back_to(beyond))
