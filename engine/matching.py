"""What a matcher does with each kind of inbox entry.

route     a Task is in no pool: it is new and its pool was not installed, or it has left a step; place it
index     a Worker's attributes, name or Activity changed: find its pools
order     a Worker was deleted whose values may have made clauses of a pool's order void: look again
settle    a script had done its share of matching: go on
refuse    a script had done its share of rejecting what a Worker was offered: go on
replace   a TaskQueue (q) or Task Channel (c) changed, or multi-tasking was turned on (m): place its Tasks anew; a
          Workflow (f): restart them; an Activity's name or the set of Task Channels (a): find every Worker's pools anew
drop      a pool is out of use: empty it, and forget it
reap      a Workspace was deleted: delete its keys, a bounded piece at a time
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.errors import NotFound, Unavailable
from engine.indexing import Indexing
from engine.keys import WorkspaceKeys
from engine.live import ATTEMPTS, Live, shard_keys
from engine.market import Market
from engine.model import WorkspaceConfig
from engine.next_step import Decision, NextStep
from engine.placement import Placers
from engine.pools import UNUSED_MS, Pools
from engine.reaper import reap
from engine.records import Fields, revision_of, spot
from engine.scripts import Status

WALK: Final = 500  # Tasks or Workers looked at for one `replace` entry; the rest is handed on
PIECES: Final = 20  # pieces of a deleted Workspace for one `reap` entry
MAX_MARKETS: Final = 1_000


class Matching:
    """The work of matchers on one deployment."""

    def __init__(self, live: Live, placers: Placers, *, unused_ms: int = UNUSED_MS) -> None:
        self._live = live
        self._markets: dict[tuple[int, int], Market] = {}
        self._pools = Pools(live, self._market, self._newest, unused_ms=unused_ms)
        self._indexing = Indexing(live, self._market, self._newest)
        self._next_step = NextStep(live, placers)

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
                await self._indexing.index(config, fields["t"])
            case "order":
                await self._indexing.reorder(config, fields["p"])
            case "settle":
                await self._live.script("settle", config, (fields.get("p", ""), fields.get("t", "")))
            case "refuse":
                await self._live.script("refuse_offers", config, fields["t"].split("|"))
            case "replace":
                await self._replace(config, fields)
            case "drop":
                await self._pools.drop(config, fields["p"])
            case _:
                raise AssertionError(f"unknown kind of inbox entry: {kind!r}")

    async def sweep(self) -> int:
        """Put unused pools of the Workspaces at hand out of use; how many. A call looks at some of each."""
        dropped = 0
        for market in list(self._markets.values()):
            try:
                dropped += await self._pools.sweep(market.config)
            except NotFound:
                self._markets.pop((market.config.shard, market.config.workspace.number), None)
        return dropped

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

    async def _route(self, config: WorkspaceConfig, sid: str) -> None:
        """Place a Task that is in no pool; one that is in one by now is left alone."""
        for _ in range(ATTEMPTS):
            (fields,) = await self._live.hashes([self._live.keys(config).task(sid)])
            if not fields or not spot(fields).is_between:
                return
            decision = await self._next_step.decide(config, fields)
            status = await self._commit(config, sid, fields, decision)
            if status == Status.OK:
                return
            if status == Status.STALE:
                config = await self._newest(config)
            else:
                assert decision.placement is not None
                await self._pools.install(config, decision.placement.spec, decision.placement.digest)
        raise Unavailable(f"Task {sid} changes faster than it can be routed", outcome_unknown=False)

    async def _commit(self, config: WorkspaceConfig, sid: str, fields: Fields, decision: Decision) -> int:
        """The status of a script that gives a Task its place, if it still is where `fields` say."""
        args = (config.version, sid, revision_of(fields), spot(fields).text, *decision.arguments)
        status: int = (await self._live.script("route_task", config, args))[0]
        return status

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
            await self._indexing.index_all(config, sids)
        if len(sids) == WALK:
            again = {**fields, "after": place}
            flat = [part for pair in again.items() for part in pair]
            await self._live.ask("XADD", shard_keys(config.shard).inbox, "*", *flat)

    async def _replace_tasks(
        self, config: WorkspaceConfig, sids: Sequence[str], fields: Mapping[str, str]
    ) -> None:
        """Move the Tasks concerned in order of their creation: together, once the pools they need are there."""
        keys = self._live.keys(config)
        records = await self._live.hashes([keys.task(sid) for sid in sids])
        concerned = [
            (sid, record)
            for sid, record in zip(sids, records, strict=True)
            if record and _is_open(record) and _concerns(fields, record)
        ]
        restart = "f" in fields
        if (
            not restart
        ):  # one that is in no pool is on its way, or delayed, and gets there by the newest rules
            concerned = [(sid, f) for sid, f in concerned if spot(f).is_placed]
        decisions = [
            await self._next_step.decide(config, f, restart=restart, stay=not restart) for _, f in concerned
        ]
        await self._pools.ensure(config, (d.placement.spec for d in decisions if d.placement is not None))
        work = zip(concerned, decisions, strict=True)
        statuses = await asyncio.gather(
            *(
                self._restart(config, sid, record, decision)
                if restart
                else self._commit(config, sid, record, decision)
                for (sid, record), decision in work
            )
        )
        for (sid, _), status in zip(concerned, statuses, strict=True):
            if status not in _done(restart=restart):
                await self._replace_again(sid, config, restart=restart)

    async def _replace_again(self, sid: str, config: WorkspaceConfig, *, restart: bool) -> None:
        """One Task that changed while it was being moved."""
        for _ in range(ATTEMPTS):
            config = await self._newest(config)
            (record,) = await self._live.hashes([self._live.keys(config).task(sid)])
            if not record or not _is_open(record) or (not restart and not spot(record).is_placed):
                return
            decision = await self._next_step.decide(config, record, restart=restart, stay=not restart)
            if decision.placement is not None:
                await self._pools.ensure(config, [decision.placement.spec])
            move = self._restart if restart else self._commit
            if await move(config, sid, record, decision) in _done(restart=restart):
                return
        raise Unavailable(f"Task {sid} changes faster than it can be placed", outcome_unknown=False)

    async def _restart(self, config: WorkspaceConfig, sid: str, fields: Fields, decision: Decision) -> int:
        """The status of a script that starts a Task at the first filter again, or has it do so once it is pending."""
        place = ("", "-", "", 0, 0, "", "") if decision.placement is None else decision.placement.arguments
        args = (config.version, sid, revision_of(fields), "", "", "", "", "1", *place)
        status: int = (await self._live.script("update_task", config, args))[0]
        return status

    async def _reap(self, shard: int, number: int) -> None:
        self._markets.pop((shard, number), None)
        for _ in range(PIECES):
            if not await reap(self._live.config.scripts, shard, number):
                return
        await self._live.ask("XADD", shard_keys(shard).inbox, "*", "k", "reap", "w", number)


def _done(*, restart: bool) -> set[int]:
    """After which statuses a Task is where it belongs. To place one, NOT_FOUND says that its pool is gone again."""
    return {Status.OK, Status.NOT_FOUND} if restart else {Status.OK}


def _is_open(record: Fields) -> bool:
    return record[b"s"].split(b"|")[0] in {b"pending", b"reserved"}


def _concerns(change: Mapping[str, str], record: Fields) -> bool:
    """Whether a Task belongs to the record that changed."""
    belongs: dict[str, Any] = dict(zip("qfc", record[b"tag"].decode().split("|"), strict=False))
    return "m" in change or any(change.get(kind) == sid for kind, sid in belongs.items())
