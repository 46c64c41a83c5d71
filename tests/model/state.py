"""The reference router's memory, and the questions that counting answers.

Nothing is kept that can be counted: every answer walks all Tasks. A history has a dozen of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from engine.model import Order, ReservationStatus
from engine.rules import ChannelFacts, WorkerFacts
from tests.model.records import (
    OPEN_OFFER,
    OPEN_TASK,
    ActivityRow,
    ChannelRow,
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
    """One multi-tasking Workspace."""

    def __init__(self, preferred: Order) -> None:
        self.preferred = preferred
        self.activities: dict[str, ActivityRow] = {}
        self.channels: dict[str, ChannelRow] = {}  # by unique name
        self.queues: dict[str, QueueRow] = {}
        self.workflows: dict[str, WorkflowRow] = {}
        self.workers: dict[str, WorkerRow] = {}
        self.tasks: dict[str, TaskRow] = {}
        self.rules_read_activity = False
        self.later: list[
            str
        ] = []  # Workers and Tasks that wait for their rules to be evaluated, see router.py

    def offers(self) -> Iterator[OfferRow]:
        """Every Reservation whose Task still exists."""
        for task in self.tasks.values():
            yield from task.offers.values()

    def open_offer(self, task: TaskRow) -> OfferRow | None:
        """The Reservation of a Task that has not ended; there is never more than one."""
        found = [offer for offer in task.offers.values() if offer.status in OPEN_OFFER]
        assert len(found) <= 1, found
        return found[0] if found else None

    def loads(self, worker_sid: str) -> dict[str, Load]:
        """What a Worker holds on each of its channels."""
        loads = {channel: Load() for channel in self.workers[worker_sid].slots}
        for offer in self.offers():
            if offer.worker_sid == worker_sid and offer.status in OPEN_OFFER:
                loads[offer.channel].open += 1
                loads[offer.channel].assigned += offer.status is ReservationStatus.ACCEPTED
        return loads

    def facts(self, worker: WorkerRow) -> WorkerFacts:
        """A Worker as expressions see it at this moment."""
        loads = self.loads(worker.sid)
        return WorkerFacts(
            sid=worker.sid,
            friendly_name=worker.name,
            activity_sid=worker.activity_sid,
            activity_name=self.activities[worker.activity_sid].name,
            attributes=json.loads(worker.attributes),
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

    def snapshot(self) -> dict[str, Any]:
        """Everything a client can see, as plain dicts that compare with ==."""
        return {
            "tasks": {task.sid: self._task(task) for task in self.tasks.values()},
            "workers": {worker.sid: self._worker(worker) for worker in self.workers.values()},
            "offers": {offer.sid: self._offer(offer) for offer in self.offers()},
        }

    def _task(self, task: TaskRow) -> dict[str, Any]:
        return {
            "status": str(task.status),
            "attributes": task.attributes,
            "priority": task.priority,
            "reason": task.reason,
            "timeout": task.timeout_s,
            "queue": task.queue_sid,
            "queue_entered_ms": task.queue_entered_ms,
            "workflow": task.workflow_sid,
            "channel": task.channel,
            "virtual_start_ms": task.virtual_start_ms,
            "created_ms": task.created_ms,
            "updated_ms": task.updated_ms,
            "ended_ms": task.ended_ms,
            "revision": task.revision,
        }

    def _worker(self, worker: WorkerRow) -> dict[str, Any]:
        loads = self.loads(worker.sid)
        return {
            "name": worker.name,
            "attributes": worker.attributes,
            "activity": worker.activity_sid,
            "available": self.activities[worker.activity_sid].available,
            "created_ms": worker.created_ms,
            "updated_ms": worker.updated_ms,
            "status_changed_ms": worker.status_changed_ms,
            "revision": worker.revision,
            "channels": {
                name: {
                    "capacity": slot.capacity,
                    "available": slot.available,
                    "assigned": loads[name].assigned,
                    "open": loads[name].open,
                    "percentage": free_percentage(slot.capacity, loads[name].open),
                    "updated_ms": slot.updated_ms,
                }
                for name, slot in worker.slots.items()
            },
        }

    def _offer(self, offer: OfferRow) -> dict[str, Any]:
        return {
            "task": offer.task_sid,
            "worker": offer.worker_sid,
            "status": str(offer.status),
            "created_ms": offer.created_ms,
            "updated_ms": offer.updated_ms,
            "revision": offer.revision,
        }
