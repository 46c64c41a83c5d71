"""What happened in a play, counted."""

from __future__ import annotations

from benchmarks.theory.systems import System


class Tally:
    """The Tasks from number `first` on, `count` of them. Times are in units of the system unless they end in _ms."""

    def __init__(self, system: System, first: int, count: int) -> None:
        self._first, self._end, self._unit_ms = first, first + count, system.unit_ms
        self._rate, self._work = system.rate, 0.0
        self._area_ms, self._begun_ms, self._last_ms = 0, 0, 0
        self.open = count  # neither begun nor abandoned
        self.starts: list[tuple[int, int, int]] = []  # (Task, Worker, ms), of all Tasks
        self.waits: list[list[float]] = [[] for _ in system.kinds]  # of those served and those who left
        self.waited = [0 for _ in system.kinds]  # not served at once
        self.abandoned = [0 for _ in system.kinds]

    @property
    def mean_queue(self) -> float:
        """The mean number of waiting Tasks between the first arrival and the last; counted apart from the waits."""
        return self._area_ms / (self._last_ms - self._begun_ms)

    @property
    def excess_load(self) -> float:
        """How much more work came than should have, as a share of the load, to the first order. 0 on average."""
        span = (self._last_ms - self._begun_ms) / self._unit_ms
        count = self._end - self._first
        return self._work / count - span * self._rate / (count - 1)

    def arrives(self, task: int, work: float) -> None:
        """A Task comes, with so much work (1 on average)."""
        if self._first <= task < self._end:
            self._work += work

    def ends(self, task: int, kind: int, wait_ms: int, *, waited: bool, abandoned: bool = False) -> None:
        """Somebody's waiting is over."""
        if self._first <= task < self._end:
            self.waits[kind].append(wait_ms / self._unit_ms)
            self.waited[kind] += waited
            self.abandoned[kind] += abandoned
            self.open -= 1

    def passes(self, now_ms: int, queue: int, arrived: int) -> None:
        """Time has come to `now_ms`; until now `queue` Tasks waited, and `arrived` have come since the beginning."""
        if arrived <= self._first:
            self._begun_ms = self._last_ms = now_ms
        elif arrived < self._end:
            self._area_ms += queue * (now_ms - self._last_ms)
            self._last_ms = now_ms
