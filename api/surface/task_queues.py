"""TaskQueues."""

from __future__ import annotations

from typing import Final

from api.surface.common import (
    ACCOUNT,
    CLEARS,
    DATES,
    EMPTY_FILTER,
    IDEMPOTENCY_KEY,
    IN,
    IN_WORKSPACE,
    LONG_NAME,
    OWN_URL,
    PAGING,
    WORKSPACE,
)
from api.surface.model import (
    TEXT,
    Field,
    Group,
    Link,
    Operation,
    Resource,
    form,
    integer,
    path,
    query,
    sid,
    text,
    words,
)

_PATH: Final = f"{WORKSPACE}/TaskQueues"
_ONE: Final = (IN, path("Sid", sid("WQ"), "the TaskQueue"))
_ORDER: Final = words("FIFO", "LIFO")

RESOURCE: Final = Resource(
    name="task_queue",
    title="TaskQueue",
    about="Which Workers may take a Task, and in which order Tasks are offered.",
    fields=(
        ACCOUNT,
        Field("assignment_activity_sid", sid("WA"), "Activity of a Worker at work (single-tasking)", True),
        Field("assignment_activity_name", TEXT, "its name", True),
        *DATES,
        Field("friendly_name", TEXT, "name for people"),
        Field("max_reserved_workers", integer(1, 50), "how many Workers are asked at once"),
        Field(
            "reservation_activity_sid", sid("WA"), "Activity of a Worker who is asked (single-tasking)", True
        ),
        Field("reservation_activity_name", TEXT, "its name", True),
        Field("sid", sid("WQ"), "SID of the TaskQueue"),
        Field("target_workers", TEXT, "the expression that its Workers meet"),
        Field("task_order", _ORDER, "which Task goes first: the oldest or the newest"),
        OWN_URL,
        IN_WORKSPACE,
    ),
    links=(
        Link("assignment_activity", "/Activities/{assignment_activity_sid}"),
        Link("reservation_activity", "/Activities/{reservation_activity_sid}"),
        Link("workspace", ""),
        Link("statistics", "/TaskQueues/{sid}/Statistics"),
        Link("real_time_statistics", "/TaskQueues/{sid}/RealTimeStatistics"),
        Link("cumulative_statistics", "/TaskQueues/{sid}/CumulativeStatistics"),
        Link("list_statistics", "/TaskQueues/Statistics"),
        Link("bulk_real_time_statistics", "/TaskQueues/RealTimeStatistics"),
    ),
)

_WORKERS: Final = form(
    "TargetWorkers",
    text(0, 4096),
    "expression about a Worker's attributes; empty: nobody",
    chosen="At most 4,096 characters. Reservations that are open stay when it changes.",
)
_WORKERS_AT_FIRST: Final = form(
    "TargetWorkers",
    text(0, 4096),
    "expression about a Worker's attributes; empty: nobody",
    default="1==1",
    chosen="At most 4,096 characters.",
)
_ACTIVITIES: Final = (
    form(
        "ReservationActivitySid",
        sid("WA"),
        "Activity of a Worker who is asked (single-tasking)",
        chosen=CLEARS,
    ),
    form("AssignmentActivitySid", sid("WA"), "Activity of a Worker at work (single-tasking)", chosen=CLEARS),
)

OPERATIONS: Final = (
    Operation(
        name="ListTaskQueue",
        method="GET",
        path=_PATH,
        summary="The TaskQueues of a Workspace",
        resource="task_queue",
        rows="task_queues",
        limit="TaskQueue-List-EvaluateWorkerAttributes",
        parameters=(
            IN,
            query("FriendlyName", TEXT, "only those of this name", chosen=EMPTY_FILTER),
            query(
                "EvaluateWorkerAttributes",
                TEXT,
                "a JSON object of attributes: only queues that a Worker with them would be in; limited in rate",
                chosen="It is a JSON document; an expression is refused with 400.",
            ),
            query("WorkerSid", sid("WK"), "only queues that this Worker is in"),
            query(
                "Ordering",
                TEXT,
                "`DateUpdated:asc` or `DateUpdated:desc`",
                chosen="Any other value is refused with 400.",
            ),
            *PAGING,
        ),
    ),
    Operation(
        name="CreateTaskQueue",
        method="POST",
        path=_PATH,
        summary="Create a TaskQueue",
        resource="task_queue",
        status=201,
        parameters=(
            IN,
            form(
                "FriendlyName", LONG_NAME, "name for people", required=True, chosen="At most 255 characters."
            ),
            _WORKERS_AT_FIRST,
            form("MaxReservedWorkers", integer(1, 50), "how many Workers are asked at once", default="1"),
            form("TaskOrder", _ORDER, "which Task goes first: the oldest or the newest", default="FIFO"),
            *_ACTIVITIES,
            IDEMPOTENCY_KEY,
        ),
        chosen=("A Workspace has at most 5,000 TaskQueues; one more is refused with 400.",),
    ),
    Operation(
        name="FetchTaskQueue",
        method="GET",
        path=f"{_PATH}/{{Sid}}",
        summary="One TaskQueue",
        resource="task_queue",
        parameters=_ONE,
    ),
    Operation(
        name="UpdateTaskQueue",
        method="POST",
        path=f"{_PATH}/{{Sid}}",
        summary="Change a TaskQueue",
        resource="task_queue",
        parameters=(
            *_ONE,
            form("FriendlyName", LONG_NAME, "name for people", chosen="At most 255 characters."),
            _WORKERS,
            *_ACTIVITIES,
            form(
                "MaxReservedWorkers",
                integer(1, 50),
                "how many Workers are asked at once",
                chosen="Rounds of offers that are open go on as they began.",
            ),
            form("TaskOrder", _ORDER, "which Task goes first: the oldest or the newest"),
        ),
    ),
    Operation(
        name="DeleteTaskQueue",
        method="DELETE",
        path=f"{_PATH}/{{Sid}}",
        summary="Delete a TaskQueue that nothing uses",
        status=204,
        parameters=_ONE,
        chosen=("Refused with 400 while an open Task is in it or a Workflow names it.",),
    ),
)

GROUP: Final = Group(title="TaskQueues", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS)
