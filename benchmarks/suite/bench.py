"""What `trunkline bench` does: a scenario against a deployment, progress, tables, a report and its verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from api import process
from benchmarks.suite import cases, chaos, theory
from benchmarks.suite.board import show
from benchmarks.suite.checks import judge
from benchmarks.suite.evidence import Evidence
from benchmarks.suite.report import Check, Exact, Part, Report, State, write
from benchmarks.suite.run import drive
from benchmarks.suite.scenarios import SCENARIOS, Options
from benchmarks.suite.site import SetUpFailed
from benchmarks.suite.summary import reported
from benchmarks.suite.target import Access, Processes, embedded, running

THEORY, CHAOS, SCALE = "theory", "chaos", "scale"
OWN_ONLY: Final = (CHAOS, SCALE)  # start, and end, processes of the deployment
STEPS: Final = (1, 2, 4)
POSTERS: Final = 64
AGAIN: Final = 1_000_000  # from the seed of a run to that of a second one


class Order(Struct, frozen=True, kw_only=True):
    """One command. `access` None: on an embedded deployment with these processes."""

    scenario: str
    options: Options
    processes: Processes = Processes()
    url: str | None = None
    account_sid: str = ""
    token: str = ""
    command: str = ""


def run_bench(order: Order, *, json: Path | None = None, console: Console | None = None) -> State:
    """Run it, show and write what came out. Raises StartFailed where the run could not begin."""
    console = console or Console(highlight=False)
    outcome: list[Report] = []

    async def main(stopping: asyncio.Event) -> None:
        outcome.append(await bench(order, console, stopping))

    try:
        process.run(main)
    except SetUpFailed as error:
        raise process.StartFailed(str(error)) from error
    (report,) = outcome
    show(console, report)
    if json is not None:
        write(report, json)
    return report.verdict.state


async def bench(order: Order, console: Console, stopping: asyncio.Event) -> Report:
    """One run to its report. `stopping` ends the load early; what was seen until then is reported."""
    if order.scenario == SCALE:
        return await _scale(order, console, stopping)
    if order.url is not None:
        access = running(order.url, order.account_sid, order.token)
        return await _one(order, access, console, stopping)
    async with embedded(order.processes) as access:
        return await _one(order, access, console, stopping)


async def _one(order: Order, access: Access, console: Console, stopping: asyncio.Event) -> Report:
    if order.scenario == THEORY:
        return await play_theory(order, cases.chosen(order.options), access, console, stopping)
    if order.scenario == CHAOS:
        return await _chaos(order, access, console, stopping)
    plan = SCENARIOS[order.scenario](order.options)
    console.print(f"{plan.scenario} on {access.url}: {plan.workers} Workers, {_load(order, plan.rate_per_s)}")
    run = await drive(plan, access, console, stopping)
    return reported(run, access, order.command, interrupted=stopping.is_set())


def _load(order: Order, rate_per_s: float | None) -> str:
    if order.options.closed is not None:
        return f"{order.options.closed} posters that wait for their answers"
    return "a backlog" if rate_per_s is None else f"{rate_per_s:g} Tasks a second"


async def _chaos(order: Order, access: Access, console: Console, stopping: asyncio.Event) -> Report:
    """The deployment's processes are children of this one; nothing else is killed."""
    plan = chaos.plan_of(order.options)
    console.print(f"chaos: {plan.workers} Workers, {plan.rate_per_s:g} Tasks a second, and SIGKILL")
    killer = chaos.Killer(plan)
    run = await drive(plan, access, console, stopping, beside=killer.run)
    return reported(
        run,
        access,
        order.command,
        more=[chaos.check(killer.kills)],
        kills=killer.kills,
        interrupted=stopping.is_set(),
    )


async def _scale(order: Order, console: Console, stopping: asyncio.Event) -> Report:
    """Creates by a closed loop on 1, 2 and 4 API and matcher processes, each on a deployment of its own."""
    options = replace(order.options, closed=order.options.closed or POSTERS, rate_per_s=None)
    options = replace(options, duration_s=(options.duration_s or 15.0) / len(STEPS))
    more: list[Check] = []
    parts: list[Part] = []
    report: Report | None = None
    for count in STEPS:
        if report is not None and stopping.is_set():
            break
        async with embedded(replace(order.processes, api=count, matchers=count)) as access:
            console.print(f"scale: {count} API and matcher processes, {options.closed} posters")
            run = await drive(SCENARIOS["create"](options), access, console, stopping)
            name = f"{count} of each"
            report = reported(
                run, access, order.command, more=more, parts=parts, interrupted=stopping.is_set()
            )
        more += [replace(one, name=f"{name}, {one.name}") for one in judge(run)]
        parts.append(Part(name=name, figures=report.figures))
    assert report is not None  # there is one step at least
    return replace(report, parts=parts, settings=replace(report.settings, scenario=SCALE))


async def play_theory(
    order: Order,
    chosen: Sequence[cases.Case],
    access: Access,
    console: Console,
    stopping: asyncio.Event,
) -> Report:
    """These cases, one after the other. Latencies and series are of the last run, checks and figures of all."""
    runs: list[Evidence] = []
    exacts: list[Exact] = []
    more: list[Check] = []
    parts: list[Part] = []
    for case in chosen:
        if stopping.is_set() and runs:
            break
        run, verdict = await _measure(case, order.options, access, console, stopping)
        runs.append(run)
        if verdict.check.state is State.INVALID and not stopping.is_set():
            console.print(f"{verdict.check.said}: once more, with another seed", soft_wrap=True)
            again = replace(order.options, seed=order.options.seed + AGAIN)
            run, second = await _measure(case, again, access, console, stopping)
            runs.append(run)
            verdict = theory.both(case, verdict, second)
        exacts += verdict.exacts
        more.append(verdict.check)
        parts.append(Part(name=case.name, figures=verdict.figures))
    for run in runs[:-1]:  # the checks of the last run are added by the summary
        more += [replace(one, name=f"{run.plan.scenario}, {one.name}") for one in judge(run)]
    return reported(
        runs[-1],
        access,
        order.command,
        more=more,
        theory=exacts,
        parts=parts,
        interrupted=stopping.is_set(),
    )


async def _measure(
    case: cases.Case, options: Options, access: Access, console: Console, stopping: asyncio.Event
) -> tuple[Evidence, theory.Verdict]:
    plan, span = cases.plan_of(case, options), cases.span_of(case, options)
    console.print(f"{plan.scenario}: {plan.workers} Workers, {plan.rate_per_s:g} Tasks a second")
    run = await drive(plan, access, console, stopping)
    # In a thread: it is seconds of computing, and the loop has the deployment's processes to look after.
    return run, await asyncio.to_thread(
        theory.judged, case, span, theory.measured(case, run, span), options.seed
    )
