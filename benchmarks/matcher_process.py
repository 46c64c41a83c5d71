"""A matcher as a process of its own, for benchmarks: prints a line when it has begun, and ends with SIGTERM.

python -m benchmarks.matcher_process REDIS_URL NAME
"""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop

from engine.redis import Pipeline, RedisURL, connect
from engine.router import Engine


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
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(match(*sys.argv[1:]))
