"""The log of a Workspace's events, as its readers see it. The chronicle writes it, some ms behind what happens."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from msgspec.structs import replace

from engine.errors import Invalid, NotFound
from engine.events import Event, Glimpse, Place, glimpses, needle_of, place_of, unpack
from engine.live import Live
from engine.model import Found, Page, WorkspaceConfig
from engine.scan import Entry, Read, Start, page_by_scan

EVENTS_DAYS: Final = 30
EVENTS_KEPT: Final = 100_000
MINUTES: Final = 15  # how far a list looks back by itself (semantics 9.5)
MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
REDACTED_MS: Final = 30 * DAY_MS  # from this age on the attributes of Tasks are not shown (semantics 9.5)
ENTRIES: Final = 250  # of the log in a chunk of `between`: at most 1,000 events

_PLACE: Final = re.compile(r"(\d{1,15})-(\d{1,9})-(\d{1,2})", re.ASCII)
Filter = Callable[[Event], bool]


class EventLog:
    """The events of all Workspaces, for `days` back. Every method raises Unavailable."""

    def __init__(self, live: Live, *, days: int = EVENTS_DAYS) -> None:
        self._live, self._days_ms = live, days * DAY_MS

    async def fetch(self, account: str, workspace: str, sid: str) -> Found[Event]:
        """One event. Raises NotFound. Two round trips."""
        read = await self._live.config.read(account, workspace)
        place = place_of(sid, read.config)
        if place is None or place.ms < read.now_ms - self._days_ms:
            raise NotFound(sid)
        items = await self._range(read.config, place.id, place.id, 1)
        for entry_id, packed in items:
            for found, event in unpack(read.config, entry_id, packed):
                if found == place:
                    return Found(config=read.config, value=_shown(event, read.now_ms), now_ms=read.now_ms)
        raise NotFound(sid)

    async def list(
        self,
        account: str,
        workspace: str,
        *,
        minutes: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        event_type: str | None = None,
        task_sid: str | None = None,
        worker_sid: str | None = None,
        reservation_sid: str | None = None,
        workflow_sid: str | None = None,
        task_queue_sid: str | None = None,
        task_channel: str | None = None,
        sid: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[Event]]:
        """Events from `start_ms` to `end_ms`, both included, that meet every condition given, newest first.

        Without a start it looks `minutes` (15) back from the end, and without an end up to now. Raises Invalid, also
        for an end before its start, and NotFound.

        Cost: one round trip for 200 entries looked at; a page looks at some 10,000 and is short beyond that.
        """
        read = await self._live.config.read(account, workspace)
        config = read.config
        end = read.now_ms if end_ms is None else end_ms
        start = end - (minutes or MINUTES) * MINUTE_MS if start_ms is None else start_ms
        if end_ms is not None and end < start:
            raise Invalid("end_date", "must not be before StartDate")
        sids = {
            "task_sid": task_sid,
            "worker_sid": worker_sid,
            "reservation_sid": reservation_sid,
            "workflow_sid": workflow_sid,
            "task_queue_sid": task_queue_sid,
        }
        wanted = {name: value for name, value in sids.items() if value is not None}
        filters: list[Filter] = [_has(name, value) for name, value in wanted.items()]
        if event_type is not None:
            filters.append(lambda event: event.type == event_type)
        if task_channel is not None:
            filters.append(_on_channel(task_channel))
        lowest, highest = max(0, start, read.now_ms - self._days_ms), None if end_ms is None else max(0, end)
        if sid is not None:
            filters.append(lambda event: event.sid == sid)
        needles = [needle_of(value) for value in wanted.values()]
        page = await page_by_scan(
            self._reader(config, lowest, highest, needles),
            lambda event: all(test(event) for test in filters),
            after=after,
            limit=limit,
        )
        shown = replace(page, items=[_shown(event, read.now_ms) for event in page.items])
        return Found(config=config, value=shown, now_ms=read.now_ms)

    async def between(
        self, config: WorkspaceConfig, start_ms: int, end_ms: int
    ) -> AsyncIterator[Sequence[Event]]:
        """The events from `start_ms` to `end_ms`, both included, oldest first, in chunks of at most 1,000.

        What was trimmed is missing. One round trip a chunk, and about 20 us an event.
        """
        async for items in self._chunks(config, start_ms, end_ms):
            yield [event for entry_id, packed in items for _, event in unpack(config, entry_id, packed)]

    async def glimpses(
        self, config: WorkspaceConfig, start_ms: int, end_ms: int
    ) -> AsyncIterator[Sequence[Glimpse]]:
        """The same as `between` for who counts them. About 5 us an event."""
        async for items in self._chunks(config, start_ms, end_ms):
            yield [event for entry_id, packed in items for event in glimpses(config, entry_id, packed)]

    async def _chunks(
        self, config: WorkspaceConfig, start_ms: int, end_ms: int
    ) -> AsyncIterator[Sequence[tuple[bytes, bytes]]]:
        """Ids and packed entries from one instant to another, oldest first, at most ENTRIES at a time."""
        start, end = f"{max(0, start_ms)}", f"{max(0, end_ms)}"
        while True:
            items = await self._live.ask("XRANGE", self._live.keys(config).log, start, end, "COUNT", ENTRIES)
            if items:
                yield [(entry_id, fields[1]) for entry_id, fields in items]
            if len(items) < ENTRIES:
                return
            start = "(" + items[-1][0].decode()

    def _reader(
        self, config: WorkspaceConfig, start_ms: int, end_ms: int | None, needles: Sequence[bytes]
    ) -> Read[Event]:
        """Reads the log, newest first. An entry that does not even contain what is looked for is not unpacked."""

        async def read(begin: Start, count: int) -> Sequence[Entry[Event]]:
            spot = None if begin.place is None else _place(begin.place)
            oldest, newest = str(start_ms), "+" if end_ms is None else str(end_ms)
            first, last = (oldest, newest) if begin.back else (newest, oldest)
            # One more than is wanted: the first may be that of the place, whose events were given in part.
            items = await self._range(
                config, spot.id if spot else first, last, count + 1, backwards=not begin.back
            )
            rows: list[Entry[Event]] = []
            for entry_id, packed in items:
                if any(needle not in packed for needle in needles):
                    rows.append((f"{entry_id.decode()}-0", None))
                    continue
                events = list(unpack(config, entry_id, packed))
                rows += [
                    (place.text, event)
                    for place, event in (events if begin.back else reversed(events))
                    if spot is None
                    or (place == spot and begin.including)
                    or (place > spot if begin.back else place < spot)
                ]
            return rows

        return read

    async def _range(
        self, config: WorkspaceConfig, first: str, last: str, count: int, *, backwards: bool = False
    ) -> Sequence[tuple[bytes, bytes]]:
        """Ids and packed entries. The first is the newest one where it goes backwards."""
        command = "XREVRANGE" if backwards else "XRANGE"
        items = await self._live.ask(command, self._live.keys(config).log, first, last, "COUNT", count)
        return [(entry_id, fields[1]) for entry_id, fields in items]


def _place(text: str) -> Place:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise Invalid("after", "is not a place in this list")
    return Place(*map(int, found.groups()))


def _has(name: str, value: str) -> Filter:
    return lambda event: event.data.get(name) == value


def _on_channel(wanted: str) -> Filter:
    """By SID, or by unique name in any case."""
    folded = wanted.lower()
    return lambda event: (
        event.data.get("task_channel_sid") == wanted
        or event.data.get("task_channel_unique_name", "").lower() == folded
    )


def _shown(event: Event, now_ms: int) -> Event:
    """An event as it is shown now: an old one without what its Task's customers may have told."""
    if event.at_ms > now_ms - REDACTED_MS or "task_attributes" not in event.data:
        return event
    data = {name: value for name, value in event.data.items() if name != "task_attributes"}
    return replace(event, data=data)
