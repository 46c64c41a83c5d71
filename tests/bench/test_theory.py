"""The scenario `theory` as a judge: a right router passes, and one that routes in another way does not.

Routers in memory play the cases in virtual time; their histories are written as the log of events would have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

import pytest

from benchmarks.suite import theory
from benchmarks.suite.history import History, KindOf, Reader, Staff
from benchmarks.suite.journal import Entry
from benchmarks.suite.report import State
from benchmarks.suite.scenarios import Options
from benchmarks.suite.theory import CASES, Case, Replication, delay_s, judged
from benchmarks.theory import formulas
from benchmarks.theory.systems import System
from tests.theory.load import Arrival, arrivals
from tests.theory.plain import Plain, Way

TASKS, WARM_UP = 250, 60
THREE, TWO_CLASSES, W3 = CASES


class Due(NamedTuple):
    ms: int
    task: int
    worker: int


async def log_of(system: System, way: Way, seed: str, *, losing: int = 0) -> list[Entry]:
    """What the log would tell of a router that does it this way; every `losing`-th completion never comes."""
    router, due, load = Plain(system, way), list[Due](), arrivals(system, seed)
    told: list[Entry] = []
    came: dict[int, Arrival] = {}

    def offer(now_ms: int, task: int, worker: int) -> None:
        work_ms = came[task].work * system.unit_ms / system.agents[worker].rate
        heappush(due, Due(now_ms + max(1, round(work_ms)), task, worker))
        told.append(Entry(now_ms, "reservation.created", f"{task}", f"{worker}", f"R{task}"))

    for task, arrival in zip(range(TASKS + WARM_UP), load, strict=False):
        while due and due[0].ms <= arrival.at_ms:
            ending = heappop(due)
            if losing and ending.task % losing == losing - 1:
                continue
            told.append(Entry(ending.ms, "reservation.completed", f"{ending.task}", "", f"R{ending.task}"))
            told.append(Entry(ending.ms, "task.completed", f"{ending.task}"))
            for found in await router.finish(ending.ms, ending.task):
                offer(ending.ms, found.task, found.worker)
        came[task] = arrival
        told.append(Entry(arrival.at_ms, "task.created", f"{task}"))
        for found in await router.arrive(arrival.at_ms, task, arrival):
            offer(arrival.at_ms, found.task, found.worker)
    return told


async def played(case: Case, way: Way, *, losing: int = 0) -> tuple[list[Replication], list[History]]:
    system, found, histories = case.system, [], []
    for number in range(case.replications):
        seed = f"bench {system.name} {number}"
        kinds = [arrival.kind for arrival in _first(arrivals(system, seed))]
        known = {
            f"{task}": KindOf(kind, system.kinds[kind].skill, system.kinds[kind].priority, True)
            for task, kind in enumerate(kinds)
        }
        staff = {
            f"{place}": Staff(hash(agent.skills), tuple(agent.skills), 1, True)
            for place, agent in enumerate(system.agents)
        }
        history = Reader(known, staff).read(await log_of(system, way, seed, losing=losing))
        histories.append(history)
        found.append(_replication(system, history))
    return found, histories


def _first(load: Iterator[Arrival]) -> list[Arrival]:
    return [arrival for _, arrival in zip(range(TASKS + WARM_UP), load, strict=False)]


def _replication(system: System, history: History) -> Replication:
    lives = [history.lives[f"{task}"] for task in range(WARM_UP, TASKS + WARM_UP)]
    span_s = (lives[-1].created_ms - lives[0].created_ms) / 1000
    found = Replication(
        waits=[[] for _ in system.kinds], waited=[0 for _ in system.kinds], holds=[], span_s=span_s
    )
    for life in lives:
        if life.reserved_ms is not None:
            found.waits[life.kind].append((life.reserved_ms - life.created_ms) / 1000)
            found.waited[life.kind] += life.reserved_ms > life.created_ms
        if life.hold_ms is not None:
            found.holds.append(life.hold_ms / 1000)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.system.name)
async def test_a_right_router_passes(case: Case) -> None:
    found, histories = await played(case, Way.RIGHT)
    exacts, check, _ = judged(case, found)
    assert check.state is State.VALID, exacts
    assert len(exacts) == len(case.measures)
    assert not any(history.overtaken or history.unfair or history.overruns for history in histories)
    assert sum(history.ordered for history in histories) > 1000


async def test_priorities_that_are_ignored_are_seen_twice() -> None:
    found, histories = await played(TWO_CLASSES, Way.NO_PRIORITY)
    assert judged(TWO_CLASSES, found)[1].state is State.INVALID
    assert any(history.overtaken for history in histories)


@pytest.mark.parametrize("way", [Way.LATEST_WORKER, Way.LONGEST_IDLE])
async def test_another_order_of_idle_workers_is_seen_in_the_log(way: Way) -> None:
    _, histories = await played(THREE, way)
    assert sum(len(history.unfair) for history in histories) > 20


async def test_the_newest_task_first_is_seen_in_the_log() -> None:
    _, histories = await played(THREE, Way.NEWEST_TASK)
    assert any(history.overtaken for history in histories)


async def test_completions_that_are_lost_are_seen_in_the_waits() -> None:
    found, _ = await played(THREE, Way.RIGHT, losing=100)
    assert judged(THREE, found)[1].state is not State.VALID


def test_too_few_tasks_are_unknown() -> None:
    few = [Replication(waits=[[0.0]], waited=[0], holds=[0.1], span_s=1.0) for _ in range(12)]
    assert judged(THREE, few)[1].state is State.UNKNOWN


@pytest.mark.parametrize("ms", [0.5, 1, 2, 3, 5, 8])
def test_the_inferred_delay_is_the_one_that_was_there(ms: float) -> None:
    measured = formulas.erlang_c(1000 * (0.09 + ms / 1000), 100)
    assert delay_s(measured, 1000, 0.09, 100) == pytest.approx(ms / 1000, rel=1e-6)


def test_the_plan_has_the_rates_of_the_system() -> None:
    for case in CASES:
        plan = theory.plan_of(case, Options())
        assert plan.rate_per_s == pytest.approx(case.replications * case.system.rate / case.system.unit_s)
        assert plan.workers == case.replications * len(case.system.agents)
        assert plan.crews[0].handle_ms == pytest.approx(theory.HANDLE_S * 1000)
