"""The report of a run: what a rate is the mean of, and what was asked for in each second."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from benchmarks.suite.arrivals import DAY
from benchmarks.suite.evidence import Evidence
from benchmarks.suite.latency import Times
from benchmarks.suite.ledger import Second
from benchmarks.suite.report import Report, Target
from benchmarks.suite.summary import MEANINGS, reported
from benchmarks.suite.target import Access
from tests.bench.test_checks import evidence

ACCESS = Access(url="http://h", account_sid="AC1", token="t", shown=Target(url="http://h", embedded=False))


def ran(seconds: dict[int, Second], **plan: object) -> Evidence:
    run = evidence()
    share = run.shares[0]
    share.seconds = seconds
    share.latencies = {name: Times().encoded() for name in MEANINGS} | share.latencies
    run.plan = replace(run.plan, **plan)
    return run


def figure(report: Report, name: str) -> float:
    return next(one.value for one in report.figures if one.name == name)


def test_seconds_in_which_nothing_happened_count_in_a_rate() -> None:
    busy = {at_s: Second(sent=30, created=30, completed=20) for at_s in (0, 2, 4, 6)}
    late = {12: Second(completed=500)}  # after the load
    report = reported(ran(busy | late, duration_s=10.0, warm_up_s=1.5), ACCESS, "")
    assert figure(report, "created") == pytest.approx(3 * 30 / 8, abs=0.01)  # seconds 2 to 9
    assert figure(report, "completed") == pytest.approx(3 * 20 / 8, abs=0.01)


def test_a_run_that_was_ended_early_is_averaged_over_what_there_was() -> None:
    seconds = {at_s: Second(sent=30, created=30, completed=10) for at_s in range(6)}
    seconds[5] = Second(sent=3, created=3)  # Ctrl-C
    seconds[6] = Second(completed=40)
    report = reported(ran(seconds, duration_s=60.0, warm_up_s=1.0), ACCESS, "", interrupted=True)
    assert (figure(report, "created"), figure(report, "completed")) == (30.0, 10.0)


def test_each_second_has_the_rate_that_was_asked_for_in_it() -> None:
    seconds = {at_s: Second(sent=1) for at_s in range(26)}
    report = reported(
        ran(seconds, duration_s=24.0, arrivals="day", rate_per_s=100.0, closed=None), ACCESS, ""
    )
    asked = [one.asked_per_s for one in report.series]
    assert asked[10] == pytest.approx(100 * (DAY[10] + DAY[11]) / 2, abs=0.001)
    assert asked[24:] == [None, None]
    assert report.settings.arrivals == "day"
    assert report.settings.day == list(DAY)
    closed = reported(ran(seconds, duration_s=24.0, closed=4), ACCESS, "")
    assert {one.asked_per_s for one in closed.series} == {None}
    assert closed.settings.day == []
