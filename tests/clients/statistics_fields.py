"""What each of the 15 statistics views must look like on the wire: every field with its type, and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.clients.fields import Check, date, integer, optional, sid, text, url

Shape = dict[str, Check]
STATUSES: Final = {"pending", "reserved", "assigned", "wrapping"}


def number(value: Any) -> bool:
    return type(value) in (int, float)


def shaped(shape: Shape) -> Check:
    return lambda value: isinstance(value, dict) and wrong(shape, value) == []


def every(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(check(item) for item in value)


def counts(names: Callable[[set[str]], bool]) -> Check:
    return lambda value: isinstance(value, dict) and names(set(value)) and all(map(integer, value.values()))


def wrong(shape: Shape, body: dict[str, Any]) -> list[str]:
    """The fields that are missing, unknown or of the wrong type."""
    odd = sorted(shape.keys() ^ body.keys())
    return [
        *odd,
        *(f"{name} is {body[name]!r}" for name in shape.keys() & body.keys() if not shape[name](body[name])),
    ]


def _duration(average: Check) -> Shape:
    return {"avg": average, "min": integer, "max": integer, "total": integer}


_SIDE: Final = counts(lambda names: names == {"tasks_canceled", "reservations_accepted"})
_ACTIVITIES: Final = every(shaped({"friendly_name": text, "sid": sid("WA"), "workers": integer}))
_SPLIT: Final = optional(
    lambda value: all(
        key.isdigit() and shaped({"above": _SIDE, "below": _SIDE})(sides) for key, sides in value.items()
    )
)
_RESERVATIONS: Final = {
    f"reservations_{end}": integer
    for end in ("created", "accepted", "rejected", "timed_out", "canceled", "rescinded")
}
_INTERVAL: Final = {"start_time": date, "end_time": date}
_FRAME: Final = {"account_sid": sid("AC"), "workspace_sid": sid("WS"), "url": url}
_OPEN: Final = {
    "longest_task_waiting_age": integer,
    "longest_task_waiting_sid": optional(sid("WT")),
    "tasks_by_priority": counts(lambda names: all(name.isdigit() for name in names)),
    "tasks_by_status": counts(lambda names: names == STATUSES),
    "total_tasks": integer,
}
_QUEUE_NOW: Final = {
    **_OPEN,
    "longest_relative_task_age_in_queue": integer,
    "longest_relative_task_sid_in_queue": optional(sid("WT")),
    "activity_statistics": _ACTIVITIES,
    "total_available_workers": integer,
    "total_eligible_workers": integer,
}
_WORKERS_NOW: Final = {"activity_statistics": _ACTIVITIES, "total_workers": integer}


def _past(average: Check, *also: str) -> Shape:
    duration = shaped(_duration(average))
    names = ("tasks_canceled", "tasks_completed", "tasks_deleted", "tasks_moved", *also)
    return {
        **_INTERVAL,
        **_RESERVATIONS,
        **dict.fromkeys(names, integer),
        "avg_task_acceptance_time": average,
        "split_by_wait_time": _SPLIT,
        "wait_duration_until_accepted": duration,
        "wait_duration_until_canceled": duration,
    }


def _workspace(average: Check) -> Shape:
    return _past(average, "tasks_created", "tasks_timed_out_in_workflow")


def _workflow(average: Check) -> Shape:
    return _past(average, "tasks_entered", "tasks_timed_out_in_workflow")


def _queue(average: Check) -> Shape:
    here = {"wait_duration_in_queue_until_accepted": shaped(_duration(average))}
    return _past(average, "tasks_entered") | here


def _workers(average: Check) -> Shape:
    one = {"sid": sid("WA"), "friendly_name": text, **_duration(average)}
    return {**_INTERVAL, **_RESERVATIONS, "activity_durations": every(shaped(one))}


def _both(past: Shape, now: Shape) -> Shape:
    return {"cumulative": shaped(past), "realtime": shaped(now)}


_OF_QUEUE: Final = {**_FRAME, "task_queue_sid": sid("WQ")}
_OF_WORKFLOW: Final = {**_FRAME, "workflow_sid": sid("WW")}
_ROW: Final = {name: check for name, check in _OF_QUEUE.items() if name != "url"}

# Path below the Workspace -> shape; {queue}, {workflow} and {worker} stand for SIDs.
VIEWS: Final[dict[str, Shape]] = {
    "/Statistics": _FRAME | _both(_workspace(number), {**_OPEN, **_WORKERS_NOW}),
    "/CumulativeStatistics": _FRAME | _workspace(integer),
    "/RealTimeStatistics": {**_FRAME, **_OPEN, **_WORKERS_NOW},
    "/TaskQueues/{queue}/Statistics": _OF_QUEUE | _both(_queue(number), _QUEUE_NOW),
    "/TaskQueues/{queue}/CumulativeStatistics": _OF_QUEUE | _queue(integer),
    "/TaskQueues/{queue}/RealTimeStatistics": {**_OF_QUEUE, **_QUEUE_NOW},
    "/Workflows/{workflow}/Statistics": _OF_WORKFLOW | _both(_workflow(number), _OPEN),
    "/Workflows/{workflow}/CumulativeStatistics": _OF_WORKFLOW | _workflow(integer),
    "/Workflows/{workflow}/RealTimeStatistics": {**_OF_WORKFLOW, **_OPEN},
    "/Workers/Statistics": _FRAME | _both(_workers(number), _WORKERS_NOW),
    "/Workers/CumulativeStatistics": _FRAME | _workers(integer),
    "/Workers/RealTimeStatistics": {**_FRAME, **_WORKERS_NOW},
    "/Workers/{worker}/Statistics": {
        **_FRAME,
        "worker_sid": sid("WK"),
        "cumulative": shaped(_workers(number)),
    },
}
LIST_ROW: Final = _ROW | _both(_queue(number), _QUEUE_NOW)
BULK: Final = {
    **_FRAME,
    "task_queue_data": every(shaped({"task_queue_sid": sid("WQ"), **_QUEUE_NOW})),
    "task_queue_response_count": integer,
}
