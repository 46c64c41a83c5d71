"""A contact centre over HTTP: programs that post Tasks, agents that do them, and what was promised to either.

Whoever is here counts as sure only what was answered with a 2xx. An answer that did not come ends a program or an
agent, as the process that should have given it is dead; any answer but the right one fails the test.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from msgspec import Struct, field

from tests.faults.processes import SID, TOKEN

PROGRAMS: Final = 6
AGENTS: Final = 3  # fewer than would keep up, so that Tasks are open at any moment
LEVEL: Final = 1_000_000
CALL_LIMIT_S: Final = 20.0
PAGE: Final = 1000
OPEN: Final = {"pending", "reserved", "assigned", "wrapping"}


class Promised(Struct):
    """What was answered. After any death, what got a 2xx must be there."""

    tasks: dict[str, str] = field(default_factory=dict)  # Task SID -> its attributes
    accepted: dict[str, str] = field(default_factory=dict)  # Reservation SID -> Task SID
    completed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # attributes of a Task -> what the 503 said
    asked: int = 0  # Tasks that were asked for, answered or not


class Refused(Exception):
    """An answer 503; `message` says whether the change may have happened."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Centre:
    """One Workspace, through one `trunkline serve`."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._base = http, f"{url}/v1/Workspaces"
        self.workers: list[str] = []

    async def build(self) -> str:
        """Set everything up, a Workspace to `enter`. Returns its SID."""
        workspace: str = (await self.call("POST", "", {"FriendlyName": "Faults"}))["sid"]
        place, self._base = self._base, f"{self._base}/{workspace}"
        queue = await self.call("POST", "/TaskQueues", {"FriendlyName": "All", "TargetWorkers": "1==1"})
        step = {"queue": queue["sid"], "expression": "worker.level > task.level"}
        document = json.dumps({"task_routing": {"default_filter": step}})
        await self.call("POST", "/Workflows", {"FriendlyName": "By level", "Configuration": document})
        activities = await self.rows("/Activities", "activities")
        available = next(row["sid"] for row in activities if row["available"])
        for number in range(AGENTS):
            form = {"FriendlyName": f"agent-{number}", "ActivitySid": available}
            await self.call("POST", "/Workers", {**form, "Attributes": json.dumps({"level": LEVEL})})
        self._base = place
        return workspace

    async def enter(self, workspace: str) -> None:
        """From here on, calls are about this Workspace."""
        self._base += f"/{workspace}"
        self.workers = [row["sid"] for row in await self.rows("/Workers", "workers")]

    async def call(self, method: str, path: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The answer to a call that succeeds. Raises aiohttp.ClientError when none comes, Refused for a 503."""
        url = path if path.startswith("http") else self._base + path
        async with self._http.request(method, url, data=form) as response:
            answer: dict[str, Any] = await response.json()
            if response.status == 503:
                assert (answer["code"], response.headers["Retry-After"]) == (20503, "1")
                raise Refused(answer["message"])
            assert response.status in (200, 201), (method, path, form, answer)
            return answer

    async def rows(self, path: str, key: str) -> list[dict[str, Any]]:
        """All of a list."""
        found: list[dict[str, Any]] = []
        following: str | None = f"{path}{'&' if '?' in path else '?'}PageSize={PAGE}"
        while following:
            page = await self.call("GET", following)
            found += page[key]
            following = page["meta"]["next_page_url"]
        return found

    async def post(self, promised: Promised) -> str:
        """Create a Task; every second one needs a pool of its own. Returns its SID."""
        number = promised.asked
        promised.asked += 1
        attributes = json.dumps({"level": number if number % 2 else 0, "number": number})
        try:
            task = await self.call("POST", "/Tasks", {"Attributes": attributes})
        except Refused as refused:
            promised.refused[attributes] = refused.message
            raise
        sid: str = task["sid"]
        promised.tasks[sid] = attributes
        return sid

    async def work(self, worker: str, promised: Promised, is_over: Callable[[], bool]) -> None:
        """One agent: accept what is offered, complete what was accepted, until it is over."""
        path = f"/Workers/{worker}/Reservations"
        while not is_over():
            for offer in await self.rows(f"{path}?ReservationStatus=pending", "reservations"):
                await self.call("POST", f"{path}/{offer['sid']}", {"ReservationStatus": "accepted"})
                promised.accepted[offer["sid"]] = offer["task_sid"]
            for held in await self.rows(f"{path}?ReservationStatus=accepted", "reservations"):
                await self.call("POST", f"{path}/{held['sid']}", {"ReservationStatus": "completed"})
                promised.completed[held["sid"]] = held["task_sid"]

    async def until_all_ended(self) -> None:
        """Returns once no Task is pending, reserved, assigned or wrapping."""
        while any(row["assignment_status"] in OPEN for row in await self.rows("/Tasks", "tasks")):
            continue  # each look is a call

    async def reservations(self) -> dict[str, list[dict[str, Any]]]:
        """The Reservations of every Task."""
        tasks = [row["sid"] for row in await self.rows("/Tasks", "tasks")]
        found = await asyncio.gather(
            *(self.rows(f"/Tasks/{task}/Reservations", "reservations") for task in tasks)
        )
        return dict(zip(tasks, found, strict=True))


@asynccontextmanager
async def centre_at(url: str) -> AsyncIterator[Centre]:
    """A Centre whose connections are closed at the end."""
    async with aiohttp.ClientSession(
        headers={"Authorization": "Basic " + b64encode(f"{SID}:{TOKEN}".encode()).decode()},
        connector=aiohttp.TCPConnector(limit=PROGRAMS + AGENTS),
        timeout=aiohttp.ClientTimeout(total=CALL_LIMIT_S),
    ) as session:
        yield Centre(session, url)
