"""Which SIDs of a path are replaced by another account's, and which by none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from tests.clients.tenants.premises import PREFIXES

if TYPE_CHECKING:
    from tests.clients.tenants.lab import Lab

_PLACE: Final = re.compile(r"([^/]+)/\{\w+\}")


class Cut(Struct, frozen=True):
    """The placeholders of a path, counted from the left, that do not get the caller's own SID."""

    places: tuple[int, ...]


def placeholders(path: str) -> list[str]:
    """The prefixes of a path's SIDs, from left to right. KeyError for a segment that PREFIXES lacks."""
    return [PREFIXES[segment] for segment in _PLACE.findall(path)]


def cuts(path: str) -> list[Cut]:
    """All SIDs of a path at once, and each by itself."""
    count = len(placeholders(path))
    single = [Cut((place,)) for place in range(count)]
    return single if count == 1 else [Cut(tuple(range(count))), *single]


def filled(path: str, lab: Lab, cut: Cut, other: dict[str, str] | None) -> str:
    """The path with the caller's SIDs, except for the cut: those of `other`, or such as nothing has."""
    prefixes = placeholders(path)
    for place, prefix in enumerate(prefixes):
        sid = lab.mine.by_prefix[prefix]
        if place in cut.places:
            sid = other[prefix] if other is not None else absent_like(lab.theirs.by_prefix[prefix])
        path = re.sub(r"\{\w+\}", sid, path, count=1)
    return path


def words_of(path: str, lab: Lab, cut: Cut) -> dict[str, str]:
    """The SIDs of the other account that `filled` puts into the path, and those that nothing has."""
    foreign = [lab.theirs.by_prefix[placeholders(path)[place]] for place in cut.places]
    return {sid: absent_like(sid) for sid in foreign}


def absent_like(word: str) -> str:
    """Something of the same form that does not exist: a SID, or a name."""
    if len(word) == 34:
        return word[:2] + "".join(f"{15 - int(digit, 16):x}" for digit in word[2:])
    return word[::-1]
