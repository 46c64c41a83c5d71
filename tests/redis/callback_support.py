"""URLs that answer callbacks as they are told, and a Workspace whose callbacks go there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from engine.assignment import AssignmentRelay
from engine.callback_letters import Letter, Outcome, Reply
from engine.event_callbacks import EventRelay
from engine.redis import EmbeddedServer
from tests.redis.media_support import SHARD, Floor, floor_on, media_server

__all__ = ["media_server"]  # fixtures

URL: Final = "https://app.example/assign?a=1"
FALLBACK: Final = "https://app.example/fallback"
EVENTS_URL: Final = "https://app.example/events"
BASE: Final = "http://router.example"

MANUAL: Final = Reply(Outcome.ANSWERED)
BROKEN: Final = Reply(Outcome.BROKEN, reason="answered 500")


def said(instruction: Any, **more: Any) -> Reply:
    """An answer with an instruction."""
    return Reply(Outcome.ANSWERED, said={"instruction": instruction, **more})


class Site:
    """Answers in turn, the last answer again and again; remembers what it was told."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies or (MANUAL,))
        self.told: list[Letter] = []

    async def post(self, letter: Letter) -> Reply:
        self.told.append(letter)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class SlowSite(Site):
    """Answers a letter when the test says so; `waits` are those that it was told and has not answered."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[Letter] = []
        self.most = 0
        self._answers: dict[int, asyncio.Future[Reply]] = {}

    async def post(self, letter: Letter) -> Reply:
        self.told.append(letter)
        self.waits.append(letter)
        self.most = max(self.most, len(self.waits))
        answer = self._answers[id(letter)] = asyncio.get_running_loop().create_future()
        try:
            return await answer
        finally:
            self.waits.remove(letter)

    def answer(self, letter: Letter, reply: Reply = MANUAL) -> None:
        self._answers[id(letter)].set_result(reply)

    def answer_all(self, reply: Reply = MANUAL) -> None:
        for letter in self.waits:
            self.answer(letter, reply)


class Hall:
    """A Floor, and what of it goes to callbacks."""

    def __init__(self, floor: Floor) -> None:
        self.floor, self.engine = floor, floor.engine
        self.workflow = next(iter(floor.config.workflows))

    async def urls(self, url: str = URL, fallback: str = "", events: str = "") -> None:
        at = self.floor.at
        given = {"assignment_callback_url": url, "fallback_assignment_callback_url": fallback}
        await self.engine.workflows.update(*at, self.workflow, **given)
        await self.engine.workspaces.update(*at, event_callback_url=events)

    def assignments(
        self, site: Site, name: str = "relay", refused: Callable[[str], str] = lambda _: ""
    ) -> AssignmentRelay:
        return self.engine.assignment_relay(
            name, site.post, base_url=BASE, refused=refused, reader=self.floor.reader
        )

    def events(self, site: Site, name: str = "relay", hours: int = 0) -> EventRelay:
        return self.engine.event_relay(name, site.post, hours=hours, reader=self.floor.reader)

    async def log(self) -> None:
        """What happened is in the log, and with it what callbacks are to be told."""
        await self.engine.chronicle().run_once()

    async def answered(self, site: Site) -> None:
        """Everything that waits for assignment relays is told."""
        await self.log()
        await self.assignments(site).run_once()
        await self.floor.rest()

    async def alerts(self) -> list[int]:
        """The codes of all alerts."""
        found = [event.split("|") for event in await self.floor.events()]
        return [int(parts[2]) for parts in found if parts[0] == "task.alert"]

    async def waiting(self) -> int:
        """How many calls no relay has settled."""
        return int(await self.floor.pipeline.call("XLEN", SHARD.calls))

    async def pending(self, group: str) -> dict[bytes, int]:
        """How many entries each relay has in hand."""
        rows = (await self.floor.pipeline.call("XPENDING", SHARD.calls, group))[3] or ()
        return {name: int(count) for name, count in rows}


@asynccontextmanager
async def hall_on(url: str) -> AsyncIterator[Hall]:
    async with floor_on(url) as floor:
        await floor.pipeline.call(
            "DEL", SHARD.calls, SHARD.unsent
        )  # nothing of a test that failed waits for relays
        hall = Hall(floor)
        await hall.log()
        site = Site()
        await hall.assignments(site).start()
        await hall.events(site).start()
        yield hall


@pytest.fixture
async def hall(media_server: EmbeddedServer) -> AsyncIterator[Hall]:
    """A Workspace of the test's own, whose Workflow has a callback."""
    async with hall_on(media_server.url) as made:
        await made.urls()
        yield made


def names_of(letters: list[Letter], *names: str) -> list[tuple[str, ...]]:
    """Some fields of each letter."""
    return [tuple(letter.fields.get(name, "") for name in names) for letter in letters]
