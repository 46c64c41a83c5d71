"""Scale: what the efficiency of more processes is, and when a machine can tell."""

from __future__ import annotations

import random

import pytest
from msgspec import structs

from benchmarks.suite.report import Check, Machine, Report, State
from benchmarks.suite.scale import LOADS, Step, check, efficiencies, processes, together
from benchmarks.suite.scenarios import Options
from benchmarks.suite.site import document_of
from tests.bench import made_up


def ran(rate: float, *, seconds: int = 30, cores: int = 16) -> Report:
    report = made_up.report(rate=rate, count=seconds)
    series = made_up.seconds(random.Random(int(rate)), seconds, rate=rate, p99_ms=5.0)
    return structs.replace(report, series=series, machine=Machine(cores=cores, architecture="x", system="y"))


def steps(*rates: float, seconds: int = 30, cores: int = 16) -> list[Step]:
    return [
        Step(load=load, count=count, report=ran(rate, seconds=seconds, cores=cores))
        for count, rate in zip((1, 2, 4), rates, strict=False)
        for load in LOADS
    ]


def judged(found: list[Step]) -> Check:
    return together(found).checks[-1]


def test_efficiency_is_the_throughput_of_n_by_n_times_that_of_one() -> None:
    found = {(one.load, one.count): one for one in efficiencies(steps(100, 190, 300))}
    assert set(found) == {(load, count) for load in LOADS for count in (2, 4)}
    two, four = found["creates", 2], found["creates", 4]
    assert two.value == pytest.approx(0.95, abs=0.05)
    assert four.value == pytest.approx(0.75, abs=0.05)
    assert two.low is not None
    assert two.high is not None
    assert two.low < two.value < two.high


@pytest.mark.parametrize(
    ("rates", "state", "said"),
    [
        ((100, 199, 380), State.VALID, "efficiency lives x 2: "),
        ((100, 150, 200), State.INVALID, "0.9 wanted"),
        ((100, 182, 300), State.UNKNOWN, "0.9 wanted"),  # the bounds lie on both sides of 0.9
        ((100,), State.UNKNOWN, "ended before 2 of each were measured"),
    ],
)
def test_two_must_do_what_the_budget_says_beyond_the_noise(
    rates: tuple[float, ...], state: State, said: str
) -> None:
    found = judged(steps(*rates))
    assert found.state is state, found
    assert said in found.said


def test_processes_that_share_cores_tell_nothing_however_good_they_look() -> None:
    assert processes(2, 1) == 7
    found = judged(steps(100, 200, 400, cores=6))
    assert found.state is State.UNKNOWN
    assert found.said.startswith("7 processes on 6 cores take turns")
    assert judged(steps(100, 200, 400, cores=7)).state is State.VALID


def test_too_few_seconds_have_no_bounds() -> None:
    found = check(efficiencies(steps(100, 200, seconds=8)), cores=16, generators=1)
    assert found.state is State.UNKNOWN
    assert "too few seconds" in found.said


def test_a_part_that_is_wrong_makes_the_whole_wrong() -> None:
    found = steps(100, 199, 380)
    wrong = made_up.report(state=State.INVALID, said="3 Tasks are gone", count=30, rate=100)
    found[0] = structs.replace(found[0], report=wrong)
    report = together(found)
    assert report.verdict.state is State.INVALID
    assert report.verdict.reasons[0] == "lives, 1 of each: loss: 3 Tasks are gone"
    assert [(part.load, part.count) for part in report.parts][:3] == [
        ("lives", 1),
        ("creates", 1),
        ("lives", 2),
    ]
    assert report.settings.scenario == "scale"


def test_each_task_of_the_lives_has_a_condition_of_its_own() -> None:
    plan = LOADS["lives"][0](Options(closed=10, duration_s=36))
    assert (plan.closed, plan.duration_s) == (10, 6.0)
    filters = document_of(plan, {kind.skill: "WQ1" for kind in plan.kinds})["task_routing"]["filters"]
    assert all("task.number" in found["targets"][0]["expression"] for found in filters)
    plain = document_of(LOADS["creates"][0](Options()), {"calls": "WQ1"})
    assert "expression" not in plain["task_routing"]["filters"][0]["targets"][0]
