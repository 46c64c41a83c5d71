"""Cursors: where in a list a page begins or ends, as text that a caller hands back.

A place is a spot in the order of a list, not a record, so it is right after that record was deleted too. A page
forward begins behind its place. A page back, whose cursor has `<` in front, ends with its place, that included: so
the page before the one behind a place has the same place, and what follows a page back is what was there before.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

BACK: Final = "<"


class Cursor(Struct, frozen=True):
    """The `after` of a list, taken apart."""

    place: str | None  # None: from the beginning of the list
    back: bool = False


def cursor_of(after: str | None) -> Cursor:
    """What `after` asks for. Whether the place is one of the list is for the list to say."""
    if after is None:
        return Cursor(None)
    return Cursor(after[1:], True) if after.startswith(BACK) else Cursor(after)


def back_to(place: str) -> str:
    """The cursor of the page that ends with this place."""
    return BACK + place
