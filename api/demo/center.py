"""The contact centre: three queues by skill, a workflow that lets some callers go first, agents, callers."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import msgspec
from msgspec import Struct

from api.demo.client import Client
from api.demo.plan import GOLD, Plan

QUEUES: Final = ("billing", "support", "technical")
LANGUAGES: Final = ("en", "es", "de")
SPEAKS: Final = "task.language IN worker.languages"


class Agent(Struct, frozen=True, kw_only=True):
    """One Worker and how many Tasks it holds at a time: one call, and so many chats."""

    sid: str
    name: str
    chats: int


class Center(Struct, frozen=True, kw_only=True):
    """What was set up."""

    workflow_sid: str
    queues: dict[str, str]  # TaskQueue SID -> name
    agents: list[Agent]


async def open_center(client: Client, plan: Plan, rng: random.Random) -> Center:
    """Set everything up over HTTP. From here on `client` speaks to the new Workspace."""
    workspace = await client.post("", {"FriendlyName": "Demo contact centre"}, status=201)
    client.base += "/" + workspace["sid"]
    available = next(a["sid"] for a in await client.pages("/Activities", "activities") if a["available"])
    queues = {}
    for name in QUEUES:
        form = {"FriendlyName": name, "TargetWorkers": f"skills HAS '{name}' AND level >= 1"}
        queues[name] = (await client.post("/TaskQueues", form, status=201))["sid"]
    form = {"FriendlyName": "Front desk", "Configuration": workflow_document(queues)}
    workflow = await client.post("/Workflows", form, status=201)
    async with asyncio.TaskGroup() as group:
        hiring = [
            group.create_task(_hire(client, number, available, rng.randrange(3)))
            for number in range(plan.workers)
        ]
    return Center(
        workflow_sid=workflow["sid"],
        queues={sid: name for name, sid in queues.items()},
        agents=[task.result() for task in hiring],
    )


def workflow_document(queues: dict[str, str]) -> str:
    """The routing rules: who goes where, and who goes first. The first filter that fits a Task takes it."""

    def rule(name: str, expression: str, queue: str, priority: int) -> dict[str, Any]:
        target = {"queue": queues[queue], "priority": priority, "expression": SPEAKS}
        return {"filter_friendly_name": name, "expression": expression, "targets": [target]}

    filters = [
        rule("outage", "topic == 'technical' AND outage == true", "technical", 100),
        rule("gold, technical", "customer == 'gold' AND topic == 'technical'", "technical", 50),
        rule("gold, billing", "customer == 'gold' AND topic == 'billing'", "billing", 50),
        rule("gold", "customer == 'gold'", "support", 50),
        rule("technical", "topic == 'technical'", "technical", 10),
        rule("billing", "topic == 'billing'", "billing", 5),
    ]
    default = {"queue": queues["support"], "priority": 0, "expression": SPEAKS}
    document = {"task_routing": {"filters": filters, "default_filter": default}}
    return msgspec.json.encode(document).decode()


def skills_of(number: int) -> dict[str, Any]:
    """An agent's attributes: two of three skills, English and perhaps more; the first can do it all."""
    everything = number == 0
    skills = [name for place, name in enumerate(QUEUES) if everything or place != number % 3]
    languages = [name for place, name in enumerate(LANGUAGES) if everything or place in (0, number // 3 % 3)]
    return {"skills": skills, "languages": languages, "level": 1 + number % 5}


async def _hire(client: Client, number: int, activity_sid: str, more_chats: int) -> Agent:
    name = f"agent-{number:03}"
    attributes = msgspec.json.encode(skills_of(number)).decode()
    worker = await client.post("/Workers", {"FriendlyName": name, "Attributes": attributes}, status=201)
    chats = 1 + more_chats
    if more_chats:
        await client.post(f"/Workers/{worker['sid']}/Channels/chat", {"Capacity": str(chats)})
    await client.post(f"/Workers/{worker['sid']}", {"ActivitySid": activity_sid})
    return Agent(sid=worker["sid"], name=name, chats=chats)


def caller(center: Center, rng: random.Random) -> dict[str, str]:
    """The form that posts one Task."""
    topic = rng.choice(QUEUES)
    attributes = {
        "topic": topic,
        "language": rng.choices(LANGUAGES, (6, 2, 2))[0],
        "customer": "gold" if rng.random() < GOLD else "standard",
        "outage": topic == "technical" and rng.random() < GOLD,
    }
    return {
        "WorkflowSid": center.workflow_sid,
        "TaskChannel": rng.choice(("voice", "chat")),
        "Attributes": msgspec.json.encode(attributes).decode(),
    }
