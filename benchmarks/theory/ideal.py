"""A router that is right and takes no time, played in memory: what chance alone does to a figure.

First come, first served within a priority; of the idle Workers who can serve a Task, the one whose last Reservation is
oldest; who has no patience left is gone. A play costs some 10 us a Task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate
from math import inf, log
from random import Random
from typing import Final

from msgspec import Struct, field

from benchmarks.theory.systems import System

FILL_TIMES: Final = 2.0  # the rate while a system fills, in its own
FILL_HOLDS: Final = log(2)  # at twice the rate for so many mean holds as many come as belong there


class Span(Struct, frozen=True):
    """When a system is played and what of it counts, in seconds from its start, empty."""

    fill_s: float  # at FILL_TIMES the rate until then
    from_s: float  # Tasks created before do not count
    until_s: float  # no Task comes later

    @property
    def counted_s(self) -> float:
        return self.until_s - self.from_s


class Played(Struct):
    """What the Tasks of one play met, by kind. Times in seconds."""

    waits: list[list[float]]  # of those who left: until they did
    left: list[int]
    # All Tasks, not only those that count: when, and the hold by the mean of that Worker; None for those who left.
    came: list[tuple[float, float | None]] = field(default_factory=list)

    @property
    def tasks(self) -> int:
        return sum(map(len, self.waits))


def nothing(system: System) -> Played:
    return Played([[] for _ in system.kinds], [0 for _ in system.kinds])


def pooled(replications: Sequence[Played]) -> Played:
    """What all their Tasks met, as if they were one: the mean of shares of few Tasks each would be off on average."""
    kinds = range(len(replications[0].waits))
    return Played(
        [[wait for one in replications for wait in one.waits[kind]] for kind in kinds],
        [sum(one.left[kind] for one in replications) for kind in kinds],
    )


def play(system: System, span: Span, holds: Sequence[Sequence[float]], random: Random) -> Played:
    """One play. `holds[agent]` are those that agent's are drawn from, in seconds."""
    return _Play(system, span, holds, random).run()


Entry = tuple[
    int, int, float, float
]  # who is served first, the number of the Task, when it came, when it leaves


class _Play:
    def __init__(self, system: System, span: Span, holds: Sequence[Sequence[float]], random: Random) -> None:
        self._system, self._span, self._holds, self._random = system, span, holds, random
        self._means = {
            id(found): sum(found) / len(found) for found in holds
        }  # agents who are alike share one
        crews = list(dict.fromkeys(system.agents))
        self._crew_of = [crews.index(agent) for agent in system.agents]
        self._able = [
            [number for number, crew in enumerate(crews) if kind.skill in crew.skills]
            for kind in system.kinds
        ]
        self._kinds_of = [
            [number for number, able in enumerate(self._able) if crew in able] for crew in range(len(crews))
        ]
        self._idle: list[list[tuple[float, int]]] = [[] for _ in crews]  # last Reservation, Worker
        for worker, crew in enumerate(self._crew_of):
            heappush(self._idle[crew], (-inf, worker))
        self._last = [-inf for _ in system.agents]
        self._queues: list[list[Entry]] = [[] for _ in system.kinds]
        self._due: list[tuple[float, int]] = []  # when a Worker is done
        self._found = nothing(system)

    def run(self) -> Played:
        leaving = self._system.patience_rate / self._system.unit_s
        for number, (at_s, kind) in enumerate(self._arrivals()):
            while self._due and self._due[0][0] <= at_s:
                self._free()
            free = [(*self._idle[crew][0], crew) for crew in self._able[kind] if self._idle[crew]]
            if free:
                _, worker, crew = min(free)
                heappop(self._idle[crew])
                self._take(at_s, at_s, kind, worker)
            else:
                left_s = at_s + max(1, round(self._random.expovariate(leaving))) if leaving else inf
                heappush(self._queues[kind], (-self._system.kinds[kind].priority, number, at_s, left_s))
        while self._due:
            self._free()
        self._found.came.sort(key=lambda task: task[0])
        return self._found

    def _arrivals(self) -> Iterator[tuple[float, int]]:
        random, span, system = self._random, self._span, self._system
        rate, kinds, at_s = system.rate / system.unit_s, range(len(system.kinds)), 0.0
        shares = list(accumulate(kind.rate for kind in system.kinds))
        while True:
            gap_s = random.expovariate(rate)
            early_s = min(gap_s, max(0.0, span.fill_s - at_s) * FILL_TIMES)
            at_s += early_s / FILL_TIMES + gap_s - early_s
            if at_s >= span.until_s:
                return
            yield at_s, random.choices(kinds, cum_weights=shares)[0]

    def _free(self) -> None:
        """The next Worker is done, and takes the best Task that waits for one like it."""
        now_s, worker = heappop(self._due)
        crew = self._crew_of[worker]
        best: tuple[Entry, int] | None = None
        for kind in self._kinds_of[crew]:
            queue = self._queues[kind]
            while queue and queue[0][3] <= now_s:
                self._leave(heappop(queue), kind)
            if queue and (best is None or queue[0] < best[0]):
                best = queue[0], kind
        if best is None:
            heappush(self._idle[crew], (self._last[worker], worker))
            return
        (_, _, at_s, _), kind = best
        heappop(self._queues[kind])
        self._take(now_s, at_s, kind, worker)

    def _take(self, now_s: float, at_s: float, kind: int, worker: int) -> None:
        holds = self._holds[worker]
        hold_s = holds[int(self._random.random() * len(holds))]
        self._last[worker] = now_s
        heappush(self._due, (now_s + hold_s, worker))
        self._found.came.append((at_s, hold_s / self._means[id(holds)]))
        if at_s >= self._span.from_s:
            self._found.waits[kind].append(now_s - at_s)

    def _leave(self, entry: Entry, kind: int) -> None:
        _, _, at_s, left_s = entry
        self._found.came.append((at_s, None))
        if at_s >= self._span.from_s:
            self._found.waits[kind].append(left_s - at_s)
            self._found.left[kind] += 1
