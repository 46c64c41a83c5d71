"""The server of an embedded deployment, seen from inside: its memory, and what it spends in one script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from engine.keys import Key, ShardKeys, WorkspaceKeys
from engine.redis import connect
from engine.scripts import load_scripts

SHARD: Final = 0  # an embedded deployment has no other
SCRIPT: Final = "complete_task"  # frees a Worker, and makes the Worker's next Reservation
LOOK_S: Final = 0.25  # between two looks at the slow log
LOG: Final = 4_096  # entries it keeps; in LOOK_S come some 1,000
FLOOR_US: Final = 10  # commands that take less are not logged: the script takes several times that


class Inside:
    """Made by `inside`. Nothing but the slow log of the server is changed."""

    def __init__(self, redis: Any, numbers: dict[str, int]) -> None:
        self._redis = redis
        self._logs: list[Key] = [WorkspaceKeys(SHARD, number).log for number in numbers.values()]
        self._by_root = {WorkspaceKeys(SHARD, number).root.encode(): sid for sid, number in numbers.items()}
        self._function = load_scripts()[SCRIPT].function.encode()
        self.spent_us: dict[str, list[float]] = {sid: [] for sid in numbers}  # for each call, by Workspace

    async def waiting_bytes(self) -> int:
        """What the server holds, but for streams, and for what clients and the append-only file are to be sent.

        Streams are work that is done and events that were told; a trimmed one holds nothing. O(their length): some
        ms a million entries.
        """
        info = await self._redis.info("memory")
        shard = ShardKeys(SHARD)
        streams = [shard.inbox, shard.events, shard.calls, shard.media, *self._logs]
        sizes: list[int] = [await self._redis.memory_usage(key, samples=0) or 0 for key in streams]
        return int(info["used_memory"] - info["mem_clients_normal"] - info["mem_aof_buffer"] - sum(sizes))

    async def meter(self) -> None:
        """Enter into `spent_us` what each call of the script takes, from now on until cancelled."""
        await self._redis.config_set("slowlog-max-len", LOG)
        await self._redis.config_set("slowlog-log-slower-than", FLOOR_US)
        while True:
            await self._redis.slowlog_reset()
            await asyncio.sleep(LOOK_S)
            for entry in await self._redis.slowlog_get(LOG):
                # FCALL, the function, 2, the Workspace's root, the shard's prefix ...
                words: list[bytes] = entry["command"].split(b" ", 4)
                if len(words) > 4 and words[1] == self._function and words[3] in self._by_root:
                    self.spent_us[self._by_root[words[3]]].append(float(entry["duration"]))


@asynccontextmanager
async def inside(url: str, workspaces: Sequence[str]) -> AsyncIterator[Inside]:
    """The server at `url`, for what concerns these Workspaces."""
    redis = connect(url)
    try:
        numbers = [await redis.hget(ShardKeys(SHARD).directory, sid) for sid in workspaces]
        yield Inside(redis, {sid: int(number or 0) for sid, number in zip(workspaces, numbers, strict=True)})
    finally:
        await redis.aclose()
