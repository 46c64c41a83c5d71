"""The scenario `theory` as a judge: a right router passes, and one that routes in another way does not.

Routers in memory play the cases in virtual time; their histories are written as the log of events would have them.
"""

from __future__ import annotations

from heapq import heappop, heappush
from random import Random
from statistics import fmean
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from api.bench_cli import bench
from benchmarks.suite.cases import (
    BY_NAME,
    CASES,
    Case,
    chosen,
    in_seconds,
    plan_of,
    span_of,
)
from benchmarks.suite.history import History, KindOf, Reader, Staff
from benchmarks.suite.journal import Entry
from benchmarks.suite.known import large_queue
from benchmarks.suite.report import Check, Exact, State
from benchmarks.suite.scenarios import Options
from benchmarks.suite.theory import Hold, Measured, Verdict, both, delay_of, judged, z
from benchmarks.theory import formulas
from benchmarks.theory.chance import Holds, controls, fit
from benchmarks.theory.ideal import Played, Span, nothing, play, pooled
from benchmarks.theory.systems import System, one_queue
from tests.theory.load import T0_MS, Arrival, arrivals
from tests.theory.plain import Plain, Way

SPAN = Span(fill_s=0.0, from_s=12.0, until_s=32.0)
TASKS = 80_000  # of the ideal router
THREE, PRIORITIES, W3 = (replace(BY_NAME[name], replications=24) for name in ("m-m-3", "priorities", "w3"))


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

    for task, arrival in enumerate(load):
        if arrival.at_ms >= T0_MS + SPAN.until_s * 1000 and not due:
            return told
        while due and due[0].ms <= arrival.at_ms:
            ending = heappop(due)
            if losing and ending.task % losing == losing - 1:
                continue
            told.append(Entry(ending.ms, "reservation.completed", f"{ending.task}", "", f"R{ending.task}"))
            told.append(Entry(ending.ms, "task.completed", f"{ending.task}"))
            for found in await router.finish(ending.ms, ending.task):
                offer(ending.ms, found.task, found.worker)
        if arrival.at_ms >= T0_MS + SPAN.until_s * 1000:
            continue
        came[task] = arrival
        told.append(Entry(arrival.at_ms, "task.created", f"{task}"))
        for found in await router.arrive(arrival.at_ms, task, arrival):
            offer(arrival.at_ms, found.task, found.worker)
    raise AssertionError("arrivals have no end")


async def played(case: Case, way: Way, *, losing: int = 0) -> tuple[Verdict, list[History]]:
    """The verdict on all replications, and what was found in the log of each."""
    system, histories = case.system, list[History]()
    found = Measured([], [])
    for number in range(case.replications):
        seed = f"bench {system.name} {number}"
        known = {}
        for task, arrival in enumerate(arrivals(system, seed)):
            if arrival.at_ms >= T0_MS + SPAN.until_s * 1000:
                break
            kind = system.kinds[arrival.kind]
            known[f"{task}"] = KindOf(arrival.kind, kind.skill, kind.priority, True)
        staff = {
            f"{place}": Staff(hash(agent.skills), tuple(agent.skills), 1, True)
            for place, agent in enumerate(system.agents)
        }
        history = Reader(known, staff).read(await log_of(system, way, seed, losing=losing))
        histories.append(history)
        found.played.append(_played(case, history, found.holds))
    return judged(case, SPAN, found, 1, tasks=TASKS), histories


def _played(case: Case, history: History, holds: list[Hold]) -> Played:
    work_s = case.work_s(case.system.agents[0])
    found = nothing(case.system)
    for life in history.lives.values():
        at_s = (life.created_ms - T0_MS) / 1000
        if life.hold_ms is not None:
            holds.append(Hold(life.hold_ms / 1000, work_s, life.hold_ms / 1000))
        if life.reserved_ms is not None:
            found.came.append((at_s, (life.hold_ms or 0) / 1000 / work_s))
            if at_s >= SPAN.from_s:
                found.waits[life.kind].append((life.reserved_ms - life.created_ms) / 1000)
    return found


@pytest.mark.parametrize("case", [THREE, PRIORITIES, W3], ids=lambda case: case.name)
async def test_a_right_router_is_not_called_wrong(case: Case) -> None:
    verdict, histories = await played(case, Way.RIGHT)
    assert verdict.check.state is not State.INVALID, verdict.exacts
    assert len(verdict.exacts) == len(case.known.measures)
    assert not any(history.overtaken or history.unfair or history.overruns for history in histories)
    assert sum(history.ordered for history in histories) > 1000


async def test_priorities_that_are_ignored_are_seen_twice() -> None:
    verdict, histories = await played(PRIORITIES, Way.NO_PRIORITY)
    assert verdict.check.state is State.INVALID
    assert "mean wait, high" in verdict.check.said
    assert "both" not in verdict.check.said  # that much work there is in any order
    assert any(history.overtaken for history in histories)


async def test_the_newest_first_is_seen_in_the_waits_and_in_the_log() -> None:
    verdict, histories = await played(THREE, Way.NEWEST_TASK)
    assert verdict.check.state is State.INVALID
    assert "1 - SL" in verdict.check.said
    assert any(history.overtaken for history in histories)


@pytest.mark.parametrize("way", [Way.LATEST_WORKER, Way.LONGEST_IDLE])
async def test_another_order_of_idle_workers_is_seen_in_the_log(way: Way) -> None:
    verdict, histories = await played(THREE, way)
    assert sum(len(history.unfair) for history in histories) > 20
    assert verdict.check.state is not State.INVALID  # nobody waits longer for it


async def test_completions_that_are_lost_are_seen_in_the_waits() -> None:
    verdict, _ = await played(THREE, Way.RIGHT, losing=100)
    assert verdict.check.state is State.INVALID


async def test_a_router_that_is_deaf_for_a_while_is_seen() -> None:
    assert (await played(THREE, Way.DEAF))[0].check.state is State.INVALID


def test_too_little_is_unknown() -> None:
    nothing_at_all = judged(THREE, SPAN, Measured([nothing(THREE.system)] * 12, []), 1, tasks=TASKS)
    assert nothing_at_all.check.state is State.UNKNOWN
    case, short = replace(PRIORITIES, replications=6), replace(SPAN, from_s=2.0, until_s=12.0)
    verdict = judged(case, short, ideally(case, short, Random("few")), 1, tasks=TASKS)
    assert verdict.check.state is State.UNKNOWN
    assert "bound by noise" in verdict.check.said


def test_a_second_run_decides_about_one_that_is_off() -> None:
    exact = Exact(case="", name="P(wait)", exact=0.4, measured=0.431, sd=0.01, samples=100)
    case = replace(THREE, known=large_queue())

    def verdict(measured: float) -> Verdict:
        check = Check(name="theory", state=State.INVALID, said=f"P(wait) is {measured}")
        return Verdict([replace(exact, measured=measured)], check, [])

    again = both(case, verdict(0.431), verdict(0.409))
    assert again.check.state is State.VALID
    assert again.check.looked_at == 200
    (mean,) = again.exacts
    assert z(mean) == pytest.approx((3.1 + 0.9) / 2**0.5)
    assert both(case, verdict(0.431), verdict(0.413)).check.state is State.INVALID
    assert both(case, verdict(0.431), verdict(0.431)).check.state is State.INVALID


def test_a_hold_that_is_too_long_for_the_rate_is_unknown() -> None:
    slow = ideally(THREE, SPAN, Random("slow"))
    slow.holds = [replace(hold, hold_s=hold.hold_s + 1.0) for hold in slow.holds]
    verdict = judged(THREE, SPAN, slow, 1, tasks=TASKS)
    assert verdict.check.state is State.UNKNOWN
    assert "1000 ms more than the work; the load is 2.000 instead of 0.667" in verdict.check.said
    slow.holds = [
        replace(hold, hold_s=hold.hold_s - 0.86) for hold in slow.holds
    ]  # 0.14 s are left of it: 0.853
    assert "0.853" in judged(THREE, SPAN, slow, 1, tasks=TASKS).check.said


def ideally(case: Case, span: Span, random: Random) -> Measured:
    """What an ideal router would have been measured to do, with holds of nothing but work."""
    works = [random.expovariate(1.0) for _ in range(2_000)]
    mean = fmean(works)
    holds = {agent: [case.work_s(agent) * work / mean for work in works] for agent in case.system.agents}
    found = [
        play(case.system, span, [holds[agent] for agent in case.system.agents], random)
        for _ in range(case.replications)
    ]
    work_s = case.work_s(case.system.agents[0])
    return Measured(found, [Hold(one, work_s, one) for one in holds[case.system.agents[0]]])


@pytest.mark.parametrize("name", ["priorities", "w3", "patience", "100-workers"])
def test_an_ideal_router_has_the_exact_figures(name: str) -> None:
    """Under the very plan: what the sd of a measured figure rests on."""
    case, random, runs, known = (
        BY_NAME[name],
        Random(f"ideal {name}"),
        list[Played](),
        list[tuple[float, ...]](),
    )
    span = span_of(case, Options())
    drawn = Holds(fmean(map(case.work_s, case.system.agents)), 2.0)
    for _ in range(12):
        found = ideally(case, span, random)
        runs.append(pooled(found.played))
        known.append(controls(case.system, span, found.played, drawn, random))
    for measure, exact in zip(
        case.known.measures, case.known.exact(in_seconds(case.system, 0.0)), strict=True
    ):
        fitted = fit(known, [measure.of(one) for one in runs])
        assert abs(fitted.centre - exact) < 4 * fitted.spread / 12**0.5 + 0.02 * abs(exact), measure.name


def test_a_right_router_is_seldom_off() -> None:
    """Sixty figures of 20 runs: beyond 3 sd by chance is one in 370."""
    case, span = replace(THREE, replications=5), replace(SPAN, from_s=8.0, until_s=24.0)
    exacts = [
        exact
        for number in range(20)
        for exact in judged(case, span, ideally(case, span, Random(f"{number}")), number, tasks=1).exacts
    ]
    assert len(exacts) == 60
    assert sum(abs(z(one)) > 3 for one in exacts) <= 2
    assert 0.5 < fmean(z(one) ** 2 for one in exacts) < 1.8  # neither too wide nor too narrow


@pytest.mark.parametrize("ms", [0.5, 1, 2, 3, 5, 8])
def test_the_inferred_delay_is_the_one_that_was_there(ms: float) -> None:
    measured = formulas.erlang_c(1000 * (0.09 + ms / 1000), 100)
    assert delay_of(measured, one_queue("", 1000, 0.09, 100, 1.0)) == pytest.approx(ms / 1000, rel=1e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_plan_has_the_rates_of_the_system(case: Case) -> None:
    plan, system = plan_of(case, Options()), case.system
    assert plan.rate_per_s == pytest.approx(case.replications * system.rate / system.unit_s)
    assert plan.rate_per_s <= 150
    assert plan.workers == case.replications * len(system.agents)
    work_s = sum(crew.count * crew.handle_ms / 1000 for crew in plan.crews) / plan.workers
    assert work_s >= 0.4  # against some 15 ms of HTTP and of looking for offers
    began = plan.rate_per_s * plan.phases[0].times * plan.phases[1].from_s
    assert began == pytest.approx(2 * 0.6931 * plan.rate_per_s * work_s, rel=1e-3)


def test_cases_are_chosen_by_name() -> None:
    assert [case.name for case in chosen(Options(cases=("w3", "m-m-3")))] == ["w3", "m-m-3"]
    assert {case.name for case in CASES} - {case.name for case in chosen(Options())} == {"1000-workers"}
    with pytest.raises(ValueError, match=r"no case 'w4'; there are m-m-3, priorities, .*1000-workers"):
        chosen(Options(cases=("w4",)))


def test_the_command_line_names_every_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "api.logs.configure", lambda *_, **__: None
    )  # the logs of this process stay as they are
    shown = CliRunner().invoke(bench, ["run", "--help"]).output
    assert all(case.name in shown for case in CASES)
    wrong = CliRunner().invoke(bench, ["theory", "--case", "w4"])
    assert wrong.exit_code == 2
    assert all(case.name in wrong.output for case in CASES)
    elsewhere = CliRunner().invoke(bench, ["lives", "--case", "w3"])
    assert elsewhere.exit_code == 2
    assert "--case is for theory" in elsewhere.output
