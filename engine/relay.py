"""What every relay does that takes work from a stream, tells somebody outside, and waits for an answer.

Any number of relays share one consumer group. An entry is acknowledged when it is settled, so what a dead relay had
begun is told again by another one: at least once, and whoever is told knows it by its SID.

Whoever is slow or dead holds up its own Workspace only: entries wait in memory, in the lane of their Workspace
(engine/lanes.py), and nothing is held while a broken try waits for its next.
"""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from engine.errors import NotFound, Unavailable
from engine.keys import ShardKeys, WorkspaceKeys
from engine.lanes import Lanes
from engine.live import Live
from engine.model import WorkspaceConfig
from engine.outage import Outage
from engine.redis import Pipeline
from engine.stream import Entry, Streams

IN_HAND: Final = 10_000  # entries read and not settled, some 8 kB each; then the rest waits in Redis
ROOM_S: Final = 0.05  # between two looks whether there is room for more
READ: Final = 100  # entries taken from a shard at a time
BLOCK_MS: Final = 1_000
UPKEEP_PERIOD_S: Final = 0.5
AGAIN_S: Final = 0.2  # before a server that is away is asked again

log = logging.getLogger("trunkline.relay")


class Stopped(Exception):
    """The relay ends; what it had in hand is left to others."""


class Relay(ABC):
    """One relay. `reader` is a connection of its own, for reads that block.

    `pauses_s` are waited between tries, each a quarter longer or shorter by `fraction`, random in [0, 1).
    """

    def __init__(
        self,
        live: Live,
        streams: Streams,
        lanes: Lanes,
        *,
        reader: Pipeline,
        pauses_s: Sequence[float] = (),
        fraction: Callable[[], float] = random.random,
    ) -> None:
        self._live, self._streams, self._lanes, self._reader = live, streams, lanes, reader
        self._pauses_s, self._fraction = pauses_s, fraction
        self._stopping = asyncio.Event()
        self._mine: dict[int, set[bytes]] = {keys.shard: set() for keys in streams.shards}

    @abstractmethod
    async def _do(self, entry: Entry) -> None:
        """Settle an entry. Raises Unavailable, and Stopped, to have it done again; NotFound: nobody waits for it."""

    @abstractmethod
    async def _gave_up(self, entry: Entry) -> None:
        """What is left to do about an entry that killed or failed its relays again and again."""

    async def start(self) -> None:
        """Make the consumer groups where they are missing. Raises Unavailable."""
        await self._streams.start()

    def stop(self) -> None:
        """Begin nothing new; `run` returns when what is under way is answered, at most one read (1 s) later."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`."""
        name = self._streams.group
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(self._repeat(name, lambda: self._take(jobs), 0.0))
            jobs.create_task(self._repeat(f"{name} upkeep", lambda: self._upkeep(jobs), UPKEEP_PERIOD_S))

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
        await self._make_room()
        for entry in await self._streams.read(READ, reader=self._reader, block_ms=BLOCK_MS):
            self._begin(jobs, entry)

    async def _upkeep(self, jobs: asyncio.TaskGroup) -> None:
        for keys in self._streams.shards:
            fit, worn = await self._streams.claim(keys, self._mine[keys.shard])
            for entry in fit:
                self._begin(jobs, entry)
            for entry in worn:
                await self._give_up(entry)

    async def _make_room(self) -> None:
        """Wait until more may be taken. A slow lane gives way, so that it does not keep others from being read."""
        while sum(map(len, self._mine.values())) > IN_HAND - READ:
            await self._pause(0.0 if self._lanes.shed(READ) else ROOM_S)
            await asyncio.sleep(0)

    def _begin(self, jobs: asyncio.TaskGroup, entry: Entry) -> None:
        self._mine[entry.shard].add(entry.id)  # from here on it is renewed
        jobs.create_task(self._settle(entry))

    async def _settle(self, entry: Entry) -> None:
        """Do an entry and acknowledge it. One that is not done stays, and is claimed again."""
        try:
            with suppress(NotFound):  # Workspace, Task or Reservation is gone: nobody waits for the outcome
                await self._do(entry)
            await self._streams.done(entry)
        except Stopped:
            return
        except Unavailable as error:
            log.warning("%s entry %s waits for another try: %s", self._streams.group, entry.id, error)
            await self._postponed(entry)
        except Exception:
            log.exception("%s entry %s failed: %s", self._streams.group, entry.id, entry.fields)
        finally:
            self._mine[entry.shard].discard(entry.id)

    async def _postponed(self, entry: Entry) -> None:
        try:
            await self._streams.later(entry)
        except Unavailable as error:
            log.warning("%s entry %s: %s", self._streams.group, entry.id, error)

    async def _give_up(self, entry: Entry) -> None:
        """An entry that killed or failed its relays again and again is kept for a person."""
        log.error("gave up on %s entry %s: %s", self._streams.group, entry.id, entry.fields)
        try:
            await self._gave_up(entry)
        except Unavailable:
            raise
        except Exception:
            log.exception("%s entry %s cannot be understood", self._streams.group, entry.id)
        await self._streams.set_aside(entry)

    async def _config(self, entry: Entry) -> WorkspaceConfig:
        """The newest configuration: it has the URLs. Raises NotFound once the Workspace was deleted."""
        owner = await self._live.ask("HMGET", WorkspaceKeys(entry.shard, entry.number).ws, "account", "sid")
        if owner[0] is None:
            raise NotFound(str(entry.number))
        return await self._live.config.get(owner[0].decode(), owner[1].decode())

    async def _repeat(self, name: str, work: Callable[[], Awaitable[None]], period_s: float) -> None:
        """Do `work` until stopped, `period_s` apart; a server that is away is waited for."""
        outage = Outage(log, name)
        while not self._stopping.is_set():
            pause_s = period_s
            try:
                try:
                    await work()
                    outage.done()
                except Unavailable as error:
                    outage.failed(error)
                    pause_s = max(period_s, AGAIN_S)
                    await self._mend(error)
                await self._pause(pause_s)
            except Stopped:
                return

    async def _mend(self, error: Unavailable) -> None:
        """The consumer group is gone after somebody emptied the database: make it again."""
        if "NOGROUP" in str(error):
            try:
                await self.start()
            except Unavailable as again:
                log.warning("%s", again)

    async def _pause_after(self, attempt: int) -> None:
        """Between two tries; the one that failed counts from 1. Raises Stopped."""
        await self._pause(self._pauses_s[attempt - 1] * (0.75 + 0.5 * self._fraction()))

    async def _pause(self, seconds: float) -> None:
        if not seconds:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise Stopped
