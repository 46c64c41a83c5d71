"""Tasks: what is to be done. Creating and updating them are hot paths, taken by the door."""

from __future__ import annotations

from typing import Final, TypedDict

from msgspec import Raw

from api import paging
from api.answer import NO_CONTENT, Answer, etag, replayed
from api.call import Call
from api.errors import ParameterError
from api.forms import Form, given
from api.routes import WORKSPACE, Route
from api.v1.task_json import TaskJSON
from engine.model import Found, Task, TaskStatus
from engine.sids import is_sid

MAX_PRIORITY: Final = 2_147_483_647
MAX_TIMEOUT_S: Final = 1_209_600  # two weeks
DEFAULT_TIMEOUT_S: Final = 86_400
CHANNEL: Final = 64  # characters of a unique name; a SID has 34
YEAR_1900_MS: Final = -2_208_988_800_000
STATUSES: Final = tuple(status.value for status in TaskStatus)
PATH: Final = f"{WORKSPACE}/Tasks"

_json: Final = TaskJSON()
_FILTERS: Final = (
    "Priority",
    "AssignmentStatus",
    "WorkflowSid",
    "WorkflowName",
    "TaskQueueSid",
    "TaskQueueName",
    "EvaluateTaskAttributes",
    "RoutingTarget",
    "Ordering",
    "HasAddons",
)


def _answer(call: Call, status: int, found: Found[Task]) -> Answer:
    body = _json.render(call.base, found.config, found.value, found.now_ms)
    return Answer(status, body, (etag(found.value.revision), *replayed(found)))


async def index(call: Call) -> Answer:
    page = paging.asked(call, *_FILTERS)
    query = page.query
    found = await call.engine.tasks.list(
        call.account,
        *call.params,
        priority=query.integer("Priority", 0, MAX_PRIORITY),
        assignment_status=_statuses(query),
        workflow_sid=query.sid("WorkflowSid", "WW"),
        workflow_name=query.filter("WorkflowName"),
        task_queue_sid=query.sid("TaskQueueSid", "WQ"),
        task_queue_name=query.filter("TaskQueueName"),
        evaluate_task_attributes=query.filter("EvaluateTaskAttributes"),
        routing_target=_target(query),
        ordering=query.filter("Ordering"),
        has_addons=query.boolean("HasAddons"),
        after=page.after,
        limit=page.size,
    )
    rows = [Raw(_json.render(call.base, found.config, task, found.now_ms)) for task in found.value.items]
    return paging.tagged_answer(call, page, "tasks", rows, found.value)


def _statuses(query: Form) -> list[str] | None:
    """The values of AssignmentStatus, repeated or in comma lists; None when there is none."""
    wanted = [word.strip() for value in query.all("AssignmentStatus") for word in value.split(",")]
    wanted = [word for word in wanted if word]
    if not all(word in STATUSES for word in wanted):
        raise ParameterError("AssignmentStatus", f"must be one of {', '.join(STATUSES)}")
    return wanted or None


def _target(query: Form) -> str | None:
    sid = query.raw("RoutingTarget")
    if sid is not None and not any(is_sid(sid, prefix) for prefix in ("WK", "WQ", "WW")):
        raise ParameterError("RoutingTarget", "must be the SID of a Worker, a TaskQueue or a Workflow")
    return sid


class Parameters(TypedDict):
    """What a new Task is asked to be, in the engine's words."""

    attributes: str
    priority: int | None
    timeout: int
    task_channel: str | None
    workflow_sid: str | None
    virtual_start_ms: int | None
    routing_target: str | None
    ignore_capacity: bool | None
    task_queue_sid: str | None


def parameters(form: Form) -> Parameters:
    """The parameters of CreateTask. Raises ParameterError."""
    timeout = form.integer("Timeout", 1, MAX_TIMEOUT_S)
    return Parameters(
        attributes=form.attributes("Attributes") or "{}",
        priority=form.integer("Priority", 0, MAX_PRIORITY),
        timeout=DEFAULT_TIMEOUT_S if timeout is None else timeout,
        task_channel=form.text("TaskChannel", 1, CHANNEL),
        workflow_sid=form.sid("WorkflowSid", "WW"),
        virtual_start_ms=_virtual_start(form),
        routing_target=form.text("RoutingTarget") or None,
        ignore_capacity=form.truthy("IgnoreCapacity"),
        task_queue_sid=form.sid("TaskQueueSid", "WQ"),
    )


async def create(call: Call) -> Answer:
    (workspace,) = call.params
    found = await call.engine.tasks.create(
        call.account, workspace, **parameters(call.form), idempotency_key=call.idempotency_key()
    )
    return _answer(call, 201, found)


def _virtual_start(form: Form) -> int | None:
    """Whether it lies in the future is for the engine to say: only its clock counts."""
    instant_ms = form.instant_ms("VirtualStartTime")
    if instant_ms is not None and instant_ms < YEAR_1900_MS:
        raise ParameterError("VirtualStartTime", "must not be before the year 1900")
    return instant_ms


async def fetch(call: Call) -> Answer:
    found = await call.engine.tasks.fetch(call.account, *call.params)
    return _answer(call, 200, found)


async def update(call: Call) -> Answer:
    form = call.form
    workspace, sid = call.params
    found = await call.engine.tasks.update(
        call.account,
        workspace,
        sid,
        attributes=given(form.attributes("Attributes")),
        assignment_status=given(form.one_of("AssignmentStatus", STATUSES)),
        reason=given(form.text("Reason")),
        priority=given(form.integer("Priority", 0, MAX_PRIORITY)),
        task_channel=given(form.text("TaskChannel", 1, CHANNEL)),
        virtual_start_ms=given(_virtual_start(form)),
        if_match=call.if_match(),
    )
    return _answer(call, 200, found)


async def delete(call: Call) -> Answer:
    workspace, sid = call.params
    await call.engine.tasks.delete(call.account, workspace, sid, if_match=call.if_match())
    return NO_CONTENT


ROUTES: Final = (
    Route("GET", PATH, "ListTask", index),
    Route("POST", PATH, "CreateTask", create),
    Route("GET", f"{PATH}/{{Sid}}", "FetchTask", fetch),
    Route("POST", f"{PATH}/{{Sid}}", "UpdateTask", update),
    Route("DELETE", f"{PATH}/{{Sid}}", "DeleteTask", delete),
)
