"""What clients see of the reference router, as plain dicts that compare with ==."""

from __future__ import annotations

from typing import Any

from tests.model.records import OfferRow, TaskRow, WorkerRow
from tests.model.state import State, free_percentage


def snapshot(state: State) -> dict[str, Any]:
    """Everything a client can see."""
    return {
        "tasks": {task.sid: _task(task) for task in state.tasks.values()},
        "workers": {worker.sid: _worker(state, worker) for worker in state.workers.values()},
        "offers": {offer.sid: _offer(offer) for offer in state.offers()},
    }


def _task(task: TaskRow) -> dict[str, Any]:
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
        "target": task.routing_target,
        "ignore_capacity": task.ignore_capacity,
        "virtual_start_ms": task.virtual_start_ms,
        "created_ms": task.created_ms,
        "updated_ms": task.updated_ms,
        "ended_ms": task.ended_ms,
        "revision": task.revision,
    }


def _worker(state: State, worker: WorkerRow) -> dict[str, Any]:
    loads = state.loads(worker.sid)
    return {
        "name": worker.name,
        "attributes": worker.attributes,
        "activity": worker.activity_sid,
        "available": state.activities[worker.activity_sid].available,
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


def _offer(offer: OfferRow) -> dict[str, Any]:
    return {
        "task": offer.task_sid,
        "worker": offer.worker_sid,
        "status": str(offer.status),
        "created_ms": offer.created_ms,
        "updated_ms": offer.updated_ms,
        "revision": offer.revision,
    }
