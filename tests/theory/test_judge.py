"""The judge bites: in a short run it passes the right router in memory and fails those that are wrong in one thing."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final

import pytest

from benchmarks.theory.skills import KindWaits
from benchmarks.theory.systems import System, one_queue
from tests.theory.cases import CASES, M4, PATIENCE, PRIORITIES, THREE, W3, Case, skill_measures
from tests.theory.judge import Measure, Verdict, furthest_off, judge
from tests.theory.load import T0_MS, Arrival
from tests.theory.plain import Plain, Way
from tests.theory.play import Offer, Play
from tests.theory.replications import difference, in_memory
from tests.theory.tally import Tally

PLAYS: Final = 8

# What benchmarks.theory.chain finds in half a minute: python -m tests.theory does it anew.
M4_FIGURES: Final = (KindWaits(0.38133, 0.38200), KindWaits(0.60573, 0.85090), KindWaits(0.69479, 1.29216))


def case_of(system: System) -> Case:
    return next(case for case in CASES if case.system is system)


def measures_of(system: System) -> tuple[Measure, ...]:
    return skill_measures(M4, lambda _: M4_FIGURES) if system is M4 else case_of(system).measures()


async def verdicts(system: System, way: Way, tasks: int) -> list[Verdict]:
    case = case_of(system)
    tallies = [await in_memory(case, way, number, case.warm_up, tasks // PLAYS) for number in range(PLAYS)]
    return judge(measures_of(system), tallies)


@pytest.mark.parametrize("system", [THREE, W3], ids=lambda system: system.name)
async def test_the_right_router_passes(system: System) -> None:
    assert [found for found in await verdicts(system, Way.RIGHT, 12_000) if not found.holds] == []


@pytest.mark.parametrize(
    ("way", "system", "tasks", "figure"),
    [
        (Way.NEWEST_TASK, THREE, 6_000, "SL(1 s)"),
        (Way.DEAF, THREE, 6_000, "P(wait)"),
        (Way.NO_PRIORITY, PRIORITIES, 6_000, "mean wait, high, s"),
        (Way.NO_PATIENCE, PATIENCE, 4_000, "P(abandon)"),
        (Way.FIRST_QUEUE, W3, 12_000, "mean wait, a, s"),
        (Way.LATEST_WORKER, M4, 24_000, "P(wait), fr"),
    ],
    ids=lambda value: value.name if isinstance(value, Way | System) else None,
)
async def test_a_wrong_router_fails(way: Way, system: System, tasks: int, figure: str) -> None:
    found = {one.name: one for one in await verdicts(system, way, tasks)}
    assert not found[figure].holds, found[figure]


def test_a_figure_is_read_where_no_more_work_came_than_should_have() -> None:
    class Known(Tally):
        excess_load = 0.0

    tallies = [Known(THREE, 0, 1) for _ in range(5)]
    for number, tally in enumerate(tallies):
        tally.excess_load = 0.1 * number
        tally.waits = [[2.0 + number + (-0.01 if number % 2 else 0.01)]]
    (found,) = judge([Measure("wait", 2.0, lambda tally: tally.waits[0][0])], tallies)
    assert found.measured == pytest.approx(2.0, abs=0.03)
    assert found.holds
    assert furthest_off([found, Verdict("always the same", 1.0, 0.0, 0.0)]).z == -inf


async def test_the_load_has_the_rates_it_says() -> None:
    tally = await in_memory(case_of(M4), Way.RIGHT, 1, 0, 10_000)
    shares = [len(waits) / 10_000 for waits in tally.waits]
    assert shares == pytest.approx([1.2 / 2.2, 0.5 / 2.2, 0.5 / 2.2], abs=0.015)  # 3 sd
    assert tally.excess_load == pytest.approx(0.0, abs=0.042)  # 3 sd: sqrt(2 / 10,000)


def too_many() -> Iterator[Arrival]:
    for number in range(100):
        yield Arrival(T0_MS + 1000 * number, 0, 10.0, None)


PAIR: Final = one_queue("pair", 1.0, 1.0, 2, 60)


class Busy(Plain):
    """Offers everything to one Worker."""

    async def arrive(self, now_ms: int, task: int, arrival: Arrival) -> list[Offer]:
        return [Offer(task, 0)]


class Idle(Plain):
    """Offers nothing."""

    async def arrive(self, now_ms: int, task: int, arrival: Arrival) -> list[Offer]:
        return []


@pytest.mark.parametrize("router", [Busy, Idle])
async def test_a_play_refuses_a_busy_worker_and_an_idle_one(router: type[Plain]) -> None:
    with pytest.raises(AssertionError):
        await Play(PAIR, router(PAIR), too_many()).run(0, 10)


async def test_one_other_offer_is_a_difference() -> None:
    right = await in_memory(case_of(M4), Way.RIGHT, 1, 0, 200)
    wrong = await in_memory(case_of(M4), Way.LATEST_WORKER, 1, 0, 200)
    assert difference(1, right, right) == ""
    assert "not" in difference(1, wrong, right)
