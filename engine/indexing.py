"""Indexing: finds the pools of a Worker whose name, attributes or Activity changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from engine.errors import Unavailable
from engine.live import ATTEMPTS, Live
from engine.market import Market
from engine.model import WorkspaceConfig
from engine.pools import MarketOf, Newest
from engine.rules.facts import WorkerFacts
from engine.scripts import Status


class Indexing:
    """Indexes the Workers of all Workspaces. Every method raises NotFound (Workspace gone) and Unavailable."""

    def __init__(self, live: Live, market_of: MarketOf, newest: Newest) -> None:
        self._live, self._market_of, self._newest = live, market_of, newest

    async def index(self, config: WorkspaceConfig, sid: str) -> None:
        market = await self._market_of(config)
        before, masks = await self._masks(config, market, sid)
        await self._index_one(config, sid, masks)
        for pool_id, mask in masks.items():
            if mask != before[pool_id]:
                members = [facts.sid for facts in _members(market, pool_id) if facts.sid != sid]
                await self._let_count(config, pool_id, mask, members)

    async def reorder(self, config: WorkspaceConfig, pool_id: str) -> None:
        """Index the members of an ordered pool anew where other clauses count since a Worker left it."""
        market = await self._market_of(config)
        before = await self._stored(config, market, [pool_id])
        for ordered, old in before.items():
            members = _members(market, ordered)
            mask = market.ignored(ordered, members)
            if mask != old:
                await self._let_count(config, ordered, mask, [facts.sid for facts in members])

    async def index_all(
        self, config: WorkspaceConfig, sids: Iterable[str], masks: Mapping[str, int] | None = None
    ) -> None:
        """Index many Workers; `masks` are the void clauses of pools where they are about to be others than stored."""
        await asyncio.gather(*(self._index_one(config, sid, masks or {}) for sid in sids))

    async def _let_count(
        self, config: WorkspaceConfig, pool_id: str, mask: int, members: Iterable[str]
    ) -> None:
        """Void these clauses of a pool's order, and no others, for these members."""
        await self.index_all(config, members, {pool_id: mask})
        await self._live.ask("HSET", self._live.keys(config).pool(pool_id), "ignored", mask)

    async def _index_one(self, config: WorkspaceConfig, sid: str, masks: Mapping[str, int]) -> None:
        for _ in range(ATTEMPTS):
            market = await self._market_of(config)
            facts, dv = market.workers.get(sid), market.version_of(sid)
            if facts is None or dv is None:
                return
            pool_version, version = market.pool_version, market.config.version
            pools = [(i, market.pools[i].spec.born_ms) for i in market.conditions.matching(facts)]
            stored = await self._stored(config, market, [i for i, _ in pools if i not in masks])
            if any(pool_id not in market.pools for pool_id, _ in pools):
                continue  # dropped while we asked: the script would say that this is outdated
            void = {**stored, **masks}
            args: list[str | bytes | int] = [sid, dv, pool_version, version]
            for pool_id, born_ms in pools:
                args += (pool_id, market.terms(pool_id, facts, void.get(pool_id, 0)), born_ms)
            reply = await self._live.script("index_worker", config, args)
            if reply[0] == Status.OK:
                return
            config = await self._newest(config)
        raise Unavailable(f"Worker {sid} changes faster than it can be indexed", outcome_unknown=False)

    async def _masks(
        self, config: WorkspaceConfig, market: Market, sid: str
    ) -> tuple[dict[str, int], dict[str, int]]:
        """The void clauses of the ordered pools that a Worker is or was in: those stored, and those that should be."""
        facts = market.workers.get(sid)
        near = {*await self._pools_of(config, sid), *(market.conditions.matching(facts) if facts else ())}
        before = await self._stored(config, market, sorted(near))
        masks: dict[str, int] = {}
        for pool_id, old in before.items():
            mask = market.ignored(pool_id, [facts]) if facts is not None else 0
            if old or mask:  # else nobody has a value that makes a clause void, and there is no need to look
                mask = market.ignored(pool_id, _members(market, pool_id))
            masks[pool_id] = mask
        return before, masks

    async def _stored(
        self, config: WorkspaceConfig, market: Market, pool_ids: Iterable[str]
    ) -> dict[str, int]:
        """The void clauses of those of the pools that have an order; no round trip where none has."""
        keys = self._live.keys(config)
        ordered = [i for i in pool_ids if i in market.pools and market.pools[i].order_by is not None]
        if not ordered:
            return {}
        values = await self._live.config.together(*(("HGET", keys.pool(i), "ignored") for i in ordered))
        return {pool_id: int(value or 0) for pool_id, value in zip(ordered, values, strict=True)}

    async def _pools_of(self, config: WorkspaceConfig, sid: str) -> list[str]:
        """The pools that a Worker is in by its record."""
        fields = (await self._live.hashes([self._live.keys(config).worker(sid)]))[0]
        lists = [value.decode() for name, value in fields.items() if name.startswith(b"pl")]
        return [pool_id for text in lists for pool_id in text.split(",") if pool_id]


def _members(market: Market, pool_id: str) -> list[WorkerFacts]:
    return market.workers.members(market.pools[pool_id].condition)
