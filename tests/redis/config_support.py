"""One world for the configuration tests, on a real server and on fakeredis; each test has its own account."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from copy import copy
from functools import cache
from typing import Any, cast
from uuid import uuid4

import fakeredis
import pytest
from redis.exceptions import ResponseError

from engine.activities import Activities
from engine.compiled import CompiledCache
from engine.config import ConfigCache
from engine.keys import ShardKeys, WorkspaceKeys
from engine.model import WorkspaceConfig
from engine.redis import EmbeddedServer, Pipeline, RedisURL, Script, ServerError
from engine.rules import WorkerFacts
from engine.scripts import Scripts
from engine.task_channels import TaskChannels
from engine.task_queues import TaskQueues
from engine.workflows import Workflows
from engine.workspaces import Workspaces

SHARDS = 2  # so that a Workspace is looked for where it is
START_MS = 1_700_000_000_000


class FakePipeline:
    """The Pipeline's face on an in-memory server."""

    def __init__(self) -> None:
        self._redis: Any = fakeredis.FakeRedis(server=fakeredis.FakeServer(), version=7, protocol=2)
        self._redis.response_callbacks.clear()  # replies as they come over the wire

    def send(self, *args: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        try:
            future.set_result(self._redis.execute_command(*args))
        except ResponseError as error:
            future.set_exception(ServerError(str(error)))
        return future

    async def call(self, *args: Any) -> Any:
        await asyncio.sleep(0)
        return await self.send(*args)

    async def script(self, script: Script, keys: Any, args: Any) -> Any:
        return await self.call("EVAL", script.text, len(keys), *keys, *args)


class Wire:
    """A pipeline that counts: `commands` are the names of those sent, scripts by their own."""

    def __init__(self, inner: Pipeline | FakePipeline) -> None:
        self.inner = inner
        self.commands: list[tuple[Any, ...]] = []

    def send(self, *args: Any) -> asyncio.Future[Any]:
        self.commands.append(args)
        return self.inner.send(*args)

    async def call(self, *args: Any) -> Any:
        return await self.send(*args)

    async def script(self, script: Script, keys: Any, args: Any) -> Any:
        self.commands.append((script.name,))
        return await self.inner.script(script, keys, args)


@cache
def _loaded() -> Scripts:
    return Scripts(cast(Pipeline, None))


class Process:
    """What one process has: a cache and the services on it. Others share its server, not its memory."""

    def __init__(self, inner: Pipeline | FakePipeline, clock: "Clock", *, limit: int = 10_000) -> None:
        self.wire = Wire(inner)
        pipeline = cast(Pipeline, self.wire)
        self.workers: dict[str, WorkerFacts] = {}
        self.scripts = copy(_loaded())  # reading the files takes longer than most tests
        self.scripts._pipeline = pipeline
        self.config = ConfigCache(pipeline, self.scripts, shards=SHARDS, now_ms=clock.now_ms, limit=limit)
        self.compiled = CompiledCache()
        self.workspaces = Workspaces(self.config)
        self.activities = Activities(self.config)
        self.task_channels = TaskChannels(self.config)
        self.task_queues = TaskQueues(self.config, self.compiled, self._worker_facts)
        self.workflows = Workflows(self.config)

    async def _worker_facts(self, config: WorkspaceConfig, sid: str) -> WorkerFacts | None:
        return self.workers.get(sid)


class Clock:
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms


class World:
    """A server, an account of this test's own, and a first process."""

    def __init__(self, inner: Pipeline | FakePipeline) -> None:
        self.inner, self.clock = inner, Clock()
        self.account = "AC" + uuid4().hex
        self.process = Process(inner, self.clock)

    def another_process(self, *, limit: int = 10_000) -> Process:
        return Process(self.inner, self.clock, limit=limit)

    async def workspace(self, template: str = "NONE") -> str:
        found = await self.process.workspaces.create(self.account, friendly_name="Site", template=template)
        return found.value.sid

    async def call(self, *args: Any) -> Any:
        return await self.inner.call(*args)

    async def keys(self, workspace: str) -> WorkspaceKeys:
        config = await self.process.config.get(self.account, workspace)
        return WorkspaceKeys(config.shard, config.workspace.number)

    async def hot(self, workspace: str) -> dict[str, str]:
        flat = await self.call("HGETALL", (await self.keys(workspace)).ws)
        texts = [item.decode() for item in flat]
        return dict(zip(texts[::2], texts[1::2], strict=True))

    async def events(self, workspace: str) -> list[str]:
        """`seq|type|ms|SID` of every event of the Workspace."""
        config = await self.process.config.get(self.account, workspace)
        entries = await self.entries(ShardKeys(config.shard).events, config.workspace.number)
        return ["|".join(entry["e"].split("|", 4)[:4]) for entry in entries]

    async def inbox(self, workspace: str) -> list[dict[str, str]]:
        config = await self.process.config.get(self.account, workspace)
        return await self.entries(ShardKeys(config.shard).inbox, config.workspace.number)

    async def entries(self, stream: str, number: int) -> list[dict[str, str]]:
        """The entries of a stream about the Workspace with this number."""
        found = []
        for _, flat in await self.call("XRANGE", stream, "-", "+"):
            texts = [item.decode() for item in flat]
            entry = dict(zip(texts[::2], texts[1::2], strict=True))
            if entry.pop("w") == str(number):
                found.append(entry)
        return found


@pytest.fixture(scope="session")
def config_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedServer(tmp_path_factory.mktemp("config"), durability="everysec")
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(params=["server", "fakeredis"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fakeredis":
        yield World(FakePipeline())
        return
    async with Pipeline(RedisURL.parse(request.getfixturevalue("config_server"))) as pipeline:
        yield World(pipeline)
