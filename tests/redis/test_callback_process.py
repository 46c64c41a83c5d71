"""`trunkline relay` as a process, killed while an application thinks about a Reservation."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from engine.redis import EmbeddedServer
from tests.cli.cli_support import LIMIT_S
from tests.redis.callback_support import Hall, hall, media_server
from tests.redis.test_media_process import relay

__all__ = ["hall", "media_server"]  # fixtures


class Application:
    """What came. The first answer waits until the end; the others come at once."""

    def __init__(self) -> None:
        self.told: list[dict[str, str]] = []
        self.arrived, self.over = asyncio.Event(), asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.told.append({name: str(value) for name, value in form.items()})
        self.arrived.set()
        if len(self.told) == 1:
            await self.over.wait()
        return web.json_response({"instruction": "accept"})


@asynccontextmanager
async def application() -> AsyncIterator[tuple[Application, str]]:
    told, app = Application(), web.Application()
    app.router.add_post("/assign", told.take)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield told, f"http://127.0.0.1:{runner.addresses[0][1]}/assign"
    finally:
        told.over.set()
        await runner.cleanup()


async def test_a_relay_killed_during_a_callback_is_followed_by_one_that_makes_it_again(
    hall: Hall, media_server: EmbeddedServer
) -> None:
    floor = hall.floor
    floor.now_ms = time.time_ns() // 1_000_000  # the relay has the server's clock
    async with application() as (app, url), asyncio.timeout(LIMIT_S):
        await hall.urls(url)
        with relay(media_server, "first") as first:
            await asyncio.to_thread(first.line, "connected to")
            offer = await floor.offered()
            await app.arrived.wait()
            os.kill(first.process.pid, signal.SIGKILL)
            assert await asyncio.to_thread(first.end) == -signal.SIGKILL
        assert await floor.status(offer) == "pending"
        with relay(media_server, "second"):
            while await floor.status(offer) == "pending":
                await asyncio.to_thread(app.arrived.is_set)
        assert app.told == [app.told[0]] * 2
        assert app.told[0]["ReservationSid"] == offer.sid
        assert await floor.status(offer) == "accepted"
        while await hall.waiting():
            await asyncio.to_thread(app.arrived.is_set)
