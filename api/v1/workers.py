"""Workers: who takes Tasks."""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import NO_CONTENT, Answer, replayed, tagged
from api.call import Call
from api.forms import given
from api.render import iso, name_of
from api.routes import WORKSPACE, Route
from engine.model import Worker, WorkspaceConfig

NAME: Final = 64  # characters
PATH: Final = f"{WORKSPACE}/Workers"

_FILTERS: Final = (
    "ActivityName",
    "ActivitySid",
    "Available",
    "FriendlyName",
    "TargetWorkersExpression",
    "TaskQueueName",
    "TaskQueueSid",
    "Ordering",
    "AfterSid",
)


def render(call: Call, config: WorkspaceConfig, worker: Worker) -> dict[str, Any]:
    workspace = call.workspace_url(config.workspace.sid)
    return {
        "account_sid": config.workspace.account_sid,
        "activity_name": name_of(config.activities, worker.activity_sid),
        "activity_sid": worker.activity_sid,
        "attributes": worker.attributes,
        "available": worker.available,
        "date_created": iso(worker.created_ms),
        "date_status_changed": iso(worker.status_changed_ms),
        "date_updated": iso(worker.updated_ms),
        "friendly_name": worker.friendly_name,
        "sid": worker.sid,
        "workspace_sid": config.workspace.sid,
        "url": f"{workspace}/Workers/{worker.sid}",
        "links": _links(workspace, worker),
    }


def _links(workspace: str, worker: Worker) -> dict[str, str]:
    url = f"{workspace}/Workers/{worker.sid}"
    return {
        "channels": f"{url}/Channels",
        "activity": f"{workspace}/Activities/{worker.activity_sid}",
        "workspace": workspace,
        "statistics": f"{workspace}/Workers/Statistics",
        "real_time_statistics": f"{workspace}/Workers/RealTimeStatistics",
        "cumulative_statistics": f"{workspace}/Workers/CumulativeStatistics",
        "worker_statistics": f"{url}/Statistics",
        "worker_channels": f"{url}/Channels",
        "reservations": f"{url}/Reservations",
    }


async def index(call: Call) -> Answer:
    page = paging.asked(call, *_FILTERS)
    query = page.query
    found = await call.engine.workers.list(
        call.account,
        *call.params,
        friendly_name=query.filter("FriendlyName"),
        activity_name=query.filter("ActivityName"),
        activity_sid=query.sid("ActivitySid", "WA"),
        available=query.truthy("Available"),
        task_queue_sid=query.sid("TaskQueueSid", "WQ"),
        task_queue_name=query.filter("TaskQueueName"),
        target_workers_expression=query.filter("TargetWorkersExpression"),
        ordering=query.filter("Ordering"),
        after_sid=query.sid("AfterSid", "WK"),
        after=page.after,
        limit=page.size,
    )
    rows = [render(call, found.config, worker) for worker in found.value.items]
    return paging.tagged_answer(call, page, "workers", rows, found.value)


async def create(call: Call) -> Answer:
    form = call.form
    found = await call.engine.workers.create(
        call.account,
        *call.params,
        friendly_name=form.required("FriendlyName", 1, NAME),
        activity_sid=given(form.sid("ActivitySid", "WA")),
        attributes=given(form.attributes("Attributes")),
        idempotency_key=call.idempotency_key(),
    )
    body = render(call, found.config, found.value)
    return tagged(201, body, found.value.revision, *replayed(found))


async def fetch(call: Call) -> Answer:
    found = await call.engine.workers.fetch(call.account, *call.params)
    return tagged(200, render(call, found.config, found.value), found.value.revision)


async def update(call: Call) -> Answer:
    form = call.form
    found = await call.engine.workers.update(
        call.account,
        *call.params,
        friendly_name=given(form.text("FriendlyName", 1, NAME)),
        activity_sid=given(form.sid("ActivitySid", "WA")),
        attributes=given(form.attributes("Attributes")),
        reject_pending_reservations=form.boolean("RejectPendingReservations") or False,
        if_match=call.if_match(),
    )
    return tagged(200, render(call, found.config, found.value), found.value.revision)


async def delete(call: Call) -> Answer:
    workspace, sid = call.params
    await call.engine.workers.delete(call.account, workspace, sid, if_match=call.if_match())
    return NO_CONTENT


ROUTES: Final = (
    Route("GET", PATH, "ListWorker", index),
    Route("POST", PATH, "CreateWorker", create),
    Route("GET", f"{PATH}/{{Sid}}", "FetchWorker", fetch),
    Route("POST", f"{PATH}/{{Sid}}", "UpdateWorker", update),
    Route("DELETE", f"{PATH}/{{Sid}}", "DeleteWorker", delete),
)
