"""The servers that bench_http_create and bench_http_read compare, each one uvicorn process on a socket it is given.

ours       the product: its server (api/server.py), door, engine, create_task
bare       the same server and app, form parsing, authentication and rendering; the engine's place is taken by one bare
           script that writes a hash of 20 fields, two sorted sets, a stream entry and a counter; or, to fetch,
           by one HGETALL of a Task
idiomatic  what a Litestar user would write: form body as a Struct, a guard, two dependencies, a redis-py pool,
           the same bare script, the Struct returned; on uvicorn as it comes, with uvloop and httptools

python -m benchmarks.http_servers ours|bare|idiomatic REDIS_URL SOCKET_FD JSON
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from base64 import b64decode
from typing import Annotated, Any, Final

import redis.asyncio
import uvicorn
from litestar import Litestar, Request, post
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import Body
from msgspec import Struct

from api.app import build
from api.server import server_of, spare_the_collector
from engine.keys import WorkspaceKeys
from engine.model import Account, Found, Task, TaskStatus, WorkspaceConfig
from engine.redis import Pipeline, RedisURL, alone, connect
from engine.router import Engine
from engine.sids import mint

FIELDS: Final = 20
BARE: Final = alone(
    "bare",
    "redis.call('HSET', KEYS[1], "
    + ", ".join(f"'field{i}', ARGV[{i + 1}]" for i in range(FIELDS))
    + ") redis.call('ZADD', KEYS[2], 1, KEYS[1]) redis.call('ZADD', KEYS[3], 2, KEYS[1])"
    " redis.call('XADD', KEYS[4], '*', 'type', 'created', 'key', KEYS[1]) redis.call('INCR', KEYS[5]) return 1",
)
KEYS: Final = ("bare:waiting", "bare:timers", "bare:events", "bare:count")


def values_of(sid: str, attributes: str) -> list[str]:
    """Twenty values about as long as those of a Task."""
    return [sid, attributes, "pending", *(f"value {i}" for i in range(FIELDS - 3))]


class BareTasks:
    """`Engine.tasks` with nothing but the script behind it."""

    def __init__(self, pipeline: Pipeline, config: WorkspaceConfig, workflow: str) -> None:
        self._pipeline, self._config, self._workflow = pipeline, config, workflow
        self._keys = WorkspaceKeys(config.shard, config.workspace.number)
        self._queue = next(iter(config.queues))

    async def create(self, account: str, workspace: str, *, attributes: str, **_: Any) -> Found[Task]:
        sid = mint("WT")
        await self._pipeline.script(BARE, (f"bare:{sid}", *KEYS), values_of(sid, attributes))
        return Found(config=self._config, value=self._task(sid, attributes), now_ms=1)

    async def fetch(self, account: str, workspace: str, sid: str) -> Found[Task]:
        flat = await self._pipeline.send("HGETALL", self._keys.task(sid))
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        return Found(config=self._config, value=self._task(sid, fields[b"attrs"].decode()), now_ms=1)

    def _task(self, sid: str, attributes: str) -> Task:
        return Task(
            sid=sid,
            status=TaskStatus.PENDING,
            attributes=attributes,
            priority=0,
            timeout=86_400,
            task_queue_sid=self._queue,
            task_queue_entered_ms=1,
            workflow_sid=self._workflow,
            task_channel_number=0,
            virtual_start_ms=1,
            created_ms=1,
            updated_ms=1,
            revision=0,
        )


class BareEngine:
    """As much of an Engine as creating and fetching Tasks needs."""

    def __init__(self, engine: Engine, config: WorkspaceConfig, workflow: str) -> None:
        self.accounts, self.api_keys = engine.accounts, engine.api_keys
        self.tasks = BareTasks(engine.pipeline, config, workflow)


class CreateForm(Struct, rename="pascal"):
    attributes: str = "{}"
    priority: int = 0
    workflow_sid: str = ""
    task_channel: str = "default"


class Created(Struct):
    """A response with as many fields as a Task."""

    sid: str
    attributes: str
    values: list[str]


def idiomatic(url: str, plan: dict[str, Any]) -> Litestar:
    pool = redis.asyncio.Redis.from_url(url)
    script = pool.register_script(BARE.text)

    def authenticated(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        scheme, _, coded = connection.headers.get("authorization", "").partition(" ")
        if scheme != "Basic" or b64decode(coded).decode() != f"{plan['account']}:{plan['token']}":
            raise NotAuthorizedException

    async def account(request: Request[Any, Any, Any]) -> Account:
        return Account(sid=plan["account"], name="bench", token=plan["token"], created_ms=0)

    async def client() -> redis.asyncio.Redis:
        return pool

    @post(
        "/v1/Workspaces/{workspace:str}/Tasks",
        guards=[authenticated],
        dependencies={"account": Provide(account), "client": Provide(client)},
    )
    async def create(
        workspace: str,
        account: Account,
        client: redis.asyncio.Redis,
        data: Annotated[CreateForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Created:
        json.loads(data.attributes)
        sid = mint("WT")
        values = values_of(sid, data.attributes)
        await script(keys=[f"bare:{sid}", *KEYS], args=values)
        return Created(sid=sid, attributes=data.attributes, values=values)

    return Litestar([create], openapi_config=None)


async def serve(kind: str, url: str, listening: socket.socket, plan: dict[str, Any]) -> None:
    pipeline = Pipeline(RedisURL.parse(url))
    await pipeline.start()
    engine = Engine(pipeline, connect(url))
    config = await engine.config.get(plan["account"], plan["workspace"])
    match kind:
        case "ours":
            server = server_of(build(engine, ready=list))
            spare_the_collector()
        case "bare":
            bare: Any = BareEngine(engine, config, plan["workflow"])
            server = server_of(build(bare, ready=list))
            spare_the_collector()
        case _:
            app = idiomatic(url, plan)
            server = uvicorn.Server(
                uvicorn.Config(
                    app, http="httptools", loop="uvloop", lifespan="off", log_config=None, access_log=False
                )
            )
    await server.serve(sockets=[listening])
    await pipeline.stop()


def main() -> None:
    kind, url, descriptor, plan = sys.argv[1:]
    listening = socket.socket(fileno=int(descriptor))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(kind, url, listening, json.loads(plan)))


if __name__ == "__main__":
    main()
