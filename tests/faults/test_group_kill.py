"""All processes of `trunkline serve` are killed at once under load, its server too: what was answered is there.

TRUNKLINE_KILLS  how many deployments are killed, default 1; each at a moment of its own
TRUNKLINE_SEED   what the first moment is drawn from, default 0; the others from the numbers after it

The seed is in the name of the test.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.cli.cli_support import is_alive
from tests.faults.centre import AGENTS, PROGRAMS, Centre, Promised, centre_at
from tests.faults.processes import Deployment, kill_tree

KILLS: Final = int(os.environ.get("TRUNKLINE_KILLS", "1"))
SEED: Final = int(os.environ.get("TRUNKLINE_SEED", "0"))
MATCHERS: Final = 2
PROCESSES: Final = 4 + MATCHERS  # serve, its server, one API, one relay
EARLIEST, LATEST = 30, 150  # created Tasks until the kill is near
SPREAD_S: Final = 0.03  # from there to the kill, at most: some 30 answers
FINISH_S: Final = 40.0  # for all that is open after the restart; a quiet machine needs 1

LIVE: Final = {"pending", "accepted", "wrapping"}


@pytest.mark.parametrize("moment", [pytest.param(n, id=f"seed-{n}") for n in range(SEED, SEED + KILLS)])
async def test_no_answered_task_is_lost_or_done_twice_when_everything_is_killed(
    moment: int, tmp_path: Path
) -> None:
    rng, promised = random.Random(moment), Promised()
    with Deployment(tmp_path / "data", "--api", "1", "--matchers", str(MATCHERS)) as first:
        async with centre_at(first.url) as centre:
            workspace = await centre.build()
            await centre.enter(workspace)
            killed = await load_and_kill(first, centre, promised, rng)
    assert len(killed) == PROCESSES
    assert not any(is_alive(pid) for pid in killed)
    assert len(promised.tasks) > len(promised.completed) > 0, "the kill was not in the middle"

    with Deployment(tmp_path / "data", "--api", "1", "--matchers", str(MATCHERS)) as second:
        async with centre_at(second.url) as centre:
            await centre.enter(workspace)
            assert_kept(promised, await centre.rows("/Tasks", "tasks"), await centre.reservations())
            await finish(centre, promised)
            assert_done_once(promised, await centre.rows("/Tasks", "tasks"), await centre.reservations())


async def load_and_kill(
    deployment: Deployment, centre: Centre, promised: Promised, rng: random.Random
) -> list[int]:
    """Load it from all sides, kill it at a random moment; whom that killed. All callers see it die."""
    near, now = asyncio.Event(), asyncio.Event()
    target, delay_s = rng.randrange(EARLIEST, LATEST), rng.uniform(0.0, SPREAD_S)

    async def post() -> None:
        while True:
            await centre.post(promised)
            if len(promised.tasks) >= target and promised.completed:
                near.set()

    async with asyncio.TaskGroup() as group:
        programs = [cut_off(post()) for _ in range(PROGRAMS)]
        agents = [cut_off(centre.work(worker, promised, lambda: False)) for worker in centre.workers]
        callers = [group.create_task(caller) for caller in programs + agents]
        await near.wait()
        asyncio.get_running_loop().call_later(delay_s, now.set)
        await now.wait()
        killed = kill_tree(deployment.pid)
    assert [caller.result() for caller in callers] == [True] * (PROGRAMS + AGENTS)
    return killed


async def cut_off(caller: Coroutine[Any, Any, None]) -> bool:
    """Whether a caller was left without an answer."""
    try:
        await caller
    except aiohttp.ClientError:
        return True
    return False


async def finish(centre: Centre, promised: Promised) -> None:
    """Let the agents work until no Task is open."""
    over = asyncio.Event()
    async with asyncio.timeout(FINISH_S), asyncio.TaskGroup() as group:
        for worker in centre.workers:
            group.create_task(centre.work(worker, promised, over.is_set))
        await centre.until_all_ended()
        over.set()


def assert_kept(
    promised: Promised, tasks: list[dict[str, Any]], reservations: dict[str, list[dict[str, Any]]]
) -> None:
    """Right after the restart: all that was answered, and no more than may have been under way."""
    found = {task["sid"]: task["attributes"] for task in tasks}
    assert {sid: found.get(sid) for sid in promised.tasks} == promised.tasks
    assert len(found) <= promised.asked <= len(promised.tasks) + PROGRAMS
    statuses = {row["sid"]: row["reservation_status"] for rows in reservations.values() for row in rows}
    assert {statuses.get(sid) for sid in promised.completed} == {"completed"}
    assert {statuses.get(sid) for sid in promised.accepted} <= {"accepted", "completed"}
    assert_at_most_one(reservations)


def assert_at_most_one(reservations: dict[str, list[dict[str, Any]]]) -> None:
    """No Task is in two hands, now or earlier: an accepted Reservation stays to be seen as what it became."""
    for task, rows in reservations.items():
        assert sum(row["reservation_status"] in LIVE | {"completed"} for row in rows) <= 1, (task, rows)


def assert_done_once(
    promised: Promised, tasks: list[dict[str, Any]], reservations: dict[str, list[dict[str, Any]]]
) -> None:
    """After the agents finished: every Task by one Reservation, the one that was accepted."""
    assert {task["assignment_status"] for task in tasks} == {"completed"}
    assert promised.tasks.keys() <= reservations.keys()
    for task, rows in reservations.items():
        assert [row["reservation_status"] for row in rows] == ["completed"], (task, rows)
    by_reservation = {rows[0]["sid"]: task for task, rows in reservations.items()}
    assert promised.accepted.items() <= by_reservation.items()
    assert promised.completed.items() <= by_reservation.items()
