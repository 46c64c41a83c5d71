"""Routers in memory: one that does what TaskRouter promises, and others that differ in one thing.

The right one shows that a history of the engine is right to the last offer. The wrong ones show that the judge sees it.
"""

from __future__ import annotations

from enum import Enum
from heapq import heapify, heappop, heappush

from benchmarks.theory.systems import MS, System
from tests.theory.load import Arrival
from tests.theory.play import Offer


class Way(Enum):
    """How a router decides."""

    RIGHT = "the highest priority, then the oldest Task; the Worker whose last Reservation is oldest"
    NEWEST_TASK = "a freed Worker takes the newest Task"
    DEAF = "a freed Worker is overlooked until something else happens"
    NO_PRIORITY = "priorities are ignored"
    NO_PATIENCE = "nobody leaves when patience is over"
    FIRST_QUEUE = "a freed Worker empties one queue before it looks at another"
    LATEST_WORKER = "the Worker with the latest Reservation comes first"
    LONGEST_IDLE = "the Worker who has been idle longest comes first"


class Plain:
    """A router of one play."""

    def __init__(self, system: System, way: Way = Way.RIGHT) -> None:
        self._system, self._way = system, way
        self._skills = sorted({kind.skill for kind in system.kinds})
        self._queues: dict[str, list[tuple[int, int]]] = {skill: [] for skill in self._skills}
        self._idle = set(range(len(system.agents)))
        self._ranks = [0 for _ in system.agents]  # least first
        self._serving: dict[int, int] = {}
        self._patience: list[tuple[int, int, str, tuple[int, int]]] = []
        self._overlooked: list[int] = []

    async def arrive(self, now_ms: int, task: int, arrival: Arrival) -> list[Offer]:
        offers = self._look_again(now_ms)
        kind = self._system.kinds[arrival.kind]
        worker = min(
            (number for number in self._idle if kind.skill in self._system.agents[number].skills),
            key=lambda number: (self._ranks[number], number),
            default=None,
        )
        if worker is not None:
            return [*offers, self._offer(now_ms, task, worker)]
        entry = self._entry(task, kind.priority)
        heappush(self._queues[kind.skill], entry)
        if arrival.patience_s is not None and self._way is not Way.NO_PATIENCE:
            heappush(self._patience, (now_ms + arrival.patience_s * MS, task, kind.skill, entry))
        return offers

    async def finish(self, now_ms: int, task: int) -> list[Offer]:
        offers = self._look_again(now_ms)
        worker = self._serving.pop(task)
        self._idle.add(worker)
        if self._way is Way.LONGEST_IDLE:
            self._ranks[worker] = now_ms
        if self._way is Way.DEAF:
            self._overlooked.append(worker)
            return offers
        return self._serve(now_ms, worker)

    async def expire(self, now_ms: int) -> list[int]:
        left = []
        while self._patience and self._patience[0][0] <= now_ms:
            _, task, skill, entry = heappop(self._patience)
            queue = self._queues[skill]
            if entry in queue:
                queue.remove(entry)
                heapify(queue)
                left.append(task)
        return left

    def _entry(self, task: int, priority: int) -> tuple[int, int]:
        if self._way is Way.NO_PRIORITY:
            priority = 0
        return (-priority, -task if self._way is Way.NEWEST_TASK else task)

    def _look_again(self, now_ms: int) -> list[Offer]:
        workers, self._overlooked = self._overlooked, []
        return [offer for worker in workers for offer in self._serve(now_ms, worker)]

    def _serve(self, now_ms: int, worker: int) -> list[Offer]:
        """The best Task that waits for an idle Worker."""
        skills = self._system.agents[worker].skills
        queues = [self._queues[skill] for skill in self._skills if skill in skills and self._queues[skill]]
        if not queues:
            return []
        _, key = heappop(queues[0] if self._way is Way.FIRST_QUEUE else min(queues))
        return [self._offer(now_ms, abs(key), worker)]

    def _offer(self, now_ms: int, task: int, worker: int) -> Offer:
        self._idle.remove(worker)
        self._serving[task] = worker
        if self._way is not Way.LONGEST_IDLE:
            self._ranks[worker] = -now_ms if self._way is Way.LATEST_WORKER else now_ms
        return Offer(task, worker)
