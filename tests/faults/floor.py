"""One Workspace on a server of its own, used through the engine, in which every Task needs a pool of its own."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct

from engine.deployment import open_deployment
from engine.keys import ShardKeys, WorkspaceKeys
from engine.matcher import GROUP
from engine.model import Reservation, Task
from engine.records import fields_of, is_unplaced
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.router import Engine
from tests.cli.cli_support import LIMIT_S
from tests.faults.processes import freeze, resume

T = TypeVar("T")

LEVEL: Final = 1_000_000  # of every Worker; a Task asks for less, each for another level
ROUNDS: Final = 20  # of posting, until a matcher is caught at work; the first one is enough
PAGE: Final = 10_000
SHARD: Final = ShardKeys(0)


class Floor(Struct):
    """The engine of this process, and where its Tasks and Workers are. It matches only when it is told to."""

    url: str
    engine: Engine
    pipeline: Pipeline
    account: str
    workspace: str
    workers: list[str]
    posted: list[str]

    async def post(self, count: int) -> list[str]:
        """Create Tasks at once; their conditions are like those of no Task before."""
        numbers = range(len(self.posted), len(self.posted) + count)
        made = await asyncio.gather(
            *(
                self.engine.tasks.create(self.account, self.workspace, attributes=json.dumps({"level": n}))
                for n in numbers
            )
        )
        sids = [found.value.sid for found in made]
        self.posted += sids
        return sids

    async def tasks(self) -> dict[str, Task]:
        """All Tasks."""
        found = await self.engine.tasks.list(self.account, self.workspace, limit=PAGE)
        return {task.sid: task for task in found.value.items}

    async def statuses(self) -> Counter[str]:
        """How many Tasks there are in each status."""
        return Counter(task.status.value for task in (await self.tasks()).values())

    async def offers(self) -> dict[str, list[Reservation]]:
        """The Reservations that the Workers have, by Task. A Task without one is missing."""
        offers: dict[str, list[Reservation]] = {}
        for worker in self.workers:
            found = await self.engine.reservations.of_worker(self.account, self.workspace, worker, limit=PAGE)
            for reservation in found.value.items:
                offers.setdefault(reservation.task_sid, []).append(reservation)
        return offers

    async def created_events(self) -> Counter[str]:
        """How many Reservations each Task ever had, by the event stream."""
        entries = await self.pipeline.call("XRANGE", SHARD.events, "-", "+")
        told = [
            fields[place + 1].decode().split("|")
            for _, fields in entries
            for place in range(2, len(fields), 2)
        ]
        return Counter(what[4] for what in told if what[1] == "reservation.created")

    async def held(self, consumer_ending: str = "") -> list[str]:
        """The Tasks of the inbox entries that a matcher, or any, has read and not acknowledged."""
        rows = await self.pipeline.call("XPENDING", SHARD.inbox, GROUP, "-", "+", PAGE)
        tasks = []
        for entry_id, consumer, _, _ in rows:
            found = await self.pipeline.call("XRANGE", SHARD.inbox, entry_id, entry_id)
            if found and consumer.decode().endswith(consumer_ending):
                flat = [part.decode() for part in found[0][1]]
                tasks.append(dict(zip(flat[::2], flat[1::2], strict=True))["t"])
        return tasks

    async def freeze_holding(self, pid: int, consumer_ending: str, batch: int) -> int:
        """Freeze a running matcher while it holds entries whose Tasks are in no pool yet; returns how many it holds.

        Posts Tasks for it to take.
        """
        for _ in range(ROUNDS):
            await self.post(batch)
            while await self.pipeline.call("XLEN", SHARD.inbox):  # what is done is deleted
                if not await self._holds(consumer_ending):
                    continue
                freeze(pid)
                held = await self.held(consumer_ending)
                if await self._any_unplaced(held):
                    return len(held)
                resume(pid)
        raise AssertionError("the matcher was never caught holding an entry")

    async def _holds(self, consumer_ending: str) -> bool:
        _, _, _, holders = await self.pipeline.call("XPENDING", SHARD.inbox, GROUP)
        return any(name.decode().endswith(consumer_ending) for name, _ in holders or ())

    async def _any_unplaced(self, tasks: Sequence[str]) -> bool:
        config = await self.engine.config.get(self.account, self.workspace)
        keys = WorkspaceKeys(config.shard, config.workspace.number)
        records = [fields_of(await self.pipeline.call("HGETALL", keys.task(sid))) for sid in tasks]
        return any(is_unplaced(fields) for fields in records)

    async def until(self, look: Callable[[], Awaitable[T]], what: str, limit_s: float = LIMIT_S) -> T:
        """What `look` finds, once that is true; fails naming `what` did not come."""
        try:
            async with asyncio.timeout(limit_s):
                while not (found := await look()):
                    continue  # each look is a round trip
                return found
        except TimeoutError:
            raise AssertionError(f"not within {limit_s:g} s: {what}") from None


@asynccontextmanager
async def open_floor(folder: Path, *, workers: int, capacity: int) -> AsyncIterator[Floor]:
    """A server in `folder`, a Workspace with that many Workers who take `capacity` Tasks each, all of them indexed."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(EmbeddedServer(folder, durability="everysec"))
        redis = connect(server.url)
        stack.push_async_callback(redis.aclose)
        await open_deployment(redis, shards=1, default_shards=1, expected_id="")
        pipeline = await stack.enter_async_context(Pipeline(RedisURL.parse(server.url)))
        engine = Engine(pipeline, redis)
        account, _ = await engine.accounts.create("faults")
        workspace = await engine.workspaces.create(account.sid, friendly_name="Floor")
        floor = Floor(server.url, engine, pipeline, account.sid, workspace.value.sid, [], [])
        await _route_by_level(floor)
        await _hire(floor, workers, capacity)
        matcher = engine.matcher("opening")
        await matcher.start()
        await matcher.run_once()
        yield floor


async def _route_by_level(floor: Floor) -> None:
    place = (floor.account, floor.workspace)
    queue = await floor.engine.task_queues.create(*place, friendly_name="All", target_workers="1==1")
    step = {"queue": queue.value.sid, "expression": "worker.level > task.level"}
    document = json.dumps({"task_routing": {"default_filter": step}})
    await floor.engine.workflows.create(*place, friendly_name="By level", configuration=document)


async def _hire(floor: Floor, workers: int, capacity: int) -> None:
    place = (floor.account, floor.workspace)
    config = await floor.engine.config.get(*place)
    available = next(row.sid for row in config.activities.values() if row.available)
    for number in range(workers):
        attributes = json.dumps({"level": LEVEL})
        made = await floor.engine.workers.create(
            *place, friendly_name=f"agent-{number}", activity_sid=available, attributes=attributes
        )
        floor.workers.append(made.value.sid)
        await floor.engine.worker_channels.update(*place, made.value.sid, "default", capacity=capacity)


def assert_each_routed_once(tasks: Mapping[str, Task], offers: Mapping[str, list[Reservation]]) -> None:
    """Every Task is offered, and to one Worker."""
    assert {task.sid: task.status.value for task in tasks.values()} == dict.fromkeys(tasks, "reserved")
    assert {sid: len(found) for sid, found in offers.items()} == dict.fromkeys(tasks, 1)
