"""Pools in use: made when a Task first needs one, dropped when none has needed it for a while.

A pool is registered first and filled afterwards, so that a Worker who changes meanwhile is indexed for it; it is put
out of use first and emptied afterwards, for the same reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec

from engine.errors import NotFound, Unavailable
from engine.live import ATTEMPTS, Live
from engine.market import Market
from engine.model import WorkspaceConfig
from engine.placement import PoolRules, PoolSpec, census_of
from engine.scripts import Status

MEMBERS_A_CALL: Final = 100  # Workers added or removed in one script run, 2 to 3 ms of the server
UNUSED_MS: Final = 900_000  # a pool that no Task entered for this long is dropped
SWEPT: Final = 500  # pools looked at in one sweep of a Workspace

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(PoolSpec).decode

MarketOf = Callable[[WorkspaceConfig], Awaitable[Market]]
Newest = Callable[[WorkspaceConfig], Awaitable[WorkspaceConfig]]


class Pools:
    """Makes and drops the pools of all Workspaces. Every method raises NotFound (Workspace gone) and Unavailable."""

    def __init__(
        self, live: Live, market_of: MarketOf, newest: Newest, *, unused_ms: int = UNUSED_MS
    ) -> None:
        self._live, self._market_of, self._newest, self._unused_ms = live, market_of, newest, unused_ms
        self._installing: dict[tuple[int, int, str], asyncio.Lock] = {}
        self._cursors: dict[str, bytes] = {}  # Workspace SID -> where its last sweep ended

    async def ensure(self, config: WorkspaceConfig, specs: Iterable[PoolSpec]) -> None:
        """Install those that are not. One round trip where all are."""
        wanted = {spec.digest(): spec for spec in specs}
        if not wanted:
            return
        stored = await self._live.ask("HMGET", self._live.keys(config).pools, *wanted)
        for (digest, spec), value in zip(wanted.items(), stored, strict=True):
            if value is None or value.startswith(b"!"):
                await self.install(config, spec, digest)

    async def install(self, config: WorkspaceConfig, spec: PoolSpec, digest: str) -> str:
        """Make a pool usable; its id."""
        key = (config.shard, config.workspace.number, digest)
        lock = self._installing.setdefault(key, asyncio.Lock())
        try:
            async with lock:  # a hundred Tasks that need the same new pool make it once
                return await self._install_alone(config, spec, digest)
        finally:
            if not lock.locked():
                self._installing.pop(key, None)

    async def _install_alone(self, config: WorkspaceConfig, spec: PoolSpec, digest: str) -> str:
        rules = PoolRules(spec)
        for _ in range(ATTEMPTS):
            reply = await self._register(config, spec, digest, rules)
            if reply[0] == Status.NOT_FOUND:
                raise NotFound(config.workspace.sid)
            if reply[0] == Status.OK:
                pool_id: str = reply[1].decode()
                if reply[2] == b"1" or await self._fill(config, pool_id, rules):
                    return pool_id
            config = await self._newest(config)
        raise Unavailable(f"{config.workspace.sid} changes faster than it can be read", outcome_unknown=False)

    async def _register(
        self, config: WorkspaceConfig, spec: PoolSpec, digest: str, rules: PoolRules
    ) -> list[Any]:
        census = ""
        if spec.skip:
            counted = census_of(spec)
            census = await self.install(config, counted, counted.digest())
        fields = {
            "skip": spec.skip,
            "census": census,
            "target": spec.target,
            "reserve": spec.reserve,
            "assign": spec.assign,
            **_known(spec),
        }
        flat = [part for pair in fields.items() for part in pair]
        reads_activity = "1" if rules.condition.uses_activity else "0"
        args = (digest, spec.slot, rules.flags, _encode(spec), reads_activity, *flat)
        return await self._live.timeless("register_pool", config, args)

    async def _fill(self, config: WorkspaceConfig, pool_id: str, rules: PoolRules) -> bool:
        """Add the members of a registered pool; False when they were found by an outdated configuration."""
        market = await self._market_of(config)
        version, members = market.config.version, market.workers.members(rules.condition)
        ignored, terms = market.all_terms(pool_id, members)
        if ignored:
            await self._live.ask("HSET", self._live.keys(config).pool(pool_id), "ignored", ignored)
        flat: list[str | bytes] = []
        for facts, term in zip(members, terms, strict=True):
            flat += (facts.sid, market.version_of(facts.sid) or b"", term)
        width = 3 * MEMBERS_A_CALL
        for start in range(0, max(len(flat), 1), width):
            last = "1" if start + width >= len(flat) else "0"
            args = (pool_id, last, rules.spec.born_ms, version, *flat[start : start + width])
            if (await self._live.script("add_members", config, args))[0] == Status.STALE:
                return False
        return True

    async def sweep(self, config: WorkspaceConfig) -> int:
        """Put pools out of use that no Task has entered for a while; how many. Looks at SWEPT of them a call."""
        sid, keys = config.workspace.sid, self._live.keys(config)
        commands: list[tuple[str | bytes | int, ...]] = [
            ("HSCAN", keys.pools, self._cursors.get(sid, b"0"), "COUNT", SWEPT)
        ]
        (cursor, flat), *time = await self._live.config.together(*commands, ("TIME",))
        self._cursors[sid] = cursor
        now_ms, dropped = self._live.config.instant_ms(time), 0
        for digest, value in zip(flat[::2], flat[1::2], strict=True):
            used, _, pool_id = value.partition(b",")
            if value.startswith(b"!") or now_ms - int(used) * 100_000 < self._unused_ms:
                continue
            args = (digest, pool_id, self._unused_ms, "0")
            dropped += (await self._live.script("drop_pool", config, args))[0] == Status.OK
        return dropped

    async def drop(self, config: WorkspaceConfig, pool_id: str) -> None:
        """Empty a pool that is out of use, and forget it."""
        digest, spec = await self._live.ask("HMGET", self._live.keys(config).pool(pool_id), "digest", "spec")
        if spec is None:
            return
        market = await self._market_of(config)
        sids = [facts.sid for facts in market.workers.members(PoolRules(_decode(spec)).condition)]
        for start in range(0, max(len(sids), 1), MEMBERS_A_CALL):
            last = "1" if start + MEMBERS_A_CALL >= len(sids) else "0"
            portion = sids[start : start + MEMBERS_A_CALL]
            await self._live.script("drop_pool", config, (digest, pool_id, 0, last, *portion))


def _known(spec: PoolSpec) -> dict[str, str | int]:
    """The known Worker of a pool: SID or name, the name in the form that is unique, and what is told without it."""
    kind, _, who = spec.who.partition(":")
    folded = who.casefold() if kind == "friendly_name" else ""
    return {"who": who, "folded": folded, "lost": spec.alert or ""}
