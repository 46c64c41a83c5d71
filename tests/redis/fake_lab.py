"""The engine over fakeredis: the scripts on the Lua 5.1 of lupa, and no server process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from hashlib import sha1
from typing import Any, cast

import fakeredis
import uvloop
from msgspec import Struct

from engine.redis import Pipeline, Script
from engine.router import Engine
from tests.redis.config_support import FakePipeline
from tests.scenarios.lab import Lab
from tests.scenarios.site import T0_MS, CountingMint

# Of a Task its status and open Reservation, of a Reservation its status, of a Worker what it is to the router.
States = dict[tuple[str, str], tuple[str, str]]


class Step(Struct, frozen=True):
    """What one run of a script did to one thing; "" is the state of what does not exist."""

    kind: str  # Task, Reservation or Worker
    before: str
    after: str
    script: str
    through: bool  # the state is the same, but another one lay between


class ScriptPipeline(FakePipeline):
    """A FakePipeline that can run every script, and remembers which it ran and what they did."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.steps: set[Step] = set()
        self._states: States = {}
        self._redis.eval("return 1", 0)  # fakeredis makes its Lua state with the first script
        # Its EVAL offers redis.call but not redis.sha1hex, which real servers do and lib/market.lua mints SIDs with.
        lua = self._redis.connection_pool.connection_kwargs["server"]._lua_runtime.globals()
        lua[b"redis"][b"sha1hex"] = lambda text: sha1(text, usedforsecurity=False).hexdigest().encode()

    async def script(self, script: Script, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        await asyncio.sleep(0)
        reply = self.send("EVAL", script.source, len(keys), *keys, *args)
        self.calls.append(script.name)
        done = await reply
        if script.name != "fire_timers" or done[1]:  # most runs find nothing due
            self._note(script.name)
        return done

    @property
    def ran(self) -> set[str]:
        return set(self.calls)

    def _note(self, script: str) -> None:
        before, self._states = self._states, dict(self._look())
        nothing = ("", "")
        for thing in before.keys() | self._states.keys():
            old, new = before.get(thing, nothing), self._states.get(thing, nothing)
            if old != new:
                self.steps.add(Step(thing[0], old[0], new[0], script, through=old[0] == new[0]))

    def _look(self) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
        for key in self._redis.keys("{tl:0}:*:t:WT*"):
            flat = self._redis.execute_command("HGETALL", key)
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            status, *_, open_one = fields[b"s"].decode().split("|")
            yield ("Task", key.decode()), (status, open_one if status == "reserved" else "")
            for name, packed in fields.items():
                if name.startswith(b"WR"):
                    yield ("Reservation", name.decode()), (packed.decode().split("|")[0], "")
        for key in self._redis.keys("{tl:0}:*:k:WK*"):
            available, indexed = self._redis.execute_command("HMGET", key, "av", "ix")
            state = "indexing" if indexed == b"0" else "ready" if available == b"1" else "unavailable"
            yield ("Worker", key.decode()), (state, "")


class FakeLab(Lab):
    """A Lab whose server is a dictionary of this process."""

    def __init__(self) -> None:
        self.fake = ScriptPipeline()
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.now_ms = T0_MS
        self.mint = CountingMint()

    def __enter__(self) -> FakeLab:
        self.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._close())
        self._runner.close()

    async def _open(self) -> None:
        self.pipeline = cast(Pipeline, self.fake)
        self._redis = fakeredis.FakeAsyncRedis(version=7)  # for Accounts only, which no script reads
        self.engine = Engine(self.pipeline, self._redis, shards=1, mint=self._sid, now_ms=lambda: self.now_ms)
        self.matcher = self.engine.matcher("lab")
        await self.matcher.start()
        account, _ = await self.engine.accounts.create("histories")
        self.account = account.sid

    async def _close(self) -> None:
        await self._redis.aclose()
