"""Rosters: the Workers of a Workspace in memory, for who counts those that satisfy a TaskQueue.

The same index that matchers keep, brought up to date from the same log each time it is asked. It is a cache, and never
a stale one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from engine.compiled import CompiledCache
from engine.live import Live
from engine.market import Market
from engine.model import WorkspaceConfig
from engine.rules import Condition, WorkerFacts, WorkerIndex, specialise

MAX_ROSTERS: Final = 100  # Workspaces whose Workers a process keeps; 100,000 Workers are some 100 MB
MAX_CONDITIONS: Final = 10_000  # texts of TargetWorkers kept ready


class WorkerFilter(Struct, frozen=True, kw_only=True):
    """Which Workers count: those that meet every condition given. The name of a Worker ignores case."""

    friendly_name: str | None = None
    task_queue_sid: str | None = None
    task_queue_name: str | None = None


EVERYBODY: Final = WorkerFilter()


class Rosters:
    """The Workers of the Workspaces that were asked about last. Every method raises Unavailable."""

    def __init__(self, live: Live, compiled: CompiledCache) -> None:
        self._live, self._compiled = live, compiled
        self._markets: dict[tuple[int, int], Market] = {}  # least recently used first
        self._conditions: dict[str, Condition] = {}

    async def eligible(self, config: WorkspaceConfig, queues: Iterable[str]) -> dict[str, dict[str, int]]:
        """For each TaskQueue the Workers that satisfy its TargetWorkers, by Activity, all of them listed.

        Cost: as `workers`, and set algebra and 0.2 µs a member for each different expression.
        """
        workers = await self.workers(config)
        known: dict[str, dict[str, int]] = {}
        found: dict[str, dict[str, int]] = {}
        for sid in queues:
            text = config.queues[sid].target_workers
            if text not in known:
                await asyncio.sleep(0)  # a large centre takes ms for an expression
                known[text] = by_activity(config, workers.members(self._condition(config, sid)))
            found[sid] = known[text]
        return found

    async def chosen(self, config: WorkspaceConfig, wanted: WorkerFilter) -> dict[str, WorkerFacts]:
        """The Workers that a filter lets through, by SID. Cost as `eligible`. An unknown TaskQueue has none."""
        workers = await self.workers(config)
        sid, name = wanted.task_queue_sid, wanted.task_queue_name
        queues = [
            queue.sid
            for queue in config.queues.values()
            if (sid is None or queue.sid == sid) and (name is None or queue.friendly_name == name)
        ]
        if wanted.friendly_name is None:
            found: dict[str, WorkerFacts] = {}
            for queue in queues:
                await asyncio.sleep(0)
                members = workers.members(self._condition(config, queue))
                found.update((facts.sid, facts) for facts in members)
            return found
        facts = await self._named(config, workers, wanted.friendly_name)
        everyone = sid is None and name is None
        if facts is None or not (everyone or any(self._condition(config, q).matches(facts) for q in queues)):
            return {}
        return {facts.sid: facts}

    async def workers(self, config: WorkspaceConfig) -> WorkerIndex:
        """The Workers as they are now.

        Cost: one round trip when none has changed since the last call in this process, else some 10 µs for each
        that has: at first all of them.
        """
        key = (config.shard, config.workspace.number)
        market = self._markets.pop(key, None) or Market(self._live, config)
        self._markets[key] = market
        if len(self._markets) > MAX_ROSTERS:
            del self._markets[next(iter(self._markets))]
        await market.sync_workers(config)
        return market.workers

    async def _named(
        self, config: WorkspaceConfig, workers: WorkerIndex, friendly_name: str
    ) -> WorkerFacts | None:
        """The Worker of this name; there is at most one."""
        sid = await self._live.ask("HGET", self._live.keys(config).names, friendly_name.casefold())
        return None if sid is None else workers.get(sid.decode())

    def _condition(self, config: WorkspaceConfig, queue: str) -> Condition:
        text = config.queues[queue].target_workers
        condition = self._conditions.get(text)
        if condition is None:
            if len(self._conditions) >= MAX_CONDITIONS:
                self._conditions.clear()
            condition = specialise(self._compiled.of(config).queue(queue), None, {})
            self._conditions[text] = condition
        return condition


def by_activity(config: WorkspaceConfig, workers: Iterable[WorkerFacts]) -> dict[str, int]:
    """How many of these Workers are in each Activity of the Workspace, all of them listed."""
    counts = Counter(facts.activity_sid for facts in workers)
    return {sid: counts[sid] for sid in config.activities}
