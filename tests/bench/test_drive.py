"""A short run against a whole deployment: valid as it is, invalid where a completion is lost on its way."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from rich.console import Console

from benchmarks.suite import run
from benchmarks.suite.plan import Plan
from benchmarks.suite.report import Report, State
from benchmarks.suite.scenarios import Options, lives
from benchmarks.suite.summary import reported
from benchmarks.suite.target import Access, Processes, embedded
from tests.bench.tamper import OK, proxy

PLAN = replace(
    lives(Options(rate_per_s=70, handle_ms=50, duration_s=3, workers=6)), lag_limit_s=5.0, warm_up_s=0.5
)  # a crowded machine sends late, which is not what is tested here


async def driven(plan: Plan, access: Access) -> Report:
    console = Console(file=io.StringIO())
    found = await run.drive(plan, access, console, asyncio.Event())
    return reported(found, access, "trunkline bench lives")


def losing(place: int) -> Callable[[bytes], bytes | None]:
    """Answers one completion itself: the generator believes in it, the deployment never hears of it."""
    seen = 0

    def meddle(request: bytes) -> bytes | None:
        nonlocal seen
        seen += b"ReservationStatus=completed" in request
        return OK if seen == place and b"ReservationStatus=completed" in request else None

    return meddle


async def test_a_short_run_is_valid_and_one_that_lost_a_completion_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "SAMPLE_S", 0.1)  # enough looks at the queue however slow they are answered
    async with embedded(Processes(durability="relaxed")) as access:
        report = await driven(PLAN, access)
        assert report.verdict.state is State.VALID, report.checks
        assert report.counts.created == report.counts.completed > 150
        assert {row.name for row in report.latencies} >= {"create", "accept", "complete", "wait", "offer"}
        assert sum(second.created for second in report.series) == report.counts.created
        async with proxy(access.url, losing(5)) as url:
            tampered = replace(PLAN, duration_s=1.0, warm_up_s=0.0, drain_s=0.5)
            lost = await driven(tampered, replace(access, url=url))
    assert lost.verdict.state is State.INVALID
    states = {check.name: check.state for check in lost.checks}
    assert states["loss"] is State.INVALID
    assert states["flow"] is State.INVALID
    (sid,) = next(check.examples for check in lost.checks if check.name == "loss")
    assert sid.startswith("WT")
