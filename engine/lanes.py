"""Lanes: who may go next, where many wait for few who answer slowly.

Everybody waits in the lane of a Workspace and is about some subjects. Of those about one subject one goes at a time,
in the order in which they came; of a lane so many, and so many in all. Whoever waits for a subject holds up nobody
else, and a lane that is slow holds up no other: where all places are taken, lanes take turns.

A lane may get too long. A burst is no reason to drop anything, if it is worked off: only a slow lane loses its oldest,
one in which those that came last would wait for over SLOW_S, going by how many left it lately.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Hashable
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct, field

WINDOW_S: Final = 5.0  # over which it is counted how many leave a lane; a younger lane is not called slow
SLOW_S: Final = 15.0  # the time that an event callback has to answer


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
    window_s: float  # when the window began
    waiting: dict[_Place, None] = field(default_factory=dict)  # in the order in which they came
    busy: set[Hashable] = field(default_factory=set)  # subjects of those that go
    going: int = 0
    served: int = 0  # number of the last turn it got
    left: int = 0  # how many were done in this window
    left_before: int | None = None  # and in the one before; None in the first

    def count(self, now_s: float) -> None:
        """Begin the next window when it is time."""
        if now_s - self.window_s >= WINDOW_S:
            long_ago = now_s - self.window_s >= 2 * WINDOW_S
            self.left_before, self.left, self.window_s = 0 if long_ago else self.left, 0, now_s

    @property
    def is_slow(self) -> bool:
        """Whether who comes last waits for over SLOW_S."""
        if self.left_before is None:
            return False
        return len(self.waiting) > self.left_before * SLOW_S / WINDOW_S


class Lanes:
    """`each` go at a time in one lane, `at_once` in all.

    Beyond `longest` that wait a slow lane loses its oldest; None for never. `clock` is in seconds.
    """

    def __init__(
        self,
        each: int,
        at_once: int,
        longest: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._each, self._at_once, self._longest, self._clock = each, at_once, longest, clock
        self._lanes: dict[Hashable, _Lane] = {}
        self._going = self._turns = 0

    @asynccontextmanager
    async def turn(self, key: Hashable, subjects: Collection[Hashable]) -> AsyncIterator[None]:
        """Wait for a turn in the lane `key`, and hold it. The place in line is taken before anything is awaited.

        Raises Overflow instead. O(those that wait in the lane) at worst, when they wait for one subject.
        """
        place = _Place(frozenset(subjects))
        if key not in self._lanes:
            self._lanes[key] = _Lane(self._clock())
        self._lanes[key].waiting[place] = None
        self._shorten(key)
        self._admit(key)
        try:
            await place.turn
            yield
        finally:
            self._leave(key, place)

    def shed(self, count: int) -> int:
        """Take so many of the oldest out of the longest slow lane. Returns how many it had; 0 where none is slow."""
        if self._longest is None:
            return 0
        now_s, slow = self._clock(), list[Hashable]()
        for key, lane in self._lanes.items():
            lane.count(now_s)
            if lane.is_slow:
                slow.append(key)
        key = max(slow, key=lambda key: len(self._lanes[key].waiting), default=None)
        return 0 if key is None else self._drop(key, count)

    def _shorten(self, key: Hashable) -> None:
        lane = self._lanes[key]
        if self._longest is not None and len(lane.waiting) > self._longest:
            lane.count(self._clock())
            if lane.is_slow:
                self._drop(key, len(lane.waiting) - self._longest)

    def _drop(self, key: Hashable, count: int) -> int:
        waiting = self._lanes[key].waiting
        oldest = list(waiting)[:count]
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
            lane.count(self._clock())
            lane.left += 1
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
