"""The deployment's own account of a run: its log of events, and its statistics. Read over HTTP, like anybody could.

The log of a large run has millions of events, and a request about all of them would take minutes. So an interval is
asked for in pieces, oldest first, each of about as much time as a second or two of answering takes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from benchmarks.suite.book import BUSY
from benchmarks.suite.site import ROOT, SetUpFailed, asked
from benchmarks.suite.wire import Unanswered, Wire

PAGE: Final = 1_000
EVENTS: Final = 2_000_000  # read at most, the oldest: three minutes; a Task's life has about eight
# A piece that was answered faster is followed by a longer one, a slower one by a shorter.
PIECE_S: Final = (0.5, 2.0)
SHORTEST_MS: Final = 1_000
CATCH_UP_S: Final = 600.0  # for the log to tell of a backlog: a relay writes some 4,000 Tasks a second
SETTLE_S: Final = 2.0  # without any change, and the log will not tell more; it follows some ms behind
LOOK_S: Final = 0.2


class Entry(Struct, frozen=True):
    """One event, as far as it is needed."""

    at_ms: int
    type: str
    task: str = ""
    worker: str = ""
    reservation: str = ""
    attributes: str = ""


class Sample(Struct, frozen=True):
    """What the real-time statistics said between two instants (wall clock, s)."""

    asked_s: float
    answered_s: float
    waiting: int
    reserved: int
    assigned: int
    wrapping: int

    @property
    def total(self) -> int:
        return self.waiting + self.reserved + self.assigned + self.wrapping


class Totals(Struct, frozen=True):
    """What the cumulative statistics say of the run."""

    tasks_created: int
    tasks_completed: int
    tasks_canceled: int
    tasks_deleted: int
    reservations_created: int
    reservations_accepted: int


T = TypeVar("T")


class _Data(Struct):
    task_sid: str = ""
    worker_sid: str = ""
    reservation_sid: str = ""
    task_attributes: str = ""


class _Event(Struct):
    event_date_ms: int
    event_type: str
    event_data: _Data


class _Meta(Struct):
    next_page_url: str | None


class _Events(Struct):
    events: list[_Event]
    meta: _Meta


class _ByStatus(Struct):
    pending: int
    reserved: int
    assigned: int
    wrapping: int


class _RealTime(Struct):
    tasks_by_status: _ByStatus


_events: Final = msgspec.json.Decoder(_Events).decode
_real_time: Final = msgspec.json.Decoder(_RealTime).decode


async def sample(wire: Wire, workspace: str) -> Sample | None:
    """Open Tasks by status now; None where no answer came."""
    asked_s = time.time()
    try:
        answer = await wire.get(f"{ROOT}/{workspace}/RealTimeStatistics")
    except Unanswered:
        return None
    if answer.status != 200:
        return None
    by = _real_time(answer.body).tasks_by_status
    return Sample(asked_s, time.time(), by.pending, by.reserved, by.assigned, by.wrapping)


class Account:
    """Asks about one Workspace from `began_ms` on, by the deployment's clock. Raises SetUpFailed for no answer."""

    def __init__(self, wire: Wire, workspace: str, began_ms: int) -> None:
        self._wire, self._base, self.began_ms = wire, f"{ROOT}/{workspace}", began_ms

    async def caught_up(self, *, limit_s: float = CATCH_UP_S) -> bool:
        """Wait until the log has what has happened by now; False where it has not within `limit_s`.

        Cumulative statistics wait for it, and are refused for now while it is far behind.
        """
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            try:
                answer = await self._wire.get(self._statistics(self.began_ms, self.began_ms))
            except Unanswered:
                return False
            if answer.status not in BUSY:
                return answer.status == 200
            await asyncio.sleep(LOOK_S)
        return False

    async def totals(self, *, completed: int, settle_s: float = SETTLE_S) -> Totals | None:
        """The cumulative statistics, once they know of `completed` Tasks or do not change for `settle_s`.

        None: they are not to be had. Some 20 us an event, each time that they are asked for.
        """
        found, since_s = None, time.monotonic()
        while time.monotonic() - since_s <= settle_s:
            try:
                now = await self._sum()
            except SetUpFailed:
                now = None
            if now is not None and now.tasks_completed >= completed:
                return now
            if now != found:
                found, since_s = now, time.monotonic()
            await asyncio.sleep(LOOK_S)
        return found

    async def whole(self) -> bool:
        """Whether the log reaches back to `began_ms`: the event that this was read off is still there."""
        return bool(await self._entries(self.began_ms, self.began_ms, "", limit=1))

    async def last_ms(self) -> int:
        """When the newest event was."""
        page = await self._page(f"{self._base}/Events?PageSize=1&StartDate={quote(_iso(self.began_ms))}")
        return page.events[0].event_date_ms if page.events else self.began_ms

    async def entries(self, start_ms: int, end_ms: int, kind: str = "") -> AsyncIterator[list[Entry]]:
        """The events of these instants, both included, or those of one type, oldest first and some at a time.

        Some 70 us an event; of one type, 30 us for each of another.
        """

        async def piece(start_ms: int, end_ms: int) -> list[Entry]:
            return await self._entries(start_ms, end_ms, kind)

        async for found in in_pieces(start_ms, end_ms, piece):
            yield found

    async def _sum(self) -> Totals:
        await self._figures(self.began_ms, self.began_ms)  # the log has all of it then
        counts = dict.fromkeys(Totals.__struct_fields__, 0)
        async for found in in_pieces(self.began_ms, await self.last_ms(), self._figures):
            for name in counts:
                counts[name] += getattr(found, name)
        return Totals(**counts)

    async def _figures(self, start_ms: int, end_ms: int) -> Totals:
        return msgspec.convert(await asked(self._wire, self._statistics(start_ms, end_ms)), Totals)

    def _statistics(self, start_ms: int, end_ms: int) -> str:
        interval = f"StartDate={quote(_iso(start_ms))}&EndDate={quote(_iso(end_ms))}"
        return f"{self._base}/CumulativeStatistics?{interval}"

    async def _entries(
        self, start_ms: int, end_ms: int, kind: str, *, limit: int | None = None
    ) -> list[Entry]:
        size = PAGE if limit is None else limit
        query = f"PageSize={size}&StartDate={quote(_iso(start_ms))}&EndDate={quote(_iso(end_ms))}"
        path: str | None = f"{self._base}/Events?{query}" + (f"&EventType={kind}" if kind else "")
        told: list[Entry] = []
        while path is not None and (limit is None or len(told) < limit):
            page = await self._page(path)
            # An EndDate of a whole second includes all of it.
            told += [_entry(event) for event in page.events if event.event_date_ms <= end_ms]
            following = page.meta.next_page_url
            path = None if following is None else following[following.index("/v1/") :]
        told.reverse()
        return told

    async def _page(self, path: str) -> _Events:
        try:
            answer = await self._wire.get(path)
        except Unanswered as error:
            raise SetUpFailed(str(error)) from error
        if answer.status != 200:
            raise SetUpFailed(f"the list of events was answered {answer.status}")
        return _events(answer.body)


async def in_pieces(
    start_ms: int,
    end_ms: int,
    ask: Callable[[int, int], Awaitable[T]],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[T]:
    """What `ask` says of parts of an interval, all ends included, one after the other.

    No part but the last ends with a whole second: dates are shown without fractions, so it would stand for all of it.
    """
    length_ms = SHORTEST_MS
    while start_ms <= end_ms:
        until_ms = min(end_ms, (start_ms + length_ms) // 1_000 * 1_000 - 1)
        began_s = clock()
        found = await ask(start_ms, until_ms)
        took_s = clock() - began_s
        yield found
        start_ms = until_ms + 1
        if took_s < PIECE_S[0]:
            length_ms *= 2
        elif took_s > PIECE_S[1]:
            length_ms = max(SHORTEST_MS, length_ms // 2)


def _entry(event: _Event) -> Entry:
    data, kind = event.event_data, event.event_type
    attributes = data.task_attributes if kind == "task.created" else ""
    return Entry(event.event_date_ms, kind, data.task_sid, data.worker_sid, data.reservation_sid, attributes)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
