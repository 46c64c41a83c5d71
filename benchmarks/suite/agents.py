"""Agents: take each offer at once, work, finish; come and go as their shifts do."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec

from api.process import set_within
from benchmarks.suite.book import BUSY, Book
from benchmarks.suite.ledger import Offered
from benchmarks.suite.offers import Offers
from benchmarks.suite.plan import Agent, Job
from benchmarks.suite.site import ROOT
from benchmarks.suite.wire import Answer, Unanswered, Wire

RETRY_S: Final = 0.1  # after an answer that says "not now", or none
LAST_S: Final = 5.0  # for the answers to the calls that are under way when all ends
MOST_KEPT: Final = 4_000  # finished works, before they are forgotten


class _Reservation(msgspec.Struct):
    reservation_status: str


_reservation: Final = msgspec.json.Decoder(_Reservation).decode


class Agents:
    """The agents of one generator."""

    def __init__(self, job: Job, wire: Wire, book: Book) -> None:
        self._job, self._wire, self._book = job, wire, book
        self._base = f"{ROOT}/{job.site.workspace}"
        self._agents = {agent.sid: agent for agent in job.agents}
        self._open: dict[str, int] = dict.fromkeys(self._agents, 0)
        self._left: set[str] = set()  # whose shift is over
        self._answering: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()  # nobody is
        self._quiet.set()
        self._work = job.random("work")
        self._patient = all(kind.patience_s is None for kind in job.plan.kinds)

    async def run(self, ending: asyncio.Event) -> None:
        """Until `ending`; what agents are at then is left where it is, but of no completion the outcome is unknown."""
        if not self._agents:
            return
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._shift(agent)) for agent in self._job.agents if _has_shift(agent)]
            tasks.append(group.create_task(self._follow(group, tasks)))
            await ending.wait()
            await self._end(tasks)

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """Cancel what waits or works. A call under way gets its answer: else nobody knows whether it had its effect."""
        for task in tasks:
            if task not in self._answering:
                task.cancel()
        await set_within(self._quiet, LAST_S)
        for task in tasks:
            task.cancel()

    async def _follow(self, group: asyncio.TaskGroup, tasks: list[asyncio.Task[None]]) -> None:
        offers = Offers(self._job, self._wire, self._book)
        while True:
            began_s = time.monotonic()
            try:
                found = await offers.new()
            except Unanswered:
                found = []
            for offered in found:
                self._take(offered)
                tasks.append(group.create_task(self._serve(offered)))
            if len(tasks) > MOST_KEPT:
                tasks[:] = [task for task in tasks if not task.done()]
            await asyncio.sleep(max(0.001, self._job.plan.poll_s - (time.monotonic() - began_s)))

    def _take(self, offered: Offered) -> None:
        self._open[offered.worker] += 1
        overrun = self._patient and self._open[offered.worker] > self._agents[offered.worker].capacity
        self._book.offered(offered, overrun=overrun)

    async def _serve(self, offered: Offered) -> None:
        agent = self._agents[offered.worker]
        work_s = agent.handle_s if self._job.plan.fixed_work else self._work.expovariate(1 / agent.handle_s)
        if not await self._settle(offered, "accepted", offered.learned_s):
            self._open[offered.worker] -= 1
            return
        self._book.accepted(offered.task, offered.reservation, offered.learned_s)
        from_s = offered.at_ms / 1000 if self._job.plan.from_offer else time.time()
        done_s = max(from_s + work_s, offered.learned_s)
        meant_s = done_s + self._job.plan.turn_in_s(done_s - self._job.starts_at)
        await asyncio.sleep(max(0.0, meant_s - time.time()))
        self._open[offered.worker] -= 1  # from the moment it is sent the next offer may come
        try:
            settled = await self._settle(offered, "completed", meant_s)
        except asyncio.CancelledError:  # the run is over; whether it holds nobody waits to hear
            self._book.in_doubt(offered.task)
            raise
        if settled:
            self._book.completed(offered.task, offered.reservation, meant_s, work_s)

    async def _settle(self, offered: Offered, status: str, meant_s: float) -> bool:
        """Answer until it is known to hold; False where the Reservation is no longer there to be answered."""
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        self._quiet.clear()
        try:
            return await self._answered(offered, status, meant_s)
        finally:
            self._answering.discard(task)
            if not self._answering:
                self._quiet.set()

    async def _answered(self, offered: Offered, status: str, meant_s: float) -> bool:
        """A call without an answer may have its effect after the next one was sent: where an API process was killed it
        waits in the listening socket. So from the first such call on only the Reservation itself says what holds.
        """
        path = f"{self._base}/Workers/{offered.worker}/Reservations/{offered.reservation}"
        doubted = False
        while True:
            refusal = None
            try:
                answer = await self._wire.post(path, {"ReservationStatus": status})
                if answer.status == 200:
                    return True
                refusal = None if answer.status in BUSY else answer
            except Unanswered:
                self._book.unanswered(meant_s)
            doubted = doubted or refusal is None
            present = "" if not doubted else await self._status(path, meant_s)
            if present == status:
                return True
            if refusal is not None and present is not None:
                self._refused(offered, status, refusal)
                return False

    async def _status(self, path: str, meant_s: float) -> str | None:
        """That of a Reservation after a pause, "" for one that is gone; None where no answer says."""
        await asyncio.sleep(RETRY_S)
        try:
            answer = await self._wire.get(path)
        except Unanswered:
            self._book.unanswered(meant_s)
            return None
        if answer.status in BUSY:
            return None
        return _reservation(answer.body).reservation_status if answer.status == 200 else ""

    def _refused(self, offered: Offered, status: str, answer: Answer) -> None:
        if status == "accepted" and self._may_go(offered):
            self._book.gone()
        else:
            self._book.wrong(f"{status} for {offered.reservation}", answer)

    def _may_go(self, offered: Offered) -> bool:
        return not self._patient or offered.worker in self._left

    async def _shift(self, agent: Agent) -> None:
        """Come and go when the plan says so. An open offer is handed back on leaving."""
        site, starts_at = self._job.site, self._job.starts_at
        if agent.from_s > 0:
            await asyncio.sleep(max(0.0, starts_at + agent.from_s - time.time()))
            await self._activity(agent, {"ActivitySid": site.available})
        if agent.until_s is not None:
            await asyncio.sleep(max(0.0, starts_at + agent.until_s - time.time()))
            self._left.add(agent.sid)
            await self._activity(agent, {"ActivitySid": site.offline, "RejectPendingReservations": "true"})

    async def _activity(self, agent: Agent, form: dict[str, str]) -> None:
        """Change it; tried again while the deployment is busy or does not answer, since it is safe to repeat."""
        while True:
            try:
                answer = await self._wire.post(f"{self._base}/Workers/{agent.sid}", form)
                if answer.status not in BUSY:
                    if answer.status != 200:
                        self._book.wrong("a change of Activity", answer)
                    return
            except Unanswered:
                self._book.unanswered(time.time())
            await asyncio.sleep(RETRY_S)


def _has_shift(agent: Agent) -> bool:
    return agent.from_s > 0 or agent.until_s is not None
