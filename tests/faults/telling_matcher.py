"""A matcher as a process of its own that says on SIGUSR1 how many inbox entries it has done.

python -m tests.faults.telling_matcher REDIS_URL NAME
"""

from __future__ import annotations

import asyncio
import signal
import sys

from engine.redis import Pipeline, RedisURL, connect
from engine.router import Engine

READ_LIMIT_S = 3.0  # for reads that block up to 1 s


async def main(url: str, name: str) -> None:
    """Match until SIGTERM."""
    redis = connect(url)
    where = RedisURL.parse(url)
    try:
        async with Pipeline(where) as pipeline, Pipeline(where, deadline_s=READ_LIMIT_S) as reader:
            matcher = Engine(pipeline, redis).matcher(name, reader=reader)
            await matcher.start()
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, lambda: print("handled", matcher.handled, flush=True))
            loop.add_signal_handler(signal.SIGTERM, matcher.stop)
            print("matching", flush=True)
            await matcher.run()
    finally:
        await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
