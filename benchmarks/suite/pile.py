"""A backlog: posted through the door for many Tasks, and topped up where as many are to wait all the time."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec
from msgspec import Struct

from api.process import set_within
from benchmarks.suite.book import Book
from benchmarks.suite.callers import Forms
from benchmarks.suite.ledger import Created
from benchmarks.suite.plan import Job
from benchmarks.suite.site import ROOT
from benchmarks.suite.wire import Answer, Wire

LINES: Final = 2_500  # Tasks a request: some 0.6 s of an API process, which is also how far a Ctrl-C is away
AT_A_TIME: Final = 4  # requests; two keep an API process busy
LOOK_S: Final = 0.1  # between two looks at what was taken


class _Line(Struct):
    line: int
    status: int
    sid: str = ""


_line: Final = msgspec.json.Decoder(_Line).decode
_encode: Final = msgspec.json.Encoder().encode


class Pile:
    """The backlog of one generator.

    Lines have no IdempotencyKey: it would be kept for a day, and be part of the memory that a waiting Task takes. What
    a line was not answered is not sent again, and its outcome is unknown.
    """

    def __init__(self, job: Job, wire: Wire, book: Book) -> None:
        self._job, self._wire, self._book, self._forms = job, wire, book, Forms(job)
        self._path = f"{ROOT}/{job.site.workspace}/Tasks/Bulk"

    async def fill(self, stopping: asyncio.Event) -> None:
        """Post the backlog as fast as the deployment takes it, or until `stopping`."""
        left = iter(range(0, self._job.backlog, LINES))

        async def poster() -> None:
            for done in left:  # shared: each takes the next ones
                if stopping.is_set():
                    return
                await self._post(min(LINES, self._job.backlog - done))

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_A_TIME):
                group.create_task(poster())

    async def keep(self, starts_at: float, stopping: asyncio.Event) -> None:
        """Post one for each Task that was offered, until `stopping`.

        Where there are turns that is done after the own one, since callers in it would wait longer for it; but half
        of the backlog always waits.
        """
        job, totals, plan = self._job, self._book.totals, self._job.plan
        while not await set_within(stopping, LOOK_S):
            missing = job.backlog - (totals.created - totals.offers)
            own = plan.turns > 1 and plan.turn_in_s(time.time() - starts_at) == 0
            if missing > (job.backlog // 2 if own else 0):
                await self._post(min(LINES, missing))

    async def _post(self, count: int) -> None:
        forms = [self._forms.next() for _ in range(count)]
        body = b"\n".join([_encode(form) for _, form in forms])
        meant_s = time.time()
        self._book.totals.sent += count
        answer, _ = await self._wire.lines(self._path, body)
        if answer.status not in (0, 200):
            for _ in range(count):
                self._book.refused(meant_s, answer)
            return
        answered = self._read(answer.body, [kind for kind, _ in forms], meant_s) if answer.status else 0
        for _ in range(count - answered):
            self._book.unanswered(meant_s, create=True)

    def _read(self, told: bytes, kinds: list[int], meant_s: float) -> int:
        """Enter what each line was answered; how many were."""
        now_s, answered = time.time(), 0
        for raw in told[: told.rfind(b"\n") + 1].splitlines():
            one = _line(raw)
            if one.status == 201:
                self._book.piled(Created(one.sid, kinds[one.line - 1], meant_s, meant_s, now_s))
            else:
                self._book.refused(meant_s, Answer(one.status, raw))
            answered += 1
        return answered
