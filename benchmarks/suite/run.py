"""One run: set up, load, drain, ask what became of it, judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from rich.console import Console

from api.process import set_within
from benchmarks.suite import journal, site
from benchmarks.suite.aftermath import Aftermath
from benchmarks.suite.board import Board
from benchmarks.suite.evidence import Evidence
from benchmarks.suite.fleet import Fleet
from benchmarks.suite.plan import Plan, Site, jobs
from benchmarks.suite.site import ROOT
from benchmarks.suite.target import Access
from benchmarks.suite.wire import Unanswered, Wire

LEAD_S: Final = 1.5  # for the generator processes to start
STUCK_S: Final = 2.0  # eight times as long as generators take to tell what they did
SAMPLE_S: Final = 0.5  # between two looks at the real-time statistics

Beside = Callable[
    [float], Awaitable[None]
]  # what happens to the deployment meanwhile, given when the load starts


async def drive(
    plan: Plan, access: Access, console: Console, stopping: asyncio.Event, *, beside: Beside | None = None
) -> Evidence:
    """Drive a deployment and gather what is known of the run. Raises SetUpFailed before any load.

    Takes the plan's duration, its drain and what reading the log takes. `stopping` ends the load early.
    """
    wire = Wire(access.url, access.account_sid, access.token, connections=32)
    try:
        built = await site.build(wire, plan, access.url, access.account_sid, access.token)
        try:
            return await _Run(plan, built, wire, console, stopping).run(beside)
        finally:
            await remove(wire, built, console)
    finally:
        wire.close()


class _Run:
    def __init__(
        self, plan: Plan, built: Site, wire: Wire, console: Console, stopping: asyncio.Event
    ) -> None:
        self._plan, self._site, self._wire = plan, built, wire
        self._console, self._stopping = console, stopping
        self._samples: list[journal.Sample] = []

    async def run(self, beside: Beside | None) -> Evidence:
        starts_at = time.time() + LEAD_S
        over = asyncio.Event()
        async with Fleet(jobs(self._plan, self._site, starts_at)) as fleet:
            async with asyncio.TaskGroup() as group:
                board = Board(self._console, self._plan, starts_at, fleet.sums, self._samples)
                group.create_task(board.run(over))
                sampling = group.create_task(self._sample())
                happening = [group.create_task(_run(beside, starts_at))] if beside else []
                await self._load(fleet, starts_at)
                for task in happening:
                    task.cancel()
                await self._drain(fleet)
                sampling.cancel()
                shares = await fleet.end()
                over.set()
            return await Aftermath(self._plan, self._site, self._wire, self._console).evidence(
                shares,
                starts_at=starts_at,
                samples=self._samples,
                failed=list(fleet.failed.values()),
                disturbed=bool(beside),
            )

    async def _load(self, fleet: Fleet, starts_at: float) -> None:
        """Until the generators have posted all, or the run is to stop."""
        plan = self._plan
        limit_s = starts_at + plan.duration_s + plan.drain_s
        while fleet.sums().posting and time.time() < limit_s:
            if await set_within(self._stopping, 0.1):
                break
        fleet.stop()

    async def _drain(self, fleet: Fleet) -> None:
        """Until nothing is open, for the plan's drain at most; not at all where nobody works.

        What is open for STUCK_S while no agent works and no offer is open will not come to an end any more.
        """
        deadline_s, works_s = time.monotonic() + self._plan.drain_s, time.monotonic()
        while self._plan.workers and time.monotonic() < deadline_s and len(fleet.failed) == 0:
            found = await journal.sample(self._wire, self._site.workspace)
            sums = fleet.sums()
            if found is None or found.waiting or found.reserved or sums.completed < sums.accepted:
                works_s = time.monotonic()
            elif found.total == 0 or time.monotonic() - works_s > STUCK_S:
                return
            await asyncio.sleep(0.1)

    async def _sample(self) -> None:
        while True:
            found = await journal.sample(self._wire, self._site.workspace)
            if found is not None:
                self._samples.append(found)
            await asyncio.sleep(SAMPLE_S)


def began(starts_at: float) -> str:
    """When the load began, for people."""
    return datetime.fromtimestamp(starts_at, UTC).isoformat(timespec="seconds")


async def _run(beside: Beside | None, starts_at: float) -> None:
    if beside is not None:
        await beside(starts_at)


async def remove(wire: Wire, built: Site, console: Console) -> None:
    """Delete the run's Workspace. Where that is refused, somebody is told: it can be deleted by hand."""
    try:
        answer = await wire.call("DELETE", f"{ROOT}/{built.workspace}")
        said = "" if answer.status in (204, 404) else f"answered {answer.status}"
    except Unanswered as error:
        said = str(error)
    if said:
        console.print(f"the Workspace {built.workspace} is left behind: {said}", soft_wrap=True)
