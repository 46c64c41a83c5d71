"""What one `trunkline relay` process does from its start to its end."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from api.adapter import AdapterClient
from api.role import engine_of
from api.role_matcher import READ_LIMIT_S, consumer_name
from engine.redis import Pipeline, RedisURL
from engine.settings import Settings

log = logging.getLogger("trunkline.relay")

RELAY_GRACE_S: Final = 4.0  # for letters under way; what it leaves, another relay tells again


async def run_relay(settings: Settings, stopping: asyncio.Event, *, name: str) -> None:
    """Log events and tell media adapters until `stopping`, then wait for the answers to what was told."""
    reading = Pipeline(RedisURL.parse(settings.redis), name=f"{name}-reader", deadline_s=READ_LIMIT_S)
    telling = Pipeline(RedisURL.parse(settings.redis), name=f"{name}-events", deadline_s=READ_LIMIT_S)
    client = AdapterClient(private=settings.allow_private_callbacks)
    async with engine_of(settings, name) as (engine, _, watch), reading as reader, telling as events, client:
        relay = engine.media_relay(consumer_name(name), client.deliver, reader=reader)
        chronicle = engine.chronicle(kept=settings.events_kept, reader=events)
        await relay.start()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run())
            working = [group.create_task(relay.run()), group.create_task(chronicle.run())]
            for task in working:
                task.add_done_callback(lambda _: stopping.set())
            await stopping.wait()
            relay.stop()
            chronicle.stop()
            _, late = await asyncio.wait(working, timeout=RELAY_GRACE_S)
            for task in late:
                log.warning("what was begun did not end within %g s; left to others", RELAY_GRACE_S)
                task.cancel()
            watching.cancel()
