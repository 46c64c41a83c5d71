"""Workspaces: the container of everything else.

`MediaAdapterUrl` and `media_adapter_url` are not of the original API: see docs/media-adapter.md.
"""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import NO_CONTENT, Answer, json, replayed
from api.call import Call
from api.forms import given
from api.render import iso, name_of
from api.routes import WORKSPACE, WORKSPACES, Route
from engine.model import Found, Workspace, WorkspaceConfig

NAME: Final = 64  # characters
TEMPLATES: Final = ("NONE", "FIFO")
ORDERS: Final = ("FIFO", "LIFO")

_LINKS: Final = (
    ("activities", "Activities"),
    ("statistics", "Statistics"),
    ("real_time_statistics", "RealTimeStatistics"),
    ("cumulative_statistics", "CumulativeStatistics"),
    ("task_queues", "TaskQueues"),
    ("tasks", "Tasks"),
    ("workers", "Workers"),
    ("workflows", "Workflows"),
    ("task_channels", "TaskChannels"),
    ("events", "Events"),
)


def render(call: Call, config: WorkspaceConfig) -> dict[str, Any]:
    """A Workspace as JSON; the names of its Activities come from the same configuration."""
    workspace = config.workspace
    url = call.workspace_url(workspace.sid)
    extension = {"media_adapter_url": workspace.media_adapter_url} if workspace.media_adapter_url else {}
    return {
        "account_sid": workspace.account_sid,
        "date_created": iso(workspace.created_ms),
        "date_updated": iso(workspace.updated_ms),
        "default_activity_name": name_of(config.activities, workspace.default_activity_sid),
        "default_activity_sid": workspace.default_activity_sid,
        "event_callback_url": workspace.event_callback_url,
        "events_filter": workspace.events_filter,
        "friendly_name": workspace.friendly_name,
        "multi_task_enabled": workspace.multi_task_enabled,
        "sid": workspace.sid,
        "timeout_activity_name": name_of(config.activities, workspace.timeout_activity_sid),
        "timeout_activity_sid": workspace.timeout_activity_sid,
        "prioritize_queue_order": workspace.prioritize_queue_order,
        "url": url,
        "links": {key: f"{url}/{segment}" for key, segment in _LINKS},
        **extension,
    }


def _written(call: Call, status: int, found: Found[Workspace]) -> Answer:
    """The answer to a create or update; one that set the media adapter's URL shows the secret, this once."""
    body = render(call, found.config)
    if call.form.raw("MediaAdapterUrl"):
        body["media_adapter_secret"] = found.value.media_adapter_secret
    return json(status, body, *replayed(found))


async def index(call: Call) -> Answer:
    page = paging.asked(call, "FriendlyName")
    found = await call.engine.workspaces.list(
        call.account,
        friendly_name=page.query.filter("FriendlyName"),
        after=page.after,
        limit=page.size,
    )
    rows = [render(call, one.config) for one in found.items]
    return paging.answer(call, page, "workspaces", rows, found)


async def create(call: Call) -> Answer:
    form = call.form
    found = await call.engine.workspaces.create(
        call.account,
        friendly_name=form.required("FriendlyName", 1, NAME),
        event_callback_url=call.callback_url("EventCallbackUrl"),
        events_filter=given(form.text("EventsFilter")),
        multi_task_enabled=given(form.boolean("MultiTaskEnabled")),
        template=form.one_of("Template", TEMPLATES) or "NONE",
        prioritize_queue_order=given(form.one_of("PrioritizeQueueOrder", ORDERS)),
        media_adapter_url=call.callback_url("MediaAdapterUrl"),
        idempotency_key=call.idempotency_key(),
    )
    return _written(call, 201, found)


async def fetch(call: Call) -> Answer:
    found = await call.engine.workspaces.fetch(call.account, *call.params)
    return json(200, render(call, found.config))


async def update(call: Call) -> Answer:
    form = call.form
    found = await call.engine.workspaces.update(
        call.account,
        *call.params,
        friendly_name=given(form.text("FriendlyName", 1, NAME)),
        event_callback_url=call.callback_url("EventCallbackUrl"),
        events_filter=given(form.text("EventsFilter")),
        multi_task_enabled=given(form.boolean("MultiTaskEnabled")),
        prioritize_queue_order=given(form.one_of("PrioritizeQueueOrder", ORDERS)),
        default_activity_sid=given(form.sid("DefaultActivitySid", "WA")),
        timeout_activity_sid=given(form.sid("TimeoutActivitySid", "WA")),
        media_adapter_url=call.callback_url("MediaAdapterUrl"),
    )
    return _written(call, 200, found)


async def delete(call: Call) -> Answer:
    await call.engine.workspaces.delete(call.account, *call.params)
    return NO_CONTENT


ROUTES: Final = (
    Route("GET", WORKSPACES, "ListWorkspace", index),
    Route("POST", WORKSPACES, "CreateWorkspace", create),
    Route("GET", WORKSPACE, "FetchWorkspace", fetch),
    Route("POST", WORKSPACE, "UpdateWorkspace", update),
    Route("DELETE", WORKSPACE, "DeleteWorkspace", delete),
)
