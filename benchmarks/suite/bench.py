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
from benchmarks.suite import cases, chaos, scale, theory
from benchmarks.suite.checks import judge
from benchmarks.suite.drain import backlog
from benchmarks.suite.evidence import Evidence
from benchmarks.suite.page import write_page
from benchmarks.suite.report import Check, Exact, Part, Report, State, write
from benchmarks.suite.run import drive
from benchmarks.suite.scenarios import SCENARIOS, Options
from benchmarks.suite.site import SetUpFailed
from benchmarks.suite.summary import reported
from benchmarks.suite.tables import show
from benchmarks.suite.target import Access, Processes, embedded, running

THEORY, CHAOS, SCALE = "theory", "chaos", "scale"
OWN_ONLY: Final = (CHAOS, SCALE)  # start, and end, processes of the deployment
# An embedded deployment has one process a role, but where each is killed in turn others must be there to go on.
OWN: Final = {CHAOS: Processes(api=2, matchers=2, relays=2)}
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


def run_bench(
    order: Order, *, json: Path | None = None, html: Path | None = None, console: Console | None = None
) -> State:
    """Run it, write and show what came out. Raises StartFailed where the run could not begin, OSError by files."""
    console = console or Console(highlight=False)
    outcome: list[Report] = []

    async def main(stopping: asyncio.Event) -> None:
        outcome.append(await bench(order, console, stopping))

    try:
        process.run(main)
    except SetUpFailed as error:
        raise process.StartFailed(str(error)) from error
    (report,) = outcome
    if json is not None:
        write(report, json)
    if html is not None:
        write_page(report, html)
    show(console, report, written=[path for path in (json, html) if path is not None])
    return report.verdict.state


async def bench(order: Order, console: Console, stopping: asyncio.Event) -> Report:
    """One run to its report. `stopping` ends the load early; what was seen until then is reported."""
    if order.scenario == SCALE:
        return await _scale(order, console, stopping)
    if order.url is not None:
        access = await running(order.url, order.account_sid, order.token)
        return await _one(order, access, console, stopping)
    console.print(_starting(order.processes), style="dim")
    async with embedded(order.processes) as access:
        return await _one(order, access, console, stopping)


def _starting(processes: Processes) -> str:
    """What a person waits for, some seconds on a busy machine."""
    return (
        f"starting a deployment in a temporary folder: API processes {processes.api}, "
        f"matchers {processes.matchers}, relays {processes.relays}"
    )


async def _one(order: Order, access: Access, console: Console, stopping: asyncio.Event) -> Report:
    if order.scenario == THEORY:
        return await play_theory(order, cases.chosen(order.options), access, console, stopping)
    if order.scenario == CHAOS:
        return await _chaos(order, access, console, stopping)
    plan = SCENARIOS[order.scenario](order.options)
    if plan.backlog:
        return await backlog(plan, access, order.command, console, stopping)
    console.print(f"{plan.scenario} on {access.url}: {plan.workers} Workers, {_load(order, plan.rate_per_s)}")
    run = await drive(plan, access, console, stopping)
    return reported(run, access, order.command, interrupted=stopping.is_set())


def _load(order: Order, rate_per_s: float | None) -> str:
    if order.options.closed is not None:
        return f"{order.options.closed} posters that wait for their answers"
    return f"{rate_per_s:g} Tasks a second"


async def _chaos(order: Order, access: Access, console: Console, stopping: asyncio.Event) -> Report:
    """The deployment's processes are children of this one; nothing else is killed."""
    plan = chaos.plan_of(order.options)
    console.print(f"chaos: {plan.workers} Workers, {plan.rate_per_s:g} Tasks a second, and SIGKILL")
    killer = chaos.Killer(plan, access)
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
    """All loads on each number of processes, each time on a deployment of its own."""
    steps: list[scale.Step] = []
    for count in scale.STEPS:
        if steps and stopping.is_set():
            break
        processes = replace(order.processes, api=count, matchers=count)
        console.print(_starting(processes), style="dim")
        async with embedded(processes) as access:
            for load, (plan_of, _) in scale.LOADS.items():
                plan = plan_of(order.options)
                console.print(f"scale: {load}, {count} API and matcher processes, {plan.closed} posters")
                run = await drive(plan, access, console, stopping)
                report = reported(run, access, order.command, interrupted=stopping.is_set())
                steps.append(scale.Step(load=load, count=count, report=report))
    return scale.together(steps)


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
