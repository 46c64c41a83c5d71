"""A stream of every shard as one queue of work, shared by any number of relays.

An entry belongs to the relay that read it until it is done. One that nobody renewed for CLAIM_MS belonged to a relay
that died, and goes to whoever claims it first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from msgspec import Struct

from engine.errors import Unavailable
from engine.keys import Key, ShardKeys
from engine.redis import Pipeline, PipelineError, ServerError

CLAIM_MS: Final = 1_000  # renewed twice as often, see engine/relay.py
CLAIMED: Final = 64  # entries taken over at a time
MAX_DELIVERIES: Final = 5  # an entry whose relay died or failed this often is set aside

log = logging.getLogger("trunkline.relay")


class Entry(Struct, frozen=True):
    """One piece of work for a relay. `number` is its Workspace's, 0 for what cannot be understood."""

    shard: int
    id: bytes
    kind: str
    number: int
    fields: dict[str, str]


class Streams:
    """What one relay, `name`, does with a stream of each shard as a member of `group`.

    `stream` picks the stream. Every method raises Unavailable.
    """

    def __init__(
        self, pipeline: Pipeline, name: str, shards: int, stream: Callable[[ShardKeys], Key], group: str
    ) -> None:
        self._pipeline, self._name, self._stream, self.group = pipeline, name, stream, group
        self.shards = [ShardKeys(shard) for shard in range(shards)]
        self._by_stream = {stream(keys).encode(): keys.shard for keys in self.shards}

    async def start(self) -> None:
        """Make the consumer groups where they are missing."""
        for keys in self.shards:
            try:
                await self._pipeline.call("XGROUP", "CREATE", self._stream(keys), self.group, "0", "MKSTREAM")
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
        streams = [self._stream(keys) for keys in self.shards]
        reply = await self._call(
            *("XREADGROUP", "GROUP", self.group, self._name, "COUNT", count, *block),
            *("STREAMS", *streams, *([">"] * len(streams))),
            pipeline=reader,
        )
        return [entry_of(self._by_stream[stream], item) for stream, items in reply or () for item in items]

    async def claim(
        self, keys: ShardKeys, mine: Collection[bytes], idle_ms: int = CLAIM_MS
    ) -> tuple[list[Entry], list[Entry]]:
        """Take over what nobody renewed for `idle_ms`; `mine` are renewed first and never taken.

        Returns the entries to do, and those to give up because they were taken MAX_DELIVERIES times.
        """
        stream = self._stream(keys)
        if mine:
            await self._call("XCLAIM", stream, self.group, self._name, 0, *mine, "JUSTID")
        rows = await self._call("XPENDING", stream, self.group, "IDLE", idle_ms, "-", "+", CLAIMED)
        tries = {row[0]: row[3] for row in rows if row[0] not in mine}
        if not tries:
            return [], []
        items = await self._call("XCLAIM", stream, self.group, self._name, idle_ms, *tries)
        entries = [entry_of(keys.shard, item) for item in items if item]
        if entries:
            log.info("claimed %d entries that another relay left undone", len(entries))
        fit = [entry for entry in entries if tries[entry.id] < MAX_DELIVERIES]
        return fit, [entry for entry in entries if tries[entry.id] >= MAX_DELIVERIES]

    async def done(self, *entries: Entry) -> None:
        """Nothing is left to do about them. One round trip for those of one shard."""
        for shard in {entry.shard for entry in entries}:
            ids = [entry.id for entry in entries if entry.shard == shard]
            stream = self._stream(self.shards[shard])
            await self._call("XACK", stream, self.group, *ids)
            await self._call("XDEL", stream, *ids)

    async def pass_over(self, entries: Sequence[Entry]) -> None:
        """They are not for this group, and stay for others."""
        for shard in {entry.shard for entry in entries}:
            ids = [entry.id for entry in entries if entry.shard == shard]
            await self._call("XACK", self._stream(self.shards[shard]), self.group, *ids)

    async def later(self, entry: Entry) -> None:
        """It could not be done for now, through no fault of its own: the try does not count."""
        stream = self._stream(self.shards[entry.shard])
        await self._call("XCLAIM", stream, self.group, self._name, 0, entry.id, "RETRYCOUNT", 0, "JUSTID")

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


def entry_of(shard: int, item: Any) -> Entry:
    """An entry as the server tells it: id, and fields one after the other."""
    entry_id, flat = item
    fields = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
    number = int(fields.get("w", 0))  # 0 is no Workspace's: what cannot be understood is dropped
    return Entry(shard=shard, id=entry_id, kind=fields.get("k", ""), number=number, fields=fields)
