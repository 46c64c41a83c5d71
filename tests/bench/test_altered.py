"""The verdict of `trunkline bench theory` on deployments that are wrong on purpose: invalid, each for its reason.

`make test` plays some seconds of a small case; TRUNKLINE_ALTERED_S makes it longer.
"""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.suite.bench import THEORY, Order, play_theory
from benchmarks.suite.cases import Case
from benchmarks.suite.known import Known, Measure
from benchmarks.suite.report import Report, State
from benchmarks.suite.scenarios import Options
from benchmarks.theory import formulas
from benchmarks.theory.ideal import Played
from benchmarks.theory.systems import Kind, System, one_queue
from tests.bench.altered import altered, deployed
from tests.mutations.table import Mutation

SECONDS: Final = float(os.environ.get("TRUNKLINE_ALTERED_S", "5"))

CLASSES: Final = System(
    "two priorities at half load",
    (Kind("high", 0.6, priority=10), Kind("low", 0.9)),
    one_queue("", 1.5, 1.0, 3, 0.5).agents,
    0.5,
)


def p_wait(found: Played) -> float:
    waits = [wait for kind in found.waits for wait in kind]
    return sum(wait > 0 for wait in waits) / len(waits)


def exact(system: System) -> tuple[float, ...]:
    return (formulas.waits(system.rate, 1 / system.agents[0].rate, len(system.agents)).p_wait,)


# Only how many wait: that is known well enough after some seconds, also on a crowded machine.
CASE: Final = Case(
    name="small",
    system=CLASSES,
    replications=16,
    known=Known((Measure("P(wait)", p_wait),), exact),
    warm_up_s=1.0,
)
REVERSED: Final = altered(
    "idle Workers", "lib/pool.lua", "'ZRANGE', pool.idle, 0, 0, 'W", "'ZRANGE', pool.idle, -1, -1, 'W"
)
LEVELLED: Final = altered("priorities", "lib/waiting.lua", "2147483647 - pri, vst", "2147483647, vst")
LOSING: Final = altered(
    "one completion in a thousand, first the 150th",
    "complete_task.lua",
    "\nset_clock(ARGV[1])\n",
    """
if redis.call('INCR', KEYS[1] .. 'completions') % 1000 == 150 then return {OK, t.sid, t.packed, ''} end
set_clock(ARGV[1])
""",
)


async def verdict_on(folder: Path, mutation: Mutation | None) -> Report:
    async with deployed(folder, mutation) as access:
        order = Order(scenario=THEORY, options=Options(duration_s=SECONDS, seed=3))
        console = Console(file=io.StringIO())
        return await play_theory(order, [CASE], access, console, asyncio.Event())


async def test_what_is_wrong_on_purpose_is_invalid_and_nothing_else(tmp_path: Path) -> None:
    """All with the same plan, two deployments at a time."""
    two = asyncio.Semaphore(2)

    async def found(name: str, mutation: Mutation | None) -> Report:
        async with two:
            (tmp_path / name).mkdir()
            return await verdict_on(tmp_path / name, mutation)

    right, reversed_, levelled, losing = await asyncio.gather(
        found("right", None),
        found("reversed", REVERSED),
        found("levelled", LEVELLED),
        found("losing", LOSING),
    )
    # A crowded machine sends late, which is not what is tested here.
    assert [one for one in right.checks if one.state is not State.VALID and one.name != "generator"] == []
    assert right.theory
    assert invalid(reversed_) == {"idle order"}  # nobody waits longer for it
    assert invalid(levelled) == {"order"}
    assert "loss" in invalid(losing) <= {"loss", "flow"}  # where statistics come late, flow is unknown


def invalid(report: Report) -> set[str]:
    found = {check.name for check in report.checks if check.state is State.INVALID}
    assert (report.verdict.state is State.INVALID) == bool(found)
    return found
