"""Callers: post Tasks when they are meant to be posted, whatever becomes of the ones before."""

from __future__ import annotations

import asyncio
import time
from itertools import accumulate
from typing import Final

import msgspec

from api.process import set_within
from benchmarks.suite.arrivals import varying
from benchmarks.suite.book import Book
from benchmarks.suite.ledger import Created
from benchmarks.suite.plan import Job
from benchmarks.suite.site import ROOT
from benchmarks.suite.wire import Unanswered, Wire

UNDER_WAY: Final = 20_000  # creates at a time, of one generator; what comes beyond is counted as not sent
ATTRIBUTES: Final = 200  # bytes of a Task; what is left of them is filled up
LOOK_S: Final = 0.1  # a poster that waits for a completion looks that often whether the load is over


class Callers:
    """The arrivals of one generator."""

    def __init__(self, job: Job, wire: Wire, book: Book) -> None:
        self._job, self._wire, self._book = job, wire, book
        self._path = f"{ROOT}/{job.site.workspace}/Tasks"
        self._forms = Forms(job)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until the load is over or `stopping` is set, and all that was sent is answered."""
        plan = self._job.plan
        try:
            if plan.closed is not None:
                await self._closed_loop(stopping)
            elif plan.rate_per_s is not None:
                await self._open_loop(plan.rate_per_s / plan.generators, stopping)
        finally:
            self._book.totals.posting = False

    async def _open_loop(self, rate_per_s: float, stopping: asyncio.Event) -> None:
        plan, random = self._job.plan, self._job.random("arrivals")
        highest = rate_per_s * plan.highest_times
        instants = varying(lambda at_s: rate_per_s * plan.times_at(at_s), highest, plan.duration_s, random)
        async with asyncio.TaskGroup() as group:
            under_way: set[asyncio.Task[None]] = set()
            for at_s in instants:
                meant_s = self._job.starts_at + at_s
                if (wait_s := meant_s - time.time()) > 0:
                    await set_within(stopping, wait_s)
                if stopping.is_set():
                    return
                if len(under_way) >= UNDER_WAY:
                    self._book.totals.not_sent += 1
                    continue
                posting = group.create_task(self._post(meant_s))
                under_way.add(posting)
                posting.add_done_callback(under_way.discard)

    async def _closed_loop(self, stopping: asyncio.Event) -> None:
        job = self._job
        until_s = job.starts_at + job.plan.duration_s
        await asyncio.sleep(max(0.0, job.starts_at - time.time()))
        posters = len(range(job.number, job.plan.closed or 0, job.plan.generators))

        async def poster() -> None:
            while time.time() < until_s and not stopping.is_set():
                if job.plan.whole_lives and self._open >= posters:
                    self._book.done.clear()
                    await set_within(self._book.done, LOOK_S)
                else:
                    await self._post(time.time())

        async with asyncio.TaskGroup() as group:
            for _ in range(posters):
                group.create_task(poster())

    @property
    def _open(self) -> int:
        """Tasks that were sent and are not completed. Agents of other generators complete as many as they lack."""
        return self._book.totals.sent - self._book.totals.completed

    async def _post(self, meant_s: float) -> None:
        kind, form = self._forms.next()
        sent_s = time.time()
        self._book.sent(meant_s, sent_s)
        try:
            answer = await self._wire.post(self._path, form)
        except Unanswered:
            self._book.unanswered(meant_s, create=True)
            return
        if answer.status != 201:
            self._book.refused(meant_s, answer)
            return
        self._book.created(Created(_task(answer.body).sid, kind, meant_s, sent_s, time.time()))


class Forms:
    """What the Tasks of one generator are posted with, one after the other."""

    def __init__(self, job: Job) -> None:
        self._generator, self._workflow, self._kinds = job.number, job.site.workflow, job.plan.kinds
        self._shares = list(accumulate(kind.share for kind in self._kinds))
        self._choice, self._patience = job.random("kinds"), job.random("patience")
        self._number = 0

    def next(self) -> tuple[int, dict[str, str]]:
        """The number of a kind, drawn by the kinds' shares, and the parameters of a Task of it."""
        (number,) = self._choice.choices(range(len(self._kinds)), cum_weights=self._shares)
        kind = self._kinds[number]
        self._number += 1
        head = f'{{"kind":"{kind.name}","number":"{self._generator}-{self._number}","note":"'
        form = {"WorkflowSid": self._workflow, "Attributes": head + "x" * (ATTRIBUTES - len(head) - 2) + '"}'}
        if kind.patience_s is not None:
            form["Timeout"] = str(max(1, round(self._patience.expovariate(1 / kind.patience_s))))
        return number, form


class _Task(msgspec.Struct):
    sid: str


_task: Final = msgspec.json.Decoder(_Task).decode
