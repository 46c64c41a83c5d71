"""Indexing: finds the pools of a Worker whose name, attributes or Activity changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from engine.errors import Unavailable
from engine.live import ATTEMPTS, Live
from engine.market import Market
from engine.model import WorkspaceConfig
from engine.pools import MarketOf, Newest
from engine.scripts import Status


class Indexing:
    """Indexes the Workers of all Workspaces. Every method raises NotFound (Workspace gone) and Unavailable."""

    def __init__(self, live: Live, market_of: MarketOf, newest: Newest) -> None:
        self._live, self._market_of, self._newest = live, market_of, newest

    async def index(self, config: WorkspaceConfig, sid: str) -> None:
        market = await self._market_of(config)
        masks, changed = await self.masks(config, market, sid)
        await self._index_one(config, sid, masks)
        for pool_id in changed:  # its order counts other clauses now, for every member
            members = market.workers.members(market.pools[pool_id].condition)
            await self.index_all(config, [facts.sid for facts in members if facts.sid != sid], masks)
            await self._live.ask("HSET", self._live.keys(config).pool(pool_id), "ignored", masks[pool_id])

    async def _index_one(self, config: WorkspaceConfig, sid: str, masks: Mapping[str, int]) -> None:
        for _ in range(ATTEMPTS):
            market = await self._market_of(config)
            facts, dv = market.workers.get(sid), market.version_of(sid)
            if facts is None or dv is None:
                return
            args: list[str | bytes | int] = [sid, dv, market.pool_version, market.config.version]
            for pool_id in market.conditions.matching(facts):
                terms = market.terms(pool_id, facts, masks.get(pool_id, 0))
                args += (pool_id, terms, market.pools[pool_id].spec.born_ms)
            reply = await self._live.script("index_worker", config, args)
            if reply[0] == Status.OK:
                return
            config = await self._newest(config)
        raise Unavailable(f"Worker {sid} changes faster than it can be indexed", outcome_unknown=False)

    async def index_all(self, config: WorkspaceConfig, sids: Iterable[str], masks: Mapping[str, int]) -> None:
        await asyncio.gather(*(self._index_one(config, sid, masks) for sid in sids))

    async def masks(
        self, config: WorkspaceConfig, market: Market, sid: str
    ) -> tuple[dict[str, int], list[str]]:
        """The void clauses of the ordered pools that a Worker is or was in, and those where they are others since."""
        keys, facts = self._live.keys(config), market.workers.get(sid)
        near = set(await self._pools_of(config, sid)) | set(
            market.conditions.matching(facts) if facts else ()
        )
        ordered = sorted(i for i in near if i in market.pools and market.pools[i].order_by is not None)
        stored = await self._live.config.together(*(("HGET", keys.pool(i), "ignored") for i in ordered))
        masks: dict[str, int] = {}
        changed: list[str] = []
        for pool_id, before in zip(ordered, stored, strict=True):
            mask = market.ignored(pool_id, [facts]) if facts is not None else 0
            if (
                before or mask
            ):  # else nobody has a value that makes a clause void, and there is no need to look
                mask = market.ignored(pool_id, market.workers.members(market.pools[pool_id].condition))
            masks[pool_id] = mask
            if mask != int(before or 0):
                changed.append(pool_id)
        return masks, changed

    async def _pools_of(self, config: WorkspaceConfig, sid: str) -> list[str]:
        """The pools that a Worker is in by its record."""
        fields = (await self._live.hashes([self._live.keys(config).worker(sid)]))[0]
        lists = [value.decode() for name, value in fields.items() if name.startswith(b"pl")]
        return [pool_id for text in lists for pool_id in text.split(",") if pool_id]
