"""The engine's records in the form of tests.model.view.snapshot(), to be compared with ==."""

from __future__ import annotations

from typing import Any

from engine.model import Reservation, Task, Worker, WorkerChannel, WorkspaceConfig
from tests.scenarios.site import Names


def names_of(config: WorkspaceConfig) -> Names:
    """From name to SID, as the engine has them."""
    return Names(
        activities={row.friendly_name: row.sid for row in config.activities.values()},
        channels={row.unique_name: row.sid for row in config.channels.values()},
        queues={row.friendly_name: row.sid for row in config.queues.values()},
        workflows={row.friendly_name: row.sid for row in config.workflows.values()},
    )


def task_view(config: WorkspaceConfig, task: Task) -> dict[str, Any]:
    channel = config.channel_numbered(task.task_channel_number)
    return {
        "status": str(task.status),
        "attributes": task.attributes,
        "priority": task.priority,
        "reason": task.reason,
        "timeout": task.timeout,
        "queue": task.task_queue_sid,
        "queue_entered_ms": task.task_queue_entered_ms,
        "workflow": task.workflow_sid,
        "channel": None if channel is None else channel.unique_name,
        "target": task.routing_target,
        "ignore_capacity": task.ignore_capacity,
        "virtual_start_ms": task.virtual_start_ms,
        "created_ms": task.created_ms,
        "updated_ms": task.updated_ms,
        "ended_ms": task.ended_ms,
        "revision": task.revision,
    }


def worker_view(config: WorkspaceConfig, worker: Worker, channels: list[WorkerChannel]) -> dict[str, Any]:
    return {
        "name": worker.friendly_name,
        "attributes": worker.attributes,
        "activity": worker.activity_sid,
        "available": worker.available,
        "created_ms": worker.created_ms,
        "updated_ms": worker.updated_ms,
        "status_changed_ms": worker.status_changed_ms,
        "revision": worker.revision,
        "channels": {
            config.channels[channel.task_channel_sid].unique_name: {
                "capacity": channel.configured_capacity,
                "available": channel.available,
                "assigned": channel.assigned_tasks,
                "open": channel.open_reservations,
                "percentage": channel.available_capacity_percentage,
                "updated_ms": channel.updated_ms,
            }
            for channel in channels
        },
    }


def offer_view(offer: Reservation) -> dict[str, Any]:
    return {
        "task": offer.task_sid,
        "worker": offer.worker_sid,
        "status": str(offer.status),
        "created_ms": offer.created_ms,
        "updated_ms": offer.updated_ms,
        "revision": offer.revision,
    }
