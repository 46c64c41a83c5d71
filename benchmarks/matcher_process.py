"""A matcher as a process of its own, for benchmarks: prints a line when it has begun, and ends with SIGTERM.

However the benchmark ends, this ends with it: the other end of its standard input is closed then.

python -m benchmarks.matcher_process REDIS_URL NAME
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import uvloop

from engine.redis import Pipeline, RedisURL, connect
from engine.router import Engine


def end_with_parent() -> None:
    """Leave at once when nobody holds the other end: the server is gone too, and there is nothing left to finish."""
    os.read(0, 1)  # not through sys.stdin, whose lock would be held when the interpreter ends
    os._exit(0)


async def match(url: str, name: str) -> None:
    pipeline, reader = Pipeline(RedisURL.parse(url)), Pipeline(RedisURL.parse(url), deadline_s=5.0)
    redis = connect(url)
    async with pipeline, reader:
        matcher = Engine(pipeline, redis).matcher(name, reader=reader)
        await matcher.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, matcher.stop)
        print("ready", flush=True)
        await matcher.run()
    await redis.aclose()


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(match(*sys.argv[1:]))
