"""What is wrong on purpose, and what `trunkline bench theory` says of it: invalid, for its own reason."""

from __future__ import annotations

import asyncio
import io
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


# What each alteration must be found by. Nobody waits longer where the order of idle Workers is another.
FOUND_BY: Final = {REVERSED: {"idle order"}, LEVELLED: {"order"}, LOSING: {"loss"}}
# What may come of them besides. A Worker whose completion was dropped is busy for good: with time it is seen to get
# less than others, and those who wait find one Worker less.
FOLLOWS: Final = {LOSING: {"flow", "equal shares", "theory"}}


async def verdict_on(folder: Path, *mutations: Mutation, seconds: float) -> Report:
    """The report of the small case on a deployment with these alterations."""
    async with deployed(folder, *mutations) as access:
        order = Order(scenario=THEORY, options=Options(duration_s=seconds, seed=3))
        console = Console(file=io.StringIO())
        return await play_theory(order, [CASE], access, console, asyncio.Event())


def assert_right(report: Report) -> None:
    """Valid in every check; a crowded machine sends late, which is not what is looked at here."""
    assert [one for one in report.checks if one.state is not State.VALID and one.name != "generator"] == []
    assert report.theory


def assert_found(report: Report, *mutations: Mutation) -> None:
    """Invalid for these alterations and nothing else."""
    wanted = set().union(*(FOUND_BY[mutation] for mutation in mutations))
    besides = set().union(*(FOLLOWS.get(mutation, set()) for mutation in mutations))
    found = invalid(report)
    assert wanted <= found
    assert found <= wanted | besides


def invalid(report: Report) -> set[str]:
    """The checks that do not hold, of whichever run: a case that is off is played twice."""
    found = {_check(one.name) for one in report.checks if one.state is State.INVALID}
    assert (report.verdict.state is State.INVALID) == bool(found)
    return found


def _check(name: str) -> str:
    """`loss` of `theory: a case, loss`, which was the first of two runs; `theory` of `theory, a case`."""
    first, _, last = name.partition(", ")
    return last if first.startswith("theory: ") else first
