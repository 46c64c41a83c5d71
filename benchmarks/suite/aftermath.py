"""What became of a run: asked of the deployment when the load is over."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec
from rich.console import Console

from benchmarks.suite import journal
from benchmarks.suite.evidence import Evidence, gathered
from benchmarks.suite.history import History, KindOf, Reader, Staff
from benchmarks.suite.journal import Account, Entry, Sample
from benchmarks.suite.ledger import Share
from benchmarks.suite.plan import Plan, Site
from benchmarks.suite.site import ROOT, SetUpFailed
from benchmarks.suite.wire import Unanswered, Wire

LISTED: Final = 50_000  # Tasks: up to so many are all listed at the end, of more so many are asked for:
ASKED: Final = 2_000
SAID_EACH: Final = 250_000  # events, of reading them
KEPT_S: Final = (
    240.0  # an ended Task is kept for 300 s; one that ended earlier may be gone when it is asked for
)


class Aftermath:
    """Asks about one run. Takes some 100 us for each event of it."""

    def __init__(self, plan: Plan, site: Site, wire: Wire, console: Console) -> None:
        self._plan, self._site, self._wire, self._console = plan, site, wire, console
        self._account = Account(wire, site.workspace, site.began_ms)

    async def evidence(
        self,
        shares: list[Share],
        *,
        starts_at: float,
        samples: list[Sample],
        failed: list[str],
        disturbed: bool = False,
        worked_from_ms: int | None = None,
    ) -> Evidence:
        """All that is known. `worked_from_ms`: of a backlog, by the deployment's clock; nothing was offered before."""
        created, counts = gathered(shares)
        completed = {task for share in shares for task, _, _ in share.completed}
        statuses = await self._statuses(list(created), completed)
        for share in shares:
            for task, _, ended_s in share.completed:
                if statuses.get(task) == "" and time.time() - ended_s > KEPT_S:
                    del statuses[task]
        self._say("adding up its statistics")
        settle_s = 5 * journal.SETTLE_S if disturbed else journal.SETTLE_S  # a killed relay comes back first
        totals = await self._account.totals(completed=len(completed), settle_s=settle_s)
        last = await journal.sample(self._wire, self._site.workspace)
        self._say("reading its log of events")
        history, whole, read_to_ms = await self._history(starts_at, worked_from_ms)
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
            read_to_ms=read_to_ms,
            samples=samples,
            statuses=statuses,
            generators_failed=failed,
            disturbed=disturbed,
        )

    def _say(self, what: str) -> None:
        self._console.print(f"{self._plan.scenario}: {what}", style="dim")

    async def _history(
        self, starts_at: float, worked_from_ms: int | None
    ) -> tuple[History | None, bool, int | None]:
        """What the log tells, whether it reaches back to the start, and up to when it was read; None: to its end."""
        plan = self._plan
        order_from_ms = 0 if plan.backlog else int((starts_at + plan.warm_up_s) * 1000)
        reading = _Reading(
            plan, self._say, Reader({}, staff_of(plan, self._site), order_from_ms=order_from_ms)
        )
        try:
            whole = await self._account.whole()
            if worked_from_ms is None:
                await reading.all(self._account)
            else:
                await reading.backlog(self._account, worked_from_ms)
        except SetUpFailed as error:
            self._console.print(f"the log of events cannot be read: {error}", soft_wrap=True)
            return None, False, None
        return reading.history, whole, reading.read_to_ms

    async def _statuses(self, created: list[str], completed: Collection[str]) -> dict[str, str]:
        """The status of each Task by its SID, "" for one that is not there; of some, where they are too many."""
        if len(created) <= LISTED:
            listed = await _listed(self._wire, self._site.workspace)
            if listed is not None:
                return {sid: listed.get(sid, "") for sid in created}
        chosen = iter(_chosen(created, completed, random.Random(self._plan.seed)))
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


class _Reading:
    """The log on its way through the judge of it. At most journal.EVENTS are read."""

    def __init__(self, plan: Plan, say: Callable[[str], None], reader: Reader) -> None:
        self._plan, self._say, self._reader = plan, say, reader
        self.history = reader.found
        self.read_to_ms: int | None = None
        self._count = 0

    async def all(self, account: Account) -> None:
        """From beginning to end."""
        async for entries in account.entries(account.began_ms, await account.last_ms()):
            self._read(entries)
            if self._over(entries):
                return

    async def backlog(self, account: Account, worked_from_ms: int) -> None:
        """All since Workers came; before, the Tasks from the oldest on, until all that were offered are among them.

        A Task that was passed by is older than one that was offered, so it is among them too.
        """
        worked: list[Entry] = []
        async for entries in account.entries(worked_from_ms, await account.last_ms()):
            worked += entries
            if self._over(entries):
                break
        unknown = {entry.task for entry in worked if entry.type == "reservation.created"}
        unknown -= {entry.task for entry in worked if entry.type == CREATED}
        if unknown:
            async for entries in account.entries(account.began_ms, worked_from_ms - 1, CREATED):
                self._read(entries)
                unknown.difference_update([entry.task for entry in entries])
                if not unknown:
                    break
        self._read(worked)

    def _over(self, entries: list[Entry]) -> bool:
        before, self._count = self._count, self._count + len(entries)
        if before // SAID_EACH != self._count // SAID_EACH:
            self._say(f"{self._count:,} events read")
        if self._count < journal.EVENTS:
            return False
        self.read_to_ms = entries[-1].at_ms
        return True

    def _read(self, entries: list[Entry]) -> None:
        self._reader.know(kinds_of(self._plan, entries))
        self._reader.read(entries)


CREATED: Final = "task.created"


def _chosen(created: list[str], completed: Collection[str], chance: random.Random) -> list[str]:
    """ASKED Tasks, half of them completed ones if there are so many."""
    done = [sid for sid in created if sid in completed]
    rest = [sid for sid in created if sid not in completed]
    half = min(len(done), max(ASKED // 2, ASKED - len(rest)))
    return chance.sample(done, half) + chance.sample(rest, min(len(rest), ASKED - half))


def kinds_of(plan: Plan, entries: Iterable[Entry]) -> dict[str, KindOf]:
    """What each Task is by the attributes it was created with: also of those whose create had no answer."""
    known = {
        kind.name: KindOf(number, kind.skill, kind.priority, kind.strict)
        for number, kind in enumerate(plan.kinds)
    }
    return {
        entry.task: known[_attributes(entry.attributes).kind] for entry in entries if entry.type == CREATED
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
