"""The barest scripts that could carry a life: the same kinds of writes, no decisions. What a life is compared with.

Each writes as much as its namesake must: create a hash of 20 fields, two sorted sets, a stream entry and a counter;
reserve a read, two removals, two hashes, two sorted sets and an entry; accept and complete a read, two hashes, their
timers and an entry.
"""

from __future__ import annotations

import asyncio
from typing import Final

from engine.redis import Pipeline, alone

_FIELDS: Final = ", ".join(f"'field{i}', ARGV[{i + 1}]" for i in range(20))
_READ: Final = "local call = redis.call local f = call('HMGET', KEYS[1], 'field1', 'field2', 'field3') "
_TELL: Final = " call('XADD', KEYS[5], '*', 'type', '1', 'key', '2') return 1"
SCRIPTS: Final = (
    alone(
        "create",
        f"local call = redis.call call('HSET', KEYS[1], {_FIELDS}) call('ZADD', KEYS[2], 1, KEYS[1])"
        " call('ZADD', KEYS[3], 2, KEYS[1]) call('INCR', KEYS[4])" + _TELL,
    ),
    alone(
        "reserve",
        _READ
        + "local head = call('ZRANGE', KEYS[2], 0, 0) call('ZREM', KEYS[2], 'x') call('ZREM', KEYS[3], 'x')"
        " call('HSET', KEYS[1], 'field1', 'a', 'field2', 'b', 'field3', 'c')"
        " call('HSET', KEYS[6], 'a', 1, 'b', 2, 'c', 3, 'd', 4, 'e', 5, 'f', 6)"
        " call('ZADD', KEYS[2], 1, head[1]) call('ZADD', KEYS[3], 5, KEYS[1])" + _TELL,
    ),
    alone(
        "accept",
        _READ + "call('HSET', KEYS[1], 'field1', 'a', 'field2', 'b') call('HSET', KEYS[6], 'a', 1, 'b', 2)"
        " call('ZREM', KEYS[3], KEYS[1])" + _TELL,
    ),
    alone(
        "complete",
        _READ + "call('HSET', KEYS[1], 'field1', 'a', 'field2', 'b') call('HSET', KEYS[6], 'a', 1, 'b', 2)"
        " call('ZADD', KEYS[3], 1, KEYS[1]) call('ZADD', KEYS[2], 1, KEYS[1]) call('HINCRBY', KEYS[6], 'c', 1)"
        + _TELL,
    ),
)


_KEYS: Final = ("bare:waiting", "bare:timers", "bare:count", "bare:events", "bare:worker")


async def bare_lives(pipeline: Pipeline, lives: range, together: int) -> None:
    """Run the four scripts once for each of these numbers, which stand for keys; `together` calls in flight."""
    values = ["x" * 34, "x" * 200, *(f"value {i}" for i in range(18))]
    for start in range(0, len(lives), together):
        names = [f"bare:{number}" for number in lives[start : start + together]]
        for script in SCRIPTS:
            await asyncio.gather(*(pipeline.script(script, (name, *_KEYS), values) for name in names))
