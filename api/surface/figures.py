"""The figures that statistics are made of: fields, by what they count over."""

from __future__ import annotations

from typing import Final

from api.surface.model import (
    COUNT,
    DATE,
    NUMBER,
    TEXT,
    Field,
    Type,
    mapping,
    rows,
    shape,
    sid,
)

INTERVAL: Final = (
    Field("start_time", DATE, "begin of the time that is counted"),
    Field("end_time", DATE, "its end"),
)
RESERVATIONS: Final = tuple(
    Field(f"reservations_{became}", COUNT, f"Reservations that became {became.replace('_', ' ')}")
    for became in ("created", "accepted", "rejected", "timed_out", "canceled", "rescinded")
)


def _durations(number: Type) -> Type:
    """Seconds. Averages are whole numbers in the views of one kind, and may have decimals in those of both."""
    return shape(Field("avg", number), Field("min", COUNT), Field("max", COUNT), Field("total", COUNT))


_SIDE: Final = shape(
    Field("tasks_canceled", COUNT, "canceled by then, or after it"),
    Field("reservations_accepted", COUNT, "accepted by then, or after it"),
)
_SPLIT: Final = mapping(shape(Field("above", _SIDE), Field("below", _SIDE)))

ACTIVITY_STATISTICS: Final = Field(
    "activity_statistics",
    rows(
        shape(
            Field("friendly_name", TEXT, "name of the Activity"),
            Field("sid", sid("WA"), "SID of the Activity"),
            Field("workers", COUNT, "Workers in it"),
        )
    ),
    "how many Workers are in each Activity",
)


def activity_durations(number: Type) -> Field:
    one = shape(
        Field("sid", sid("WA"), "SID of the Activity"),
        Field("friendly_name", TEXT, "its name"),
        Field("avg", number),
        Field("min", COUNT),
        Field("max", COUNT),
        Field("total", COUNT),
    )
    return Field(
        "activity_durations",
        rows(one),
        "seconds in each Activity, of which all are listed; clipped to the interval",
    )


def cumulative(number: Type, *tasks: str, queue: bool = False) -> tuple[Field, ...]:
    """What is counted over an interval; `number` is the type of averages, `tasks` what Tasks are counted for."""
    waits = [
        Field("wait_duration_until_accepted", _durations(number), "seconds from creation to acceptance"),
        Field("wait_duration_until_canceled", _durations(number), "seconds from creation to cancellation"),
    ]
    if queue:
        waits.append(
            Field(
                "wait_duration_in_queue_until_accepted",
                _durations(number),
                "seconds from entering the TaskQueue to acceptance",
            )
        )
    return (
        Field("avg_task_acceptance_time", number, "mean seconds from creation to acceptance"),
        *INTERVAL,
        *RESERVATIONS,
        Field("split_by_wait_time", _SPLIT, "by threshold; null unless SplitByWaitTime asks for it", True),
        *waits,
        *(Field(f"tasks_{became}", COUNT, f"Tasks: {became.replace('_', ' ')}") for became in tasks),
    )


WAITING: Final = (
    Field("longest_task_waiting_age", COUNT, "seconds the oldest waiting Task has waited"),
    Field("longest_task_waiting_sid", sid("WT"), "which one that is; null for none", True),
)
BY: Final = (
    Field("tasks_by_priority", mapping(COUNT), "open Tasks by priority"),
    Field(
        "tasks_by_status",
        shape(*(Field(status, COUNT) for status in ("pending", "reserved", "assigned", "wrapping"))),
        "open Tasks by status",
    ),
    Field("total_tasks", COUNT, "open Tasks"),
)
TOTAL_WORKERS: Final = Field("total_workers", COUNT, "Workers")
RELATIVE: Final = (
    Field(
        "longest_relative_task_age_in_queue", COUNT, "seconds the Task that is longest in this queue has been"
    ),
    Field("longest_relative_task_sid_in_queue", sid("WT"), "which one that is; null for none", True),
)
ELIGIBLE: Final = (
    Field("total_available_workers", COUNT, "its Workers in available Activities, with or without capacity"),
    Field("total_eligible_workers", COUNT, "its Workers, whatever their Activity"),
)

WORKSPACE_TASKS: Final = ("canceled", "completed", "created", "deleted", "moved", "timed_out_in_workflow")
QUEUE_TASKS: Final = ("canceled", "completed", "deleted", "entered", "moved")
WORKFLOW_TASKS: Final = ("canceled", "completed", "entered", "deleted", "moved", "timed_out_in_workflow")

WORKSPACE_NOW: Final = (ACTIVITY_STATISTICS, *WAITING, *BY, TOTAL_WORKERS)
QUEUE_NOW: Final = (ACTIVITY_STATISTICS, *WAITING, *RELATIVE, *BY, *ELIGIBLE)
WORKFLOW_NOW: Final = (*WAITING, *BY)
WORKERS_NOW: Final = (ACTIVITY_STATISTICS, TOTAL_WORKERS)


def workers_cumulative(number: Type) -> tuple[Field, ...]:
    return (*INTERVAL, activity_durations(number), *RESERVATIONS)


WORKSPACE_BOTH: Final = shape(*cumulative(NUMBER, *WORKSPACE_TASKS))
QUEUE_BOTH: Final = shape(*cumulative(NUMBER, *QUEUE_TASKS, queue=True))
WORKFLOW_BOTH: Final = shape(*cumulative(NUMBER, *WORKFLOW_TASKS))
WORKERS_BOTH: Final = shape(*workers_cumulative(NUMBER))
