"""Lanes: who may go next, where many wait for few who answer slowly.

Everybody waits in the lane of a Workspace and is about some subjects. Of those about one subject one goes at a time,
in the order in which they came; of a lane so many, and so many in all. Whoever waits for a subject holds up nobody
else, and a lane that is slow holds up no other: where all places are taken, lanes take turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Hashable
from contextlib import asynccontextmanager

from msgspec import Struct, field


class Overflow(Exception):
    """The lane grew too long: this one, its oldest that had not begun, does not get a turn."""


class _Place:
    """One who waits or goes."""

    __slots__ = ("began", "subjects", "turn")

    def __init__(self, subjects: frozenset[Hashable]) -> None:
        self.subjects = subjects
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.began = False


class _Lane(Struct):
    waiting: dict[_Place, None] = field(default_factory=dict)  # in the order in which they came
    busy: set[Hashable] = field(default_factory=set)  # subjects of those that go
    going: int = 0
    served: int = 0  # number of the last turn it got


class Lanes:
    """`each` go at a time in one lane, `at_once` in all. Beyond `longest` that wait a lane loses its oldest."""

    def __init__(self, each: int, at_once: int, longest: int | None = None) -> None:
        self._each, self._at_once, self._longest = each, at_once, longest
        self._lanes: dict[Hashable, _Lane] = {}
        self._going = self._turns = 0

    @asynccontextmanager
    async def turn(self, key: Hashable, subjects: Collection[Hashable]) -> AsyncIterator[None]:
        """Wait for a turn in the lane `key`, and hold it. The place in line is taken before anything is awaited.

        Raises Overflow instead. O(those that wait in the lane) at worst, when they wait for one subject.
        """
        place = _Place(frozenset(subjects))
        self._lanes.setdefault(key, _Lane()).waiting[place] = None
        self._shorten(key)
        self._admit(key)
        try:
            await place.turn
            yield
        finally:
            self._leave(key, place)

    def shed(self, count: int) -> int:
        """Take so many of the oldest out of the longest lane. Returns how many waited there."""
        key = max(self._lanes, key=lambda key: len(self._lanes[key].waiting), default=None)
        return 0 if key is None else self._drop(key, count)

    def _shorten(self, key: Hashable) -> None:
        if self._longest is not None:
            self._drop(key, len(self._lanes[key].waiting) - self._longest)

    def _drop(self, key: Hashable, count: int) -> int:
        waiting = self._lanes[key].waiting
        oldest = list(waiting)[:count] if count > 0 else []
        for place in oldest:
            del waiting[place]
            if not place.turn.done():
                place.turn.set_exception(Overflow())
        return len(oldest)

    def _leave(self, key: Hashable, place: _Place) -> None:
        lane, full = self._lanes.get(key), self._going >= self._at_once
        if lane is None:
            return  # it was taken out of the lane, which has ended since
        lane.waiting.pop(place, None)
        if place.began:
            lane.going -= 1
            self._going -= 1
            lane.busy -= place.subjects
        # Below the limit no other lane waits for this place.
        for other in sorted(self._lanes, key=lambda key: self._lanes[key].served) if full else (key,):
            self._admit(other)
        if not lane.waiting and not lane.going:
            self._lanes.pop(key, None)

    def _admit(self, key: Hashable) -> None:
        lane = self._lanes[key]
        blocked, chosen = set(lane.busy), []
        for place in lane.waiting:
            if lane.going >= self._each or self._going >= self._at_once:
                break
            if blocked.isdisjoint(place.subjects):
                chosen.append(place)
                lane.going += 1
                self._going += 1
                lane.busy |= place.subjects
            blocked |= place.subjects
        for place in chosen:
            del lane.waiting[place]
            place.began = True
            if not place.turn.done():
                place.turn.set_result(None)
        if chosen:
            self._turns += 1
            lane.served = self._turns
