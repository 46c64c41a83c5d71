"""Tasks."""

from __future__ import annotations

from typing import Final

from api.surface.common import (
    ACCOUNT,
    DATES,
    EMPTY_FILTER,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IN,
    IN_WORKSPACE,
    OWN_URL,
    PAGING,
    PRIORITY,
    WORKSPACE,
)
from api.surface.model import (
    BOOLEAN,
    COUNT,
    DATE,
    JSON_TEXT,
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
    rows,
    sid,
    text,
    words,
)
from api.surface.workers import ATTRIBUTES, STRICT

_PATH: Final = f"{WORKSPACE}/Tasks"
_ONE: Final = (IN, path("Sid", sid("WT"), "the Task"))
STATUSES: Final = words("pending", "reserved", "assigned", "wrapping", "completed", "canceled")
_CHANNEL: Final = text(1, 64)

RESOURCE: Final = Resource(
    name="task",
    title="Task",
    about="A piece of work, from its creation until it is completed or canceled.",
    fields=(
        ACCOUNT,
        Field("age", COUNT, "seconds since its creation; stands still once it has ended"),
        Field("assignment_status", STATUSES, "where it is in its life"),
        Field("attributes", JSON_TEXT, "what it is about, as a JSON text"),
        Field("addons", JSON_TEXT, "data of add-ons, as a JSON text; `{}` for none"),
        *DATES,
        Field("task_queue_entered_date", DATE, "since when it is in its TaskQueue", True),
        Field("priority", PRIORITY, "more is more urgent"),
        Field("reason", TEXT, "why it ended, if that was said", True),
        Field("sid", sid("WT"), "SID of the Task"),
        Field("task_queue_sid", sid("WQ"), "the TaskQueue it is in", True),
        Field("task_queue_friendly_name", TEXT, "its name", True),
        Field("task_channel_sid", sid("TC"), "its Task Channel", True),
        Field("task_channel_unique_name", TEXT, "its unique name", True),
        Field("timeout", COUNT, "seconds from its creation until it is canceled, if nobody has taken it"),
        Field("workflow_sid", sid("WW"), "the Workflow it follows"),
        Field("workflow_friendly_name", TEXT, "its name", True),
        IN_WORKSPACE,
        OWN_URL,
        Field("virtual_start_time", DATE, "the instant it is ordered by"),
        Field("ignore_capacity", BOOLEAN, "whether the Worker it is meant for is offered it in any state"),
        Field("routing_target", TEXT, "SID of the Worker, TaskQueue or Workflow it is meant for", True),
    ),
    links=(
        Link("task_queue", "/TaskQueues/{task_queue_sid}"),
        Link("workflow", "/Workflows/{workflow_sid}"),
        Link("workspace", ""),
        Link("reservations", "/Tasks/{sid}/Reservations"),
    ),
)

_LIST: Final = (
    IN,
    query("Priority", PRIORITY, "only those of this priority"),
    query(
        "AssignmentStatus",
        rows(TEXT),
        "only those in one of these statuses; repeated, or as a comma list",
        chosen=f"{EMPTY_FILTER} Tasks that have ended are shown too, for 5 minutes.",
    ),
    query("WorkflowSid", sid("WW"), "only those that follow this Workflow"),
    query("WorkflowName", TEXT, "only those that follow the Workflow of this name"),
    query("TaskQueueSid", sid("WQ"), "only those in this TaskQueue"),
    query("TaskQueueName", TEXT, "only those in the TaskQueue of this name"),
    query(
        "EvaluateTaskAttributes",
        TEXT,
        "only those whose attributes meet this expression; limited in rate",
        chosen="An expression that cannot be parsed is refused with 400, which says where.",
    ),
    query("RoutingTarget", TEXT, "only those meant for this Worker, TaskQueue or Workflow"),
    query(
        "Ordering",
        TEXT,
        "`DateCreated`, `Priority` or `VirtualStartTime`, each with `:asc` or `:desc`, as a comma list",
        default="DateCreated:asc",
        chosen="`DateCreated` together with `VirtualStartTime` is refused with 400.",
    ),
    query("HasAddons", BOOLEAN, "only those with, or without, data of add-ons"),
    *PAGING,
)
_START: Final = "the instant it is ordered by; not in the future, not before 1900"

OPERATIONS: Final = (
    Operation(
        name="ListTask",
        method="GET",
        path=_PATH,
        summary="The Tasks of a Workspace",
        resource="task",
        rows="tasks",
        tagged=True,
        limit="Task-List-EvaluateTaskAttributes",
        parameters=_LIST,
        chosen=("Rows carry `attributes`, as a fetched Task does.",),
    ),
    Operation(
        name="CreateTask",
        method="POST",
        path=_PATH,
        summary="Create a Task; it is routed at once",
        resource="task",
        status=201,
        tagged=True,
        parameters=(
            IN,
            form(
                "Timeout",
                integer(1, 1_209_600),
                "seconds until it is canceled, if nobody has taken it",
                default="86400",
                chosen="It counts from the creation, whatever VirtualStartTime says. 0 is refused with 400.",
            ),
            form("Priority", PRIORITY, "more is more urgent", default="that of the Workflow's step, else 0"),
            form("TaskChannel", _CHANNEL, "Task Channel, by SID or unique name", default="default"),
            form("WorkflowSid", sid("WW"), "the Workflow it follows", default="the only one there is"),
            form(
                "Attributes",
                ATTRIBUTES,
                "what it is about: a JSON object",
                default="{}",
                chosen=f"Left out, they are `{{}}`. {STRICT}",
            ),
            form("VirtualStartTime", DATE, _START, default="now"),
            form("RoutingTarget", TEXT, "SID of the Worker, TaskQueue or Workflow it is meant for"),
            form(
                "IgnoreCapacity",
                TEXT,
                "`true`, `1` or `yes`: the Worker it is meant for is offered it in any state; only with a Worker",
                default="true with a Worker",
                chosen="A Reservation that cannot be made within 60 s cancels the Task.",
            ),
            form("TaskQueueSid", sid("WQ"), "TaskQueue it is filed under; only with a Worker"),
            IDEMPOTENCY_KEY,
        ),
        chosen=("Where no filter takes it and the Workflow has no default, it is refused with 400.",),
    ),
    Operation(
        name="FetchTask",
        method="GET",
        path=f"{_PATH}/{{Sid}}",
        summary="One Task",
        resource="task",
        tagged=True,
        parameters=_ONE,
    ),
    Operation(
        name="UpdateTask",
        method="POST",
        path=f"{_PATH}/{{Sid}}",
        summary="Change a Task: its values, or its status",
        resource="task",
        tagged=True,
        parameters=(
            *_ONE,
            IF_MATCH,
            form(
                "Attributes",
                ATTRIBUTES,
                "replaces all attributes; a pending Task begins anew at the first filter",
                chosen=f"A reserved Task keeps its Reservations. {STRICT}",
            ),
            form(
                "AssignmentStatus",
                STATUSES,
                "`canceled`, `wrapping` or `completed`, from the statuses that lead there",
                chosen="`pending`, `reserved` and `assigned`, and a status together with other values, are refused"
                " with 400.",
            ),
            form("Reason", TEXT, "why", chosen="Optional with every status."),
            form("Priority", PRIORITY, "more is more urgent"),
            form("TaskChannel", _CHANNEL, "Task Channel, by SID or unique name"),
            form("VirtualStartTime", DATE, _START),
        ),
    ),
    Operation(
        name="DeleteTask",
        method="DELETE",
        path=f"{_PATH}/{{Sid}}",
        summary="Delete a Task in whatever status",
        status=204,
        parameters=(*_ONE, IF_MATCH),
        chosen=("Its pending Reservations are canceled.",),
    ),
)

GROUP: Final = Group(title="Tasks", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS)
