"""The deployment's own account of a run: its log of events, and its statistics. Read over HTTP, like anybody could."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from benchmarks.suite.site import ROOT, SetUpFailed, asked
from benchmarks.suite.wire import Unanswered, Wire

PAGE: Final = 1_000
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


class Journal(Struct, frozen=True):
    """Events of a run in their order. `whole`: from its beginning."""

    entries: list[Entry]
    whole: bool


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


async def totals(
    wire: Wire, workspace: str, began_ms: int, *, completed: int, settle_s: float = SETTLE_S
) -> Totals | None:
    """The cumulative statistics, once they know of `completed` Tasks or do not change for `settle_s`.

    None: they are not to be had.
    """
    path = f"{ROOT}/{workspace}/CumulativeStatistics?StartDate={quote(_iso(began_ms))}"
    found, since_s = None, time.monotonic()
    while time.monotonic() - since_s <= settle_s:
        try:
            now = msgspec.convert(await asked(wire, path), Totals)
        except SetUpFailed:
            now = None
        if now is not None and now.tasks_completed >= completed:
            return now
        if now != found:
            found, since_s = now, time.monotonic()
        await asyncio.sleep(LOOK_S)
    return found


async def journal(wire: Wire, workspace: str, began_ms: int, *, limit: int) -> Journal:
    """The log of a Workspace from `began_ms` on, its newest `limit` events. Some 50 us an event. Raises SetUpFailed."""
    path: str | None = f"{ROOT}/{workspace}/Events?PageSize={PAGE}&StartDate={quote(_iso(began_ms))}"
    told: list[Entry] = []
    while path is not None and len(told) < limit:
        try:
            answer = await wire.get(path)
        except Unanswered as error:
            raise SetUpFailed(str(error)) from error
        if answer.status != 200:
            raise SetUpFailed(f"the list of events was answered {answer.status}")
        page = _events(answer.body)
        told += [_entry(event) for event in page.events]
        following = page.meta.next_page_url
        path = None if following is None else following[following.index("/v1/") :]
    told.reverse()
    return Journal(told, whole=path is None)


def _entry(event: _Event) -> Entry:
    data, kind = event.event_data, event.event_type
    attributes = data.task_attributes if kind == "task.created" else ""
    return Entry(event.event_date_ms, kind, data.task_sid, data.worker_sid, data.reservation_sid, attributes)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
