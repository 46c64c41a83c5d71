"""A Workspace with a media adapter that does as it is told, on a server of the tests' own and by the test's clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import pytest

from engine.deployment import open_deployment
from engine.errors import NotFound
from engine.keys import ShardKeys, WorkspaceKeys
from engine.media import MediaRelay
from engine.media_letters import Letter, Outcome, Reply
from engine.model import Reservation, ReservationStatus, TaskStatus
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.router import Engine

START_MS: Final = 1_700_000_000_000
ADAPTER: Final = "https://media.example/told"
ANSWER_S: Final = 120  # a Workflow's time to answer, unless told otherwise
READ_LIMIT_S: Final = 3.0  # for reads that block up to 1 s
SHARD: Final = ShardKeys(0)

CONFIRMED: Final = Reply(Outcome.CONFIRMED)
PENDING: Final = Reply(Outcome.PENDING)
BROKEN: Final = Reply(Outcome.BROKEN, "answered 500")


class Adapter:
    """Answers letters in turn, the last answer again and again; remembers what it was told."""

    def __init__(self, *answers: Reply) -> None:
        self.answers = list(answers or (CONFIRMED,))
        self.told: list[Letter] = []

    async def deliver(self, letter: Letter) -> Reply:
        self.told.append(letter)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def kinds(self) -> list[str]:
        return [letter.kind for letter in self.told]


class Gate:
    """An adapter whose answers wait until the test lets them go."""

    def __init__(self) -> None:
        self.open, self.arrived = asyncio.Event(), asyncio.Event()
        self.now = self.most = 0
        self.told: list[Letter] = []

    async def deliver(self, letter: Letter) -> Reply:
        self.told.append(letter)
        self.now += 1
        self.most = max(self.most, self.now)
        self.arrived.set()
        await self.open.wait()
        self.now -= 1
        return CONFIRMED


class Floor:
    """One Workspace, and the engine it is on. `now_ms` is the time."""

    def __init__(self, pipeline: Pipeline, reader: Pipeline, redis: Any) -> None:
        self.now_ms = START_MS
        self.pipeline, self.reader, self.redis = pipeline, reader, redis
        self.engine = Engine(pipeline, redis, now_ms=lambda: self.now_ms)
        self.matcher = self.engine.matcher("floor")

    async def build(self, adapter_url: str = ADAPTER, *, multi_task_enabled: bool = True) -> None:
        engine = self.engine
        await self.matcher.start()
        account, _ = await engine.accounts.create("media")
        made = await engine.workspaces.create(
            account.sid,
            friendly_name="Media",
            template="FIFO",
            media_adapter_url=adapter_url,
            multi_task_enabled=multi_task_enabled,
        )
        self.account, self.workspace = account.sid, made.value.sid
        self.at = (self.account, self.workspace)
        self.config = made.config
        self.keys = WorkspaceKeys(0, made.value.number)
        self.activities = {a.friendly_name: a.sid for a in made.config.activities.values()}
        self.queue = next(iter(made.config.queues))
        await self.relay(Adapter()).start()

    def relay(self, adapter: Adapter, *, name: str = "relay", tries: int = 5) -> MediaRelay:
        return MediaRelay(
            self.engine._live,
            self.engine.setups,
            self.pipeline,
            adapter.deliver,
            name=name,
            pauses_s=(0.0,) * (tries - 1),
        )

    async def worker(self, name: str, *, activity: str = "Available", contact: str | None = None) -> str:
        attributes = json.dumps({} if contact is None else {"contact_uri": contact})
        made = await self.engine.workers.create(
            *self.at, friendly_name=name, activity_sid=self.activities[activity], attributes=attributes
        )
        await self.rest()
        return made.value.sid

    async def task(self, **given: Any) -> str:
        made = await self.engine.tasks.create(*self.at, **given)
        await self.rest()
        return made.value.sid

    async def rest(self) -> None:
        while await self.matcher.run_once():
            continue

    async def pass_ms(self, ms: int) -> None:
        """Let time go by, and what is due happen."""
        self.now_ms += ms
        await self.rest()

    async def offers(self, task: str) -> list[Reservation]:
        """The Task's Reservations, newest first."""
        found = await self.engine.reservations.of_task(*self.at, task)
        return found.value.items

    async def offer(self, task: str) -> Reservation:
        return (await self.offers(task))[0]

    async def status(self, offer: Reservation) -> ReservationStatus:
        found = await self.engine.reservations.fetch_of_task(*self.at, offer.task_sid, offer.sid)
        return found.value.status

    async def task_status(self, task: str) -> TaskStatus:
        return (await self.engine.tasks.fetch(*self.at, task)).value.status

    async def activity(self, offer: Reservation) -> str:
        """The name of the Activity that the Reservation's Worker is in."""
        worker = (await self.engine.workers.fetch(*self.at, offer.worker_sid)).value
        return next(name for name, sid in self.activities.items() if sid == worker.activity_sid)

    async def offered(self, **given: Any) -> Reservation:
        """A Task that a Worker of its own is offered."""
        await self.worker("ann", contact="client:ann")
        return await self.offer(await self.task(**given))

    async def instruct(
        self, offer: Reservation, instruction: str = "conference", **given: Any
    ) -> Reservation:
        found = await self.engine.setups.instruct(
            *self.at,
            offer.sid,
            task=offer.task_sid,
            instruction=instruction,
            given={field: [value] for field, value in given.items()},
            base_url="http://router.example",
        )
        return found.value

    async def report(self, offer: Reservation, outcome: str, **given: Any) -> Reservation:
        found = await self.engine.setups.report(*self.at, offer.task_sid, offer.sid, outcome=outcome, **given)
        return found.value

    async def accept(self, offer: Reservation, status: str = "accepted") -> Reservation:
        found = await self.engine.reservations.answer_of_task(
            *self.at, offer.task_sid, offer.sid, status=status
        )
        return found.value

    async def events(self) -> list[str]:
        """Type and text of every event of the Workspace, `type|text`."""
        entries = await self.pipeline.call("XRANGE", SHARD.events, "-", "+")
        found = []
        for _, flat in entries:
            texts = [item.decode() for item in flat]
            if texts[1] == str(self.config.workspace.number):
                parts = [text.split("|", 3) for text in texts[3::2]]
                found += [f"{kind}|{what}" for _, kind, _, what in parts]
        return found

    async def letters(self) -> list[dict[str, str]]:
        """What waits for relays."""
        entries = await self.pipeline.call("XRANGE", SHARD.media, "-", "+")
        rows = [[item.decode() for item in flat] for _, flat in entries]
        return [dict(zip(row[::2], row[1::2], strict=True)) for row in rows]


@pytest.fixture(scope="session")
def media_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path_factory.mktemp("media"), durability="everysec")
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def floor_on(url: str) -> AsyncIterator[Floor]:
    redis = connect(url)
    try:
        where = RedisURL.parse(url)
        async with Pipeline(where) as pipeline, Pipeline(where, deadline_s=READ_LIMIT_S) as reader:
            await pipeline.call("DEL", SHARD.media)  # nothing of a test that failed waits for relays
            await open_deployment(redis, shards=1, default_shards=1, expected_id="")
            floor = Floor(pipeline, reader, redis)
            await floor.build()
            yield floor
            with suppress(NotFound):
                await floor.engine.workspaces.delete(*floor.at)
            await floor.rest()
    finally:
        await redis.aclose()


@pytest.fixture
async def floor(media_server: EmbeddedServer) -> AsyncIterator[Floor]:
    """A Workspace of the test's own."""
    async with floor_on(media_server.url) as made:
        yield made


def busy(
    floor: Floor, adapter: Adapter | Gate, *, name: str = "busy", fraction: Callable[[], float] = lambda: 0.5
) -> MediaRelay:
    """A relay that pauses between tries as in life."""
    live, setups = floor.engine._live, floor.engine.setups
    return MediaRelay(
        live, setups, floor.pipeline, adapter.deliver, name=name, reader=floor.reader, fraction=fraction
    )


async def until(holds: Callable[[], object]) -> None:
    """Returns once it holds; each look lets everybody else go on."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  what is waited for happens inside the relay
            await asyncio.sleep(0)
