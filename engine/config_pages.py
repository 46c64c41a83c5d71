"""Pages of lists that are in memory: configuration, Reservations, the channels of a Worker.

They are in the order of an instant and a SID, and a page goes on behind such a place.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

from engine.cursors import back_to, cursor_of
from engine.errors import Invalid
from engine.model import Page


class Dated(Protocol):
    """What every record in these lists has."""

    @property
    def sid(self) -> str: ...
    @property
    def created_ms(self) -> int: ...
    @property
    def updated_ms(self) -> int: ...


R = TypeVar("R")
D = TypeVar("D", bound=Dated)
Place = tuple[int, str]

LONGEST: Final = 64  # characters of a place: 34 of a SID, 13 of an instant


def place_of(after: str) -> Place:
    """The place in a cursor. Raises Invalid("after")."""
    instant, _, sid = after.partition(".")
    if not (instant.isascii() and instant.isdigit() and sid.isalnum() and len(after) <= LONGEST):
        raise Invalid("after", "is not a continuation that a page has given")
    return int(instant), sid


def after_of(place: Place) -> str:
    """The cursor that goes on behind a place."""
    return f"{place[0]}.{place[1]}"


def created(record: Dated) -> Place:
    """Where a record stands in order of creation."""
    return record.created_ms, record.sid


def updated(record: Dated) -> Place:
    """Where a record stands in order of its last change."""
    return record.updated_ms, record.sid


def page_of(records: Iterable[D], *, after: str | None, limit: int) -> Page[D]:
    """A page of records that come in order of creation. O(records)."""
    return _cut_out(list(records), created, False, after, limit)


def sorted_page_of(
    records: Iterable[R],
    place: Callable[[R], Place],
    *,
    descending: bool,
    after: str | None,
    limit: int,
) -> Page[R]:
    """A page of records in the order of `place`. O(n log n)."""
    return _cut_out(sorted(records, key=place, reverse=descending), place, descending, after, limit)


def _cut_out(
    rows: list[R], place: Callable[[R], Place], descending: bool, after: str | None, limit: int
) -> Page[R]:
    """The page of `rows`, which are in the order of the list, that `after` asks for."""
    cursor = cursor_of(after)
    cut = 0 if cursor.place is None else _passed(rows, place, descending, place_of(cursor.place))
    if cursor.back:
        begin = max(0, cut - limit)
        following = cursor.place if cut < len(rows) else None
        return Page(rows[begin:cut], following, back_to(after_of(place(rows[begin - 1]))) if begin else None)
    end = min(cut + limit, len(rows))
    return Page(
        items=rows[cut:end],
        next_after=after_of(place(rows[end - 1])) if end < len(rows) else None,
        previous_after=back_to(cursor.place) if cursor.place is not None and cut else None,
    )


def _passed(rows: list[R], place: Callable[[R], Place], descending: bool, mark: Place) -> int:
    """How many rows stand up to the mark."""
    if descending:
        return len(rows) - bisect_left(rows[::-1], mark, key=place)
    return bisect_right(rows, mark, key=place)
