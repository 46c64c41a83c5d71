"""A small contact centre made over plain HTTP, for the tests of the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import httpx
from msgspec import Struct

T = TypeVar("T")

PATIENCE_S: Final = 10.0  # for the matcher; it needs about 5 ms


class Site(Struct):
    """One Workspace with one of everything; every value is the resource as its create answered."""

    http: httpx.Client
    workspace: dict[str, Any]
    available: dict[str, Any]  # Activity
    queue: dict[str, Any]
    workflow: dict[str, Any]
    worker: dict[str, Any]

    def path(self, tail: str) -> str:
        return f"/v1/Workspaces/{self.workspace['sid']}{tail}"

    def get(self, tail: str, **query: Any) -> httpx.Response:
        return self.http.get(self.path(tail), params=query)

    def post(self, tail: str, form: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        return self.http.post(self.path(tail), data=form or {}, headers=headers)

    def task(self, **form: Any) -> dict[str, Any]:
        """A new Task."""
        return created(self.post("/Tasks", {"Attributes": "{}", **form}))

    def offer(self, task: dict[str, Any]) -> dict[str, Any]:
        """The first Reservation of a Task, once the matcher has made it."""

        def look() -> dict[str, Any] | None:
            rows = self.get(f"/Tasks/{task['sid']}/Reservations").json()["reservations"]
            return rows[0] if rows else None

        return until(look)


def until(look: Callable[[], T | None]) -> T:
    """What `look` finds, asked again and again for a while."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
    raise AssertionError("it did not happen in time")


def created(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


def build_site(http: httpx.Client) -> Site:
    workspace = created(http.post("/v1/Workspaces", data={"FriendlyName": "Wire"}))
    root = f"/v1/Workspaces/{workspace['sid']}"
    activities = http.get(f"{root}/Activities").json()["activities"]
    available = next(a for a in activities if a["available"])
    queue = created(
        http.post(f"{root}/TaskQueues", data={"FriendlyName": "Everyone", "TargetWorkers": "1==1"})
    )
    configuration = {"task_routing": {"default_filter": {"queue": queue["sid"]}}}
    workflow = created(
        http.post(
            f"{root}/Workflows", data={"FriendlyName": "Flow", "Configuration": json.dumps(configuration)}
        )
    )
    worker = created(
        http.post(
            f"{root}/Workers",
            data={"FriendlyName": "Ann", "ActivitySid": available["sid"], "Attributes": '{"skill": "é"}'},
        )
    )
    return Site(http, workspace, available, queue, workflow, worker)
