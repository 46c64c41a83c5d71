"""Offers: how agents learn of them.

One list for all agents of a generator tells of new offers: the log of events, from the last one seen on. It costs a
request each `poll_s` however many agents there are, and what it takes until an offer is seen is measured (`notice`).
Should the log fall silent while Tasks are open, each Worker's own list is asked as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import msgspec

from benchmarks.suite.book import BUSY, Book
from benchmarks.suite.ledger import Offered
from benchmarks.suite.plan import Job
from benchmarks.suite.site import ROOT
from benchmarks.suite.wire import Unanswered, Wire

PAGE: Final = 1_000
SILENCE_S: Final = 3.0  # no offer for so long, then every Worker's own list is asked, and again after so long


class _Data(msgspec.Struct):
    reservation_sid: str
    task_sid: str
    worker_sid: str


class _Event(msgspec.Struct):
    event_date_ms: int
    event_data: _Data


class _Meta(msgspec.Struct):
    next_page_url: str | None


class _Events(msgspec.Struct):
    events: list[_Event]
    meta: _Meta


class _Reservation(msgspec.Struct):
    sid: str
    task_sid: str
    worker_sid: str


class _Reservations(msgspec.Struct):
    reservations: list[_Reservation]


_events: Final = msgspec.json.Decoder(_Events).decode
_reservations: Final = msgspec.json.Decoder(_Reservations).decode


class Offers:
    """The offers to the agents of one generator, each of them told once."""

    def __init__(self, job: Job, wire: Wire, book: Book) -> None:
        self._wire, self._book = wire, book
        self._base = f"{ROOT}/{job.site.workspace}"
        self._workers = [agent.sid for agent in job.agents]
        self._mine = frozenset(self._workers)
        self._seen: set[str] = set()
        self._since_ms = job.site.began_ms
        self._last_s = time.monotonic()

    async def new(self) -> list[Offered]:
        """Those since the last look, oldest first. Raises Unanswered."""
        began_s = time.monotonic()
        found = await self._logged()
        if found:
            self._last_s = time.monotonic()
        elif began_s - self._last_s > SILENCE_S:
            found = await self._listed()
            self._last_s = time.monotonic()
        return found

    async def _logged(self) -> list[Offered]:
        since = datetime.fromtimestamp(self._since_ms / 1000, UTC).isoformat(timespec="milliseconds")
        path: str | None = (
            f"{self._base}/Events?EventType=reservation.created&PageSize={PAGE}&StartDate={quote(since)}"
        )
        told: list[_Event] = []
        while path is not None:
            answer = await self._wire.get(path)
            if answer.status != 200:
                if answer.status not in BUSY:
                    self._book.wrong("the list of events", answer)
                return []
            page = _events(answer.body)
            told += page.events
            path = _path(page.meta.next_page_url)
        if told:
            self._since_ms = told[0].event_date_ms
        return self._unseen(
            (
                one.event_data.reservation_sid,
                one.event_data.task_sid,
                one.event_data.worker_sid,
                one.event_date_ms,
            )
            for one in reversed(told)
        )

    async def _listed(self) -> list[Offered]:
        """Pending Reservations by each Worker's own list."""
        found: list[Offered] = []
        for worker in self._workers:
            path = f"{self._base}/Workers/{worker}/Reservations?ReservationStatus=pending&PageSize={PAGE}"
            try:
                answer = await self._wire.get(path)
            except Unanswered:
                break  # those that were found are seen now, and have to be told
            if answer.status == 200:
                now_ms = int(time.time() * 1000)
                told = _reservations(answer.body).reservations
                found += self._unseen((one.sid, one.task_sid, one.worker_sid, now_ms) for one in told)
        return found

    def _unseen(self, told: Iterable[tuple[str, str, str, int]]) -> list[Offered]:
        """Of Reservation, Task, Worker and ms, those to agents of this generator that were not told before."""
        found = []
        for reservation, task, worker, at_ms in told:
            if worker in self._mine and reservation not in self._seen:
                self._seen.add(reservation)
                found.append(Offered(reservation, task, worker, at_ms, time.time()))
        return found


def _path(url: str | None) -> str | None:
    """The path of a link to the next page, whatever host it names."""
    return None if url is None else url[url.index("/v1/") :]
