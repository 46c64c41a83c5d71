"""Statistics of Workers: where they are now, what they were offered in an interval, and how long they were where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

from engine.activity_time import ActivityTime
from engine.config_records import Snapshot
from engine.cumulative import Durations, Event, Interval, Tally
from engine.errors import NotFound
from engine.flights import Flights
from engine.live import Live
from engine.model import Found, WorkspaceConfig
from engine.realtime import CHUNK, RealTime
from engine.roster import EVERYBODY, Rosters, WorkerFilter, by_activity
from engine.sids import is_sid
from engine.statistics import Asked, EventLog, fold_of, interval_in, number_of

AHEAD_MS: Final = 60_000  # how far beyond "now" the log is read: to its end
_ALL: Final = "all"  # the one scope that events of Workers are added up in

Present = tuple[str, str, int]  # a Worker, its Activity, and since when, ms


class PastOfWorkers(Struct, frozen=True):
    """Cumulative figures of Workers."""

    interval: Interval
    tally: Tally
    durations: Mapping[str, Durations]  # stretches by Activity; those without any are left out


class WorkerStatistics:
    """Statistics of Workers of all Workspaces. Every method raises NotFound, Invalid and Unavailable.

    `log` may be replaced by any other. A Task Channel narrows Reservations. It never narrows Workers: they are in an
    Activity for all their channels at once.
    """

    def __init__(self, live: Live, realtime: RealTime, rosters: Rosters, log: EventLog | None = None) -> None:
        self._live, self._realtime, self._rosters, self.log = live, realtime, rosters, log
        self._folds: Flights[Found[PastOfWorkers]] = Flights()

    async def now(
        self, account: str, workspace: str, wanted: WorkerFilter, *, task_channel: str | None = None
    ) -> Found[dict[str, int]]:
        """Workers by Activity, all of them listed. From counters where everybody counts, else as Rosters says."""
        read = await self._live.config.read(account, workspace)
        config = read.config
        number_of(config, task_channel)
        if wanted == EVERYBODY:
            counts = await self._realtime.activities(config)
        else:
            counts = by_activity(config, (await self._rosters.chosen(config, wanted)).values())
        return Found(config=config, value=counts, now_ms=read.now_ms)

    async def past(
        self, account: str, workspace: str, wanted: WorkerFilter, asked: Asked
    ) -> Found[PastOfWorkers]:
        """Cumulative figures of all Workers, deleted ones too, or of those there are now that a filter lets through.

        Cost: every event from the beginning of the interval until now, some 10 µs each, and a read of every Worker.
        """

        async def fold() -> Found[PastOfWorkers]:
            read = await self._live.config.read(account, workspace)
            chosen = None if wanted == EVERYBODY else await self._rosters.chosen(read.config, wanted)
            return await self._fold(read, chosen, asked)

        return await self._folds.join((account, workspace, wanted, asked), fold)

    async def past_of_one(self, account: str, workspace: str, sid: str, asked: Asked) -> Found[PastOfWorkers]:
        """Cumulative figures of one Worker. Cost as with `past`."""

        async def fold() -> Found[PastOfWorkers]:
            read = await self._live.config.read(account, workspace)
            key = self._live.keys(read.config).worker(sid)
            if not is_sid(sid, "WK") or not await self._live.ask("EXISTS", key):
                raise NotFound(sid)
            return await self._fold(read, [sid], asked)

        return await self._folds.join((account, workspace, sid, asked), fold)

    async def _fold(
        self, read: Snapshot, chosen: Collection[str] | None, asked: Asked
    ) -> Found[PastOfWorkers]:
        """`chosen` None for everybody, those that are no more included."""
        config = read.config
        # The records first: whatever they say is in the log by the time it has caught up.
        present = await self._present(config, chosen)
        log, interval = await interval_in(self.log, read, asked)
        wanted = None if chosen is None else frozenset(chosen)

        def scope_of(event: Event) -> str | None:
            sid = event.data.get("worker_sid")
            return _ALL if sid is not None and (wanted is None or sid in wanted) else None

        adding, times = fold_of(config, interval, asked, scope_of), ActivityTime(interval, wanted)
        async for events in log.between(config, interval.start_ms, read.now_ms + AHEAD_MS):
            for event in events:
                adding.add(event)
                times.add(event)
        for sid, activity, since_ms in present:
            times.now(sid, activity, since_ms, read.now_ms)
        value = PastOfWorkers(interval, adding.tally(_ALL), times.durations)
        return Found(config=config, value=value, now_ms=read.now_ms)

    async def _present(self, config: WorkspaceConfig, chosen: Collection[str] | None) -> list[Present]:
        keys, found = self._live.keys(config), list[Present]()
        if chosen is None:
            sids = [sid.decode() for sid in await self._live.ask("ZRANGE", keys.workers, 0, -1)]
        else:
            sids = list(chosen)
        for start in range(0, len(sids), CHUNK):
            chunk = sids[start : start + CHUNK]
            replies = await self._realtime.fields([keys.worker(sid) for sid in chunk], "act", "chg")
            for sid, (activity, since) in zip(chunk, replies, strict=True):
                if activity is not None:
                    found.append((sid, activity.decode(), int(since)))
        return found
