"""Activities: what a Worker may be doing, and whether that makes it available."""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import NO_CONTENT, Answer, json, replayed
from api.call import Call
from api.forms import given
from api.render import iso
from api.routes import WORKSPACE, Route
from engine.model import Activity, WorkspaceConfig

NAME: Final = 64  # characters
PATH: Final = f"{WORKSPACE}/Activities"


def render(call: Call, config: WorkspaceConfig, activity: Activity) -> dict[str, Any]:
    workspace = call.workspace_url(config.workspace.sid)
    return {
        "account_sid": config.workspace.account_sid,
        "available": activity.available,
        "date_created": iso(activity.created_ms),
        "date_updated": iso(activity.updated_ms),
        "friendly_name": activity.friendly_name,
        "sid": activity.sid,
        "workspace_sid": config.workspace.sid,
        "url": f"{workspace}/Activities/{activity.sid}",
        "links": {"workspace": workspace},
    }


async def index(call: Call) -> Answer:
    page = paging.asked(call, "FriendlyName", "Available")
    found = await call.engine.activities.list(
        call.account,
        *call.params,
        friendly_name=page.query.filter("FriendlyName"),
        available=page.query.truthy("Available"),
        after=page.after,
        limit=page.size,
    )
    rows = [render(call, found.config, activity) for activity in found.value.items]
    return paging.answer(call, page, "activities", rows, found.value)


async def create(call: Call) -> Answer:
    found = await call.engine.activities.create(
        call.account,
        *call.params,
        friendly_name=call.form.required("FriendlyName", 1, NAME),
        available=call.form.truthy("Available") or False,
        idempotency_key=call.idempotency_key(),
    )
    return json(201, render(call, found.config, found.value), *replayed(found))


async def fetch(call: Call) -> Answer:
    found = await call.engine.activities.fetch(call.account, *call.params)
    return json(200, render(call, found.config, found.value))


async def update(call: Call) -> Answer:
    """Only the name changes: `Available` is fixed at creation, and one that is sent is ignored."""
    found = await call.engine.activities.update(
        call.account, *call.params, friendly_name=given(call.form.text("FriendlyName", 1, NAME))
    )
    return json(200, render(call, found.config, found.value))


async def delete(call: Call) -> Answer:
    await call.engine.activities.delete(call.account, *call.params)
    return NO_CONTENT


ROUTES: Final = (
    Route("GET", PATH, "ListActivity", index),
    Route("POST", PATH, "CreateActivity", create),
    Route("GET", f"{PATH}/{{Sid}}", "FetchActivity", fetch),
    Route("POST", f"{PATH}/{{Sid}}", "UpdateActivity", update),
    Route("DELETE", f"{PATH}/{{Sid}}", "DeleteActivity", delete),
)
