"""One run of `backlog`: Tasks pile up in two Workspaces, then Workers come and take some of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from api.process import set_within
from benchmarks.suite import backlog as judge
from benchmarks.suite import site
from benchmarks.suite.aftermath import Aftermath
from benchmarks.suite.backlog import FEW, Measured, few_of
from benchmarks.suite.board import Board
from benchmarks.suite.evidence import Evidence
from benchmarks.suite.fleet import Fleet
from benchmarks.suite.inside import Inside, inside
from benchmarks.suite.journal import Account
from benchmarks.suite.ledger import Opening
from benchmarks.suite.plan import Plan, Site, jobs
from benchmarks.suite.report import Part, Report
from benchmarks.suite.run import remove
from benchmarks.suite.summary import reported
from benchmarks.suite.target import Access
from benchmarks.suite.wire import Wire

SLOW_S: Final = 300.0  # for one answer about everything: real-time statistics read each Task, some 20 us each
LEAD_S: Final = 0.5  # for the word that Workers may come
FILL_S: Final = 60.0  # for the backlog, and
FILL_A_SECOND: Final = 500  # so many Tasks a second, a tenth of what one API process does
STOP_S: Final = 30.0  # for requests under way
LOOK_S: Final = 0.1


class Outcome(Struct, frozen=True, kw_only=True):
    """What is known of both Workspaces."""

    many: Evidence
    few: Evidence
    measured: Measured


async def backlog(
    plan: Plan, access: Access, command: str, console: Console, stopping: asyncio.Event
) -> Report:
    """The scenario to its report: figures and latencies are of the Workspace with many Tasks, checks of both."""
    console.print(f"backlog on {access.url}: {plan.backlog:,} Tasks and {FEW:,}, {plan.workers} Workers each")
    found = await drain(plan, access, console, stopping)
    beside = f"{FEW:,} waiting"
    few = reported(found.few, access, command)
    return reported(
        found.many,
        access,
        command,
        more=[
            judge.memory(found.measured),
            judge.cost(found.measured),
            *(replace(one, name=f"{beside}, {one.name}") for one in few.checks),
        ],
        parts=[Part(name=beside, figures=few.figures)],
        figures=judge.figures(found.measured, found.many),
        interrupted=stopping.is_set(),
    )


async def drain(plan: Plan, access: Access, console: Console, stopping: asyncio.Event) -> Outcome:
    """Fill, let Workers take Tasks for the plan's duration, and gather what is known. Raises SetUpFailed.

    `stopping` ends it early. With 1,000,000 Tasks on two cores that everything shares it takes ten minutes and 2 GB.
    """
    plans = (plan, few_of(plan))
    wire = Wire(access.url, access.account_sid, access.token, connections=32, limit_s=SLOW_S)

    async def build(one: Plan) -> Site:
        built = await site.build(wire, one, access.url, access.account_sid, access.token)
        stack.push_async_callback(remove, wire, built, console)
        return built

    async with AsyncExitStack() as stack:
        stack.callback(wire.close)
        sites = [await build(one) for one in plans]
        return await _Drain(plans, sites, access, wire, console, stopping).run()


class _Drain:
    """`plans` and `sites`: of the Workspace with many Tasks, and of the one with few."""

    def __init__(
        self,
        plans: Sequence[Plan],
        sites: Sequence[Site],
        access: Access,
        wire: Wire,
        console: Console,
        stopping: asyncio.Event,
    ) -> None:
        self._plans, self._sites, self._access, self._wire = plans, sites, access, wire
        self._console, self._stopping = console, stopping
        self._accounts = [Account(wire, built.workspace, built.began_ms) for built in sites]
        self._measured = Measured()

    async def run(self) -> Outcome:
        now_s = time.time()
        many = jobs(self._plans[0], self._sites[0], now_s)
        few = jobs(self._plans[1], self._sites[1], now_s, first=len(many))
        numbers = [[job.number for job in group] for group in (many, few)]
        over = asyncio.Event()
        async with AsyncExitStack() as stack:
            within = None
            if self._access.server is not None:
                workspaces = [built.workspace for built in self._sites]
                within = await stack.enter_async_context(inside(self._access.server, workspaces))
            fleet = await stack.enter_async_context(Fleet([*many, *few]))
            async with asyncio.TaskGroup() as group:
                # Looking at a million open Tasks each half second would be a load of its own: no looks.
                board = Board(self._console, self._plans[0], now_s, fleet.sums, [])
                group.create_task(board.run(over))
                await self._fill(fleet, within)
                openings = await self._open(fleet, numbers)
                board.starts_at = openings[0].starts_at
                await self._work(fleet, numbers[0], openings[0].starts_at, within)
                await fleet.end()
                over.set()
        found = [
            await self._evidence(place, fleet, numbers[place], openings[place])
            for place in (1, 0)  # an ended Task is not kept for long, and the large one takes long
        ]
        return Outcome(few=found[0], many=found[1], measured=self._measured)

    async def _fill(self, fleet: Fleet, within: Inside | None) -> None:
        """Until the backlogs are there and the log tells of them, or the run is to stop."""
        began_s = time.monotonic()
        before = await within.waiting_bytes() if within is not None else 0
        limit_s = began_s + FILL_S + self._plans[0].backlog / FILL_A_SECOND
        while not fleet.filled and time.monotonic() < limit_s:
            if not fleet.sums().sent:
                began_s = time.monotonic()  # the generators are starting
            if await set_within(self._stopping, LOOK_S):
                break
        if not fleet.filled:
            fleet.stop()
            for _ in range(round(STOP_S / LOOK_S)):
                if not fleet.filled:
                    await asyncio.sleep(LOOK_S)
        self._measured.fill_s = time.monotonic() - began_s
        for account in self._accounts:
            await account.caught_up()
        self._measured.waiting = fleet.sums().created
        if within is not None:
            self._measured.memory_bytes = await within.waiting_bytes() - before

    async def _open(self, fleet: Fleet, numbers: Sequence[Sequence[int]]) -> list[Opening]:
        """Let the Workers come, unless the run is to stop: when they came to each Workspace."""
        since_ms = [await account.last_ms() for account in self._accounts]
        starts_at = time.time() + LEAD_S
        openings = [Opening(starts_at, one_ms) for one_ms in since_ms]
        if fleet.filled and not self._stopping.is_set():
            for opening, group in zip(openings, numbers, strict=True):
                for number in group:
                    fleet.open(number, opening)
        return openings

    async def _work(self, fleet: Fleet, many: Sequence[int], starts_at: float, within: Inside | None) -> None:
        """For the plan's duration, until nothing is left of the large backlog, or the run is to stop."""
        until_s = starts_at + self._plans[0].duration_s
        async with asyncio.TaskGroup() as group:
            metering = [group.create_task(within.meter())] if within is not None else []
            while time.time() < until_s and not fleet.failed:
                sums = fleet.sums(many)
                if sums.completed >= sums.created or await set_within(self._stopping, LOOK_S):
                    break
            for task in metering:
                task.cancel()
        if within is not None:
            self._measured.many_us, self._measured.few_us = (
                within.spent_us[built.workspace] for built in self._sites
            )

    async def _evidence(self, place: int, fleet: Fleet, numbers: Sequence[int], opening: Opening) -> Evidence:
        aftermath = Aftermath(self._plans[place], self._sites[place], self._wire, self._console)
        return await aftermath.evidence(
            [fleet.shares[number] for number in numbers if number in fleet.shares],
            starts_at=opening.starts_at,
            samples=[],
            failed=[fleet.failed[number] for number in numbers if number in fleet.failed],
            worked_from_ms=opening.since_ms,
        )
