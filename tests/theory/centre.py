"""The engine as a router: a Workspace of its own on an embedded server, driven through the engine's services.

Time is the play's. What happens is read from the event stream, in the same round trip as the call that caused it.
A server has 16 databases; each play has one, with an engine, a connection and a matcher, so that plays run side by side
and one's deadlines are not due by another's clock.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.theory.systems import System
from engine.keys import ShardKeys
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.router import Engine
from engine.sids import mint
from tests.theory.load import T0_MS, Arrival
from tests.theory.play import Offer

PLAYS: Final = 16  # databases of a server
ACCOUNT: Final = "AC" + "0" * 32
LONGEST_S: Final = 1_209_600  # a Task's longest timeout: nobody loses patience
TIDY: Final = 128  # completed Tasks between two looks for those whose 5 minutes are over
DEADLINE_S: Final = 60.0  # of a call, in real time: 16 plays share a server, and perhaps a core


@contextmanager
def server() -> Iterator[str]:
    """An empty server. Gives its URL."""
    with (
        TemporaryDirectory(prefix="trunkline-theory-") as folder,
        EmbeddedServer(Path(folder), durability="everysec") as embedded,
    ):
        yield embedded.url


class Centre:
    """A router. Use as an asynchronous context manager."""

    def __init__(self, url: str, database: int, system: System) -> None:
        if not 0 <= database < PLAYS:
            raise ValueError(f"there are {PLAYS} databases, not {database}")
        self._system, self._now_ms, self._keys = system, T0_MS, ShardKeys(0)
        self._inbox = self._keys.inbox.encode()
        url = f"{url}?db={database}"
        self._redis, self._pipeline = connect(url), Pipeline(RedisURL.parse(url), deadline_s=DEADLINE_S)
        self._engine = Engine(self._pipeline, self._redis, mint=self._sid, now_ms=lambda: self._now_ms)
        self._matcher = self._engine.matcher("theory")
        self._tasks, self._workers = 0, count()
        self._workspace = self._workflow = ""
        self._seen: bytes | str = "0"  # the last event heard of
        self._reservations: dict[int, str] = {}
        self._left: list[int] = []
        self._finished = 0

    async def __aenter__(self) -> Self:
        await self._pipeline.start()
        await self._pipeline.call("CONFIG", "SET", "appendonly", "no")  # nobody needs the data afterwards
        await self._matcher.start()
        await self._build()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pipeline.stop()
        await self._redis.aclose()

    # ---- the router

    async def arrive(self, now_ms: int, task: int, arrival: Arrival) -> list[Offer]:
        self._now_ms, self._tasks = now_ms, task
        kind = self._system.kinds[arrival.kind]
        return await self._told(
            self._engine.tasks.create(
                *(ACCOUNT, self._workspace),
                attributes=f'{{"skill":"{kind.skill}"}}',
                priority=kind.priority,
                timeout=LONGEST_S if arrival.patience_s is None else arrival.patience_s,
                workflow_sid=self._workflow,
            )
        )

    async def finish(self, now_ms: int, task: int) -> list[Offer]:
        self._now_ms = now_ms
        offers = await self._told(self._answer(task, self._reservations.pop(task), "completed"))
        self._finished += 1
        if self._finished % TIDY == 0:
            await self._matcher.fire_timers()
            await self._pipeline.call("XTRIM", self._keys.events, "MAXLEN", "~", TIDY)
        return offers

    async def expire(self, now_ms: int) -> list[int]:
        self._now_ms = now_ms
        await self._matcher.fire_timers()
        await self._news()
        left, self._left = self._left, []
        return left

    # ---- what happens

    async def _told(self, work: Awaitable[Any]) -> list[Offer]:
        """Do something, hear of the Reservations it led to, and accept them."""
        _, made = await asyncio.gather(work, self._news())
        while made is None:  # the question came before the work
            made = await self._news()
        offers = []
        for reservation, task, worker in made:
            offers.append(Offer(_number(task), _number(worker)))
            self._reservations[_number(task)] = reservation
            await self._answer(_number(task), reservation, "accepted")
        return offers

    async def _answer(self, task: int, reservation: str, status: str) -> None:
        place = (ACCOUNT, self._workspace)
        await self._engine.reservations.answer_of_task(*place, _sid("WT", task), reservation, status=status)

    async def _news(self) -> list[list[str]] | None:
        """The Reservations made since the last call: SID, Task, Worker. None if nothing at all happened."""
        streams = (self._keys.events, self._keys.inbox)
        reply = await self._pipeline.call("XREAD", "STREAMS", *streams, self._seen, "0")
        made: list[list[str]] | None = None
        left_over = False
        for stream, entries in reply or ():
            if stream == self._inbox:
                left_over = True
                continue
            self._seen, made = entries[-1][0], []
            for _, fields in entries:
                made += self._heard(fields[3::2])
        if not left_over:
            return made
        await self._matcher.run_once()
        return [*(made or ()), *(await self._news() or ())]

    def _heard(self, events: list[bytes]) -> Iterator[list[str]]:
        for event in events:
            _, kind, _, what = event.decode().split("|", 3)
            if kind == "reservation.created":
                yield what.split("|")[:3]
            elif kind == "task.canceled":
                self._left.append(_number(what.split("|")[0]))

    # ---- setting up

    def _sid(self, prefix: str) -> str:
        """Tasks and Workers are numbered; where times are equal the lower number comes first."""
        if prefix == "WT":
            return _sid(prefix, self._tasks)
        return _sid(prefix, next(self._workers)) if prefix == "WK" else mint(prefix)

    async def _build(self) -> None:
        engine = self._engine
        self._workspace = (await engine.workspaces.create(ACCOUNT, friendly_name="theory")).value.sid
        place, queues = (ACCOUNT, self._workspace), {}
        for skill in sorted({kind.skill for kind in self._system.kinds}):
            queue = await engine.task_queues.create(
                *place, friendly_name=skill, target_workers=f"skills HAS '{skill}'"
            )
            queues[skill] = queue.value.sid
        filters = [
            {"expression": f"skill == '{skill}'", "targets": [{"queue": queue}]}
            for skill, queue in queues.items()
        ]
        document = json.dumps({"task_routing": {"filters": filters}})
        flow = await engine.workflows.create(*place, friendly_name="theory", configuration=document)
        self._workflow = flow.value.sid
        config = await engine.config.get(*place)
        free = next(row.sid for row in config.activities.values() if row.available)
        for number, agent in enumerate(self._system.agents):
            attributes = json.dumps({"skills": sorted(agent.skills)})
            await engine.workers.create(
                *place, friendly_name=f"worker {number}", activity_sid=free, attributes=attributes
            )
        await self._news()


def _sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


def _number(sid: str) -> int:
    return int(sid[2:], 16)
