"""Sets up what a run needs, over HTTP: a Workspace of its own, a queue a skill, a filter a kind, Workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any, Final

import msgspec

from benchmarks.suite.plan import Agent, Crew, Kind, Plan, Site
from benchmarks.suite.wire import Answer, Unanswered, Wire

AT_A_TIME: Final = 32  # calls
ROOT: Final = "/v1/Workspaces"
EVERYBODY: Final = "everybody"
FIRST_EVENT_S: Final = 30.0  # for the log to tell of what was set up; a relay needs some ms
LOOK_S: Final = 0.1
STAY_S: Final = 7_200  # longer than any run: offers that nobody answers would otherwise come back


class SetUpFailed(Exception):
    """The deployment refused what a run needs. One line that says what."""


async def build(wire: Wire, plan: Plan, url: str, account_sid: str, token: str) -> Site:
    """Set it up. Workers whose shift begins later are offline. Raises SetUpFailed."""
    workspace = (await made(wire, ROOT, {"FriendlyName": f"bench {plan.scenario} {plan.seed}"}))["sid"]
    base = f"{ROOT}/{workspace}"
    activities = (await asked(wire, f"{base}/Activities?PageSize=100"))["activities"]
    available = next(one["sid"] for one in activities if one["available"])
    offline = next(one["sid"] for one in activities if not one["available"])
    skills = sorted({kind.skill for kind in plan.kinds})
    queues = {}
    for skill in skills:
        form = {"FriendlyName": skill, "TargetWorkers": f"skills HAS '{skill}'"}
        queues[skill] = (await made(wire, f"{base}/TaskQueues", form))["sid"]
    if plan.escalate_after_s is not None:
        form = {"FriendlyName": EVERYBODY, "TargetWorkers": "1==1"}
        queues[EVERYBODY] = (await made(wire, f"{base}/TaskQueues", form))["sid"]
    document = msgspec.json.encode(document_of(plan, queues)).decode()
    form = {"FriendlyName": "bench", "Configuration": document, "TaskReservationTimeout": str(STAY_S)}
    workflow = await made(wire, f"{base}/Workflows", form)
    agents = await _hire(wire, base, plan, available)
    return Site(
        url=url,
        account_sid=account_sid,
        token=token,
        workspace=workspace,
        workflow=workflow["sid"],
        available=available,
        offline=offline,
        agents=agents,
        began_ms=await _began_ms(wire, base),
    )


async def _began_ms(wire: Wire, base: str) -> int:
    """When the newest event was that the log tells of, once it tells of any. Raises SetUpFailed."""
    deadline_s = time.monotonic() + FIRST_EVENT_S
    while time.monotonic() < deadline_s:
        if events := (await asked(wire, f"{base}/Events?PageSize=1"))["events"]:
            return int(events[0]["event_date_ms"])
        await asyncio.sleep(LOOK_S)
    raise SetUpFailed(
        f"the log of events is empty {FIRST_EVENT_S:g} s after the first one: is a relay running?"
    )


def document_of(plan: Plan, queues: Mapping[str, str]) -> dict[str, Any]:
    """The routing rules: a filter a kind, and perhaps a second step to everybody."""
    return {"task_routing": {"filters": [_filter(plan, kind, queues) for kind in plan.kinds]}}


def _filter(plan: Plan, kind: Kind, queues: Mapping[str, str]) -> dict[str, Any]:
    first: dict[str, Any] = {"queue": queues[kind.skill], "priority": kind.priority}
    if plan.own_condition:
        first["expression"] = "worker.refuses != task.number"  # true of all, and different for each Task
    targets = [first]
    if plan.escalate_after_s is not None:
        first["timeout"] = plan.escalate_after_s
        targets.append({"queue": queues[EVERYBODY], "priority": kind.priority + 10})
    return {
        "filter_friendly_name": kind.name,
        "expression": f"kind == '{kind.name}'",
        "targets": targets,
    }


async def _hire(wire: Wire, base: str, plan: Plan, available: str) -> list[Agent]:
    crews = chain.from_iterable(repeat((number, crew), crew.count) for number, crew in enumerate(plan.crews))
    numbered = iter(list(enumerate(crews)))
    hired: dict[int, Agent] = {}

    async def recruiter() -> None:
        for place, (number, crew) in numbered:  # shared: each takes the next one
            hired[place] = await _one(wire, base, place, number, crew, available)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_A_TIME):
            group.create_task(recruiter())
    return [hired[place] for place in sorted(hired)]


async def _one(wire: Wire, base: str, place: int, number: int, crew: Crew, available: str) -> Agent:
    attributes = {"skills": list(crew.skills), "crew": number, "refuses": "none"}
    form = {"FriendlyName": f"agent {place}", "Attributes": msgspec.json.encode(attributes).decode()}
    if crew.from_s == 0 and crew.capacity == 1:
        form["ActivitySid"] = available
    worker = await made(wire, f"{base}/Workers", form)
    path = f"{base}/Workers/{worker['sid']}"
    if crew.capacity != 1:
        await made(wire, f"{path}/Channels/default", {"Capacity": str(crew.capacity)}, 200)
        if crew.from_s == 0:
            await made(wire, path, {"ActivitySid": available}, 200)
    return Agent(
        sid=worker["sid"],
        crew=number,
        capacity=crew.capacity,
        handle_s=crew.handle_ms / 1000,
        from_s=crew.from_s,
        until_s=crew.until_s,
    )


async def made(wire: Wire, path: str, form: Mapping[str, str], status: int = 201) -> dict[str, Any]:
    """POST; the record. Raises SetUpFailed for any other status and for no answer."""
    return await _checked(wire, "POST", path, form, status)


async def asked(wire: Wire, path: str) -> dict[str, Any]:
    """GET; the record. Raises SetUpFailed for anything but 200."""
    return await _checked(wire, "GET", path, None, 200)


async def _checked(
    wire: Wire, method: str, path: str, form: Mapping[str, str] | None, status: int
) -> dict[str, Any]:
    try:
        answer: Answer = await wire.call(method, path, form)
    except Unanswered as error:
        raise SetUpFailed(str(error)) from error
    if answer.status != status:
        said = answer.body[:300].decode(errors="replace")
        raise SetUpFailed(f"{method} {path} was answered {answer.status}, not {status}: {said}")
    record: dict[str, Any] = answer.json()
    return record
