"""Plays a load against a router, event by event, in virtual time.

Workers accept at once and work as long as the load says; whoever loses patience leaves. The play holds every offer
against what it knows itself: the Task waits, the Worker is idle and has the skill. After every event nobody may be idle
who could serve a waiting Task (work conservation).
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple, Protocol

from benchmarks.theory.systems import MS, System
from tests.theory.load import Arrival
from tests.theory.tally import Tally

PATIENCE: Final = -1  # in place of a Worker's number: this is the end of somebody's patience


class Offer(NamedTuple):
    task: int  # counted from 0, in order of arrival
    worker: int


class Router(Protocol):
    """What is judged. Every call happens at an instant not before the last one; offers are accepted in it."""

    async def arrive(self, now_ms: int, task: int, arrival: Arrival) -> list[Offer]:
        """A Task comes. Who serves whom now?"""
        ...

    async def finish(self, now_ms: int, task: int) -> list[Offer]:
        """The Task's Worker is done with it. Who serves whom now?"""
        ...

    async def expire(self, now_ms: int) -> list[int]:
        """The patience of some Task is over. Who leaves?"""
        ...


class Play:
    """One play, to be run once. `trusting` leaves unchecked who goes idle or stays too long: for wrong routers."""

    def __init__(
        self, system: System, router: Router, load: Iterator[Arrival], *, trusting: bool = False
    ) -> None:
        self._system, self._router, self._load, self._trusting = system, router, load, trusting
        self._able = [sum(1 << number for number in able) for able in system.servers]
        self._idle = (1 << len(system.agents)) - 1
        self._due: list[tuple[int, int, int]] = []  # (ms, Task, its Worker or PATIENCE)
        self._waiting: dict[int, Arrival] = {}
        self._queued = [0 for _ in system.kinds]
        self._arrived = 0

    async def run(self, warm_up: int, count: int) -> Tally:
        """Play until `count` Tasks after the first `warm_up` have been served or have left."""
        tally = Tally(self._system, warm_up, count)
        arrival = next(self._load)
        while tally.open:
            if self._due and self._due[0][0] <= arrival.at_ms:
                now_ms, task, worker = heappop(self._due)
                tally.passes(now_ms, len(self._waiting), self._arrived)
                if worker != PATIENCE:
                    self._idle |= 1 << worker
                    self._start(tally, now_ms, await self._router.finish(now_ms, task))
                elif task in self._waiting:
                    self._leave(tally, now_ms, task, await self._router.expire(now_ms))
            else:
                tally.passes(arrival.at_ms, len(self._waiting), self._arrived)
                await self._arrive(tally, arrival)
                arrival = next(self._load)
            if not self._trusting:
                self._check()
        return tally

    async def _arrive(self, tally: Tally, arrival: Arrival) -> None:
        task, self._arrived = self._arrived, self._arrived + 1
        self._waiting[task] = arrival
        self._queued[arrival.kind] += 1
        tally.arrives(task, arrival.work)
        if arrival.patience_s is not None:
            heappush(self._due, (arrival.at_ms + arrival.patience_s * MS, task, PATIENCE))
        offers = await self._router.arrive(arrival.at_ms, task, arrival)
        self._start(tally, arrival.at_ms, offers, at_once=task)

    def _start(self, tally: Tally, now_ms: int, offers: list[Offer], at_once: int | None = None) -> None:
        for task, worker in offers:
            arrival = self._waiting.pop(task)  # a Task is served once
            self._queued[arrival.kind] -= 1
            assert self._able[arrival.kind] & self._idle & 1 << worker, (task, worker, now_ms)
            self._idle ^= 1 << worker
            work_ms = arrival.work * self._system.unit_ms / self._system.agents[worker].rate
            heappush(self._due, (now_ms + round(work_ms), task, worker))
            tally.starts.append((task, worker, now_ms))
            tally.ends(task, arrival.kind, now_ms - arrival.at_ms, waited=task != at_once)

    def _leave(self, tally: Tally, now_ms: int, task: int, left: list[int]) -> None:
        assert self._trusting or task in left, (task, left, now_ms)
        for gone in left:
            arrival = self._waiting.pop(gone)
            self._queued[arrival.kind] -= 1
            tally.ends(gone, arrival.kind, now_ms - arrival.at_ms, waited=True, abandoned=True)

    def _check(self) -> None:
        for kind, queued in enumerate(self._queued):
            assert not queued or not self._able[kind] & self._idle, f"{queued} wait for {self._idle:b}"
