"""Statistics: what there is in a Workspace now, and what happened in it during an interval."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from engine.config_records import Snapshot
from engine.cumulative import Event, Fold, Interval, Tally, interval_of, thresholds_of
from engine.errors import Invalid, NotFound, Unavailable
from engine.flights import Flights
from engine.live import Live
from engine.model import Found, WorkspaceConfig
from engine.realtime import OpenTasks, RealTime
from engine.roster import Rosters


class EventLog(Protocol):
    """Where the events of a Workspace are read from."""

    async def caught_up(self, config: WorkspaceConfig) -> int:
        """Wait until the log has everything that has happened by now, usually some ms.

        Returns the instant since which it is whole: 0, or when its older events were dropped. Raises Unavailable when
        it stays behind, because nobody writes it.
        """
        ...

    def between(self, config: WorkspaceConfig, start_ms: int, end_ms: int) -> AsyncIterator[Sequence[Event]]:
        """The events of these instants, both included, oldest first and some at a time. Raises Unavailable."""
        ...


class Scope(StrEnum):
    """What figures are about, named after the event's field that says to which of them it belongs."""

    WORKSPACE = "workspace_sid"
    QUEUE = "task_queue_sid"
    WORKFLOW = "workflow_sid"


class Asked(Struct, frozen=True, kw_only=True):
    """What a caller wants of cumulative figures: a Task Channel by SID or unique name, an interval, thresholds."""

    task_channel: str | None = None
    minutes: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    split_by_wait_time: str | None = None  # comma list of seconds


class NowOf(Struct, frozen=True):
    """Real-time figures of one scope."""

    tasks: OpenTasks
    workers: dict[str, int]  # by Activity; for a TaskQueue those that satisfy it; empty for a Workflow


class Past(Struct, frozen=True):
    """Cumulative figures of scopes, by SID."""

    interval: Interval
    tallies: dict[str, Tally]


class Statistics:
    """Statistics of all Workspaces. Every method raises NotFound, Invalid and Unavailable.

    `log` may be replaced by any other. A Task Channel narrows Tasks and Reservations. It never narrows Workers: they
    are in an Activity for all their channels at once.
    """

    def __init__(self, live: Live, realtime: RealTime, rosters: Rosters, log: EventLog | None = None) -> None:
        self._live, self._realtime, self._rosters, self.log = live, realtime, rosters, log
        self._folds: Flights[Found[Past]] = Flights()

    async def now(
        self, account: str, workspace: str, scope: Scope, sid: str, *, task_channel: str | None = None
    ) -> Found[NowOf]:
        """Real-time figures of the Workspace, a TaskQueue or a Workflow. Cost as RealTime says."""
        read = await self._live.config.read(account, workspace)
        config = _with(read.config, scope, sid)
        if scope is Scope.QUEUE:
            found = await self._of_queues(read, [sid], task_channel)
            return Found(config=config, value=found[sid], now_ms=read.now_ms)
        counted = await self._realtime.tasks(config, number_of(config, task_channel))
        if scope is Scope.WORKSPACE:
            value = NowOf(counted.workspace, await self._realtime.activities(config))
        else:
            value = NowOf(counted.workflows.get(sid, OpenTasks()), {})
        return Found(config=config, value=value, now_ms=read.now_ms)

    async def now_of_queues(
        self, account: str, workspace: str, queues: Sequence[str], *, task_channel: str | None = None
    ) -> Found[dict[str, NowOf]]:
        """Real-time figures of many TaskQueues, by one pass; all zero for one that is not there."""
        read = await self._live.config.read(account, workspace)
        found = await self._of_queues(read, queues, task_channel)
        return Found(config=read.config, value=found, now_ms=read.now_ms)

    async def past(
        self, account: str, workspace: str, scope: Scope, sid: str, asked: Asked
    ) -> Found[tuple[Interval, Tally]]:
        """Cumulative figures of the Workspace, a TaskQueue or a Workflow. Cost as `past_of_many`."""
        read = await self._live.config.read(account, workspace)
        _with(read.config, scope, sid)
        found = await self.past_of_many(account, workspace, scope, [sid], asked)
        value = (found.value.interval, found.value.tallies[sid])
        return Found(config=found.config, value=value, now_ms=found.now_ms)

    async def past_of_many(
        self, account: str, workspace: str, scope: Scope, sids: Sequence[str], asked: Asked
    ) -> Found[Past]:
        """The same for several of a kind, by one pass over the events; all zero for one that is not there.

        Cost: every event of the interval is read and looked at, some 10 µs each.
        """
        key = (account, workspace, scope, tuple(sids), asked)

        async def fold() -> Found[Past]:
            read = await self._live.config.read(account, workspace)
            config, chosen = read.config, set(sids)
            log, interval = await interval_in(self.log, read, asked)
            if scope is Scope.WORKSPACE:
                adding = fold_of(config, interval, asked, lambda event: workspace)
            else:
                adding = fold_of(config, interval, asked, lambda event: _among(chosen, event.data.get(scope)))
            async for events in log.between(config, interval.start_ms, interval.end_ms):
                for event in events:
                    adding.add(event)
            tallies = {sid: adding.tally(sid) for sid in sids}
            return Found(config=config, value=Past(interval, tallies), now_ms=read.now_ms)

        return await self._folds.join(key, fold)

    async def _of_queues(
        self, read: Snapshot, sids: Sequence[str], task_channel: str | None
    ) -> dict[str, NowOf]:
        config = read.config
        counted = await self._realtime.tasks(config, number_of(config, task_channel))
        known = [sid for sid in sids if sid in config.queues]
        workers = await self._rosters.eligible(config, known) if known else {}
        nobody = dict.fromkeys(config.activities, 0)
        return {
            sid: NowOf(counted.queues.get(sid, OpenTasks()), workers[sid])
            if sid in workers
            else NowOf(OpenTasks(), nobody)
            for sid in sids
        }


def _with(config: WorkspaceConfig, scope: Scope, sid: str) -> WorkspaceConfig:
    """The configuration, if it has this one."""
    known = {Scope.QUEUE: config.queues.keys(), Scope.WORKFLOW: config.workflows.keys()}
    if scope in known and sid not in known[scope]:
        raise NotFound(sid)
    return config


def number_of(config: WorkspaceConfig, task_channel: str | None) -> int | None:
    """The number of a Task Channel, None for all of them. Raises Invalid for an unknown one."""
    if task_channel is None:
        return None
    channel = config.channel(task_channel)
    if channel is None:
        raise Invalid("task_channel", "is neither the SID nor the unique name of a Task Channel")
    return channel.number


async def interval_in(
    log: EventLog | None,
    read: Snapshot,
    asked: Asked,
) -> tuple[EventLog, Interval]:
    """The log, caught up, and the interval to count in: what is asked for, as far as the log goes back.

    Raises Invalid, and Unavailable where there is no log or it stays behind, rather than say that nothing happened.
    """
    interval = interval_of(read.now_ms, asked.minutes, asked.start_ms, asked.end_ms)
    if log is None:
        raise Unavailable("there is no event log to count from", outcome_unknown=False)
    since_ms = min(await log.caught_up(read.config), read.now_ms)
    if since_ms > interval.end_ms:
        raise Invalid("end_date", "is before the oldest event that is kept")
    return log, Interval(max(interval.start_ms, since_ms), interval.end_ms)


def fold_of(
    config: WorkspaceConfig, interval: Interval, asked: Asked, scope_of: Callable[[Event], str | None]
) -> Fold:
    """A fold by the Task Channel and the thresholds that are asked for. Raises Invalid."""
    number = number_of(config, asked.task_channel)
    channel = None if number is None else config.channel_numbered(number)
    return Fold(
        interval,
        scope_of,
        channel=None if channel is None else channel.unique_name,
        thresholds=thresholds_of(asked.split_by_wait_time),
    )


def _among(chosen: set[str], sid: str | None) -> str | None:
    return sid if sid in chosen else None
