"""What one `trunkline matcher` process does from its start to its end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from typing import Final

from api.role import engine_of
from engine.redis import Pipeline, RedisURL
from engine.settings import Settings

log = logging.getLogger("trunkline.matcher")

MATCHER_GRACE_S: Final = 4.0  # for the round a matcher is in; what it leaves, another one claims
READ_LIMIT_S: Final = 3.0  # for reads that block up to 1 s, and the 2 s that every call has


async def run_matcher(settings: Settings, stopping: asyncio.Event, *, name: str) -> None:
    """Match until `stopping`, then finish the round."""
    reading = Pipeline(RedisURL.parse(settings.redis), name=f"{name}-reader", deadline_s=READ_LIMIT_S)
    async with engine_of(settings, name) as (engine, _pipeline, watch), reading as reader:
        matcher = engine.matcher(consumer_name(name), reader=reader)
        await matcher.start()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run())
            matching = group.create_task(matcher.run())
            matching.add_done_callback(lambda _: stopping.set())
            await stopping.wait()
            matcher.stop()
            done, _ = await asyncio.wait([matching], timeout=MATCHER_GRACE_S)
            if not done:
                log.warning("the matcher's round did not end within %g s; left to others", MATCHER_GRACE_S)
                matching.cancel()
            watching.cancel()


def consumer_name(name: str) -> str:
    """The matcher's name in the consumer group; one a process, to tell unfinished work apart."""
    return f"{socket.gethostname()}-{os.getpid()}-{name}"
