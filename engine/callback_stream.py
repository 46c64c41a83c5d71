"""The streams of calls: what relays are to tell the URLs of Workflows and Workspaces.

Written by lua/log_events.lua with the events themselves, so nothing is told that was not committed. An entry has the
kind, "assignment" or "event", and in `v` the SID of its event. Each kind has a consumer group that leaves the other's
entries alone: assignments are told by whichever relay is free, events of a shard by one relay at a time, in order.
"""

from __future__ import annotations

from typing import Final

from engine.config import asked
from engine.keys import ShardKeys
from engine.redis import Pipeline
from engine.scripts import Scripts, Status
from engine.stream import Entry, Streams, entry_of

ASSIGNMENT: Final = "assignment"
EVENT: Final = "event"


class CallStreams(Streams):
    """The entries of one kind; the group has its name."""

    def __init__(self, pipeline: Pipeline, name: str, shards: int, kind: str) -> None:
        super().__init__(pipeline, name, shards, lambda keys: keys.calls, kind)

    async def read(
        self, count: int, *, reader: Pipeline | None = None, block_ms: int | None = None
    ) -> list[Entry]:
        """As for any stream; entries of the other kind are passed over and stay for its group."""
        while True:
            entries = await super().read(count, reader=reader, block_ms=block_ms)
            mine = [entry for entry in entries if entry.kind == self.group]
            await self.pass_over([entry for entry in entries if entry.kind != self.group])
            if mine or not entries or block_ms is not None:
                return mine


class OrderedCallStreams(CallStreams):
    """Entries of a shard for one relay at a time: whoever has some in hand goes on, whoever has none waits.

    No leader and no lease: the group's list of pending entries says who it is. What a dead relay had in hand is claimed
    as ever, and only then is more read.
    """

    def __init__(self, pipeline: Pipeline, scripts: Scripts, name: str, shards: int, kind: str) -> None:
        super().__init__(pipeline, name, shards, kind)
        self._scripts = scripts

    async def read(
        self, count: int, *, reader: Pipeline | None = None, block_ms: int | None = None
    ) -> list[Entry]:
        """What comes next in all shards, without waiting."""
        return [entry for keys in self.shards for entry in (await self.take(keys, count))[0]]

    async def newest(self) -> list[bytes]:
        """The last entry of each shard. One round trip."""
        places = []
        for keys in self.shards:
            found = await self._call("XREVRANGE", keys.calls, "+", "-", "COUNT", 1)
            places.append(found[0][0] if found else b"0-0")
        return places

    async def take(self, keys: ShardKeys, count: int) -> tuple[list[Entry], bool]:
        """What comes next in a shard, and whether another relay has entries in hand: then it is nothing."""
        while True:
            reply = await asked(
                self._scripts.run("take_calls", (keys.prefix, keys.prefix), (self.group, self._name, count)),
                writes=True,
            )
            match reply:
                case [Status.OK, list(items), int(read), int(busy)]:
                    if items or not read:
                        return [entry_of(keys.shard, item) for item in items], bool(busy)
                case _:
                    raise AssertionError(f"take_calls replied {reply!r}")

    async def wait(self, places: list[bytes], reader: Pipeline, block_ms: int) -> None:
        """Return when something stands behind these places, at most `block_ms` later."""
        command = ("XREAD", "COUNT", 1, "BLOCK", block_ms, "STREAMS")
        await self._call(*command, *(keys.calls for keys in self.shards), *places, pipeline=reader)
