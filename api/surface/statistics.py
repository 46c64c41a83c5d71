"""Statistics: 15 views, most of them in threes: both kinds of figures, the cumulative ones, those of now."""

from __future__ import annotations

from typing import Final

from api.surface import figures
from api.surface.common import ACCOUNT, EMPTY_FILTER, IN, IN_WORKSPACE, OWN_URL, PAGING, WORKSPACE
from api.surface.model import (
    COUNT,
    DATE,
    TEXT,
    Field,
    Group,
    Operation,
    Parameter,
    Resource,
    Type,
    integer,
    path,
    query,
    rows,
    shape,
    sid,
)

_MINUTES: Final = integer(1, 30 * 24 * 60)
_CHANNEL: Final = query("TaskChannel", TEXT, "only this Task Channel, by SID or unique name")
_SPLIT: Final = query(
    "SplitByWaitTime",
    TEXT,
    "comma list of seconds, such as `5,30`: what happened before and after them",
    chosen="A wait of exactly a threshold counts as above it.",
)
_WINDOW: Final = (
    query("Minutes", _MINUTES, "the last minutes", default="15"),
    query(
        "StartDate",
        DATE,
        "from then on",
        chosen="Older than 30 days, or after EndDate, it is refused with 400 and code 20001.",
    ),
    query("EndDate", DATE, "until then", default="now"),
)
_OVER: Final = (*_WINDOW, _CHANNEL, _SPLIT)
_QUEUE: Final = (IN, path("TaskQueueSid", sid("WQ"), "the TaskQueue"))
_WORKFLOW: Final = (IN, path("WorkflowSid", sid("WW"), "the Workflow"))
_OF_QUEUE: Final = Field("task_queue_sid", sid("WQ"), "the TaskQueue")
_OF_WORKFLOW: Final = Field("workflow_sid", sid("WW"), "the Workflow")
_INSIDE: Final = (IN_WORKSPACE, OWN_URL)


def _resource(name: str, title: str, *fields: Field) -> Resource:
    return Resource(name=name, title=title, about="", fields=(ACCOUNT, *fields))


def _both(name: str, title: str, over: Type, now: tuple[Field, ...], *own: Field) -> Resource:
    cumulative = Field("cumulative", over, "over the interval")
    realtime = Field("realtime", shape(*now), "at this moment")
    return _resource(name, title, cumulative, realtime, *own, *_INSIDE)


RESOURCES: Final = (
    _both("workspace_statistics", "Workspace statistics", figures.WORKSPACE_BOTH, figures.WORKSPACE_NOW),
    _resource(
        "workspace_cumulative_statistics",
        "Workspace cumulative statistics",
        *figures.cumulative(COUNT, *figures.WORKSPACE_TASKS),
        *_INSIDE,
    ),
    _resource(
        "workspace_real_time_statistics",
        "Workspace real-time statistics",
        *figures.WORKSPACE_NOW,
        *_INSIDE,
    ),
    _both("task_queue_statistics", "TaskQueue statistics", figures.QUEUE_BOTH, figures.QUEUE_NOW, _OF_QUEUE),
    _resource(
        "task_queue_cumulative_statistics",
        "TaskQueue cumulative statistics",
        *figures.cumulative(COUNT, *figures.QUEUE_TASKS, queue=True),
        _OF_QUEUE,
        *_INSIDE,
    ),
    _resource(
        "task_queue_real_time_statistics",
        "TaskQueue real-time statistics",
        *figures.QUEUE_NOW,
        _OF_QUEUE,
        *_INSIDE,
    ),
    _resource(
        "task_queues_statistics",
        "Statistics of one of all TaskQueues",
        Field("cumulative", figures.QUEUE_BOTH, "over the interval"),
        Field("realtime", shape(*figures.QUEUE_NOW), "at this moment"),
        _OF_QUEUE,
        IN_WORKSPACE,
    ),
    _resource(
        "bulk_real_time_statistics",
        "Real-time statistics of several TaskQueues",
        IN_WORKSPACE,
        Field(
            "task_queue_data",
            rows(shape(_OF_QUEUE, *figures.QUEUE_NOW)),
            "one for each TaskQueue asked for, in that order",
        ),
        Field("task_queue_response_count", COUNT, "how many these are"),
        OWN_URL,
    ),
    _resource(
        "worker_statistics",
        "Worker statistics",
        Field("cumulative", figures.WORKERS_BOTH, "over the interval"),
        Field("worker_sid", sid("WK"), "the Worker"),
        *_INSIDE,
    ),
    _both("workers_statistics", "Workers statistics", figures.WORKERS_BOTH, figures.WORKERS_NOW),
    _resource(
        "workers_cumulative_statistics",
        "Workers cumulative statistics",
        *figures.workers_cumulative(COUNT),
        *_INSIDE,
    ),
    _resource("workers_real_time_statistics", "Workers real-time statistics", *figures.WORKERS_NOW, *_INSIDE),
    _both(
        "workflow_statistics",
        "Workflow statistics",
        figures.WORKFLOW_BOTH,
        figures.WORKFLOW_NOW,
        _OF_WORKFLOW,
    ),
    _resource(
        "workflow_cumulative_statistics",
        "Workflow cumulative statistics",
        *figures.cumulative(COUNT, *figures.WORKFLOW_TASKS),
        _OF_WORKFLOW,
        *_INSIDE,
    ),
    _resource(
        "workflow_real_time_statistics",
        "Workflow real-time statistics",
        *figures.WORKFLOW_NOW,
        _OF_WORKFLOW,
        *_INSIDE,
    ),
)


def _view(name: str, tail: str, summary: str, resource: str, *parameters: Parameter) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=f"{WORKSPACE}{tail}",
        summary=summary,
        resource=resource,
        parameters=parameters,
    )


def _three(about: str, of: str, tail: str, resource: str, *parents: Parameter) -> tuple[Operation, ...]:
    """A scope's three views; `of` is its name in the operations', `tail` its path."""
    return (
        _view(
            f"Fetch{of}Statistics",
            f"{tail}/Statistics",
            f"{about}: both",
            f"{resource}_statistics",
            *parents,
            *_OVER,
        ),
        _view(
            f"Fetch{of}CumulativeStatistics",
            f"{tail}/CumulativeStatistics",
            f"{about}: over an interval",
            f"{resource}_cumulative_statistics",
            *parents,
            *_OVER,
        ),
        _view(
            f"Fetch{of}RealTimeStatistics",
            f"{tail}/RealTimeStatistics",
            f"{about}: at this moment",
            f"{resource}_real_time_statistics",
            *parents,
            _CHANNEL,
        ),
    )


_BULK: Final = (
    IN,
    Parameter(
        name="queueSids",
        place="json",
        type=Type(kind="list", item=sid("WQ"), low=1, high=50),
        note="the TaskQueues, 1 to 50",
        required=True,
        chosen="Also read as `QueueSids`, `TaskQueueSids` or `task_queue_sids`, and from a form with the name repeated."
        " A TaskQueue that is not there gets an entry of zeros.",
        aliases=("QueueSids", "TaskQueueSids", "task_queue_sids"),
    ),
    Parameter(
        name="TaskChannel",
        place="json",
        type=TEXT,
        note="only this Task Channel, by SID or unique name",
        chosen="Also read as `taskChannel` or `task_channel`.",
        aliases=("taskChannel", "task_channel"),
    ),
    query("TaskChannel", TEXT, "the same, where the body does not name one", extension=True),
)
_WORKER_FILTERS: Final = (
    query("TaskQueueSid", sid("WQ"), "only Workers of this TaskQueue"),
    query("TaskQueueName", TEXT, "only Workers of the TaskQueue of this name", chosen=EMPTY_FILTER),
    query("FriendlyName", TEXT, "only the Worker of this name", chosen=EMPTY_FILTER),
)

OPERATIONS: Final = (
    *_three("A Workspace", "Workspace", "", "workspace", IN),
    *_three("A TaskQueue", "TaskQueue", "/TaskQueues/{TaskQueueSid}", "task_queue", *_QUEUE),
    Operation(
        name="ListTaskQueuesStatistics",
        method="GET",
        path=f"{WORKSPACE}/TaskQueues/Statistics",
        summary="All TaskQueues: both",
        resource="task_queues_statistics",
        rows="task_queues_statistics",
        parameters=(
            IN,
            *_WINDOW,
            query("FriendlyName", TEXT, "only queues of this name", chosen=EMPTY_FILTER),
            _CHANNEL,
            _SPLIT,
            *PAGING,
        ),
    ),
    Operation(
        name="CreateTaskQueueBulkRealTimeStatistics",
        method="POST",
        path=f"{WORKSPACE}/TaskQueues/RealTimeStatistics",
        summary="Several TaskQueues: at this moment",
        resource="bulk_real_time_statistics",
        limit="TaskQueue-Bulk-RealTimeStatistics",
        media_types=("application/json",),
        parameters=_BULK,
    ),
    _view(
        "FetchWorkerInstanceStatistics",
        "/Workers/{WorkerSid}/Statistics",
        "A Worker: over an interval",
        "worker_statistics",
        IN,
        path("WorkerSid", sid("WK"), "the Worker"),
        *_WINDOW,
        _CHANNEL,
    ),
    _view(
        "FetchWorkerStatistics",
        "/Workers/Statistics",
        "All Workers: both",
        "workers_statistics",
        IN,
        *_WINDOW,
        *_WORKER_FILTERS,
        _CHANNEL,
    ),
    _view(
        "FetchWorkersCumulativeStatistics",
        "/Workers/CumulativeStatistics",
        "All Workers: over an interval",
        "workers_cumulative_statistics",
        IN,
        *_WINDOW,
        _CHANNEL,
    ),
    _view(
        "FetchWorkersRealTimeStatistics",
        "/Workers/RealTimeStatistics",
        "All Workers: at this moment",
        "workers_real_time_statistics",
        IN,
        _CHANNEL,
    ),
    *_three("A Workflow", "Workflow", "/Workflows/{WorkflowSid}", "workflow", *_WORKFLOW),
)

GROUP: Final = Group(
    title="Statistics",
    about="What happened over an interval, and how things stand at this moment.",
    resources=RESOURCES,
    operations=OPERATIONS,
)
