"""`trunkline relay` as a process, killed between telling an adapter and acknowledging that it did."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from engine.media_stream import GROUP
from engine.redis import EmbeddedServer
from tests.cli.cli_support import LIMIT_S, Program, environment
from tests.redis.media_support import SHARD, Floor, floor, media_server

__all__ = ["floor", "media_server"]  # fixtures


class Told:
    """What came to the adapter. The first answer waits until it is let go; the others come at once."""

    def __init__(self) -> None:
        self.letters: list[dict[str, Any]] = []
        self.arrived, self.answer = asyncio.Event(), asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.letters.append(await request.json())
        self.arrived.set()
        if len(self.letters) == 1:
            await self.answer.wait()
        return web.json_response({"outcome": "confirmed", "task_attributes": {"worker_call_sid": "CA1"}})


@asynccontextmanager
async def adapter() -> AsyncIterator[tuple[Told, str]]:
    told, app = Told(), web.Application()
    app.router.add_post("/told", told.take)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield told, f"http://127.0.0.1:{runner.addresses[0][1]}/told"
    finally:
        told.answer.set()
        await runner.cleanup()


def relay(server: EmbeddedServer, name: str) -> Program:
    options = ("--redis", server.url, "--allow-weak-durability", "--allow-private-callbacks")
    return Program("relay", *options, "--name", name, env=environment())


async def test_a_relay_killed_before_it_acknowledged_is_followed_by_one_that_tells_it_again(
    floor: Floor, media_server: EmbeddedServer
) -> None:
    async with adapter() as (told, url), asyncio.timeout(LIMIT_S):
        await floor.engine.workspaces.update(*floor.at, media_adapter_url=url)
        offer = await floor.offered(attributes='{"a": 1}')
        with relay(media_server, "first") as first:
            await asyncio.to_thread(first.line, "connected to")
            await floor.instruct(offer)
            await told.arrived.wait()
            pending = await floor.pipeline.call("XPENDING", SHARD.media, GROUP, "-", "+", 10)
            os.kill(first.process.pid, signal.SIGKILL)
            assert await asyncio.to_thread(first.end) == -signal.SIGKILL
        assert [(row[1].endswith(b"-first"), row[3]) for row in pending] == [(True, 1)]
        assert await floor.status(offer) == "pending"
        with relay(media_server, "second"):
            while await floor.status(offer) == "pending":
                await asyncio.to_thread(told.arrived.is_set)
        (repeated,) = told.letters[1:]
        assert repeated == told.letters[0]
        assert await floor.status(offer) == "accepted"
        task = (await floor.engine.tasks.fetch(*floor.at, offer.task_sid)).value
        assert (task.status, task.attributes) == ("assigned", '{"a":1,"worker_call_sid":"CA1"}')
        accepted = [event for event in await floor.events() if event.startswith("reservation.accepted|")]
        assert len(accepted) == 1
        assert await floor.letters() == []
