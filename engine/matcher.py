"""The matcher: takes work from the inbox stream, decides by the rules, commits through scripts; fires what is due.

Any number of matchers share one consumer group. An entry is acknowledged when its work is done, so what a dead
matcher held is claimed by another after CLAIM_MS. Whatever is done twice finds itself done and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from enum import Enum, auto
from typing import Any, Final

from msgspec import Struct

from engine.errors import NotFound, Unavailable
from engine.keys import ShardKeys
from engine.live import shard_keys
from engine.matching import Matching
from engine.outage import Outage
from engine.redis import Pipeline, PipelineError, ServerError
from engine.scripts import Scripts

GROUP: Final = "matchers"
BATCH: Final = (
    64  # entries read at a time: 27 times the throughput of one, and little to reclaim after a death
)
BLOCK_MS: Final = 1_000
CLAIM_MS: Final = 1_000  # an entry neither done nor renewed for this long belongs to a dead matcher
MAX_DELIVERIES: Final = 5  # an entry that failed, or killed its matcher, this often is set aside
TIMERS_A_RUN: Final = 8  # each may free a Worker for others: together some 3 ms of the server
TIMER_PERIOD_S: Final = 0.1  # deadlines are late by at most this and a round trip (promised: 1 s)
SWEEP_PERIOD_S: Final = 30.0  # between looks for pools that nobody uses
UPKEEP_PERIOD_S: Final = 0.5  # with CLAIM_MS: another matcher takes over within 2 s
EVENTS_KEPT: Final = 1_000_000  # entries that a shard keeps for relays that are not there: some 250 MB

log = logging.getLogger("trunkline.matcher")


class Outcome(Enum):
    """What became of an inbox entry."""

    DONE = auto()
    FAILED = auto()  # by a mistake of ours
    LATER = auto()  # the server could not be asked, or changed faster than we read


class Entry(Struct, frozen=True):
    """One piece of work: see `ask` in lua/lib/events.lua."""

    shard: int
    id: bytes
    kind: str
    number: int
    fields: dict[str, str]


class Matcher:
    """One matcher. `pipeline` is shared with others; `reader` is its own, for reads that block."""

    def __init__(
        self,
        matching: Matching,
        pipeline: Pipeline,
        scripts: Scripts,
        *,
        name: str,
        shards: int = 1,
        reader: Pipeline | None = None,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self.matching, self._pipeline, self._scripts = matching, pipeline, scripts
        self._name, self._reader, self._now_ms = name, reader or pipeline, now_ms
        self._shards = [ShardKeys(shard) for shard in range(shards)]
        self._by_inbox = {keys.inbox.encode(): keys.shard for keys in self._shards}
        self._stopping = asyncio.Event()
        self._doing: dict[int, set[bytes]] = {keys.shard: set() for keys in self._shards}
        self.handled = 0  # entries done since the start

    async def start(self) -> None:
        """Make the consumer groups where they are missing. Raises Unavailable."""
        for keys in self._shards:
            try:
                await self._pipeline.call("XGROUP", "CREATE", keys.inbox, GROUP, "0", "MKSTREAM")
            except ServerError as error:
                if error.code != "BUSYGROUP":
                    raise Unavailable(str(error), outcome_unknown=False) from error
            except PipelineError as error:
                raise Unavailable(str(error), outcome_unknown=False) from error

    async def run(self) -> None:
        """Work until `stop`: the inbox, the timers and the upkeep side by side."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat("inbox", self._take, 0.0))
            group.create_task(self._repeat("timers", self._fire_until_quiet, TIMER_PERIOD_S))
            group.create_task(self._repeat("upkeep", self._upkeep, UPKEEP_PERIOD_S))
            group.create_task(self._repeat("unused pools", self._sweep, SWEEP_PERIOD_S))

    def stop(self) -> None:
        """Finish what was taken, then let `run` return. At most one blocking read (1 s) later."""
        self._stopping.set()

    async def run_once(self) -> int:
        """Do what is there and due, one entry after the other and without waiting. Returns how much that was.

        For tests and simulations, where the same inbox has to give the same outcome every time.
        """
        done = 0
        while entries := await self._read(self._pipeline, None):
            for entry in entries:
                done += await self._handle([entry])
        return done + await self.fire_timers()

    async def fire_timers(self) -> int:
        """Fire what is due, in every shard. Returns how many Tasks that were. Raises Unavailable."""
        fired = 0
        for keys in self._shards:
            while True:
                now: int | str = "" if self._now_ms is None else self._now_ms()
                reply = await self._call(
                    self._scripts.run("fire_timers", (keys.prefix, keys.prefix), (now, TIMERS_A_RUN))
                )
                fired += reply[1]
                if reply[1] < TIMERS_A_RUN:
                    break
        return fired

    async def _take(self) -> None:
        await self._handle(await self._read(self._reader, BLOCK_MS))

    async def _fire_until_quiet(self) -> None:
        await self.fire_timers()

    async def _sweep(self) -> None:
        dropped = await self.matching.sweep()
        if dropped:
            log.info("%d pools were not used for a while and are dropped", dropped)

    async def _upkeep(self) -> None:
        """Claim what a dead matcher held, and trim the event streams."""
        for keys in self._shards:
            await self.claim(keys, CLAIM_MS)
            await self._trim(keys)

    async def _trim(self, keys: ShardKeys) -> None:
        """Drop from the stream of events what relays have logged, and where there is no relay what is too much."""
        position = await self._call(self._pipeline.call("HGET", keys.log, "position"))
        if position is not None:
            await self._call(self._pipeline.call("XTRIM", keys.events, "MINID", "~", position))
        await self._call(self._pipeline.call("XTRIM", keys.events, "MAXLEN", "~", EVENTS_KEPT))

    async def claim(self, keys: ShardKeys, idle_ms: int) -> int:
        """Take over and do entries that nobody renewed for `idle_ms`; at most BATCH. Returns how many were taken.

        Those that this matcher is doing are renewed first, so that slow work is not begun twice.
        """
        doing = self._doing[keys.shard]
        if doing:
            await self._call(
                self._pipeline.call("XCLAIM", keys.inbox, GROUP, self._name, 0, *doing, "JUSTID")
            )
        pending = await self._call(
            self._pipeline.call("XPENDING", keys.inbox, GROUP, "IDLE", idle_ms, "-", "+", BATCH)
        )
        pending = [row for row in pending if row[0] not in doing]
        await self._set_aside(keys, [row[0] for row in pending if row[3] >= MAX_DELIVERIES])
        ids = [row[0] for row in pending if row[3] < MAX_DELIVERIES]
        if not ids:
            return 0
        claimed = await self._call(
            self._pipeline.call("XCLAIM", keys.inbox, GROUP, self._name, idle_ms, *ids)
        )
        if claimed:
            log.info("claimed %d entries that another matcher left undone", len(claimed))
        return await self._handle([_entry(keys.shard, item) for item in claimed if item])

    async def _set_aside(self, keys: ShardKeys, ids: Sequence[bytes]) -> None:
        for entry_id in ids:
            items = await self._call(self._pipeline.call("XRANGE", keys.inbox, entry_id, entry_id))
            for _, fields in items:
                log.error("gave up on inbox entry %s after %d tries: %s", entry_id, MAX_DELIVERIES, fields)
                await self._call(self._pipeline.call("XADD", keys.dead, "*", *fields))
            await self._call(self._pipeline.call("XACK", keys.inbox, GROUP, entry_id))
            await self._call(self._pipeline.call("XDEL", keys.inbox, entry_id))

    async def _read(self, pipeline: Pipeline, block_ms: int | None) -> list[Entry]:
        block = () if block_ms is None else ("BLOCK", block_ms)
        inboxes = [keys.inbox for keys in self._shards]
        reply = await self._call(
            pipeline.call(
                *("XREADGROUP", "GROUP", GROUP, self._name, "COUNT", BATCH, *block),
                *("STREAMS", *inboxes, *([">"] * len(inboxes))),
            )
        )
        return [_entry(self._by_inbox[inbox], item) for inbox, items in reply or () for item in items]

    async def _handle(self, entries: Sequence[Entry]) -> int:
        """Do the entries side by side, so that their calls share round trips, and acknowledge what is done."""
        if not entries:
            return 0
        for entry in entries:
            self._doing[entry.shard].add(entry.id)
        try:
            outcomes = await asyncio.gather(*(self._do(entry) for entry in entries))
        finally:
            for entry in entries:
                self._doing[entry.shard].discard(entry.id)
        done: dict[int, list[bytes]] = {}
        for entry, outcome in zip(entries, outcomes, strict=True):
            if outcome is Outcome.DONE:
                done.setdefault(entry.shard, []).append(entry.id)
            elif outcome is Outcome.LATER:
                self._uncount(entry)
        for shard, ids in done.items():
            keys = shard_keys(shard)
            self._post("XACK", keys.inbox, GROUP, *ids)
            self._post("XDEL", keys.inbox, *ids)
            self.handled += len(ids)
        return len(entries)

    def _uncount(self, entry: Entry) -> None:
        """A server that cannot be asked is not the entry's fault: the try does not count towards MAX_DELIVERIES."""
        keys = shard_keys(entry.shard)
        self._post("XCLAIM", keys.inbox, GROUP, self._name, 0, entry.id, "RETRYCOUNT", 0, "JUSTID")

    def _post(self, *command: str | bytes | int) -> None:
        """Send without waiting: it leaves with the next read. What is lost makes an entry be done again."""
        try:
            self._pipeline.send(*command).add_done_callback(_noted)
        except PipelineError as error:
            log.warning("%s was not sent: %s", command[0], error)

    async def _do(self, entry: Entry) -> Outcome:
        """What became of the entry. One that is not done stays pending and is claimed again."""
        try:
            await self.matching.do(entry.kind, entry.shard, entry.number, entry.fields)
        except NotFound:
            return Outcome.DONE  # the Workspace was deleted meanwhile: nothing is left to do
        except Unavailable as error:
            log.warning("inbox entry %s waits for another try: %s", entry.id, error)
            return Outcome.LATER
        except Exception:
            log.exception("inbox entry %s failed: %s", entry.id, entry.fields)
            return Outcome.FAILED
        return Outcome.DONE

    async def _repeat(
        self, name: str, work: Callable[[], Coroutine[Any, Any, None]], period_s: float
    ) -> None:
        """Do `work` until stopped, `period_s` apart; a server that is away is waited for."""
        outage = Outage(log, name)
        while not self._stopping.is_set():
            pause_s = period_s
            try:
                await work()
                outage.done()
            except Unavailable as error:
                outage.failed(error)
                pause_s = max(period_s, 0.2)
                await self._mend(error)
            if pause_s:
                await self._pause(pause_s)

    async def _mend(self, error: Unavailable) -> None:
        """The consumer group is gone after somebody emptied the database: make it again."""
        if "NOGROUP" in str(error):
            try:
                await self.start()
            except Unavailable as again:
                log.warning("%s", again)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _call(self, reply: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await reply
        except PipelineError as error:
            raise Unavailable(str(error), outcome_unknown=True) from error


def _entry(shard: int, item: Any) -> Entry:
    entry_id, flat = item
    fields = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
    return Entry(shard=shard, id=entry_id, kind=fields["k"], number=int(fields["w"]), fields=fields)


def _noted(reply: asyncio.Future[Any]) -> None:
    """An acknowledgement that did not arrive: the entry is claimed and found done."""
    if not reply.cancelled() and reply.exception() is not None:
        log.warning("acknowledgement lost: %s", reply.exception())
