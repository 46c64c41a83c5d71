"""Workspaces that can be made as large as one likes, and a meter for single calls on them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from benchmarks.support import Bench
from engine.keys import ShardKeys
from engine.scripts import load_scripts

SKILLS: Final = 5  # of a Worker
WINDOW: Final = 64  # calls in flight while filling
A_DAY_S: Final = 86_400
NOTE: Final = "x" * 150
LOG: Final = 100_000  # entries of the slow log in a turn: an offer that comes late is asked for every ms


class Offer(Struct, frozen=True):
    """A Reservation as its event tells of it."""

    reservation: str
    task: str
    worker: str


class Sample(Struct):
    """What one kind of call took on one Workspace."""

    server_us: list[float]
    caller_ms: list[float]


def show(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


async def many(what: str, count: int, call: Callable[[int], Awaitable[Any]]) -> None:
    """Make `count` calls, a window of them at a time, and say how far it has come."""
    left: Iterator[int] = iter(range(count))
    began, step = time.monotonic(), max(1, count // 10)

    async def one_by_one() -> None:
        for index in left:
            await call(index)
            if count >= 10_000 and (index + 1) % step == 0:
                show(f"{what}: {index + 1:,} of {count:,} after {time.monotonic() - began:.0f} s")

    await asyncio.gather(*(one_by_one() for _ in range(WINDOW)))


class Centre:
    """A Workspace in which a Task asks for one skill: a pool for each skill."""

    def __init__(self, bench: Bench, pools: int) -> None:
        self._bench, self.pools = bench, pools
        self.account = "AC" + os.urandom(16).hex()
        self.workspace, self._available, self.workflow = "", "", ""
        self._stream = ShardKeys(0).events

    async def start(self) -> None:
        engine = self._bench.engine
        made = await engine.workspaces.create(self.account, friendly_name="growth")
        self.workspace = made.value.sid
        config = await engine.config.get(self.account, self.workspace)
        self._available = next(a.sid for a in config.activities.values() if a.available)
        queue = await engine.task_queues.create(
            self.account, self.workspace, friendly_name="all", target_workers="1 == 1"
        )
        target = {"queue": queue.value.sid, "expression": "worker.skills HAS task.skill"}
        workflow = await engine.workflows.create(
            self.account,
            self.workspace,
            friendly_name="growth",
            configuration=json.dumps({"task_routing": {"default_filter": target}}),
            task_reservation_timeout=A_DAY_S,
        )
        self.workflow = workflow.value.sid

    async def add_workers(self, count: int) -> None:
        """Available Workers; the skills of one lie next to each other, those of all are spread evenly."""

        async def add(index: int) -> None:
            first = index * self.pools // count
            skills = [f"s{(first + place) % self.pools}" for place in range(SKILLS)]
            await self._bench.engine.workers.create(
                self.account,
                self.workspace,
                friendly_name=f"worker {index}",
                activity_sid=self._available,
                attributes=json.dumps({"skills": skills}),
            )

        await many("Workers", count, add)

    async def add_tasks(self, count: int) -> None:
        """Tasks with 200 bytes of attributes, as many for every pool; the pools are made with the first of each."""
        await many("pools", self.pools, self.create)
        await self.quiet()
        rest = count - self.pools
        await many("Tasks", rest, lambda index: self.create(index * self.pools // rest))

    async def create(self, pool: int) -> str:
        """A Task for one pool; its SID."""
        found = await self._bench.engine.tasks.create(
            self.account,
            self.workspace,
            attributes=f'{{"skill":"s{pool}","customer":"{pool:08d}","note":"{NOTE}"}}',
            workflow_sid=self.workflow,
        )
        return found.value.sid

    async def age(self, times: int) -> None:
        """Give Workers a Reservation each and take it away again: from then on their places among the idle go stale."""

        async def once(index: int) -> None:
            task = await self.create(index % self.pools)
            await self._bench.engine.tasks.delete(self.account, self.workspace, task)

        await many("Reservations", times, once)

    async def answer(self, offer: Offer, status: str) -> None:
        await self._bench.engine.reservations.answer_of_task(
            self.account, self.workspace, offer.task, offer.reservation, status=status
        )

    async def last_event(self) -> str:
        """Where the event stream ends now."""
        last = await self._bench.pipeline.call("XREVRANGE", self._stream, "+", "-", "COUNT", 1)
        return last[0][0].decode() if last else "0"

    async def quiet(self) -> None:
        """Wait until matchers have done all that was left to them."""
        while True:
            groups = await self._bench.pipeline.call("XINFO", "GROUPS", ShardKeys(0).inbox)
            state = [dict(zip(flat[::2], flat[1::2], strict=True)) for flat in groups]
            if all(group[b"pending"] == 0 and not group[b"lag"] for group in state):
                return
            await asyncio.sleep(0.05)

    async def offers_after(self, place: str) -> list[Offer]:
        """The Reservations made after a place of the event stream, in all Workspaces; it does not wait."""
        found = []
        for _, flat in await self._bench.pipeline.call("XRANGE", self._stream, f"({place}", "+"):
            for text in flat[3::2]:
                _, kind, _, what = text.decode().split("|", 3)
                if kind == "reservation.created":
                    found.append(Offer(*what.split("|")[:3]))
        return found


class Meter:
    """Times single calls: what the server spent in the script, and what the caller waited."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._functions = {name: script.function.encode() for name, script in load_scripts().items()}
        self.not_at_once = 0

    async def offered(
        self, centre: Centre, call: Callable[[], Awaitable[Any]], fits: Callable[[Offer], bool]
    ) -> tuple[float, Offer]:
        """Make a call that leads to an offer; ms until it returned, and the offer."""
        place = await centre.last_event()
        began = time.perf_counter()
        await call()
        took = (time.perf_counter() - began) * 1e3
        late = False
        while True:
            for offer in await centre.offers_after(place):
                if fits(offer):
                    self.not_at_once += late
                    return took, offer
            late = True
            await asyncio.sleep(0.001)

    async def turn(self, script: str, times: int, one: Callable[[], Awaitable[float]], into: Sample) -> None:
        """`times` samples of one script, each made by `one`, which says how long its caller waited."""
        redis = self._bench.redis
        await redis.config_set("slowlog-log-slower-than", 0)
        await redis.config_set("slowlog-max-len", LOG)
        await self._bench.pipeline.call("SLOWLOG", "RESET")
        into.caller_ms += [await one() for _ in range(times)]
        await redis.config_set("slowlog-log-slower-than", 10_000)
        log = await self._bench.pipeline.call("SLOWLOG", "GET", LOG)
        found = [float(entry[2]) for entry in log if entry[3][:2] == [b"FCALL", self._functions[script]]]
        if len(found) != times:
            raise RuntimeError(f"{times} calls of {script}, but {len(found)} in the slow log")
        into.server_us += found
