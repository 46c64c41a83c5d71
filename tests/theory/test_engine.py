"""The engine: in a short run it does what the plain router does, to the last offer, and its figures hold."""

from __future__ import annotations

from functools import partial
from typing import Final

import pytest

from benchmarks.theory.systems import one_queue
from tests.theory.cases import CASES, PATIENCE, THREE, Case, patience_measures
from tests.theory.judge import judge
from tests.theory.replications import on_engine

TASKS: Final = 120  # a play, from an empty system on
FEW: Final = Case(
    one_queue("patience, 3 Workers", 3.0, 1.0, 3, 1000, 1.0),
    TASKS,
    "Erlang A",
    partial(patience_measures, 3.0, 1.0, 3, 1.0),
)
SHORT: Final = (
    *(case for case in CASES if case.system is not PATIENCE),
    FEW,
)  # 100 Workers are all busy late


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.system.name)
async def test_every_task_meets_the_worker_that_the_plain_router_gives_it(case: Case) -> None:
    played = await on_engine(case, (1, 2), 0, TASKS)
    assert played.differs == ""
    for kind, _ in enumerate(case.system.kinds):
        assert any(tally.waited[kind] for tally in played.tallies)  # else there was little to decide
    assert any(sum(tally.abandoned) for tally in played.tallies) == (case is FEW)


async def test_the_figures_of_erlang_hold() -> None:
    case = next(case for case in CASES if case.system is THREE)
    played = await on_engine(case, range(6), 60, 200)
    assert played.differs == ""
    assert [found for found in judge(case.measures(), played.tallies) if not found.holds] == []
