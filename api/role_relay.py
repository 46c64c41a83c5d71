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
    """Tell media adapters until `stopping`, then wait for the answers to what was told."""
    reading = Pipeline(RedisURL.parse(settings.redis), name=f"{name}-reader", deadline_s=READ_LIMIT_S)
    client = AdapterClient(private=settings.allow_private_callbacks)
    async with engine_of(settings, name) as (engine, _pipeline, watch), reading as reader, client:
        relay = engine.media_relay(consumer_name(name), client.deliver, reader=reader)
        await relay.start()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run())
            relaying = group.create_task(relay.run())
            relaying.add_done_callback(lambda _: stopping.set())
            await stopping.wait()
            relay.stop()
            done, _ = await asyncio.wait([relaying], timeout=RELAY_GRACE_S)
            if not done:
                log.warning("letters were not answered within %g s; left to others", RELAY_GRACE_S)
                relaying.cancel()
            watching.cancel()
