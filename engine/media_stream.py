"""The media streams of all shards as one queue of work, shared by any number of relays.

An entry belongs to the relay that read it until it is done. One that nobody renewed for CLAIM_MS belonged to a relay
that died, and goes to whoever claims it first.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any, Final

from msgspec import Struct

from engine.errors import Unavailable
from engine.keys import ShardKeys
from engine.redis import Pipeline, PipelineError, ServerError

GROUP: Final = "media"
CLAIM_MS: Final = 1_000  # renewed twice as often, see engine/media.py
CLAIMED: Final = 64  # entries taken over at a time
MAX_DELIVERIES: Final = 5  # an entry whose relay died or failed this often is set aside

log = logging.getLogger("trunkline.relay")


class Entry(Struct, frozen=True):
    """One thing to tell an adapter. Written by lua/hold_reservation.lua and lua/lib/task.lua.

    kind   "setup": an instruction whose Reservation is held; "send": one that holds nothing; "withdrawn": a setup
           that ended before the adapter had reported
    fields t Task, r Reservation; u setup, j instruction (send); s status, i stored instruction (withdrawn)
    """

    shard: int
    id: bytes
    kind: str
    number: int
    fields: dict[str, str]


class MediaStreams:
    """What one relay, `name`, does with the streams. Every method raises Unavailable."""

    def __init__(self, pipeline: Pipeline, name: str, shards: int) -> None:
        self._pipeline, self._name = pipeline, name
        self.shards = [ShardKeys(shard) for shard in range(shards)]
        self._by_stream = {keys.media.encode(): keys.shard for keys in self.shards}

    async def start(self) -> None:
        """Make the consumer groups where they are missing."""
        for keys in self.shards:
            try:
                await self._pipeline.call("XGROUP", "CREATE", keys.media, GROUP, "0", "MKSTREAM")
            except ServerError as error:
                if error.code != "BUSYGROUP":
                    raise Unavailable(str(error), outcome_unknown=False) from error
            except PipelineError as error:
                raise Unavailable(str(error), outcome_unknown=False) from error

    async def read(
        self, count: int, *, reader: Pipeline | None = None, block_ms: int | None = None
    ) -> list[Entry]:
        """Entries that nobody has read yet, `count` a shard. With `block_ms`, waits so long on `reader` for some."""
        block = () if block_ms is None else ("BLOCK", block_ms)
        streams = [keys.media for keys in self.shards]
        reply = await self._call(
            *("XREADGROUP", "GROUP", GROUP, self._name, "COUNT", count, *block),
            *("STREAMS", *streams, *([">"] * len(streams))),
            pipeline=reader,
        )
        return [_entry(self._by_stream[stream], item) for stream, items in reply or () for item in items]

    async def claim(
        self, keys: ShardKeys, mine: Collection[bytes], idle_ms: int = CLAIM_MS
    ) -> tuple[list[Entry], list[Entry]]:
        """Take over what nobody renewed for `idle_ms`; `mine` are renewed first and never taken.

        Returns the entries to do, and those to give up because they were taken MAX_DELIVERIES times.
        """
        if mine:
            await self._call("XCLAIM", keys.media, GROUP, self._name, 0, *mine, "JUSTID")
        rows = await self._call("XPENDING", keys.media, GROUP, "IDLE", idle_ms, "-", "+", CLAIMED)
        tries = {row[0]: row[3] for row in rows if row[0] not in mine}
        if not tries:
            return [], []
        items = await self._call("XCLAIM", keys.media, GROUP, self._name, idle_ms, *tries)
        entries = [_entry(keys.shard, item) for item in items if item]
        if entries:
            log.info("claimed %d entries that another relay left undone", len(entries))
        fit = [entry for entry in entries if tries[entry.id] < MAX_DELIVERIES]
        return fit, [entry for entry in entries if tries[entry.id] >= MAX_DELIVERIES]

    async def done(self, entry: Entry) -> None:
        """Nothing is left to do about it."""
        stream = self.shards[entry.shard].media
        await self._call("XACK", stream, GROUP, entry.id)
        await self._call("XDEL", stream, entry.id)

    async def later(self, entry: Entry) -> None:
        """It could not be done for now, through no fault of its own: the try does not count."""
        stream = self.shards[entry.shard].media
        await self._call("XCLAIM", stream, GROUP, self._name, 0, entry.id, "RETRYCOUNT", 0, "JUSTID")

    async def set_aside(self, entry: Entry) -> None:
        """Keep it where a person may look at it, out of the way."""
        flat: Sequence[str | int] = [part for pair in entry.fields.items() for part in pair]
        await self._call("XADD", self.shards[entry.shard].dead, "*", *flat)
        await self.done(entry)

    async def _call(self, *command: str | bytes | int, pipeline: Pipeline | None = None) -> Any:
        try:
            return await (pipeline or self._pipeline).call(*command)
        except PipelineError as error:
            raise Unavailable(str(error), outcome_unknown=True) from error


def _entry(shard: int, item: Any) -> Entry:
    entry_id, flat = item
    fields = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
    number = int(fields.get("w", 0))  # 0 is no Workspace's: what cannot be understood is dropped
    return Entry(shard=shard, id=entry_id, kind=fields.get("k", ""), number=number, fields=fields)
