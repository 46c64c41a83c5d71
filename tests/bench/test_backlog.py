"""The scenario `backlog` as a judge: what is too large or too dear is invalid, and what cannot be seen is unknown."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.suite import backlog
from benchmarks.suite.backlog import Measured
from benchmarks.suite.plan import PAUSE_S, TURN_S, Plan
from benchmarks.suite.report import State
from benchmarks.suite.scenarios import Options
from benchmarks.suite.scenarios import backlog as plan_of

MANY = 50_000


@pytest.mark.parametrize(
    ("waiting", "memory_bytes", "state", "said"),
    [
        (MANY, 1_000 * MANY, State.VALID, "1,000 B for each waiting Task"),
        (MANY, 1_001 * MANY, State.INVALID, "1,001 B for each waiting Task"),
        (MANY, None, State.UNKNOWN, "runs elsewhere"),
        (9_999, 9_999, State.UNKNOWN, "too few to tell"),
        (0, 0, State.UNKNOWN, "runs elsewhere"),
    ],
)
def test_memory_above_the_budget_is_invalid(
    waiting: int, memory_bytes: int | None, state: State, said: str
) -> None:
    found = backlog.memory(Measured(waiting=waiting, memory_bytes=memory_bytes))
    assert found.state is state
    assert said in found.said


@pytest.mark.parametrize(
    ("waiting", "few_us", "many_us", "state", "said"),
    [
        (MANY, [100.0] * 100, [150.0] * 100, State.VALID, "1.50 x"),
        (MANY, [100.0] * 100, [151.0] * 100, State.INVALID, "1.51 x"),
        (MANY, [100.0] * 100, [100.0] * 51 + [9_000.0] * 49, State.VALID, "1.00 x"),  # a busy machine
        (MANY, [100.0] * 100, [999.0] * 99, State.UNKNOWN, "99 offers were measured"),
        (MANY, [], [], State.UNKNOWN, "0 offers were measured"),
        (MANY, None, None, State.UNKNOWN, "runs elsewhere"),
        (2_000, [100.0] * 100, [100.0] * 100, State.UNKNOWN, "hardly more"),
    ],
)
def test_an_offer_that_costs_more_where_more_wait_is_invalid(
    waiting: int, few_us: list[float] | None, many_us: list[float] | None, state: State, said: str
) -> None:
    found = backlog.cost(Measured(waiting=waiting, few_us=few_us, many_us=many_us))
    assert found.state is state
    assert said in found.said


def test_the_two_runs_differ_in_what_waits_and_never_work_at_the_same_time() -> None:
    many = plan_of(Options(tasks=700, workers=3, duration_s=9))
    few = backlog.few_of(many)
    assert (many.backlog, many.duration_s, many.crews) == (700, 9, few.crews)
    assert (few.backlog, few.topped_up, many.topped_up) == (backlog.FEW, True, False)
    instants = [step * TURN_S / 4 for step in range(40)]
    turns = [tuple(plan.turn_in_s(at_s) == 0 for plan in (few, many)) for at_s in instants]
    assert turns[:8] == [(True, False)] * 4 + [(False, True)] * 4
    assert turns[8:16] == turns[:8]
    assert [plan.turn_in_s(TURN_S - PAUSE_S) == 0 for plan in (few, many)] == [False, False]
    assert few.working == many.working == (TURN_S - PAUSE_S) / TURN_S / 2
    for plan in (few, many):
        for at_s in instants:
            assert plan.turn_in_s(at_s + plan.turn_in_s(at_s)) == 0
        waits = [plan.turn_in_s(at_s) for at_s in instants]
        assert all(after < before or before == 0 for before, after in pairwise(waits))


def test_a_run_alone_never_waits_for_its_turn() -> None:
    plan = Plan(scenario="lives")
    assert plan.working == 1.0
    assert [plan.turn_in_s(at_s) for at_s in (-1.0, 0.0, 1.9, 2.0, 7.3)] == [0.0] * 5
