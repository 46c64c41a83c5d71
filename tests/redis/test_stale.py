"""A decision that rests on what has changed meanwhile is refused, and so is the same call once more: nothing changes.

A small story is played on fakeredis. Before each call of a script, the same call is made with one thing in it as
another process might have read it earlier. Afterwards some calls are made again, as after an answer that was lost.
Every key has to be as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from engine.redis import Script
from engine.scripts import Status
from tests.redis.fake_lab import FakeLab, ScriptPipeline
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.site import Flow, Queue, Site

OLD: Final = "999999"  # as a version or revision: never the present one
OLD_PLACE: Final = "1.0.0.0|-"
VERSION, REVISION, WORKER, POOLS, PLACE = "version", "revision", "worker", "pools", "place"

# Script -> what its decision rests on, and where that stands in ARGV, counted from 1 as the scripts do.
RESTS_ON: Final[dict[str, dict[str, int]]] = {
    "create_task": {VERSION: 2},
    "create_worker": {VERSION: 2},
    "update_task": {VERSION: 2, REVISION: 4},
    "update_worker": {VERSION: 2},
    "reject_reservation": {VERSION: 6},
    "commit_config": {VERSION: 1},
    "route_task": {VERSION: 2, REVISION: 4, PLACE: 5},
    "index_worker": {WORKER: 3, POOLS: 4, VERSION: 5},
    "add_members": {WORKER: 7, VERSION: 5},
}
# What stands for "another one has done it", or "there is nobody to add", where that is no refusal.
QUIET: Final = {("route_task", PLACE), ("add_members", WORKER)}
REFUSED: Final = {("update_task", REVISION): Status.REVISION}
REPEATED: Final = {"create_task", "create_worker", "register_pool", "add_members"}


class Doubtful(ScriptPipeline):
    """Runs every script, before it the same with something old, and some of them again."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[tuple[str, str]] = set()
        self.repeated: set[str] = set()

    async def script(self, script: Script, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        for what, position in RESTS_ON.get(script.name, {}).items():
            if position <= len(args) and args[position - 1] != "":
                await self._doubt(script, keys, args, what)
        reply = await super().script(script, keys, args)
        if script.name in REPEATED:
            before = self._dump()
            assert await self.send("EVAL", script.text, len(keys), *keys, *args) == reply
            assert self._dump() == before, f"{script.name} did it twice"
            self.repeated.add(script.name)
        return reply

    async def _doubt(self, script: Script, keys: Sequence[Any], args: Sequence[Any], what: str) -> None:
        case = (script.name, what)
        old = list(args)
        old[RESTS_ON[script.name][what] - 1] = OLD_PLACE if what == PLACE else OLD
        if case == ("add_members", WORKER):
            old[2:3], old[8:] = ["0"], []  # not the last of them, whose coming puts the pool into use
        before = self._dump()
        reply = await self.send("EVAL", script.text, len(keys), *keys, *old)
        assert self._dump() == before, f"{script.name} did something by an old {what}"
        if reply[0] == REFUSED.get(case, Status.OK if case in QUIET else Status.STALE):
            self.refused.add(case)

    def _dump(self) -> dict[bytes, Any]:
        """All keys and what they hold."""
        reading = {b"hash": ("HGETALL",), b"set": ("SMEMBERS",), b"string": ("GET",)}
        run, found = self._redis.execute_command, {}
        for key in run("KEYS", "*"):
            kind = run("TYPE", key)
            if kind == b"zset":
                found[key] = run("ZRANGE", key, 0, -1, "WITHSCORES")
            elif kind == b"stream":
                found[key] = run("XLEN", key)
            else:
                found[key] = run(*reading[kind], key)
        return found


class DoubtfulLab(FakeLab):
    """A FakeLab with such a pipeline."""

    def __init__(self) -> None:
        super().__init__()
        self.doubtful = Doubtful()
        self.fake = self.doubtful


def _site() -> Site:
    steps = [
        {
            "queue": "all",
            "expression": "worker.level > 1",
            "timeout": 10,
            "skip_if": "workers.available == 9",
        },
        {"queue": "all", "priority": 5},
    ]
    routing = {"filters": [{"expression": "kind == 'x'", "targets": steps}]}
    return Site(queues={"all": Queue()}, workflows={"main": Flow({"task_routing": routing}, 120)})


def test_neither_old_decisions_nor_repeated_calls_change_anything() -> None:
    opened = DoubtfulLab()
    with opened as lab:
        play = Play(EngineDriver(lab, _site()))
        ann = play.worker("ann", level=1)
        first, second = (play.task(attributes={"kind": "x"}) for _ in range(2))
        assert play.status(first) == "pending"
        play.update_worker(ann, attributes='{"level": 2}')
        assert play.holder(first) == ann
        play.reject(first, activity="Offline")
        play.wait(10)
        assert [play.look(task)["priority"] for task in (first, second)] == [5, 5]
        play.update_task(second, attributes='{"kind": "x", "more": 1}')
        play.update_queue("all", target="level == 2")
        play.move(ann, "Available")
        assert play.holder(first) == ann
        assert opened.doubtful.repeated == REPEATED
        assert opened.doubtful.refused == {
            (name, what) for name, places in RESTS_ON.items() for what in places
        }
