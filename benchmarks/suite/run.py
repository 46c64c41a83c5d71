"""One run: set up, load, drain, ask what became of it, judge."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec
from rich.console import Console

from api.process import set_within
from benchmarks.suite import journal, site
from benchmarks.suite.board import Board
from benchmarks.suite.evidence import Evidence, gathered
from benchmarks.suite.fleet import Fleet
from benchmarks.suite.history import History, KindOf, Reader, Staff
from benchmarks.suite.ledger import Share
from benchmarks.suite.plan import Plan, Site, jobs
from benchmarks.suite.site import ROOT, SetUpFailed
from benchmarks.suite.target import Access
from benchmarks.suite.wire import Unanswered, Wire

LEAD_S: Final = 1.5  # for the generator processes to start
STUCK_S: Final = 2.0  # eight times as long as generators take to tell what they did
SAMPLE_S: Final = 0.5  # between two looks at the real-time statistics
BACKLOG_S: Final = 600.0  # to post a backlog
LISTED: Final = 50_000  # Tasks: up to so many are all listed at the end, of more so many are asked for:
ASKED: Final = 2_000
KEPT_S: Final = (
    240.0  # an ended Task is kept for 300 s; one that ended earlier may be gone when it is asked for
)

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
            await _remove(wire, built, console)
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
                group.create_task(Board(self._console, self._plan.scenario, fleet.sums).run(over))
                sampling = group.create_task(self._sample())
                happening = [group.create_task(_run(beside, starts_at))] if beside else []
                await self._load(fleet, starts_at)
                for task in happening:
                    task.cancel()
                await self._drain(fleet)
                sampling.cancel()
                shares = await fleet.end()
                over.set()
            return await self._evidence(
                starts_at, shares, list(fleet.failed.values()), disturbed=bool(beside)
            )

    async def _load(self, fleet: Fleet, starts_at: float) -> None:
        """Until the generators have posted all, or the run is to stop."""
        plan = self._plan
        limit_s = starts_at + plan.duration_s + plan.drain_s + (BACKLOG_S if plan.backlog else 0.0)
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

    async def _evidence(
        self, starts_at: float, shares: list[Share], failed: list[str], *, disturbed: bool
    ) -> Evidence:
        wire, workspace, began_ms = self._wire, self._site.workspace, self._site.began_ms
        created, counts = gathered(shares)
        completed = {task for share in shares for task, _, _ in share.completed}
        settle_s = 5 * journal.SETTLE_S if disturbed else journal.SETTLE_S  # a killed relay comes back first
        totals = await journal.totals(wire, workspace, began_ms, completed=len(completed), settle_s=settle_s)
        last = await journal.sample(wire, workspace)
        statuses = await self._statuses(list(created))
        for share in shares:
            for task, _, ended_s in share.completed:
                if statuses.get(task) == "" and time.time() - ended_s > KEPT_S:
                    del statuses[task]
        history, whole = await self._history(starts_at)
        return Evidence(
            plan=self._plan,
            site=self._site,
            starts_at=starts_at,
            shares=shares,
            created=created,
            counts=counts,
            last=last,
            totals=totals,
            history=history,
            whole=whole,
            samples=self._samples,
            statuses=statuses,
            generators_failed=failed,
            disturbed=disturbed,
        )

    async def _history(self, starts_at: float) -> tuple[History | None, bool]:
        plan, built = self._plan, self._site
        try:
            found = await journal.journal(self._wire, built.workspace, built.began_ms, limit=plan.events_read)
        except SetUpFailed as error:
            self._console.print(f"the log of events cannot be read: {error}", soft_wrap=True)
            return None, False
        kinds = kinds_of(plan, found.entries)
        reader = Reader(kinds, staff_of(plan, built), order_from_ms=int((starts_at + plan.warm_up_s) * 1000))
        return reader.read(found.entries), found.whole

    async def _statuses(self, created: list[str]) -> dict[str, str]:
        """The status of each Task by its SID, "" for one that is not there; of some, where they are too many."""
        if len(created) <= LISTED:
            listed = await _listed(self._wire, self._site.workspace)
            if listed is not None:
                return {sid: listed.get(sid, "") for sid in created}
        rng = random.Random(self._plan.seed)
        chosen = iter(rng.sample(created, min(ASKED, len(created))))
        found: dict[str, str] = {}

        async def asker() -> None:
            for sid in chosen:  # shared: each takes the next one
                answer = await self._wire.get(f"{ROOT}/{self._site.workspace}/Tasks/{sid}")
                if answer.status in (200, 404):
                    found[sid] = _status(answer.body).assignment_status if answer.status == 200 else ""

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(16):
                    group.create_task(asker())
        except* Unanswered as errors:
            self._console.print(f"not all Tasks could be asked for: {errors.exceptions[0]}", soft_wrap=True)
        return found


def kinds_of(plan: Plan, entries: Iterable[journal.Entry]) -> dict[str, KindOf]:
    """What each Task is by the attributes it was created with: also of those whose create had no answer."""
    known = {
        kind.name: KindOf(number, kind.skill, kind.priority, kind.strict)
        for number, kind in enumerate(plan.kinds)
    }
    return {
        entry.task: known[_attributes(entry.attributes).kind]
        for entry in entries
        if entry.type == "task.created"
    }


def staff_of(plan: Plan, built: Site) -> dict[str, Staff]:
    """What the judge of the log must know of each Worker."""
    return {
        agent.sid: Staff(
            crew=agent.crew,
            skills=tuple({kind.skill for kind in plan.kinds} & set(plan.crews[agent.crew].skills)),
            capacity=agent.capacity,
            steady=agent.capacity == 1 and agent.from_s == 0 and agent.until_s is None,
        )
        for agent in built.agents
    }


def began(starts_at: float) -> str:
    """When the load began, for people."""
    return datetime.fromtimestamp(starts_at, UTC).isoformat(timespec="seconds")


async def _run(beside: Beside | None, starts_at: float) -> None:
    if beside is not None:
        await beside(starts_at)


async def _listed(wire: Wire, workspace: str) -> dict[str, str] | None:
    """All Tasks that are kept, by SID; None where the list could not be read to its end."""
    path: str | None = f"{ROOT}/{workspace}/Tasks?PageSize=1000"
    found: dict[str, str] = {}
    while path is not None:
        try:
            answer = await wire.get(path)
        except Unanswered:
            return None
        if answer.status != 200:
            return None
        page = _tasks(answer.body)
        found.update((task.sid, task.assignment_status) for task in page.tasks)
        following = page.meta.next_page_url
        path = None if following is None else following[following.index("/v1/") :]
    return found


async def _remove(wire: Wire, built: Site, console: Console) -> None:
    """Delete the run's Workspace. Where that is refused, somebody is told: it can be deleted by hand."""
    try:
        answer = await wire.call("DELETE", f"{ROOT}/{built.workspace}")
        said = "" if answer.status in (204, 404) else f"answered {answer.status}"
    except Unanswered as error:
        said = str(error)
    if said:
        console.print(f"the Workspace {built.workspace} is left behind: {said}", soft_wrap=True)


class _Task(msgspec.Struct):
    sid: str
    assignment_status: str


class _Attributes(msgspec.Struct):
    kind: str


class _Meta(msgspec.Struct):
    next_page_url: str | None


class _Tasks(msgspec.Struct):
    tasks: list[_Task]
    meta: _Meta


_status: Final = msgspec.json.Decoder(_Task).decode
_attributes: Final = msgspec.json.Decoder(_Attributes).decode
_tasks: Final = msgspec.json.Decoder(_Tasks).decode


def waits_s(history: History | None, sids: Iterable[str]) -> list[float]:
    """Create to first offer of these Tasks, by the deployment's clock."""
    if history is None:
        return []
    lives = (history.lives.get(sid) for sid in sids)
    return [
        (life.reserved_ms - life.created_ms) / 1000
        for life in lives
        if life is not None and life.reserved_ms is not None
    ]
