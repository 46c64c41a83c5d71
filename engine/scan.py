"""Pages of living records: walks an ordered index in chunks and keeps what a filter lets through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from engine.live import CHUNK, MAX_SCAN
from engine.model import Page

T = TypeVar("T")
Place = str  # where an index goes on: behind this entry
Entry = tuple[Place, T | None]  # a record and its place; None when it was removed while the index was read


async def page_by_scan(
    read: Callable[[Place | None, int], Awaitable[Sequence[Entry[T]]]],
    keep: Callable[[T], bool],
    *,
    after: Place | None,
    limit: int,
) -> Page[T]:
    """Up to `limit` records that `keep` lets through, behind `after`.

    `read(after, count)` gives the next `count` entries of the index, fewer only at its end. A page looks at no more
    than MAX_SCAN records; one that found too few of them by then is short, and continues where it stopped.
    """
    found: list[T] = []
    place, last_kept, seen = after, after, 0
    chunk = min(CHUNK, limit + 1)
    while seen < MAX_SCAN:
        entries = await read(place, chunk)
        for place, record in entries:
            if record is None or not keep(record):
                continue
            if len(found) == limit:
                return Page(items=found, next_after=last_kept)
            found.append(record)
            last_kept = place
        seen += len(entries)
        if len(entries) < chunk:
            return Page(items=found, next_after=None)
        chunk = CHUNK
    return Page(items=found, next_after=last_kept if len(found) == limit else place)
