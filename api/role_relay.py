"""What one `trunkline relay` process does from its start to its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import Final

from api.adapter import AdapterClient
from api.callback_client import CallbackClient
from api.role import engine_of
from api.role_matcher import READ_LIMIT_S, consumer_name
from api.urls import refusal_of
from engine.chronicle import Chronicle
from engine.redis import Pipeline, RedisURL
from engine.relay import Relay
from engine.router import Engine
from engine.settings import Settings

log = logging.getLogger("trunkline.relay")

RELAY_GRACE_S: Final = 4.0  # for what is under way; what it leaves, another relay tells again


async def run_relay(settings: Settings, stopping: asyncio.Event, *, name: str) -> None:
    """Log events, tell media adapters and callbacks until `stopping`, then wait for the answers to what was told."""
    async with AsyncExitStack() as stack:
        engine, _, watch = await stack.enter_async_context(engine_of(settings, name))
        workers = await _workers(settings, engine, name, stack)
        for relay in workers:
            if isinstance(relay, Relay):
                await relay.start()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run())
            working = [group.create_task(worker.run()) for worker in workers]
            for task in working:
                task.add_done_callback(lambda _: stopping.set())
            await stopping.wait()
            for worker in workers:
                worker.stop()
            _, late = await asyncio.wait(working, timeout=RELAY_GRACE_S)
            if late:
                log.warning("what was begun did not end within %g s; left to others", RELAY_GRACE_S)
            for task in late:
                task.cancel()
            watching.cancel()


async def _workers(
    settings: Settings, engine: Engine, name: str, stack: AsyncExitStack
) -> list[Relay | Chronicle]:
    """All that one relay does, each with a connection of its own for reads that block."""

    async def reader(what: str) -> Pipeline:
        pipeline = Pipeline(RedisURL.parse(settings.redis), name=f"{name}-{what}", deadline_s=READ_LIMIT_S)
        return await stack.enter_async_context(pipeline)

    private, consumer = settings.allow_private_callbacks, consumer_name(name)
    adapters = await stack.enter_async_context(AdapterClient(private=private))
    callbacks = await stack.enter_async_context(CallbackClient(private=private))
    return [
        engine.chronicle(kept=settings.events_kept, reader=await reader("events")),
        engine.media_relay(consumer, adapters.deliver, reader=await reader("reader")),
        engine.assignment_relay(
            consumer,
            callbacks.assign,
            base_url=settings.api_url,
            refused=lambda url: refusal_of(url, private=private),
            reader=await reader("assignments"),
        ),
        engine.event_relay(
            consumer,
            callbacks.tell,
            hours=settings.event_retries_hours,
            reader=await reader("callbacks"),
        ),
    ]
