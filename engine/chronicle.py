"""The chronicle: makes full events of what scripts tell, and writes them to the logs of Workspaces, once and in order.

Any number of relays do this side by side without a leader: a batch is written only while the shard's position is the
one it was read from (lua/log_events.lua), so of two relays one writes it and the other goes on behind it. The loser of
such a race stands by until work is left undone, so that it is not done twice all the time.

Whatever a relay knows is in Redis. One that dies has written a batch or not, and another goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from engine.chronicle_batch import Batch, BatchReader
from engine.chronicle_entry import Entry, entry_of
from engine.config import asked
from engine.errors import Unavailable
from engine.keys import ShardKeys, WorkspaceKeys
from engine.live import Live
from engine.outage import Outage
from engine.redis import Pipeline
from engine.scripts import Scripts, Status

TRANSITIONS: Final = 200  # in a batch: some 2 ms of the server, and as much of this process
READ: Final = 200  # entries read at a time
BLOCK_MS: Final = 1_000
LOOK_S: Final = 0.25  # between two looks of a relay that stands by; a dead one is replaced after two
SWEEP_S: Final = 600.0  # between two looks for old events in Workspaces where nothing happens
SWEPT: Final = 500  # Workspaces a round trip of that
DAY_MS: Final = 86_400_000

log = logging.getLogger("trunkline.relay")


class Chronicle:
    """One relay's part. `pipeline` is shared with others; `reader` is its own, for reads that block.

    Events are kept for `days`, and at most some `kept` of a Workspace. `fraction` is random in [0, 1).
    """

    def __init__(
        self,
        live: Live,
        pipeline: Pipeline,
        scripts: Scripts,
        *,
        shards: int,
        days: int,
        kept: int,
        reader: Pipeline | None = None,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        self._pipeline, self._scripts, self._reader = pipeline, scripts, reader or pipeline
        self._batches = BatchReader(live, days_ms=days * DAY_MS, kept=kept)
        self._live, self._days_ms, self._fraction = live, days * DAY_MS, fraction
        self._shards = [ShardKeys(shard) for shard in range(shards)]
        self._by_stream = {keys.events.encode(): keys for keys in self._shards}
        self._positions: dict[int, bytes] = {}  # a cache; what is missing is asked for
        self._waiting: dict[int, tuple[bytes, bytes | None]] = {}  # shards stood by for, as last seen
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`."""
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(self._repeat("log of events", self._take, 0.0))
            jobs.create_task(self._repeat("old events", self.sweep, SWEEP_S))

    def stop(self) -> None:
        """Finish the batch at hand, then let `run` return: at most one blocking read (1 s) later."""
        self._stopping.set()

    async def run_once(self) -> int:
        """Log what is there, without waiting for more. Returns how many transitions this one has logged."""
        count = 0
        for keys in self._shards:
            while entries := await self._after(keys, await self._position(keys)):
                count += await self._log(keys, entries)
        return count

    async def sweep(self) -> None:
        """Drop what is too old in Workspaces where nothing happens; elsewhere each batch does. Raises Unavailable."""
        oldest_ms = self._live.config.instant_ms([await self._call("TIME")]) - self._days_ms
        for keys in self._shards:
            cursor = b"0"
            while True:
                cursor, found = await self._call("HSCAN", keys.directory, cursor, "COUNT", SWEPT)
                logs = [WorkspaceKeys(keys.shard, int(number)).log for number in found[1::2]]
                await self._live.config.together(*(("XTRIM", one, "MINID", "~", oldest_ms) for one in logs))
                if cursor == b"0":
                    break

    async def _take(self) -> None:
        """Log what comes next, in the shards that no other relay looks after."""
        active = [keys for keys in self._shards if keys.shard not in self._waiting]
        if active:
            positions = [await self._position(keys) for keys in active]
            block_ms = int(LOOK_S * 1_000) if self._waiting else BLOCK_MS
            reply = await asked(
                self._reader.call(
                    *("XREAD", "COUNT", READ, "BLOCK", block_ms, "STREAMS"),
                    *(keys.events for keys in active),
                    *(position or b"0" for position in positions),
                )
            )
            for stream, items in reply or ():
                await self._log(self._by_stream[stream], [entry_of(item) for item in items])
        if self._waiting:
            if not active:
                await self._pause(LOOK_S * (0.75 + 0.5 * self._fraction()))
            await self._look()

    async def _look(self) -> None:
        """Take a shard over whose relay has left the same work undone since the last look."""
        for shard, seen in list(self._waiting.items()):
            keys = self._shards[shard]
            position = await self._read_position(keys)
            following = await self._call("XRANGE", keys.events, b"(" + (position or b"0"), "+", "COUNT", 1)
            now = (position, following[0][0] if following else None)
            if now == seen and following:
                del self._waiting[shard]
                self._positions[shard] = position
            else:
                self._waiting[shard] = now

    async def _log(self, keys: ShardKeys, entries: Sequence[Entry]) -> int:
        """Write entries that follow the position; how many transitions. Less than all where another was faster."""
        count = 0
        for portion in portions(entries):
            batch = await self._batches.read(keys, portion)
            if not await self._commit(keys, batch):
                break
            count += sum(len(entry.told) for entry in portion)
        return count

    async def _commit(self, keys: ShardKeys, batch: Batch) -> bool:
        before = await self._position(keys)
        try:
            reply = await asked(
                self._scripts.run("log_events", (keys.prefix, keys.prefix), (before, *batch.arguments)),
                writes=True,
            )
        except Unavailable:
            self._positions.pop(keys.shard, None)  # it may have been written
            raise
        match reply:
            case [Status.OK, bytes(position)]:
                self._positions[keys.shard] = position
                for line in batch.missed:
                    log.warning("%s", line)
                return True
            case [Status.STALE, bytes(position)]:
                self._positions[keys.shard] = position
                self._waiting[keys.shard] = (position, None)
                return False
        raise AssertionError(f"log_events replied {reply!r}")

    async def _position(self, keys: ShardKeys) -> bytes:
        """The last entry that is in a log; b"" for none."""
        known = self._positions.get(keys.shard)
        if known is None:
            known = self._positions[keys.shard] = await self._read_position(keys)
        return known

    async def _read_position(self, keys: ShardKeys) -> bytes:
        return bytes(await self._call("HGET", keys.log, "position") or b"")

    async def _after(self, keys: ShardKeys, position: bytes) -> list[Entry]:
        items = await self._call("XRANGE", keys.events, b"(" + (position or b"0"), "+", "COUNT", READ)
        return [entry_of(item) for item in items]

    async def _call(self, *command: str | bytes | int) -> Any:
        return await asked(self._pipeline.call(*command))

    async def _repeat(self, name: str, work: Callable[[], Any], period_s: float) -> None:
        """Do `work` until stopped, `period_s` apart; a server that is away is waited for."""
        outage = Outage(log, name)
        while not self._stopping.is_set():
            pause_s = period_s
            try:
                await work()
                outage.done()
            except Unavailable as error:
                outage.failed(error)
                self._positions.clear()
                pause_s = 0.2
            if pause_s:
                await self._pause(pause_s)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def portions(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in batches of at most TRANSITIONS; one that has more by itself is a batch of its own."""
    portion: list[Entry] = []
    count = 0
    for entry in entries:
        if portion and count + len(entry.told) > TRANSITIONS:
            yield portion
            portion, count = [], 0
        portion.append(entry)
        count += len(entry.told)
    if portion:
        yield portion
