"""The engine over fakeredis: the scripts on the Lua 5.1 of lupa, and no server process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from hashlib import sha1
from typing import Any, cast

import fakeredis
import uvloop
from msgspec import Struct
from redis.exceptions import ResponseError

from engine.redis import Pipeline, Script, ServerError
from engine.router import Engine
from tests.redis.config_support import FakePipeline
from tests.scenarios.lab import Lab
from tests.scenarios.site import T0_MS, CountingMint

# Of a Task its status and, while reserved, the number of its round; of a pending one where it is; of a Reservation its
# status, or held; of a Worker what it is to the router.
States = dict[tuple[str, str], tuple[str, str]]


class Step(Struct, frozen=True):
    """What one run of a script did to one thing; "" is the state of what does not exist."""

    kind: str  # Task, Pending, Reservation or Worker
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
        pool = self._redis.connection_pool
        self._connection: Any = pool.get_connection()  # half the cost of a client's call
        self._server: Any = pool.connection_kwargs["server"]
        lua = self._server._lua_runtime.globals()
        # Its EVAL offers redis.call but not redis.sha1hex, which real servers do and lib/market.lua mints SIDs with.
        lua[b"redis"][b"sha1hex"] = lambda text: sha1(text, usedforsecurity=False).hexdigest().encode()
        # It compiles a text each time it runs, 2 ms, and tidies up behind it. Here a text is compiled once.
        lua[b"collectgarbage"] = lambda *_: None
        self._server._lua_expected_globals.add(b"linked")
        self._server._lua_runtime.execute("linked = {}")
        self._linked: Any = lua[b"linked"]

    def send(self, *args: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        try:
            self._connection.send_command(*args)
            future.set_result(self._connection.read_response())
        except ResponseError as error:
            future.set_exception(ServerError(str(error)))
        return future

    async def script(self, script: Script, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        await asyncio.sleep(0)
        name = script.name.encode()
        if self._linked[name] is None:
            self._linked[name] = self._server._lua_runtime.compile(script.text.encode())
        reply = self.send("EVAL", f"return linked.{script.name}()", len(keys), *keys, *args)
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
        database = self._server.dbs[0]
        for key in list(database):
            kind = key.split(b":", 3)[-1][:4]
            if kind == b"t:WT":
                fields = database[key].value.getall()
                status, _, _, assignments, _ = fields[b"s"].decode().split("|")
                yield ("Task", key.decode()), (status, assignments if status == "reserved" else "")
                if status == "pending":
                    yield ("Pending", key.decode()), (self._place(key, fields), "")
                for name, packed in fields.items():
                    if name.startswith(b"WR"):
                        held = b"|h|" in packed
                        status = "held" if held else packed.decode().split("|")[0]
                        yield ("Reservation", name.decode()), (status, "")
            elif kind == b"k:WK":
                fields = database[key].value.getall()
                indexed = fields[b"ix"] == b"1"
                state = "indexing" if not indexed else "ready" if fields[b"av"] == b"1" else "unavailable"
                yield ("Worker", key.decode()), (state, "")

    def _place(self, key: bytes, fields: dict[bytes, bytes]) -> str:
        """Where a pending Task is: in the waiting set of a pool, in its rest, or in none yet, or for now."""
        pool = fields[b"p"].split(b"|")[7]
        if pool.startswith(b"-"):
            return "delayed" if pool.startswith(b"-w") else "between"
        root, _, task = key.rpartition(b"t:")
        resting = self._server.dbs[0].get(root + b"z:" + pool)
        asleep = resting is not None and any(entry.endswith(task) for entry in resting.value)
        return "resting" if asleep else "waiting"


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
