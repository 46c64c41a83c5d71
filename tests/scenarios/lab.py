"""The engine on a server of its own, run one step at a time and by the test's clock.

One server, connection and event loop serve all histories of a process; each history has a Workspace of its
own, which is deleted at its end, so that its timers do not go off in the next one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

import uvloop
from msgspec import UNSET

from engine.events import Event
from engine.keys import ShardKeys, WorkspaceKeys
from engine.model import WorkspaceConfig
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.router import Engine
from engine.sids import mint as random_sid
from tests.scenarios.drivers import Snapshot
from tests.scenarios.site import T0_MS, CountingMint, Names, Site, with_sids
from tests.scenarios.views import names_of, offer_view, task_view, worker_view

T = TypeVar("T")
Command = tuple[str | bytes | int, ...]

MAX_ROUNDS: Final = 1000  # of the matcher after one step; more means that it never comes to rest
PAGE: Final = 1000
END_MS: Final = 10**15  # later than anything that happens

# The reference router's names of arguments -> the engine's, where they differ.
WORKFLOW_NAMES: Final = {
    "document": "configuration",
    "reservation_timeout_s": "task_reservation_timeout",
    "re_evaluate": "re_evaluate_tasks",
}
QUEUE_NAMES: Final = {
    "target": "target_workers",
    "order": "task_order",
    "max_reserved": "max_reserved_workers",
}


class Lab:
    """Server, connection, engine and matcher of one process. Use as a context manager."""

    def __init__(self, data_dir: Path) -> None:
        self._server = EmbeddedServer(data_dir, durability="everysec")
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.now_ms = T0_MS
        self.mint = CountingMint()

    def __enter__(self) -> Lab:
        self._server.start()
        self.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._close())
        self._runner.close()
        self._server.stop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs something of the engine's to its end."""
        # Not Runner.run: it sets a signal handler each time, which costs more than most steps of a history.
        return self._runner.get_loop().run_until_complete(work)

    async def _open(self) -> None:
        self.pipeline = Pipeline(RedisURL.parse(self._server.url))
        await self.pipeline.start()
        self._redis = connect(self._server.url)
        self.engine = Engine(self.pipeline, self._redis, shards=1, mint=self._sid, now_ms=lambda: self.now_ms)
        self.matcher = self.engine.matcher("lab")
        await self.matcher.start()
        account, _ = await self.engine.accounts.create("histories")
        self.account = account.sid

    def _sid(self, prefix: str) -> str:
        # A deleted Workspace's SID never comes back, so this kind alone must differ from history to history.
        return random_sid(prefix) if prefix == "WS" else self.mint(prefix)

    async def _close(self) -> None:
        await self.pipeline.stop()
        await self._redis.aclose()

    async def last_event(self, keys: ShardKeys) -> bytes:
        """The id of the newest entry in the stream of events."""
        found = await self.pipeline.call("XREVRANGE", keys.events, "+", "-", "COUNT", 1)
        return bytes(found[0][0]) if found else b"0"

    async def rest(self) -> None:
        """Lets the matcher work, and fire what is due, until nothing is left to do at this instant."""
        for _ in range(MAX_ROUNDS):
            if not await self.matcher.run_once():
                return
        raise AssertionError(f"the matcher still finds work after {MAX_ROUNDS} rounds")


class EngineDriver:
    """One Workspace of the engine; the counterpart of ModelDriver."""

    def __init__(self, lab: Lab, site: Site) -> None:
        self._lab = lab
        lab.now_ms = T0_MS
        lab.mint = CountingMint()
        self.shard_keys = ShardKeys(0)
        self.names, self.config = lab.run(self._build(site))
        self.keys = WorkspaceKeys(0, self.number)
        self._began = lab.run(lab.last_event(self.shard_keys))

    @property
    def mint(self) -> CountingMint:
        return self._lab.mint

    @property
    def now_ms(self) -> int:
        return self._lab.now_ms

    @now_ms.setter
    def now_ms(self, value: int) -> None:
        self._lab.now_ms = value

    @property
    def number(self) -> int:
        """The Workspace's number, which its keys begin with."""
        return self.config.workspace.number

    def call(self, method: str, **arguments: Any) -> None:
        self._lab.run(self._call(method, arguments))

    def sweep(self) -> None:
        self._lab.run(self._lab.rest())

    def snapshot(self) -> Snapshot:
        return self._lab.run(self._snapshot())

    def observe(self, command: Command) -> tuple[Snapshot, Any]:
        """What a client sees, Reservations through their Workers, and the server's reply to a command."""
        return self._lab.run(self._observe(command))

    def alerts(self) -> list[tuple[str, int]]:
        """Task and code of every alert, in their order."""
        return self._lab.run(self._alerts())

    def logged(self) -> list[Event]:
        """Every event of the Workspace, oldest first, once a relay has logged what is there."""
        return self._lab.run(self._logged())

    def last_seq(self) -> int:
        """The number of the Workspace's last transition."""
        return int(self._lab.run(self._lab.pipeline.call("HGET", self.keys.ws, "seq")))

    def delete(self) -> None:
        """Removes the Workspace and all its keys."""
        self._lab.run(self._delete())

    async def _build(self, site: Site) -> tuple[Names, WorkspaceConfig]:
        engine, account = self._lab.engine, self._lab.account
        found = await engine.workspaces.create(
            account,
            friendly_name="history",
            multi_task_enabled=not site.single,
            prioritize_queue_order=site.preferred,
        )
        self.workspace = found.value.sid
        place = (account, self.workspace)
        for name, available in site.extra_activities.items():
            await engine.activities.create(*place, friendly_name=name, available=available)
        for name in site.optimized:
            await engine.task_channels.update(*place, name, channel_optimized_routing=True)
        config = await engine.config.get(*place)
        activities = {row.friendly_name: row.sid for row in config.activities.values()}
        for name, queue in site.queues.items():
            await engine.task_queues.create(
                *place,
                friendly_name=name,
                target_workers=queue.target,
                task_order=queue.order,
                max_reserved_workers=queue.max_reserved,
                reservation_activity_sid=activities[queue.reservation_activity] if site.single else UNSET,
                assignment_activity_sid=activities[queue.assignment_activity] if site.single else UNSET,
            )
        config = await engine.config.get(*place)
        queues = {queue.friendly_name: queue.sid for queue in config.queues.values()}
        for name, flow in site.workflows.items():
            await engine.workflows.create(
                *place,
                friendly_name=name,
                configuration=with_sids(flow.document, queues, activities),
                task_reservation_timeout=flow.reservation_timeout_s,
            )
        if site.timeout_activity != "Offline":
            await engine.workspaces.update(
                account, self.workspace, timeout_activity_sid=activities[site.timeout_activity]
            )
        await self._lab.rest()
        config = await engine.config.get(*place)
        return names_of(config), config

    async def _logged(self) -> list[Event]:
        await self._lab.engine.chronicle().run_once()
        chunks = self._lab.engine.events.between(self.config, 0, END_MS)
        return [event async for chunk in chunks for event in chunk]

    async def _delete(self) -> None:
        await self._lab.engine.workspaces.delete(self._lab.account, self.workspace)
        await self._lab.rest()

    async def _call(self, method: str, arguments: dict[str, Any]) -> None:
        engine, place = self._lab.engine, (self._lab.account, self.workspace)
        given = dict(arguments)
        sid = given.pop("sid")
        self.mint.next_sid = sid
        try:
            work: Awaitable[Any]
            match method:
                case "update_workflow":
                    work = engine.workflows.update(*place, sid, **_renamed(given, WORKFLOW_NAMES))
                case "update_queue":
                    work = engine.task_queues.update(*place, sid, **_renamed(given, QUEUE_NAMES))
                case "create_worker":
                    work = engine.workers.create(*place, **given)
                case "update_worker":
                    work = engine.workers.update(*place, sid, **given)
                case "delete_worker":
                    work = engine.workers.delete(*place, sid, **given)
                case "update_worker_channel":
                    work = engine.worker_channels.update(*place, sid, given.pop("channel"), **given)
                case "create_task":
                    work = engine.tasks.create(*place, **given)
                case "update_task":
                    work = engine.tasks.update(*place, sid, **given)
                case "delete_task":
                    work = engine.tasks.delete(*place, sid, **given)
                case "answer_of_task":
                    work = engine.reservations.answer_of_task(*place, given.pop("task_sid"), sid, **given)
                case "answer_of_worker":
                    work = engine.reservations.answer_of_worker(*place, given.pop("worker_sid"), sid, **given)
                case "fail_callback":
                    work = engine.callbacks.failed(*place, given.pop("task_sid"), sid)
                case "answer_callback":
                    work = engine.callbacks.answered(*place, sid)
                case _:
                    raise AssertionError(method)
            await work
        finally:
            self.mint.next_sid = None
            await self._lab.rest()

    async def _alerts(self) -> list[tuple[str, int]]:
        began = b"(" + self._began
        found = []
        for _, flat in await self._lab.pipeline.call("XRANGE", self.shard_keys.events, began, "+"):
            if int(flat[1]) == self.number:
                told = [text.decode().split("|") for text in flat[3::2]]
                found += [(what[3], int(what[4])) for what in told if what[1] == "task.alert"]
        return found

    async def _observe(self, command: Command) -> tuple[Snapshot, Any]:
        return await asyncio.gather(self._snapshot(by_worker=True), self._lab.pipeline.call(*command))

    async def _snapshot(self, *, by_worker: bool = False) -> Snapshot:
        engine, place = self._lab.engine, (self._lab.account, self.workspace)
        tasks, workers = await asyncio.gather(
            engine.tasks.list(*place, limit=PAGE), engine.workers.list(*place, limit=PAGE)
        )
        config: WorkspaceConfig = tasks.config
        task_sids, worker_sids = [t.sid for t in tasks.value.items], [w.sid for w in workers.value.items]
        lists = engine.reservations
        channels, offers = await asyncio.gather(
            asyncio.gather(*(engine.worker_channels.list(*place, sid, limit=PAGE) for sid in worker_sids)),
            asyncio.gather(*(lists.of_worker(*place, sid, limit=PAGE) for sid in worker_sids))
            if by_worker
            else asyncio.gather(*(lists.of_task(*place, sid, limit=PAGE) for sid in task_sids)),
        )
        return {
            "tasks": {task.sid: task_view(config, task) for task in tasks.value.items},
            "workers": {
                worker.sid: worker_view(config, worker, found.value.items)
                for worker, found in zip(workers.value.items, channels, strict=True)
            },
            "offers": {offer.sid: offer_view(offer) for found in offers for offer in found.value.items},
        }


def _renamed(given: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in given.items()}
