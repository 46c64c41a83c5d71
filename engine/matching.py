"""What a matcher does with each kind of inbox entry.

route     a Task needs a pool that was not installed when it came: install it, put the Task in
index     a Worker's attributes, name or Activity changed: find its pools
settle    a script had done its share of matching: go on
replace   a TaskQueue (q), Workflow (f) or Task Channel (c) changed: place its Tasks anew; an Activity's name or the
          set of Task Channels (a) did: find the pools of every Worker anew
reap      a Workspace was deleted: delete its keys, a bounded piece at a time
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from engine import checks
from engine.errors import NotFound, Unavailable
from engine.keys import WorkspaceKeys
from engine.live import ATTEMPTS, Live, shard_keys
from engine.market import Market
from engine.model import WorkspaceConfig
from engine.placement import Placement, Placers, PoolRules, PoolSpec
from engine.reaper import reap
from engine.records import Fields, is_unplaced, priority_of, revision_of
from engine.scripts import Status

MEMBERS_A_CALL: Final = 200  # Workers added in one script run, about 2 ms of the server
WALK: Final = 500  # Tasks or Workers looked at for one `replace` entry; the rest is handed on
PIECES: Final = 20  # pieces of a deleted Workspace for one `reap` entry
MAX_MARKETS: Final = 1_000

_encode: Final = msgspec.json.Encoder().encode


class Matching:
    """The work of matchers on one deployment."""

    def __init__(self, live: Live, placers: Placers) -> None:
        self._live, self._placers = live, placers
        self._markets: dict[tuple[int, int], Market] = {}
        self._installing: dict[tuple[int, int, str], asyncio.Lock] = {}

    async def do(self, kind: str, shard: int, number: int, fields: Mapping[str, str]) -> None:
        """Do one entry. Raises NotFound when the Workspace is gone, Unavailable."""
        if kind == "reap":
            await self._reap(shard, number)
            return
        config = await self._config(shard, number)
        match kind:
            case "route":
                await self._route(config, fields["t"])
            case "index":
                await self._index(config, fields["t"])
            case "settle":
                await self._live.script("settle", config, (fields.get("p", ""), fields.get("t", "")))
            case "replace":
                await self._replace(config, fields)
            case _:
                raise AssertionError(f"unknown kind of inbox entry: {kind!r}")

    async def _config(self, shard: int, number: int) -> WorkspaceConfig:
        owner = await self._live.ask("HMGET", WorkspaceKeys(shard, number).ws, "account", "sid")
        if owner[0] is None:
            raise NotFound(str(number))
        return await self._live.known(owner[0].decode(), owner[1].decode())

    async def _newest(self, config: WorkspaceConfig) -> WorkspaceConfig:
        return await self._live.config.refresh(config.workspace.account_sid, config.workspace.sid)

    async def _market(self, config: WorkspaceConfig) -> Market:
        key = (config.shard, config.workspace.number)
        market = self._markets.pop(key, None) or Market(self._live, config)
        self._markets[key] = market
        if len(self._markets) > MAX_MARKETS:
            del self._markets[next(iter(self._markets))]
        await market.sync(config)
        return market

    # ---- route

    async def _route(self, config: WorkspaceConfig, sid: str) -> None:
        for _ in range(ATTEMPTS):
            (fields,) = await self._live.hashes([self._live.keys(config).task(sid)])
            if not fields or not is_unplaced(fields):
                return
            placement = self._place(config, fields)
            reply = await self._live.script("route_task", config, _route_args(config, sid, fields, placement))
            if reply[0] == Status.OK:
                return
            if reply[0] == Status.STALE:
                config = await self._newest(config)
            else:
                assert placement is not None
                await self._install(config, placement.spec, placement.digest)
        raise Unavailable(f"Task {sid} changes faster than it can be routed", outcome_unknown=False)

    def _place(self, config: WorkspaceConfig, fields: Fields) -> Placement | None:
        _, workflow, number = fields[b"tag"].decode().split("|")
        channel = config.channel_numbered(int(number))
        if channel is None or workflow not in config.workflows:
            return None
        values = checks.json_object("attributes", fields[b"attrs"].decode())
        return self._placers.of(config).place(workflow, values, channel)

    async def _install(self, config: WorkspaceConfig, spec: PoolSpec, digest: str) -> None:
        """Make a pool usable. Registered first, then filled: a Worker that changes meanwhile is indexed for it."""
        key = (config.shard, config.workspace.number, digest)
        lock = self._installing.setdefault(key, asyncio.Lock())
        try:
            async with lock:  # a hundred Tasks that need the same new pool make it once
                await self._install_alone(config, spec, digest)
        finally:
            if not lock.locked():
                self._installing.pop(key, None)

    async def _install_alone(self, config: WorkspaceConfig, spec: PoolSpec, digest: str) -> None:
        rules = PoolRules(spec)
        reply = await self._live.timeless(
            "register_pool",
            config,
            (digest, spec.channel, rules.flags, _encode(spec), "1" if rules.condition.uses_activity else "0"),
        )
        if reply[0] != Status.OK:
            raise NotFound(config.workspace.sid)
        pool_id, ready = reply[1].decode(), reply[2] == b"1"
        if ready:
            return
        for _ in range(ATTEMPTS):
            if await self._fill(config, pool_id, rules):
                return
            config = await self._newest(config)
        raise Unavailable(f"{config.workspace.sid} changes faster than it can be read", outcome_unknown=False)

    async def _fill(self, config: WorkspaceConfig, pool_id: str, rules: PoolRules) -> bool:
        """Add the members of a registered pool; False when they were found by an outdated configuration."""
        market = await self._market(config)
        version, members = market.config.version, market.workers.members(rules.condition)
        ignored = market.ignored(pool_id, members)
        if ignored:
            await self._live.ask("HSET", self._live.keys(config).pool(pool_id), "ignored", ignored)
        flat: list[str | bytes] = []
        for facts in members:
            flat += (facts.sid, market.version_of(facts.sid) or b"", market.terms(pool_id, facts, ignored))
        width = 3 * MEMBERS_A_CALL
        for start in range(0, max(len(flat), 1), width):
            last = "1" if start + width >= len(flat) else "0"
            args = (pool_id, last, rules.spec.born_ms, version, *flat[start : start + width])
            if (await self._live.timeless("add_members", config, args))[0] == Status.STALE:
                return False
        return True

    # ---- index

    async def _index(self, config: WorkspaceConfig, sid: str) -> None:
        market = await self._market(config)
        masks, changed = await self._masks(config, market, sid)
        await self._index_one(config, sid, masks)
        for pool_id in changed:  # its order counts other clauses now, for every member
            members = market.workers.members(market.pools[pool_id].condition)
            await self._index_all(config, [facts.sid for facts in members if facts.sid != sid], masks)
            await self._live.ask("HSET", self._live.keys(config).pool(pool_id), "ignored", masks[pool_id])

    async def _index_one(self, config: WorkspaceConfig, sid: str, masks: Mapping[str, int]) -> None:
        for _ in range(ATTEMPTS):
            market = await self._market(config)
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

    async def _index_all(
        self, config: WorkspaceConfig, sids: Iterable[str], masks: Mapping[str, int]
    ) -> None:
        await asyncio.gather(*(self._index_one(config, sid, masks) for sid in sids))

    async def _masks(
        self, config: WorkspaceConfig, market: Market, sid: str
    ) -> tuple[dict[str, int], list[str]]:
        """The void clauses of every ordered pool, and the pools where they are others since this Worker changed."""
        ordered = [pool_id for pool_id, rules in market.pools.items() if rules.order_by is not None]
        keys, facts = self._live.keys(config), market.workers.get(sid)
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

    # ---- replace and reap

    async def _replace(self, config: WorkspaceConfig, fields: Mapping[str, str]) -> None:
        """Place anew what a changed configuration record concerns; WALK records now, the rest as another entry."""
        config = await self._newest(config)
        keys, after = self._live.keys(config), fields.get("after", "")
        if "a" not in fields:
            start = f"({after}" if after else "-inf"
            index = await self._live.ask(
                "ZRANGEBYSCORE", keys.tasks, start, "+inf", "WITHSCORES", "LIMIT", 0, WALK
            )
            sids, place = [sid.decode() for sid in index[::2]], index[-1].decode() if index else ""
            await self._replace_tasks(config, sids, fields)
        else:
            start = f"({after}" if after else "-"
            index = await self._live.ask("ZRANGEBYLEX", keys.workers, start, "+", "LIMIT", 0, WALK)
            sids = [sid.decode() for sid in index]
            place = sids[-1] if sids else ""
            market = await self._market(config)
            masks, _ = await self._masks(config, market, "")
            await self._index_all(config, sids, masks)
        if len(sids) == WALK:
            again = {**fields, "after": place}
            flat = [part for pair in again.items() for part in pair]
            await self._live.ask("XADD", shard_keys(config.shard).inbox, "*", *flat)

    async def _replace_tasks(
        self, config: WorkspaceConfig, sids: list[str], fields: Mapping[str, str]
    ) -> None:
        keys = self._live.keys(config)
        place = next(index for index, name in enumerate("qfc") if name in fields)
        wanted = fields["qfc"[place]]
        records = await self._live.hashes([keys.task(sid) for sid in sids])
        concerned = [
            sid
            for sid, record in zip(sids, records, strict=True)
            if record
            and record[b"tag"].split(b"|")[place] == wanted.encode()
            and record[b"s"].split(b"|")[0] in {b"pending", b"reserved"}
        ]
        await asyncio.gather(*(self._restart(config, sid) for sid in concerned))

    async def _restart(self, config: WorkspaceConfig, sid: str) -> None:
        """Start a Task at the first filter of its Workflow again."""
        for _ in range(ATTEMPTS):
            (fields,) = await self._live.hashes([self._live.keys(config).task(sid)])
            if not fields:
                return
            placement = self._place(config, fields)
            where: tuple[str | int, ...] = ("", "", "", "")
            if placement is not None:
                own = "" if placement.priority is None else placement.priority
                where = (placement.digest, placement.queue_sid, own, placement.answer_s)
            reply = await self._live.script(
                "update_task", config, (config.version, sid, revision_of(fields), "", "", "", "", "1", *where)
            )
            if reply[0] in {Status.OK, Status.NOT_FOUND}:
                return
            config = await self._newest(config)
        raise Unavailable(f"Task {sid} changes faster than it can be placed", outcome_unknown=False)

    async def _reap(self, shard: int, number: int) -> None:
        self._markets.pop((shard, number), None)
        for _ in range(PIECES):
            if not await reap(self._live.config.scripts, shard, number):
                return
        await self._live.ask("XADD", shard_keys(shard).inbox, "*", "k", "reap", "w", number)


def _route_args(
    config: WorkspaceConfig, sid: str, fields: Fields, placement: Placement | None
) -> tuple[Any, ...]:
    if placement is None:
        return (config.version, sid, revision_of(fields), "", "", "", "")
    own = priority_of(fields) if placement.priority is None else placement.priority
    return (
        config.version,
        sid,
        revision_of(fields),
        placement.digest,
        placement.queue_sid,
        own,
        placement.answer_s,
    )
