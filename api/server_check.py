"""Is the Redis server fit to be used, and is its data ours? Asked at the start and every few seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from engine.deployment import Deployment, open_deployment
from engine.errors import SettingError
from engine.redis import LOAD_TIMEOUT_S, ServerFacts, ServerLoading, ServerRefused, check_server, unreachable

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from engine.settings import Settings

log = logging.getLogger("trunkline.server")

WATCH_S: Final = 5.0  # between two looks at the server's configuration; each costs it about 0.1 ms
LOOK_S: Final = 0.1  # between two looks whether it has


class ServerWatch:
    """Looks at the Redis server again and again: it may be reconfigured, replaced or emptied under us."""

    def __init__(self, redis: Redis, settings: Settings, deployment: Deployment) -> None:
        self._redis, self._settings, self.deployment = redis, settings, deployment
        self.refusal = ""  # why this process must not serve; "" while all is well

    async def run(self) -> None:
        """Look each WATCH_S until cancelled. A look that fails is no reason for the process to end."""
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                await self.run_once()
            except Exception:
                log.exception("the look at the Redis server failed")

    async def run_once(self) -> None:
        """One look. Its result is in `refusal`, and in the log when it changed."""
        before = self.refusal
        try:
            await check(self._redis, self._settings, expected_id=self.deployment.id)
        except (ServerRefused, SettingError) as refused:
            self.refusal = str(refused)
        else:
            self.refusal = ""
        if self.refusal != before:
            log.warning("%s", self.refusal or "the Redis server is as it should be again")


async def check(
    redis: Redis, settings: Settings, *, expected_id: str = "", default_shards: int = 0
) -> tuple[ServerFacts, Deployment]:
    """Refuse a server that would break a guarantee, and data that is not ours. Six round trips.

    Raises ServerRefused or SettingError, whose text says what to change.
    """
    facts = await check_server(redis, allow_weak_durability=settings.allow_weak_durability)
    try:
        deployment = await open_deployment(
            redis,
            shards=settings.shards,
            default_shards=default_shards or settings.shards_wanted,
            expected_id=expected_id or settings.deployment,
        )
    except RedisError as error:  # it went away since
        raise unreachable(error) from error
    return facts, deployment


async def check_at_start(
    redis: Redis, settings: Settings, *, default_shards: int = 0
) -> tuple[ServerFacts, Deployment]:
    """`check`, once the server has loaded its data. Raises ServerLoading as well, after LOAD_TIMEOUT_S."""
    until_s, told = time.monotonic() + LOAD_TIMEOUT_S, False
    while True:
        try:
            return await check(redis, settings, default_shards=default_shards)
        except ServerLoading:
            if time.monotonic() > until_s:
                raise
        if not told:
            log.info("waiting for the Redis server, which is loading its data")
            told = True
        await asyncio.sleep(LOOK_S)
