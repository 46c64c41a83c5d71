"""Pages of the configuration lists.

A page goes on behind a place (an instant and a SID), not behind a record, so it is right after that record
was deleted too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

from engine.errors import Invalid
from engine.model import Page


class Dated(Protocol):
    """What every configuration record has."""

    @property
    def sid(self) -> str: ...
    @property
    def created_ms(self) -> int: ...
    @property
    def updated_ms(self) -> int: ...


R = TypeVar("R", bound=Dated)
Place = tuple[int, str]

LONGEST: Final = 64  # characters of a place: 34 of a SID, 13 of an instant


def place_of(after: str) -> Place:
    """The place that the `next_after` of a page names. Raises Invalid("after")."""
    instant, _, sid = after.partition(".")
    if not (instant.isascii() and instant.isdigit() and sid.isalnum() and len(after) <= LONGEST):
        raise Invalid("after", "is not a continuation that a page has given")
    return int(instant), sid


def after_of(place: Place) -> str:
    """The `next_after` that goes on behind a place."""
    return f"{place[0]}.{place[1]}"


def created(record: Dated) -> Place:
    """Where a record stands in order of creation."""
    return record.created_ms, record.sid


def updated(record: Dated) -> Place:
    """Where a record stands in order of its last change."""
    return record.updated_ms, record.sid


def page_of(records: Iterable[R], *, after: str | None, limit: int) -> Page[R]:
    """The next `limit` of records that come in order of creation. O(records)."""
    behind = None if after is None else place_of(after)
    items: list[R] = []
    for record in records:
        if behind is not None and created(record) <= behind:
            continue
        if len(items) == limit:
            return Page(items=items, next_after=after_of(created(items[-1])))
        items.append(record)
    return Page(items=items, next_after=None)


def sorted_page_of(
    records: Iterable[R],
    place: Callable[[R], Place],
    *,
    descending: bool,
    after: str | None,
    limit: int,
) -> Page[R]:
    """The next `limit` of records in the order of `place`. O(n log n)."""
    behind = None if after is None else place_of(after)
    found = [
        record
        for record in records
        if behind is None or (place(record) < behind if descending else place(record) > behind)
    ]
    found.sort(key=place, reverse=descending)
    items = found[:limit]
    more = len(found) > limit
    return Page(items=items, next_after=after_of(place(items[-1])) if more else None)
