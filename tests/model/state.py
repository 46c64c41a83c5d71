"""The reference router's memory, and the questions that counting answers.

Nothing is kept that can be counted: every answer walks all Tasks. A history has a dozen of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from engine.model import Order, ReservationStatus
from engine.rules import ChannelFacts, WorkerFacts
from tests.model.records import (
    OPEN_OFFER,
    OPEN_TASK,
    ActivityRow,
    ChannelRow,
    Indexed,
    OfferRow,
    QueueRow,
    TaskRow,
    WorkerRow,
    WorkflowRow,
)


class Load(Struct):
    """Reservations of one Worker on one channel: in pending, accepted or wrapping, and those in accepted."""

    open: int = 0
    assigned: int = 0


def free_percentage(capacity: int, open_count: int) -> int:
    """floor((1 - open / capacity) x 100), never below 0; 0 where the capacity is 0."""
    return max(0, (capacity - open_count) * 100 // capacity) if capacity else 0


class State:
    """One Workspace."""

    def __init__(self, preferred: Order, *, single: bool) -> None:
        self.preferred = preferred
        self.single = single
        self.activities: dict[str, ActivityRow] = {}
        self.channels: dict[str, ChannelRow] = {}  # by unique name
        self.queues: dict[str, QueueRow] = {}
        self.workflows: dict[str, WorkflowRow] = {}
        self.workers: dict[str, WorkerRow] = {}
        self.tasks: dict[str, TaskRow] = {}
        self.rules_read_activity = False  # some Task has asked for it, ever
        self.counted: set[str] = set()  # conditions of queues whose Workers are counted, ever
        self.later: list[str] = []  # SIDs of Workers and Tasks that wait for rules, see router.py
        self.turned_down: list[TaskRow] = []  # since the last settling, by the Worker that is their target
        self.failing: dict[
            str, tuple[int, int]
        ] = {}  # Workflow -> callback failures in a row, delayed until ms
        self.alerts: list[
            tuple[str, int]
        ] = []  # Task, code: no known Worker of its step, or no callback answered
        self.journal: Counter[str] = Counter()  # what has happened and how often, for whoever counts

    def note(self, what: str) -> None:
        """Counts something that has happened; nothing here depends on it."""
        self.journal[what] += 1

    # Later work

    def put_off_worker(self, worker: WorkerRow) -> None:
        """Its rules have to be evaluated anew; until then they know it as it was."""
        worker.waits_for_rules = True
        self.later.append(worker.sid)

    def put_off_task(self, task: TaskRow, why: str) -> None:
        """It leaves its step by "timeout" or "skip", begins anew by "restart", or will "stay" by other rules."""
        task.placed = False
        task.leaving = why
        task.delayed_until_ms = None
        self.later.append(task.sid)

    def index(self, worker: WorkerRow) -> None:
        """Its rules are evaluated: they know it as it is."""
        worker.waits_for_rules = False
        worker.counted = {}
        worker.indexed = Indexed(worker.name, worker.attributes, worker.activity_sid)

    # Counting

    def offers(self) -> Iterator[OfferRow]:
        """Every Reservation whose Task still exists."""
        for task in self.tasks.values():
            yield from task.offers.values()

    def open_offers(self, task: TaskRow) -> list[OfferRow]:
        """The Reservations of a Task that have not ended, by SID."""
        found = [offer for offer in task.offers.values() if offer.status in OPEN_OFFER]
        return sorted(found, key=lambda offer: offer.sid)

    def held(self, worker_sid: str) -> list[OfferRow]:
        """The open Reservations of a Worker, by SID."""
        found = [o for o in self.offers() if o.worker_sid == worker_sid and o.status in OPEN_OFFER]
        return sorted(found, key=lambda offer: offer.sid)

    def loads(self, worker_sid: str) -> dict[str, Load]:
        """What a Worker holds on each of its channels; in a single-tasking Workspace nothing is held there."""
        loads = {channel: Load() for channel in self.workers[worker_sid].slots}
        if not self.single:
            for offer in self.held(worker_sid):
                loads[offer.channel].open += 1
                loads[offer.channel].assigned += offer.status is ReservationStatus.ACCEPTED
        return loads

    def facts(self, worker: WorkerRow, known: Indexed | None = None) -> WorkerFacts:
        """A Worker as expressions see it at this moment, or would if this were known of it."""
        known = known or worker.indexed
        assert known is not None
        loads = self.loads(worker.sid)
        return WorkerFacts(
            sid=worker.sid,
            friendly_name=known.name,
            activity_sid=known.activity_sid,
            activity_name=self.activities[known.activity_sid].name,
            attributes=json.loads(known.attributes),
            channels={
                name: ChannelFacts(
                    configured_capacity=slot.capacity,
                    assigned_tasks=loads[name].assigned,
                    available_capacity_percentage=free_percentage(slot.capacity, loads[name].open),
                )
                for name, slot in worker.slots.items()
            },
        )

    def open_tasks(self) -> Counter[tuple[str | None, str, str]]:
        """How many Tasks have not ended, by queue, Workflow and channel."""
        tasks = [task for task in self.tasks.values() if task.status in OPEN_TASK]
        return Counter((task.queue_sid, task.workflow_sid, task.channel) for task in tasks)

    def population(self) -> Counter[str]:
        """How many Workers are in each Activity."""
        return Counter(worker.activity_sid for worker in self.workers.values())
