"""The whole engine for one process: one object with a service for each kind of resource."""

from __future__ import annotations

from collections.abc import Callable

import redis.asyncio

from engine.accounts import Accounts
from engine.activities import Activities
from engine.api_keys import ApiKeys
from engine.assignment import AssignmentRelay
from engine.callback_answers import Answers
from engine.callback_letters import Post
from engine.callbacks import Callbacks
from engine.chronicle import Chronicle
from engine.compiled import CompiledCache
from engine.config import ConfigCache
from engine.event_callbacks import EventRelay
from engine.event_log import EVENTS_DAYS, EVENTS_KEPT, EventLog
from engine.live import Live
from engine.matcher import Matcher
from engine.matching import Matching
from engine.media import MediaRelay
from engine.media_letters import Deliver
from engine.media_setups import Setups
from engine.owners import Owners
from engine.placement import Placers
from engine.rates import Rates
from engine.realtime import RealTime
from engine.redis import Pipeline
from engine.reservations import Reservations
from engine.roster import Rosters
from engine.scripts import Scripts
from engine.sids import Mint, mint
from engine.statistics import Statistics
from engine.task_channels import TaskChannels
from engine.task_queues import TaskQueues
from engine.tasks import Tasks
from engine.whole_log import WholeLog
from engine.worker_channels import WorkerChannels
from engine.worker_statistics import WorkerStatistics
from engine.workers import Workers
from engine.workflows import Workflows
from engine.workspaces import Workspaces


class Engine:
    """Services over one Redis server. Everything it keeps in memory is a cache.

    `now_ms` replaces the server's clock and `mint` the random SIDs, for tests and simulations. Events older than
    `events_days` are gone.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        redis: redis.asyncio.Redis,
        *,
        shards: int = 1,
        mint: Mint = mint,
        now_ms: Callable[[], int] | None = None,
        events_days: int = EVENTS_DAYS,
    ) -> None:
        self.pipeline, self.shards, self._now_ms = pipeline, shards, now_ms
        self.scripts = Scripts(pipeline)
        self.config = ConfigCache(pipeline, self.scripts, shards=shards, now_ms=now_ms)
        compiled = CompiledCache()
        self._placers = Placers(compiled)
        self._live = live = Live(self.config)
        self.accounts, self.api_keys = Accounts(redis), ApiKeys(redis)
        self.accounts = Accounts(redis)
        self.rates = Rates(self.config, now_ms)
        self.workspaces = Workspaces(self.config, mint=mint)
        self.activities = Activities(self.config, mint=mint)
        self.task_channels = TaskChannels(self.config, mint=mint)
        self.workers = Workers(live, compiled, mint=mint)
        self.task_queues = TaskQueues(self.config, compiled, self.workers.facts, mint=mint)
        self.workflows = Workflows(self.config, mint=mint)
        self.worker_channels = WorkerChannels(live)
        self.tasks = Tasks(live, self._placers, mint=mint)
        self.reservations = Reservations(live)
        self.setups = Setups(live, mint=mint)
        self._events_days = events_days
        self.events = EventLog(live, days=events_days)
        realtime, rosters, whole = RealTime(live), Rosters(live, compiled), WholeLog(live, self.events)
        self.statistics = Statistics(live, realtime, rosters, whole)
        self.worker_statistics = WorkerStatistics(live, realtime, rosters, whole)
        self.callbacks = Callbacks(live)
        self._owners = Owners(live)

    def matcher(self, name: str, *, reader: Pipeline | None = None) -> Matcher:
        """A matcher on the same server. `reader` is a connection of its own for blocking reads (deadline over 1 s)."""
        return Matcher(
            Matching(self._live, self._placers),
            self.pipeline,
            self.scripts,
            name=name,
            shards=self.shards,
            reader=reader,
            now_ms=self._now_ms,
        )

    def media_relay(self, name: str, deliver: Deliver, *, reader: Pipeline | None = None) -> MediaRelay:
        """A relay on the same server; `deliver` posts what media adapters are told. `reader` as for a matcher."""
        return MediaRelay(
            self._live, self.setups, self.pipeline, deliver, name=name, shards=self.shards, reader=reader
        )

    def chronicle(self, *, kept: int = EVENTS_KEPT, reader: Pipeline | None = None) -> Chronicle:
        """What writes the log of events; at most some `kept` of a Workspace stay. `reader` as for a matcher."""
        return Chronicle(
            self._live,
            self.pipeline,
            self.scripts,
            shards=self.shards,
            days=self._events_days,
            kept=kept,
            reader=reader,
        )

    def assignment_relay(
        self,
        name: str,
        post: Post,
        *,
        base_url: str,
        refused: Callable[[str], str],
        reader: Pipeline | None = None,
    ) -> AssignmentRelay:
        """What tells Workflows of Reservations.

        `base_url` and `refused` are as Answers takes them, `reader` as for a matcher.
        """
        answers = Answers(self.reservations, self.setups, base_url=base_url, refused=refused)
        return AssignmentRelay(
            self._live,
            self.events,
            self._owners,
            self.callbacks,
            answers,
            self.pipeline,
            post,
            name=name,
            shards=self.shards,
            reader=reader,
        )

    def event_relay(
        self, name: str, post: Post, *, hours: int = 0, reader: Pipeline | None = None
    ) -> EventRelay:
        """What tells Workspaces of events, those that were not taken again for `hours`. `reader` as for a matcher."""
        return EventRelay(
            self._live,
            self.events,
            self._owners,
            self.pipeline,
            self.scripts,
            post,
            name=name,
            shards=self.shards,
            reader=reader,
            hours=hours,
        )
