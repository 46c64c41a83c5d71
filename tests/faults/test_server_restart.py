"""The embedded server is killed while API and matcher run: 503 meanwhile, then all is well without anybody's help."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.faults.centre import PROGRAMS, Centre, Promised, Refused, centre_at
from tests.faults.processes import Deployment, freeze, frozen, kill

BEFORE: Final = 60  # Tasks until the server dies
AFTER: Final = 60  # Tasks that are created once it is back
BACK_S: Final = 10.0  # promised, from the restart on; a quiet machine needs half a second
WAIT_S: Final = 30.0  # for everything else

UNKNOWN: Final = "It is unknown whether the change was made."
UNCHANGED: Final = "Nothing was changed."


class Day:
    """Programs and agents that meet a 503 by trying again, until the day is over."""

    def __init__(self, centre: Centre, promised: Promised) -> None:
        self._centre, self._promised = centre, promised
        self._news = asyncio.Event()
        self.closing = self.over = False
        self.agents_refused: list[str] = []

    async def post(self) -> None:
        while not self.closing:
            with suppress(Refused):
                await self._centre.post(self._promised)
            self._news.set()

    async def work(self, worker: str) -> None:
        while not self.over:
            try:
                await self._centre.work(worker, self._promised, lambda: self.over)
            except Refused as refused:
                self.agents_refused.append(refused.message)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Look after every answer that a program gets."""
        while not condition():
            self._news.clear()
            await self._news.wait()


async def test_calls_get_503_while_the_server_is_dead_and_all_works_again_by_itself(tmp_path: Path) -> None:
    promised = Promised()
    with Deployment(tmp_path / "data") as deployment:
        roles, dead = deployment.roles(), deployment.server_pid
        async with centre_at(deployment.url) as centre:
            await centre.enter(await centre.build())
            day = Day(centre, promised)
            async with asyncio.timeout(WAIT_S + BACK_S), asyncio.TaskGroup() as group:
                for caller in [day.post() for _ in range(PROGRAMS)] + [day.work(w) for w in centre.workers]:
                    group.create_task(caller)
                await day.until(lambda: len(promised.tasks) >= BEFORE)
                await die_and_come_back(deployment, day, promised)
                day.closing = True
                await centre.until_all_ended()
                day.over = True
            assert_honest(promised, await centre.rows("/Tasks", "tasks"))
            for rows in (await centre.reservations()).values():
                assert [row["reservation_status"] for row in rows] == ["completed"], rows
        assert deployment.server_pid != dead
        survivors = deployment.roles()
    assert survivors == roles, f"a process had to be started anew: {deployment.program.said}"
    assert day.agents_refused
    said = " ".join([*promised.refused.values(), *day.agents_refused])
    assert UNKNOWN in said, "no call that changes something was under way when the server died"


async def die_and_come_back(deployment: Deployment, day: Day, promised: Promised) -> None:
    """Kill the server with calls under way, keep it dead until every program was refused, then let it be restarted."""
    with frozen(deployment.pid):  # else it starts the server anew within 0.4 s, and calls just wait
        freeze(deployment.server_pid)
        for _ in range(PROGRAMS):
            await probe(deployment, "/healthz")  # calls reach the server's socket meanwhile
        kill(deployment.server_pid)
        await day.until(lambda: unchanged_of(promised) >= PROGRAMS)  # after 2 s
        assert await probe(deployment, "/readyz") == 503
    before = len(promised.tasks)
    async with asyncio.timeout(BACK_S):
        await day.until(lambda: len(promised.tasks) >= before + AFTER)
    assert await probe(deployment, "/readyz") == 200


def unchanged_of(promised: Promised) -> int:
    """How many calls were told that nothing was changed."""
    return sum(UNCHANGED in said for said in promised.refused.values())


async def probe(deployment: Deployment, path: str) -> int:
    async with aiohttp.request("GET", deployment.url + path) as response:
        return response.status


def assert_honest(promised: Promised, tasks: list[dict[str, Any]]) -> None:
    """What was answered is there, what was said not to have happened is not, and nothing else came to be."""
    there = Counter(row["attributes"] for row in tasks)
    unchanged = {what for what, said in promised.refused.items() if UNCHANGED in said}
    unknown = {what for what, said in promised.refused.items() if UNKNOWN in said}
    assert unchanged | unknown == promised.refused.keys()
    assert max(there.values()) == 1
    assert {row["sid"] for row in tasks} >= promised.tasks.keys()
    assert not unchanged & there.keys()
    assert there.keys() - set(promised.tasks.values()) <= unknown
