"""A run as the log of events tells it, gone through once: waits, and what broke a promise.

Events stand in the order in which the transitions happened, so what is found here was so at that very moment; nothing
rests on the clocks of generators. Order is judged by the ms of creation: what has the same is in no order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct, field

from benchmarks.suite.journal import Entry

ENDS: Final = frozenset({"task.completed", "task.canceled", "task.deleted", "task.system-deleted"})
BACK: Final = frozenset({"reservation.rejected", "reservation.timeout", "reservation.canceled"})
GONE: Final = BACK | {"reservation.completed", "reservation.rescinded"}


class KindOf(Struct, frozen=True):
    """What is known of a Task from the plan."""

    kind: int
    skill: str
    priority: int
    strict: bool


class Staff(Struct, frozen=True):
    """What is known of a Worker from the plan."""

    crew: int
    skills: tuple[str, ...]
    capacity: int
    steady: bool  # here from beginning to end, one Task at a time: the order of the idle can be checked


class Life(Struct):
    """One Task."""

    created_ms: int
    kind: int
    reserved_ms: int | None = None  # its first offer
    ended_ms: int | None = None
    end: str = ""
    accepts: int = 0
    hold_ms: int | None = None  # of the Reservation that was completed
    worker: str = ""


class History(Struct):
    """What was found. The lists have SIDs of Tasks or Reservations."""

    lives: dict[str, Life] = field(default_factory=dict)
    offers: Counter[str] = field(default_factory=Counter)  # by Worker
    overtaken: list[str] = field(default_factory=list)  # Tasks that waited while a worse one was taken
    ordered: int = 0  # offers whose order was looked at
    unfair: list[str] = field(default_factory=list)  # Reservations that passed by a Worker idle for longer
    compared: int = 0  # offers with another idle Worker of the same crew
    freed_ms: list[int] = field(default_factory=list)  # from a completion to the same Worker's next offer
    overruns: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    queue: list[tuple[int, int]] = field(default_factory=list)  # from this ms on, so many wait


class Reader:
    """Goes through the events. `order_from_ms`: of Tasks created before no order is asked."""

    def __init__(
        self, kinds: dict[str, KindOf], staff: Mapping[str, Staff], *, order_from_ms: int = 0
    ) -> None:
        self._kinds, self._staff, self._order_from_ms = kinds, staff, order_from_ms
        self.found = History()
        self._waiting: dict[str, tuple[int, int]] = {}  # Task -> rank, least first
        self._heaps: dict[
            str, list[tuple[tuple[int, int], str]]
        ] = {}  # skill -> Tasks, some no longer waiting
        self._open: dict[str, tuple[str, int]] = {}  # Reservation -> Worker, since
        self._held: Counter[str] = Counter()
        self._last_ms: dict[str, int] = {}  # Worker -> its last offer
        self._idle: dict[int, list[tuple[int, str]]] = {}  # crew -> idle Workers, least recent offer first
        self._done: set[str] = set()
        self._freed_ms: dict[str, int] = {}  # Worker -> when it completed a Task, until its next offer

    def know(self, kinds: Mapping[str, KindOf]) -> None:
        """More Tasks, before their events are read."""
        self._kinds.update(kinds)

    def read(self, entries: Iterable[Entry]) -> History:
        """Go on with these; what was found in all of them so far."""
        for entry in entries:
            if entry.type == "task.created":
                self._created(entry)
            elif entry.task not in self.found.lives:
                continue
            elif entry.type == "reservation.created":
                self._offered(entry)
            elif entry.type == "reservation.accepted":
                self._accepted(entry)
            elif entry.type in GONE:
                self._gone(entry)
            elif entry.type in ENDS:
                self._ended(entry)
        return self.found

    def _created(self, entry: Entry) -> None:
        kind = self._kinds.get(entry.task)
        if kind is None:
            return
        self.found.lives[entry.task] = Life(entry.at_ms, kind.kind)
        self._wait(entry.task, entry.at_ms)

    def _wait(self, task: str, now_ms: int) -> None:
        kind, life = self._kinds[task], self.found.lives[task]
        rank = (-kind.priority, life.created_ms)
        self._waiting[task] = rank
        if kind.strict:
            heappush(self._heaps.setdefault(kind.skill, []), (rank, task))
        self.found.queue.append((now_ms, len(self._waiting)))

    def _offered(self, entry: Entry) -> None:
        life, worker = self.found.lives[entry.task], entry.worker
        if life.reserved_ms is None:
            life.reserved_ms = entry.at_ms
        self._check_order(entry)
        self._waiting.pop(entry.task, None)
        self.found.queue.append((entry.at_ms, len(self._waiting)))
        self._open[entry.reservation] = (worker, entry.at_ms)
        self._held[worker] += 1
        self.found.offers[worker] += 1
        if (freed_ms := self._freed_ms.pop(worker, None)) is not None:
            self.found.freed_ms.append(entry.at_ms - freed_ms)
        staff = self._staff.get(worker)
        if staff is not None:
            if self._held[worker] > staff.capacity:
                self.found.overruns.append(entry.reservation)
            if staff.steady:
                self._check_idle(entry, staff)
        self._last_ms[worker] = entry.at_ms

    def _check_order(self, entry: Entry) -> None:
        """Nobody who could have been taken by this Worker, and comes first, may be waiting."""
        kind, staff = self._kinds[entry.task], self._staff.get(entry.worker)
        rank = self._waiting.get(entry.task)
        if staff is None or rank is None or not kind.strict:
            return
        self.found.ordered += 1
        for skill in staff.skills:
            heap = self._heaps.get(skill, [])
            while heap and self._waiting.get(heap[0][1]) != heap[0][0]:
                heappop(heap)
            if heap and heap[0][0] < rank and heap[0][0][1] >= self._order_from_ms:
                self.found.overtaken.append(heap[0][1])
                return

    def _check_idle(self, entry: Entry, staff: Staff) -> None:
        """Of a crew's idle Workers the one whose last offer is longest ago comes first."""
        heap = self._idle.setdefault(staff.crew, [])
        own_ms = self._last_ms.get(entry.worker)
        while heap and (self._held[heap[0][1]] or self._last_ms[heap[0][1]] != heap[0][0]):
            heappop(heap)
        if own_ms is None or not heap:
            return
        self.found.compared += 1
        if heap[0][0] < own_ms:
            self.found.unfair.append(entry.reservation)

    def _accepted(self, entry: Entry) -> None:
        life = self.found.lives[entry.task]
        life.accepts += 1
        if life.accepts > 1:
            self.found.twice.append(entry.task)

    def _gone(self, entry: Entry) -> None:
        worker, since_ms = self._open.pop(entry.reservation, ("", 0))
        if not worker:
            return
        life = self.found.lives[entry.task]
        self._held[worker] -= 1
        staff = self._staff.get(worker)
        if staff is not None and staff.steady and worker in self._last_ms:
            heappush(self._idle.setdefault(staff.crew, []), (self._last_ms[worker], worker))
        if entry.type == "reservation.completed":
            life.hold_ms, life.worker = entry.at_ms - since_ms, worker
            self._freed_ms[worker] = entry.at_ms
            if entry.task in self._done:
                self.found.twice.append(entry.task)
            self._done.add(entry.task)
        elif entry.type in BACK and life.ended_ms is None:
            self._wait(entry.task, entry.at_ms)

    def _ended(self, entry: Entry) -> None:
        life = self.found.lives[entry.task]
        life.ended_ms, life.end = entry.at_ms, entry.type
        if self._waiting.pop(entry.task, None) is not None:
            self.found.queue.append((entry.at_ms, len(self._waiting)))
