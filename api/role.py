"""What every role process has: an engine on a server that was checked, and a watch over that server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from api.server_check import ServerWatch, check_at_start
from engine.redis import Pipeline, RedisURL, connect
from engine.router import Engine
from engine.scripts import install
from engine.settings import Settings


@asynccontextmanager
async def engine_of(settings: Settings, name: str) -> AsyncIterator[tuple[Engine, Pipeline, ServerWatch]]:
    """An engine on the server of `settings.redis`, checked, with its connections open until the end."""
    async with AsyncExitStack() as stack:
        redis = connect(settings.redis)
        stack.push_async_callback(redis.aclose)
        _, deployment = await check_at_start(redis, settings)
        await install(redis)
        pipeline = await stack.enter_async_context(Pipeline(RedisURL.parse(settings.redis), name=name))
        engine = Engine(pipeline, redis, shards=deployment.shards, events_days=settings.events_days)
        yield engine, pipeline, ServerWatch(redis, settings, deployment)
