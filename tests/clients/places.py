"""Paths of operations, filled with SIDs of things that are there."""

from __future__ import annotations

from typing import Any

from api.surface.model import Operation
from tests.clients.site import Site, created, until


def sids(site: Site, one: Operation) -> dict[str, str]:
    """A value for every parameter in the operation's path. What it deletes is a spare one that nothing uses."""
    parent, found, _ = one.path.rpartition("/{Sid}")
    values = {
        "WorkspaceSid": site.workspace["sid"],
        "TaskSid": open_offer(site)["task_sid"],
        "WorkerSid": site.worker["sid"],
        "TaskQueueSid": site.queue["sid"],
        "WorkflowSid": site.workflow["sid"],
    }
    if found and one.method == "DELETE" and not parent.endswith("Tasks"):
        values["Sid"] = _spare(site, parent.rpartition("/")[2])
    elif found:
        values["Sid"] = _first(site, parent.format(**values))
    return {name: value for name, value in values.items() if f"{{{name}}}" in one.path}


def open_offer(site: Site) -> dict[str, Any]:
    """The Reservation of the Worker, who has room for one."""
    rows = site.get(f"/Workers/{site.worker['sid']}/Reservations").json()["reservations"]
    return rows[0] if rows else site.offer(site.task())


def _first(site: Site, path: str) -> str:
    """The SID of the first of a list, waiting until there is one."""

    def look() -> str | None:
        body = site.http.get(path).json()
        return next((row["sid"] for row in body[body["meta"]["key"]]), None)

    return until(look)


def _spare(site: Site, folder: str) -> str:
    form = {"FriendlyName": f"Spare {folder}"}
    if folder == "TaskChannels":
        form["UniqueName"] = "spare"
    if folder == "Workflows":
        form["Configuration"] = site.workflow["configuration"]
    sid: str = created(site.post(f"/{folder}", form))["sid"]
    return sid
