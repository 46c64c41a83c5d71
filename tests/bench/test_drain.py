"""A short backlog against a whole deployment: right in all that it can tell of, and ended early it still reports."""

from __future__ import annotations

import asyncio
import io

import pytest
from msgspec.structs import replace
from rich.console import Console

from benchmarks.suite import backlog as judge
from benchmarks.suite.drain import backlog
from benchmarks.suite.report import Report, State
from benchmarks.suite.scenarios import Options
from benchmarks.suite.scenarios import backlog as plan_of
from benchmarks.suite.target import Access, Processes, embedded

TASKS = 2_600  # two requests
PLAN = plan_of(Options(tasks=TASKS, workers=8, duration_s=4))


async def test_a_short_backlog_is_right_and_one_that_is_ended_early_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judge, "FEWEST_OFFERS", 10)
    monkeypatch.setattr(judge, "FEWEST_WAITING", TASKS)
    monkeypatch.setattr(judge, "MEMORY_BYTES", 2_000)  # pools and Workers are a part of it, with so few
    monkeypatch.setattr(judge, "COST_RATIO", 10.0)  # other tests take turns too
    console = Console(file=io.StringIO())
    async with embedded(Processes(durability="relaxed")) as access:
        right(await backlog(PLAN, access, "trunkline bench backlog", console, asyncio.Event()))
        await ended(access, console)


def right(report: Report) -> None:
    assert report.verdict.state is State.VALID, report.checks
    checks = {check.name: check for check in report.checks}
    assert {"memory", "cost", "order", "flow", "1,000 waiting, order", "1,000 waiting, flow"} <= checks.keys()
    assert checks["order"].looked_at > report.counts.completed > 10
    assert checks["flow"].looked_at == report.counts.created == TASKS
    assert report.counts.open_at_end == TASKS - report.counts.completed
    figures = {figure.name: figure.value for figure in report.figures}
    assert 300 < figures["memory of a waiting Task"] < 2_000
    assert figures["offer, by the server"] > 10
    assert figures["completion to next offer p99, by the log"] < 1_000
    assert sum(second.completed for second in report.series) == report.counts.completed


async def ended(access: Access, console: Console) -> None:
    """By Ctrl-C while it is filled, on a deployment that is not seen from inside."""
    stopping = asyncio.Event()
    stopping.set()
    plan, outside = replace(PLAN, backlog=1_000_000), replace(access, server=None)
    report = await backlog(plan, outside, "trunkline bench backlog", console, stopping)
    assert report.interrupted
    assert report.counts.created < 100_000
    states = {check.name: check.state for check in report.checks}
    assert states["flow"] is State.VALID
    assert {states[name] for name in ("order", "cost", "memory")} == {State.UNKNOWN}
    assert report.verdict.state is State.UNKNOWN
