"""Task Channels: kinds of work that a Worker has separate capacity for. Addressed by SID or unique name."""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import NO_CONTENT, Answer, json, replayed
from api.call import Call
from api.forms import given
from api.render import iso
from api.routes import WORKSPACE, Route
from engine.model import TaskChannel, WorkspaceConfig

NAME: Final = 64  # characters
PATH: Final = f"{WORKSPACE}/TaskChannels"


def render(call: Call, config: WorkspaceConfig, channel: TaskChannel) -> dict[str, Any]:
    workspace = call.workspace_url(config.workspace.sid)
    return {
        "account_sid": config.workspace.account_sid,
        "date_created": iso(channel.created_ms),
        "date_updated": iso(channel.updated_ms),
        "friendly_name": channel.friendly_name,
        "sid": channel.sid,
        "unique_name": channel.unique_name,
        "workspace_sid": config.workspace.sid,
        "channel_optimized_routing": channel.channel_optimized_routing,
        "url": f"{workspace}/TaskChannels/{channel.sid}",
        "links": {"workspace": workspace},
    }


async def index(call: Call) -> Answer:
    page = paging.asked(call)
    found = await call.engine.task_channels.list(
        call.account, *call.params, after=page.after, limit=page.size
    )
    rows = [render(call, found.config, channel) for channel in found.value.items]
    return paging.answer(call, page, "channels", rows, found.value)


async def create(call: Call) -> Answer:
    form = call.form
    found = await call.engine.task_channels.create(
        call.account,
        *call.params,
        friendly_name=form.required("FriendlyName", 1, NAME),
        unique_name=form.required("UniqueName", 1, NAME),
        channel_optimized_routing=form.boolean("ChannelOptimizedRouting") or False,
        idempotency_key=call.idempotency_key(),
    )
    return json(201, render(call, found.config, found.value), *replayed(found))


async def fetch(call: Call) -> Answer:
    found = await call.engine.task_channels.fetch(call.account, *call.params)
    return json(200, render(call, found.config, found.value))


async def update(call: Call) -> Answer:
    form = call.form
    found = await call.engine.task_channels.update(
        call.account,
        *call.params,
        friendly_name=given(form.text("FriendlyName", 1, NAME)),
        channel_optimized_routing=given(form.boolean("ChannelOptimizedRouting")),
    )
    return json(200, render(call, found.config, found.value))


async def delete(call: Call) -> Answer:
    await call.engine.task_channels.delete(call.account, *call.params)
    return NO_CONTENT


ROUTES: Final = (
    Route("GET", PATH, "ListTaskChannel", index),
    Route("POST", PATH, "CreateTaskChannel", create),
    Route("GET", f"{PATH}/{{Sid}}", "FetchTaskChannel", fetch),
    Route("POST", f"{PATH}/{{Sid}}", "UpdateTaskChannel", update),
    Route("DELETE", f"{PATH}/{{Sid}}", "DeleteTaskChannel", delete),
)
