"""The media relay: tells media adapters what Reservations are to do, and takes their answers back to the engine.

Any number of relays share one consumer group. An entry is acknowledged when it is settled, so what a dead relay had
begun is told again by another one, with the same setup SID, by which the adapter knows it.

A slow or dead adapter holds up its own Workspace only: entries wait in memory, LANE of a Workspace are told at the same
time, and nothing is held while a broken try waits for its next.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from engine.errors import Gone, IllegalState, Invalid, NotFound, Unavailable
from engine.keys import ShardKeys, WorkspaceKeys
from engine.live import Live
from engine.media_letters import Deliver, Letter, Outcome, Reply, letter_of, withdrawal
from engine.media_setups import Setups
from engine.media_stream import Entry, MediaStreams
from engine.model import WorkspaceConfig
from engine.redis import Pipeline

AT_ONCE: Final = 100  # letters under way in one relay
LANE: Final = 20  # of them, for one Workspace
IN_HAND: Final = 10_000  # entries read and not settled, about 1 kB each; then the rest waits in Redis
READ: Final = 100  # entries taken from a shard at a time
BLOCK_MS: Final = 1_000
UPKEEP_PERIOD_S: Final = 0.5
PAUSES_S: Final = (1.0, 3.0, 8.0, 16.0)  # between five tries: half a minute, the restart of an adapter
NO_ADAPTER: Final = "the Workspace has no media adapter any more"
GIVEN_UP: Final = "the relays that tried to tell the media adapter failed"

T = TypeVar("T")

log = logging.getLogger("trunkline.relay")


class _Stopped(Exception):
    """The relay ends; what it had in hand is left to others."""


class MediaRelay:
    """One relay. `pipeline` is shared with others; `reader` is its own, for reads that block.

    `deliver` posts a letter; it has its own time limit and raises nothing. `pauses_s` are waited between tries, each a
    quarter longer or shorter by `fraction`, random in [0, 1).
    """

    def __init__(
        self,
        live: Live,
        setups: Setups,
        pipeline: Pipeline,
        deliver: Deliver,
        *,
        name: str,
        shards: int = 1,
        reader: Pipeline | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        self._live, self._setups, self._deliver = live, setups, deliver
        self._streams = MediaStreams(pipeline, name, shards)
        self._reader = reader or pipeline
        self._pauses_s, self._fraction = pauses_s, fraction
        self._stopping = asyncio.Event()
        self._hands = asyncio.Semaphore(IN_HAND)
        self._posts = asyncio.Semaphore(AT_ONCE)
        self._lanes: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._mine: dict[int, set[bytes]] = {keys.shard: set() for keys in self._streams.shards}

    async def start(self) -> None:
        """Make the consumer groups where they are missing. Raises Unavailable."""
        await self._streams.start()

    def stop(self) -> None:
        """Begin nothing new; `run` returns when the letters under way are answered, at most one read (1 s) later."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`."""
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(self._repeat(lambda: self._take(jobs), 0.0))
            jobs.create_task(self._repeat(lambda: self._upkeep(jobs), UPKEEP_PERIOD_S))

    async def run_once(self) -> int:
        """Settle what is there, one entry after the other and without waiting for more. Returns how many there were."""
        count = 0
        while entries := await self._streams.read(READ):
            for entry in entries:
                self._mine[entry.shard].add(entry.id)
                await self._settle(entry)
            count += len(entries)
        return count

    async def claim(self, keys: ShardKeys, idle_ms: int) -> int:
        """Settle, one after the other, what a dead relay left for `idle_ms`. Returns how many there were."""
        fit, worn = await self._streams.claim(keys, self._mine[keys.shard], idle_ms)
        for entry in fit:
            self._mine[entry.shard].add(entry.id)
            await self._settle(entry)
        for entry in worn:
            await self._give_up(entry)
        return len(fit) + len(worn)

    async def _take(self, jobs: asyncio.TaskGroup) -> None:
        await self._hands.acquire()  # room for one more, at least
        self._hands.release()
        for entry in await self._streams.read(READ, reader=self._reader, block_ms=BLOCK_MS):
            self._begin(jobs, entry)

    async def _upkeep(self, jobs: asyncio.TaskGroup) -> None:
        for keys in self._streams.shards:
            fit, worn = await self._streams.claim(keys, self._mine[keys.shard])
            for entry in fit:
                self._begin(jobs, entry)
            for entry in worn:
                await self._give_up(entry)

    def _begin(self, jobs: asyncio.TaskGroup, entry: Entry) -> None:
        self._mine[entry.shard].add(entry.id)  # from here on it is renewed
        jobs.create_task(self._in_hand(entry))

    async def _in_hand(self, entry: Entry) -> None:
        async with self._hands:
            await self._settle(entry)

    async def _settle(self, entry: Entry) -> None:
        """Do an entry and acknowledge it. One that is not done stays, and is claimed again."""
        try:
            await self._do(entry)
            await self._streams.done(entry)
        except _Stopped:
            return
        except Unavailable as error:
            log.warning("media entry %s waits for another try: %s", entry.id, error)
            await self._postponed(entry)
        except Exception:
            log.exception("media entry %s failed: %s", entry.id, entry.fields)
        finally:
            self._mine[entry.shard].discard(entry.id)

    async def _postponed(self, entry: Entry) -> None:
        try:
            await self._streams.later(entry)
        except Unavailable as error:
            log.warning("media entry %s: %s", entry.id, error)

    async def _do(self, entry: Entry) -> None:
        try:
            letter, reply = await self._told(entry)
            if letter is not None and entry.kind == "setup":
                await self._report(letter, reply)
            elif letter is not None and entry.kind == "send":
                await self._note(letter, reply)
            elif letter is not None and reply.outcome is not Outcome.CONFIRMED:
                log.warning("the adapter was not told that %s ended: %s", letter.setup_sid, reply.reason)
        except NotFound:
            return  # Workspace, Task or Reservation is gone: nobody waits for the outcome

    async def _told(self, entry: Entry) -> tuple[Letter | None, Reply]:
        """The letter, as it was last sent, and its answer; no letter where there was nothing to tell."""
        reply = Reply(Outcome.FAILED, NO_ADAPTER)
        for attempt in range(1, len(self._pauses_s) + 2):
            async with self._turn(entry):
                if self._stopping.is_set():
                    raise _Stopped
                letter = await letter_of(self._live, await self._config(entry), entry, attempt)
                if letter is None or not letter.url:
                    return letter, Reply(Outcome.FAILED, NO_ADAPTER)
                reply = await self._deliver(letter)
            if reply.outcome is not Outcome.BROKEN:
                break
            log.warning("try %d of %s %s: %s", attempt, entry.kind, letter.setup_sid, reply.reason)
            if attempt <= len(self._pauses_s):
                await self._pause(self._pauses_s[attempt - 1] * (0.75 + 0.5 * self._fraction()))
        return letter, reply

    async def _report(self, letter: Letter, reply: Reply) -> None:
        """Take an adapter's answer to the engine. One that comes too late is told so."""
        if reply.outcome is Outcome.PENDING:
            return
        confirmed = reply.outcome is Outcome.CONFIRMED
        attributes = reply.task_attributes if confirmed else None
        try:
            try:
                await self._resolve(letter, confirmed, reply.reason, attributes)
            except Invalid as wrong:
                log.warning(
                    "the Task's attributes stay: %s %s %s", letter.setup_sid, wrong.field, wrong.message
                )
                await self._resolve(letter, confirmed, reply.reason, None)
        except (Gone, IllegalState, NotFound) as late:
            log.info("%s of %s came too late: %s", reply.outcome.name, letter.setup_sid, late.message)
            if confirmed:
                await self._deliver(withdrawal(letter, "gone"))

    async def _resolve(
        self, letter: Letter, confirmed: bool, reason: str, attributes: dict[str, Any] | None
    ) -> None:
        await self._setups.report(
            letter.account_sid,
            letter.workspace_sid,
            letter.task_sid,
            letter.reservation_sid,
            outcome="confirmed" if confirmed else "failed",
            reason=reason,
            task_attributes=attributes,
        )

    async def _note(self, letter: Letter, reply: Reply) -> None:
        delivered = reply.outcome in {Outcome.CONFIRMED, Outcome.PENDING}
        await self._setups.note(
            letter.account_sid,
            letter.workspace_sid,
            letter.task_sid,
            letter.reservation_sid,
            letter.setup_sid,
            delivered=delivered,
            reason=reply.reason,
        )

    async def _give_up(self, entry: Entry) -> None:
        """An entry that killed or failed its relays again and again: kept for a person, and its setup has failed."""
        log.error("gave up on media entry %s: %s", entry.id, entry.fields)
        try:
            letter = await letter_of(self._live, await self._config(entry), entry, 0)
            if letter is not None and entry.kind == "setup":
                await self._report(letter, Reply(Outcome.FAILED, GIVEN_UP))
        except Unavailable:
            raise
        except Exception:
            log.exception("media entry %s cannot be understood", entry.id)
        await self._streams.set_aside(entry)

    async def _config(self, entry: Entry) -> WorkspaceConfig:
        """The newest configuration: it has the adapter's URL. Raises NotFound once the Workspace was deleted."""
        owner = await self._live.ask("HMGET", WorkspaceKeys(entry.shard, entry.number).ws, "account", "sid")
        if owner[0] is None:
            raise NotFound(str(entry.number))
        return await self._live.config.get(owner[0].decode(), owner[1].decode())

    @asynccontextmanager
    async def _turn(self, entry: Entry) -> AsyncIterator[None]:
        """One letter about a Reservation at a time, in order; a bounded number for a Workspace, and in all."""
        lane = _kept(self._lanes, (entry.shard, entry.number), lambda: asyncio.Semaphore(LANE))
        turn = _kept(self._turns, (entry.shard, entry.fields.get("r", "")), asyncio.Lock)
        async with AsyncExitStack() as held:
            for gate in (turn, lane, self._posts):
                await held.enter_async_context(gate)
            yield

    async def _repeat(self, work: Callable[[], Awaitable[None]], period_s: float) -> None:
        """Do `work` until stopped, `period_s` apart; a server that is away is waited for."""
        while not self._stopping.is_set():
            pause_s = period_s
            try:
                await work()
            except Unavailable as error:
                log.warning("%s", error)
                pause_s = max(period_s, 0.2)
                await self._mend(error)
            try:
                await self._pause(pause_s)
            except _Stopped:
                return

    async def _mend(self, error: Unavailable) -> None:
        """The consumer group is gone after somebody emptied the database: make it again."""
        if "NOGROUP" in str(error):
            try:
                await self.start()
            except Unavailable as again:
                log.warning("%s", again)

    async def _pause(self, seconds: float) -> None:
        if not seconds:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise _Stopped


def _kept(kept: WeakValueDictionary[Hashable, T], key: Hashable, make: Callable[[], T]) -> T:
    """What everybody shares who asks by this key at the same time."""
    found = kept.get(key)
    if found is None:
        found = kept[key] = make()
    return found
