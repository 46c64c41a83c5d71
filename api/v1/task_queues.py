"""Task Queues: which Workers may take a Task, and in which order its Tasks go."""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import NO_CONTENT, Answer, json, replayed
from api.call import Call
from api.forms import given
from api.render import iso, name_of
from api.routes import WORKSPACE, Route
from engine.model import TaskQueue, WorkspaceConfig

NAME: Final = 255  # characters
ORDERS: Final = ("FIFO", "LIFO")
PATH: Final = f"{WORKSPACE}/TaskQueues"

_FILTERS: Final = ("FriendlyName", "EvaluateWorkerAttributes", "WorkerSid", "Ordering")


def render(call: Call, config: WorkspaceConfig, queue: TaskQueue) -> dict[str, Any]:
    return {
        "account_sid": config.workspace.account_sid,
        "assignment_activity_sid": queue.assignment_activity_sid,
        "assignment_activity_name": name_of(config.activities, queue.assignment_activity_sid),
        "date_created": iso(queue.created_ms),
        "date_updated": iso(queue.updated_ms),
        "friendly_name": queue.friendly_name,
        "max_reserved_workers": queue.max_reserved_workers,
        "reservation_activity_sid": queue.reservation_activity_sid,
        "reservation_activity_name": name_of(config.activities, queue.reservation_activity_sid),
        "sid": queue.sid,
        "target_workers": queue.target_workers,
        "task_order": queue.task_order,
        "url": f"{call.workspace_url(config.workspace.sid)}/TaskQueues/{queue.sid}",
        "workspace_sid": config.workspace.sid,
        "links": _links(call.workspace_url(config.workspace.sid), queue),
    }


def _links(workspace: str, queue: TaskQueue) -> dict[str, str | None]:
    url = f"{workspace}/TaskQueues/{queue.sid}"
    return {
        "assignment_activity": _activity(workspace, queue.assignment_activity_sid),
        "reservation_activity": _activity(workspace, queue.reservation_activity_sid),
        "workspace": workspace,
        "statistics": f"{url}/Statistics",
        "real_time_statistics": f"{url}/RealTimeStatistics",
        "cumulative_statistics": f"{url}/CumulativeStatistics",
        "list_statistics": f"{workspace}/TaskQueues/Statistics",
        "bulk_real_time_statistics": f"{workspace}/TaskQueues/RealTimeStatistics",
    }


def _activity(workspace: str, sid: str | None) -> str | None:
    return None if sid is None else f"{workspace}/Activities/{sid}"


async def index(call: Call) -> Answer:
    page = paging.asked(call, *_FILTERS)
    query = page.query
    found = await call.engine.task_queues.list(
        call.account,
        *call.params,
        friendly_name=query.filter("FriendlyName"),
        worker_sid=query.sid("WorkerSid", "WK"),
        evaluate_worker_attributes=query.filter("EvaluateWorkerAttributes"),
        ordering=query.filter("Ordering"),
        after=page.after,
        limit=page.size,
    )
    rows = [render(call, found.config, queue) for queue in found.value.items]
    return paging.answer(call, page, "task_queues", rows, found.value)


async def create(call: Call) -> Answer:
    form = call.form
    found = await call.engine.task_queues.create(
        call.account,
        *call.params,
        friendly_name=form.required("FriendlyName", 1, NAME),
        target_workers=given(form.text("TargetWorkers")),
        max_reserved_workers=given(form.integer("MaxReservedWorkers", 1, 50)),
        task_order=given(form.one_of("TaskOrder", ORDERS)),
        reservation_activity_sid=given(form.sid_or_empty("ReservationActivitySid", "WA")),
        assignment_activity_sid=given(form.sid_or_empty("AssignmentActivitySid", "WA")),
        idempotency_key=call.idempotency_key(),
    )
    return json(201, render(call, found.config, found.value), *replayed(found))


async def fetch(call: Call) -> Answer:
    found = await call.engine.task_queues.fetch(call.account, *call.params)
    return json(200, render(call, found.config, found.value))


async def update(call: Call) -> Answer:
    form = call.form
    found = await call.engine.task_queues.update(
        call.account,
        *call.params,
        friendly_name=given(form.text("FriendlyName", 1, NAME)),
        target_workers=given(form.text("TargetWorkers")),
        max_reserved_workers=given(form.integer("MaxReservedWorkers", 1, 50)),
        task_order=given(form.one_of("TaskOrder", ORDERS)),
        reservation_activity_sid=given(form.sid_or_empty("ReservationActivitySid", "WA")),
        assignment_activity_sid=given(form.sid_or_empty("AssignmentActivitySid", "WA")),
    )
    return json(200, render(call, found.config, found.value))


async def delete(call: Call) -> Answer:
    await call.engine.task_queues.delete(call.account, *call.params)
    return NO_CONTENT


ROUTES: Final = (
    Route("GET", PATH, "ListTaskQueue", index),
    Route("POST", PATH, "CreateTaskQueue", create),
    Route("GET", f"{PATH}/{{Sid}}", "FetchTaskQueue", fetch),
    Route("POST", f"{PATH}/{{Sid}}", "UpdateTaskQueue", update),
    Route("DELETE", f"{PATH}/{{Sid}}", "DeleteTaskQueue", delete),
)
