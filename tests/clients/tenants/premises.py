"""What each of two accounts has: one of every resource, all with names that say whose they are."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
from msgspec import Struct

# The segment of a path before a SID -> the SID's prefix. A path with another one is not covered: the tests fail.
PREFIXES: Final = {
    "Workspaces": "WS",
    "Activities": "WA",
    "Channels": "WC",
    "Events": "EV",
    "Reservations": "WR",
    "TaskChannels": "TC",
    "TaskQueues": "WQ",
    "Tasks": "WT",
    "Workers": "WK",
    "Workflows": "WW",
}


class Premises(Struct):
    account: str
    token: str
    by_prefix: dict[str, str]  # one SID of each kind
    names: list[str]  # of an Activity, a Task Channel, a TaskQueue, a Worker, a Workflow
    sids: set[str]  # all that were seen

    @property
    def root(self) -> str:
        return f"/v1/Workspaces/{self.by_prefix['WS']}"


async def furnish(
    http: httpx.AsyncClient,
    auth: httpx.Auth,
    account: str,
    token: str,
    prefix: str,
    settle: Callable[[], Awaitable[Any]],
) -> Premises:
    """One of everything, and one Task that is offered. `settle` lets the matcher do what there is to do."""

    async def post(path: str, **form: str) -> str:
        answer = await http.post(f"/v1/Workspaces{path}", data=form, auth=auth)
        assert answer.status_code in {200, 201}, answer.text
        sid: str = answer.json()["sid"]
        return sid

    async def first(path: str, key: str) -> str:
        rows = (await http.get(f"/v1/Workspaces{path}", auth=auth)).json()[key]
        sid: str = rows[0]["sid"]
        return sid

    workspace = await post("", FriendlyName=prefix, MediaAdapterUrl="https://example.com/media")
    root = f"/{workspace}"
    activity = await post(f"{root}/Activities", FriendlyName=f"{prefix}_ready", Available="true")
    name = prefix.lower()
    channel = await post(f"{root}/TaskChannels", FriendlyName=f"{prefix}_fax", UniqueName=f"{name}_fax")
    queue = await post(f"{root}/TaskQueues", FriendlyName=f"{prefix}_all")
    document = json.dumps({"task_routing": {"default_filter": {"queue": queue}}})
    workflow = await post(f"{root}/Workflows", FriendlyName=f"{prefix}_flow", Configuration=document)
    about = json.dumps({"name": prefix, "contact_uri": "client:ann"})
    worker = await post(
        f"{root}/Workers", FriendlyName=f"{prefix}_ann", ActivitySid=activity, Attributes=about
    )
    await settle()
    await post(f"{root}/Workers/{worker}/Channels/default", Capacity="50")
    task = await post(f"{root}/Tasks", Attributes=about)
    await post(f"{root}/Tasks", Attributes=about)
    await settle()
    by_prefix = {
        "WS": workspace, "WA": activity, "TC": channel, "WQ": queue, "WW": workflow, "WK": worker, "WT": task,
        "WC": await first(f"{root}/Workers/{worker}/Channels", "channels"),
        "WR": await first(f"{root}/Tasks/{task}/Reservations", "reservations"),
        "EV": await first(f"{root}/Events", "events"),
    }  # fmt: skip
    names = [f"{prefix}_{kind}" for kind in ("ready", "all", "flow", "ann")] + [f"{name}_fax"]
    return Premises(account, token, by_prefix, names, {account, *by_prefix.values()})
