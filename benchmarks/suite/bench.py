"""What `trunkline bench` does: a scenario against a deployment, progress, tables, a report and its verdict."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from api import process
from benchmarks.suite import chaos, scale, theory
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
        return await _theory(order, access, console, stopping)
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


async def _theory(order: Order, access: Access, console: Console, stopping: asyncio.Event) -> Report:
    """All cases, one after the other. Latencies and series are of the last one, checks and figures of all."""
    runs: list[Evidence] = []
    exacts: list[Exact] = []
    more: list[Check] = []
    parts: list[Part] = []
    for case in theory.CASES:
        if stopping.is_set() and runs:
            break
        plan = theory.plan_of(case, order.options)
        console.print(f"{plan.scenario}: {plan.workers} Workers, {plan.rate_per_s:g} Tasks a second")
        run = await drive(plan, access, console, stopping)
        found, check, figures = theory.judged(case, theory.replications(case, run))
        if runs:  # the checks of the last run are added by the summary
            name = runs[-1].plan.scenario
            more += [replace(one, name=f"{name}, {one.name}") for one in judge(runs[-1])]
        runs.append(run)
        exacts += found
        more.append(check)
        parts.append(Part(name=case.system.name, figures=figures))
    return reported(
        runs[-1],
        access,
        order.command,
        more=more,
        theory=exacts,
        parts=parts,
        interrupted=stopping.is_set(),
    )
