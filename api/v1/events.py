"""Events: what happened in a Workspace, newest first."""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import Answer, json
from api.call import Call
from api.render import iso
from api.routes import WORKSPACE, Route
from engine.events import Event
from engine.model import WorkspaceConfig

PATH: Final = f"{WORKSPACE}/Events"
SOURCE: Final = "trunkline"
MAX_MINUTES: Final = 10 * 366 * 24 * 60  # ten years, the longest that events can be kept
CHANNEL: Final = 64  # characters

_FOLDERS: Final = {
    "activity": "Activities",
    "task-channel": "TaskChannels",
    "task-queue": "TaskQueues",
    "workflow": "Workflows",
    "worker": "Workers",
    "task": "Tasks",
}
_SIDS: Final = (
    ("TaskSid", "WT"),
    ("WorkerSid", "WK"),
    ("ReservationSid", "WR"),
    ("WorkflowSid", "WW"),
    ("TaskQueueSid", "WQ"),
    ("Sid", "EV"),
)
_FILTERS: Final = (
    "Minutes",
    "StartDate",
    "EndDate",
    "EventType",
    "TaskChannel",
    *(name for name, _ in _SIDS),
)


def render(call: Call, config: WorkspaceConfig, event: Event) -> dict[str, Any]:
    workspace = call.workspace_url(config.workspace.sid)
    return {
        "account_sid": config.workspace.account_sid,
        "actor_sid": event.actor_sid,
        "actor_type": event.actor_type,
        "actor_url": workspace,
        "description": event.description,
        "event_data": event.data,
        "event_date": iso(event.at_ms),
        "event_date_ms": event.at_ms,
        "event_type": event.type,
        "resource_sid": event.resource_sid,
        "resource_type": event.resource_type,
        "resource_url": _resource_url(workspace, event),
        "sid": event.sid,
        "source": SOURCE,
        "source_ip_address": None,  # scripts also act by time and for other Workers: nobody's address
        "url": f"{workspace}/Events/{event.sid}",
        "workspace_sid": config.workspace.sid,
    }


def _resource_url(workspace: str, event: Event) -> str:
    if event.resource_type == "workspace":
        return workspace
    if event.resource_type == "reservation":
        return f"{workspace}/Tasks/{event.data['task_sid']}/Reservations/{event.resource_sid}"
    return f"{workspace}/{_FOLDERS[event.resource_type]}/{event.resource_sid}"


async def index(call: Call) -> Answer:
    page = paging.asked(call, *_FILTERS)
    query = page.query
    task, worker, reservation, workflow, queue, sid = (query.sid(name, prefix) for name, prefix in _SIDS)
    found = await call.engine.events.list(
        call.account,
        *call.params,
        minutes=query.integer("Minutes", 1, MAX_MINUTES),
        start_ms=query.instant_ms("StartDate"),
        end_ms=_last_ms(call),
        event_type=query.filter("EventType"),
        task_sid=task,
        worker_sid=worker,
        reservation_sid=reservation,
        workflow_sid=workflow,
        task_queue_sid=queue,
        task_channel=query.text("TaskChannel", 0, CHANNEL) or None,
        sid=sid,
        after=page.after,
        limit=page.size,
    )
    rows = [render(call, found.config, event) for event in found.value.items]
    return paging.answer(call, page, "events", rows, found.value)


def _last_ms(call: Call) -> int | None:
    """The end of EndDate: dates are shown to the second, so one that was read off an event includes it."""
    end_ms = call.query.instant_ms("EndDate")
    return end_ms + 999 if end_ms is not None and end_ms % 1_000 == 0 else end_ms


async def fetch(call: Call) -> Answer:
    found = await call.engine.events.fetch(call.account, *call.params)
    return json(200, render(call, found.config, found.value))


ROUTES: Final = (
    Route("GET", PATH, "ListEvent", index),
    Route("GET", f"{PATH}/{{Sid}}", "FetchEvent", fetch),
)
