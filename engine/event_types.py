"""The types of events: what each is about, what it shows, and how it is described.

TYPES and FIELDS are also how the log stores them, by place: append to them, never change their order.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class EventType(Struct, frozen=True):
    """One type of event."""

    name: str
    resource: str  # the kind of resource it is about
    sid: str  # the field of its data that names that resource
    text: str  # the description; {…} are fields of its data
    task_status: str = ""  # of the Task, where the type says it
    public: bool = True  # False: of this program only. It is in the log, and never sent to an event callback


def _task(name: str, text: str, task_status: str = "", *, public: bool = True) -> EventType:
    return EventType(name, "task", "task_sid", "Task {task_sid} " + text, task_status, public)


def _reservation(action: str, task_status: str, text: str = "", *, public: bool = True) -> EventType:
    described = "Reservation {reservation_sid} " + (text or action)
    return EventType(
        f"reservation.{action}", "reservation", "reservation_sid", described, task_status, public
    )


def _worker(action: str, text: str) -> EventType:
    return EventType(f"worker.{action}", "worker", "worker_sid", "Worker {worker_name} " + text)


def _record(kind: str, title: str, action: str, text: str = "", *, public: bool = True) -> EventType:
    field = kind.replace("-", "_")
    described = f"{title} {{{field}_name}} {text or action}"
    return EventType(f"{kind}.{action}", kind, f"{field}_sid", described, "", public)


TYPES: Final = (
    _record("workspace", "Workspace", "created"),
    _record("workspace", "Workspace", "updated"),
    _record("workspace", "Workspace", "deleted"),
    _record("activity", "Activity", "created"),
    _record("activity", "Activity", "updated"),
    _record("activity", "Activity", "deleted"),
    _record("task-channel", "TaskChannel", "created"),
    _record("task-channel", "TaskChannel", "updated"),
    _record("task-channel", "TaskChannel", "deleted"),
    _record("task-queue", "TaskQueue", "created"),
    _record("task-queue", "TaskQueue", "deleted"),
    _record("task-queue", "TaskQueue", "expression.updated", "updated to {task_queue_target_expression}"),
    _record("task-queue", "TaskQueue", "updated", public=False),
    _task("task-queue.entered", "entered TaskQueue {task_queue_name}", "pending"),
    _task("task-queue.moved", "moved from TaskQueue {task_queue_name}", "pending"),
    _task("task-queue.timeout", "timed out of TaskQueue {task_queue_name}", "pending"),
    _record("workflow", "Workflow", "created"),
    _record("workflow", "Workflow", "updated"),
    _record("workflow", "Workflow", "deleted"),
    _task("workflow.entered", "entered Workflow {workflow_name}", "pending"),
    _task("workflow.target-matched", "matched a workflow target", "pending"),
    _task("workflow.timeout", "timed out of Workflow {workflow_name}", "pending"),
    _task("workflow.skipped", "skipped the last target of Workflow {workflow_name}", "pending"),
    _worker("created", "created"),
    _worker("deleted", "deleted"),
    _worker("activity.update", "updated to {worker_activity_name} Activity"),
    _worker("attributes.update", "attributes updated"),
    _worker("capacity.update", "updated to {worker_channel_available_capacity} on {task_channel_unique_name}"),
    _worker("channel.availability.update", "changed availability on {task_channel_unique_name}"),
    _task("task.created", "created", "pending"),
    _task("task.updated", "updated"),
    _task("task.canceled", "canceled", "canceled"),
    _task("task.wrapup", "wrapup", "wrapping"),
    _task("task.completed", "completed", "completed"),
    _task("task.deleted", "deleted"),
    _task("task.system-deleted", "deleted: it was assigned for too long"),
    _task("task.alert", "waits for a known Worker who cannot take it: {alert_code}", "pending", public=False),
    _reservation("created", "reserved"),
    _reservation("accepted", "assigned"),
    _reservation("rejected", "pending"),
    _reservation("timeout", "pending", "timed out"),
    _reservation("canceled", "pending"),
    _reservation("rescinded", "assigned"),
    _reservation("wrapup", "wrapping"),
    _reservation("completed", "completed"),
    EventType(
        "reservation.failed", "task", "task_sid", "Task {task_sid} could not be given to its target", "pending"
    ),
    _reservation("instruction", "", "instruction {instruction}", public=False),
)  # fmt: skip
BY_NAME: Final = {one.name: place for place, one in enumerate(TYPES)}

_FIELDS: Final = """
    task_sid=WT task_attributes task_priority task_assignment_status task_canceled_reason task_completed_reason
    task_channel_sid=TC task_channel_name task_channel_unique_name task_channel_optimized_routing
    task_queue_sid=WQ task_queue_name task_queue_target_expression
    task_queue_previous_sid=WQ task_queue_previous_name task_queue_previous_target_expression
    workflow_sid=WW workflow_name workflow_filter_name workflow_filter_expression
    worker_sid=WK worker_name worker_attributes worker_activity_sid=WA worker_activity_name worker_version
    worker_previous_activity_sid=WA worker_previous_activity_name worker_time_in_previous_activity_ms
    worker_channel_available worker_channel_available_capacity worker_channel_previous_capacity
    worker_channel_task_count known_worker_sid=WK
    activity_sid=WA activity_name activity_available
    reservation_sid=WR setup_sid=SU instruction alert_code workspace_name
"""
_PARTED: Final = [field.partition("=") for field in _FIELDS.split()]
FIELDS: Final = tuple(name for name, _, _ in _PARTED)
PREFIXES: Final = tuple(prefix for _, _, prefix in _PARTED)  # of the SIDs among them, "" for the others
PLACES: Final = {name: place for place, name in enumerate(FIELDS)}
