"""What a matcher keeps in memory of one Workspace: its Workers and pools, indexed. A cache and nothing else.

It is brought up to date from two logs in Redis, which say in what order Workers and pools last changed, so a matcher
that is behind reads only what it missed.
"""

from __future__ import annotations

from typing import Final

import msgspec

from engine.flights import Flights
from engine.live import Live
from engine.model import WorkspaceConfig
from engine.placement import PoolRules, PoolSpec
from engine.rules import ChannelFacts, ConditionIndex, Invalid, WorkerFacts, WorkerIndex

CHUNK: Final = 500  # records read in one round trip

_decode_spec: Final = msgspec.json.Decoder(PoolSpec).decode
_decode_json: Final = msgspec.json.decode


class Market:
    """The Workers and pools of one Workspace."""

    def __init__(self, live: Live, config: WorkspaceConfig) -> None:
        self._live, self._keys = live, live.keys(config)
        self._flights: Flights[None] = Flights()  # one at a time catches up
        self._directory = 0
        self._activity_names: dict[str, str] = {}
        self._channels: dict[str, ChannelFacts] = {}
        self._versions: dict[str, bytes] = {}  # Worker SID -> dv of the record the index holds
        self.config = config
        self.pool_version = 0
        self.workers = WorkerIndex()
        self.conditions = ConditionIndex()
        self.pools: dict[str, PoolRules] = {}

    async def sync(self, config: WorkspaceConfig) -> None:
        """Catch up with the logs, together with all who ask meanwhile.

        One round trip when nothing has changed, else O(changes).
        """
        self._adopt(config)
        await self._flights.join("all", self._catch_up)

    async def _catch_up(self) -> None:
        head = await self._live.ask("HMGET", self._keys.ws, "directory", "pool_version", "pool_floor")
        if self.pool_version < int(head[2] or 0):
            self._forget_pools()
        if int(head[1] or 0) > self.pool_version:
            await self._sync_pools(int(head[1]))
        if int(head[0] or 0) > self._directory:
            await self._sync_workers()

    async def sync_workers(self, config: WorkspaceConfig) -> None:
        """The same for the Workers alone, for who counts and does not match."""
        self._adopt(config)
        await self._flights.join("workers", self._catch_up_workers)

    async def _catch_up_workers(self) -> None:
        """A server that was set back to an older state has a lower version: then everything is read anew."""
        directory = int(await self._live.ask("HGET", self._keys.ws, "directory") or 0)
        if directory < self._directory:
            self.workers, self._versions, self._directory = WorkerIndex(), {}, 0
        if directory > self._directory:
            await self._sync_workers()

    def version_of(self, worker_sid: str) -> bytes | None:
        """The version (dv) of the Worker that the index holds; None for one that does not exist."""
        return self._versions.get(worker_sid)

    def terms(self, pool_id: str, facts: WorkerFacts, ignored: int) -> str:
        """What lua/lib/pool.lua keeps of a Worker in an ordered or load-dependent pool: prefix|program."""
        rules = self.pools[pool_id]
        prefix = rules.order_by.prefix(rules.order_by.values(facts), ignored) if rules.order_by else ""
        program = (rules.condition.residual(facts) or "") if rules.condition.uses_channels else ""
        return (
            f"{prefix}|{self._numbered(program)}"
            if rules.order_by is not None or rules.condition.uses_channels
            else ""
        )

    def all_terms(self, pool_id: str, members: list[WorkerFacts]) -> tuple[int, list[str]]:
        """`ignored` of a new pool and the `terms` of all its members, at a tenth of the cost one by one."""
        rules = self.pools[pool_id]
        ignored, prefixes = rules.order_by.prefixes(members) if rules.order_by else (0, [""] * len(members))
        if not rules.condition.uses_channels:
            return ignored, [f"{prefix}|" if rules.order_by is not None else "" for prefix in prefixes]
        programs = rules.condition.programs(members)
        numbered = {program: self._numbered(program or "") for program in set(programs)}
        return ignored, [
            f"{prefix}|{numbered[program]}" for prefix, program in zip(prefixes, programs, strict=True)
        ]

    def ignored(self, pool_id: str, members: list[WorkerFacts]) -> int:
        """The clauses of the pool's order that count for nobody: some member has a value that is no integer (6.7)."""
        order = self.pools[pool_id].order_by
        mask = 0
        if order is not None:
            for facts in members:
                for clause, value in enumerate(order.values(facts)):
                    if isinstance(value, Invalid):
                        mask |= 1 << clause
        return mask

    def _adopt(self, config: WorkspaceConfig) -> None:
        """Names that rules read (Activities, Task Channels) come from the configuration, the newest one seen."""
        if config.version < self.config.version:
            return
        names = {sid: activity.friendly_name for sid, activity in config.activities.items()}
        channels = {c.unique_name: ChannelFacts(0, 0, 0) for c in config.channels.values()}
        self.config = config
        if names == self._activity_names and channels.keys() == self._channels.keys():
            return
        self._activity_names, self._channels = names, channels
        for sid in self._versions:
            facts = self.workers.get(sid)
            assert facts is not None
            self._put(sid, facts.friendly_name, facts.activity_sid, facts.attributes)

    def _put(self, sid: str, name: str, activity: str, attributes: dict[str, object]) -> None:
        self.workers.put(
            WorkerFacts(
                sid=sid,
                friendly_name=name,
                activity_sid=activity,
                activity_name=self._activity_names.get(activity, ""),
                attributes=attributes,
                channels=self._channels,
            )
        )

    def _forget_pools(self) -> None:
        """Pools were dropped that the log no longer tells of: start again from what it has."""
        self.pool_version, self.pools, self.conditions = 0, {}, ConditionIndex()

    async def _sync_pools(self, version: int) -> None:
        log = await self._live.ask(
            "ZRANGEBYSCORE", self._keys.pool_log, f"({self.pool_version}", "+inf", "WITHSCORES"
        )
        for start in range(0, len(log), 2 * CHUNK):
            ids = [entry.decode() for entry in log[start : start + 2 * CHUNK : 2]]
            specs = await self._live.config.together(
                *(("HMGET", self._keys.pool(i), "spec", "gone") for i in ids)
            )
            for pool_id, (spec, gone) in zip(ids, specs, strict=True):
                if spec is None or gone is not None:
                    self.pools.pop(pool_id, None)
                    self.conditions.remove(pool_id)
                    continue
                rules = self.pools[pool_id] = PoolRules(_decode_spec(spec))
                self.conditions.put(pool_id, rules.condition)
        self.pool_version = max(version, int(log[-1])) if log else version

    async def _sync_workers(self) -> None:
        log = await self._live.ask(
            "ZRANGEBYSCORE", self._keys.worker_log, f"({self._directory}", "+inf", "WITHSCORES"
        )
        for start in range(0, len(log), 2 * CHUNK):
            sids = [entry.decode() for entry in log[start : start + 2 * CHUNK : 2]]
            records = await self._live.config.together(
                *(("HMGET", self._keys.worker(sid), "dv", "name", "act", "attrs") for sid in sids)
            )
            for sid, (dv, name, activity, attributes) in zip(sids, records, strict=True):
                if dv is None:
                    self._versions.pop(sid, None)
                    self.workers.remove(sid)
                    continue
                self._versions[sid] = dv
                self._put(sid, name.decode(), activity.decode(), _decode_json(attributes))
        if log:
            self._directory = int(log[-1])

    def _numbered(self, program: str) -> str:
        """A load program with channel numbers for unique names: a:voice becomes a:1."""
        return " ".join(self._number(token) for token in program.split(" "))

    def _number(self, token: str) -> str:
        if token[:2] not in {"a:", "c:", "p:"}:
            return token
        channel = self.config.channel(token[2:])
        assert channel is not None, token
        return f"{token[:2]}{channel.number}"
