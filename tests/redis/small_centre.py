"""A small Workspace whose clock the test moves, run one step at a time by a matcher of the test's own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from engine.keys import ShardKeys, WorkspaceKeys
from engine.matcher import Matcher
from engine.matching import Matching
from engine.model import WorkspaceConfig
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.router import Engine

AC: Final = "AC" + "0" * 32
T0_MS: Final = 1_700_000_000_000


class Centre(Struct):
    """A Workspace with one Worker, and a clock that the test moves."""

    engine: Engine
    matcher: Matcher
    matching: Matching
    sid: str
    worker: str
    clock: list[int]
    keys: WorkspaceKeys
    shard: ShardKeys

    async def call(self, *command: str | int) -> Any:
        return await self.engine.pipeline.call(*command)

    async def workflow(self, **step: object) -> str:
        """A Workflow with one step behind `kind == 'x'`, into a TaskQueue for everybody."""
        config = await self.engine.config.get(AC, self.sid)
        away = {} if config.workspace.multi_task_enabled else _busy(config)
        queue = await self.engine.task_queues.create(AC, self.sid, friendly_name="q", **away)
        target = {"queue": queue.value.sid, **step}
        routing = {"filters": [{"expression": "kind == 'x'", "targets": [target]}]}
        document = json.dumps({"task_routing": routing})
        created = await self.engine.workflows.create(AC, self.sid, friendly_name="w", configuration=document)
        return created.value.sid

    async def task(self, workflow: str, **attributes: object) -> str:
        """A Task behind that step, matched if it can be."""
        sid = await self.post(workflow, **attributes)
        await self.matcher.run_once()
        return sid

    async def post(self, workflow: str, **attributes: object) -> str:
        """The same before a matcher has looked at anything."""
        text = json.dumps({"kind": "x", **attributes})
        created = await self.engine.tasks.create(AC, self.sid, workflow_sid=workflow, attributes=text)
        return created.value.sid

    async def move(self, activity: str, **given: Any) -> None:
        """The Worker to another Activity, before a matcher has looked at anything."""
        config = await self.engine.config.get(AC, self.sid)
        chosen = next(a.sid for a in config.activities.values() if a.friendly_name == activity)
        await self.engine.workers.update(AC, self.sid, self.worker, activity_sid=chosen, **given)

    async def pools(self) -> int:
        return int(await self.call("HLEN", self.keys.pools))

    async def sweep(self) -> int:
        """Looks for unused pools and empties those found."""
        dropped = await self.matching.sweep()
        await self.matcher.run_once()
        return dropped

    async def traces(self) -> list[str]:
        """Keys that belong to one pool, and pools in the record of the Worker."""
        found = []
        for kind in ("p", "i", "m", "q", "z", "n", "s"):
            found += [key.decode() for key in await self.call("KEYS", f"{self.keys.root}{kind}:*")]
        record = await self.call("HGETALL", self.keys.worker(self.worker))
        fields = dict(zip(record[::2], record[1::2], strict=True))
        lists = [value for name, value in fields.items() if name[:2] in (b"pl", b"ce") and value]
        parked = [v.rsplit(b"|", 1)[1] for n, v in fields.items() if n[:1] == b"c" and n[1:].isdigit()]
        return found + [text.decode() for text in (*lists, *parked) if text]


def _busy(config: WorkspaceConfig) -> dict[str, str]:
    """The Activities that a TaskQueue of a single-tasking Workspace has to name."""
    sids = {activity.friendly_name: activity.sid for activity in config.activities.values()}
    return {"reservation_activity_sid": sids["Reserved"], "assignment_activity_sid": sids["Busy"]}


@asynccontextmanager
async def small_centre(folder: Path, *, multi_task_enabled: bool = True) -> AsyncIterator[Centre]:
    """A server in this folder, and a Workspace with one available Worker on it."""
    with EmbeddedServer(folder / "data", durability="everysec") as server:
        redis = connect(server.url)
        async with Pipeline(RedisURL.parse(server.url)) as pipeline:
            clock = [T0_MS]
            engine = Engine(pipeline, redis, now_ms=lambda: clock[0])
            matcher = engine.matcher("m")
            await matcher.start()
            made = await engine.workspaces.create(
                AC, friendly_name="centre", multi_task_enabled=multi_task_enabled
            )
            available = next(a.sid for a in made.config.activities.values() if a.available)
            worker = await engine.workers.create(
                AC, made.value.sid, friendly_name="ann", attributes='{"level": 2}', activity_sid=available
            )
            await matcher.run_once()
            keys = WorkspaceKeys(made.config.shard, made.value.number)
            yield Centre(
                engine, matcher, matcher.matching, made.value.sid, worker.value.sid, clock, keys, ShardKeys(0)
            )
        await redis.aclose()
