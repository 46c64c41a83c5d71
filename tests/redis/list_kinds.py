"""Every kind of list, with what adds to it and takes from it while somebody turns its pages."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct

from engine.model import Page
from engine.sids import mint
from tests.scenarios.lab import Lab

MANY: Final = 1_000
FLOW: Final = '{"task_routing": {"default_filter": {"queue": "%s"}}}'


class Kind(Struct):
    """One list of one Workspace."""

    create: Callable[[], Awaitable[Any]]
    delete: Callable[[str], Awaitable[Any]] | None  # None: what is in this list stays
    page: Callable[[str | None, int], Awaitable[Page[Any]]]


class Ground:
    """A Workspace of one's own, and chance."""

    def __init__(self, lab: Lab, chance: random.Random) -> None:
        self.lab, self.chance, self.engine = lab, chance, lab.engine
        self.account = mint("AC")  # whose Workspaces are these alone
        self.workspace = self.queue = self.worker = ""

    async def open(self) -> None:
        engine, account = self.engine, self.account
        self.lab.mint = mint  # type: ignore[assignment]  # random SIDs: those that count up are in order of creation
        made = await engine.workspaces.create(account, friendly_name="Lists")
        self.workspace = made.value.sid
        self.queue = (await engine.task_queues.create(*self.at, friendly_name="q")).value.sid
        await engine.workflows.create(*self.at, friendly_name="w", configuration=FLOW % self.queue)
        available = next(a.sid for a in made.config.activities.values() if a.available)
        worker = await engine.workers.create(*self.at, friendly_name="ann", activity_sid=available)
        self.worker = worker.value.sid
        await engine.worker_channels.update(*self.at, self.worker, "default", capacity=MANY)
        await self.lab.rest()

    @property
    def at(self) -> tuple[str, str]:
        return self.account, self.workspace

    def word(self) -> str:
        return f"n{self.chance.getrandbits(60)}"

    async def task(self) -> str:
        """A Task on a channel that nobody has capacity for, with an odd priority for one in two."""
        start_ms = self.lab.now_ms - self.chance.randrange(4)
        found = await self.engine.tasks.create(
            *self.at,
            attributes=json.dumps({"kept": self.chance.random() < 0.6}),
            priority=self.chance.randrange(3),
            virtual_start_ms=None if self.chance.random() < 0.5 else start_ms,
            task_channel="voice",
        )
        return found.value.sid

    async def offer(self) -> str:
        """A Task that the Worker is offered at once."""
        sid = (await self.engine.tasks.create(*self.at)).value.sid
        await self.lab.rest()
        return sid


def workspaces(g: Ground) -> Kind:
    lists = g.engine.workspaces

    async def page(after: str | None, limit: int) -> Page[Any]:
        found = await lists.list(g.account, after=after, limit=limit)
        return Page([one.value for one in found.items], found.next_after, found.previous_after)

    return Kind(
        lambda: lists.create(g.account, friendly_name=g.word()),
        lambda sid: lists.delete(g.account, sid),
        page,
    )


def configured(name: str, *filters: dict[str, Any], **given: Any) -> Callable[[Ground], Kind]:
    """A list of configuration; `given` is what a create needs besides a name."""

    def kind(g: Ground) -> Kind:
        lists = getattr(g.engine, name)

        def create() -> Awaitable[Any]:
            named = {"unique_name": g.word()} if name == "task_channels" else {}
            if name == "workflows":
                named = {"configuration": FLOW % g.queue}
            return lists.create(*g.at, friendly_name=g.word(), **named, **given)

        return Kind(create, lambda sid: lists.delete(*g.at, sid), listed(g, lists.list, *filters))

    return kind


def listed(
    g: Ground, method: Any, *filters: dict[str, Any]
) -> Callable[[str | None, int], Awaitable[Page[Any]]]:
    narrowed = filters[0] if filters else {}

    async def page(after: str | None, limit: int) -> Page[Any]:
        found: Page[Any] = (await method(*g.at, **narrowed, after=after, limit=limit)).value
        return found

    return page


def tasks(**filters: Any) -> Callable[[Ground], Kind]:
    def kind(g: Ground) -> Kind:
        delete = g.engine.tasks.delete
        return Kind(g.task, lambda sid: delete(*g.at, sid), listed(g, g.engine.tasks.list, filters))

    return kind


def channels_of_worker(g: Ground) -> Kind:
    lists = g.engine.task_channels

    async def page(after: str | None, limit: int) -> Page[Any]:
        found = await g.engine.worker_channels.list(*g.at, g.worker, after=after, limit=limit)
        names = [Named(channel.task_channel_sid) for channel in found.value.items]
        return Page(names, found.value.next_after, found.value.previous_after)

    return Kind(
        lambda: lists.create(*g.at, friendly_name="c", unique_name=g.word()),
        lambda sid: lists.delete(*g.at, sid),
        page,
    )


class Named(Struct):
    """What can be deleted under a SID."""

    sid: str


def reservations_of_worker(g: Ground) -> Kind:
    async def page(after: str | None, limit: int) -> Page[Any]:
        found = await g.engine.reservations.of_worker(*g.at, g.worker, after=after, limit=limit)
        names = [Named(one.task_sid) for one in found.value.items]
        return Page(names, found.value.next_after, found.value.previous_after)

    return Kind(g.offer, lambda sid: g.engine.tasks.delete(*g.at, sid), page)


def reservations_of_task(g: Ground) -> Kind:
    task: list[str] = []

    async def create() -> None:
        """Another round: the Task is refused and offered again."""
        if not task:
            task.append(await g.offer())
            return
        (open_one,) = (await g.engine.reservations.of_task(*g.at, task[0], status="pending")).value.items
        await g.engine.reservations.answer_of_task(*g.at, task[0], open_one.sid, status="rejected")
        await g.lab.rest()

    async def page(after: str | None, limit: int) -> Page[Any]:
        return (await g.engine.reservations.of_task(*g.at, task[0], after=after, limit=limit)).value

    return Kind(create, None, page)


KINDS: Final[dict[str, Callable[[Ground], Kind]]] = {
    "workspaces": workspaces,
    "activities": configured("activities"),
    "task channels": configured("task_channels"),
    "queues": configured("task_queues"),
    "queues, last changed first": configured("task_queues", {"ordering": "DateUpdated:desc"}),
    "workflows": configured("workflows"),
    "workers": configured("workers"),
    "workers by their last change": configured("workers", {"ordering": "DateStatusChanged:asc"}),
    "worker channels": channels_of_worker,
    "reservations of a worker": reservations_of_worker,
    "reservations of a task": reservations_of_task,
    "tasks": tasks(),
    "tasks, newest first": tasks(ordering="DateCreated:desc"),
    "tasks by priority": tasks(ordering="Priority:desc"),
    "tasks by priority, newest first": tasks(ordering="Priority:asc,DateCreated:desc"),
    "tasks by virtual start": tasks(ordering="VirtualStartTime:desc,Priority:asc"),
    "some tasks": tasks(evaluate_task_attributes="kept == true"),
    "some tasks by priority": tasks(evaluate_task_attributes="kept == true", ordering="Priority:asc"),
}
