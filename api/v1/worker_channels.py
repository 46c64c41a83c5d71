"""Worker Channels: one Worker's capacity on one Task Channel.

Addressed by their own SID, by the SID of the Task Channel or by its unique name.
"""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import Answer, json
from api.call import Call
from api.forms import given
from api.render import iso
from api.routes import WORKSPACE, Route
from engine.model import WorkerChannel, WorkspaceConfig

MAX_CAPACITY: Final = 2_147_483_647
PATH: Final = f"{WORKSPACE}/Workers/{{WorkerSid}}/Channels"


def render(call: Call, config: WorkspaceConfig, channel: WorkerChannel) -> dict[str, Any]:
    workspace = call.workspace_url(config.workspace.sid)
    kind = config.channels.get(channel.task_channel_sid)
    return {
        "account_sid": config.workspace.account_sid,
        "assigned_tasks": channel.assigned_tasks,
        "available": channel.available,
        "available_capacity_percentage": channel.available_capacity_percentage,
        "configured_capacity": channel.configured_capacity,
        "date_created": iso(channel.created_ms),
        "date_updated": iso(channel.updated_ms),
        "sid": channel.sid,
        "task_channel_sid": channel.task_channel_sid,
        "task_channel_unique_name": None if kind is None else kind.unique_name,
        "worker_sid": channel.worker_sid,
        "workspace_sid": config.workspace.sid,
        "url": f"{workspace}/Workers/{channel.worker_sid}/Channels/{channel.sid}",
    }


async def index(call: Call) -> Answer:
    page = paging.asked(call)
    found = await call.engine.worker_channels.list(
        call.account, *call.params, after=page.after, limit=page.size
    )
    rows = [render(call, found.config, channel) for channel in found.value.items]
    return paging.answer(call, page, "channels", rows, found.value)


async def fetch(call: Call) -> Answer:
    found = await call.engine.worker_channels.fetch(call.account, *call.params)
    return json(200, render(call, found.config, found.value))


async def update(call: Call) -> Answer:
    found = await call.engine.worker_channels.update(
        call.account,
        *call.params,
        capacity=given(call.form.integer("Capacity", 0, MAX_CAPACITY)),
        available=given(call.form.boolean("Available")),
    )
    return json(200, render(call, found.config, found.value))


ROUTES: Final = (
    Route("GET", PATH, "ListWorkerChannel", index),
    Route("GET", f"{PATH}/{{Sid}}", "FetchWorkerChannel", fetch),
    Route("POST", f"{PATH}/{{Sid}}", "UpdateWorkerChannel", update),
)
