"""What one `trunkline api` process does from its start to its end."""

from __future__ import annotations

import asyncio
import socket

from api.app import build
from api.first_account import first_account
from api.limits import Limits
from api.role import engine_of
from api.server import server_of, spare_the_collector
from engine.settings import Settings, networks


async def run_api(
    settings: Settings, stopping: asyncio.Event, *, name: str, listening: socket.socket
) -> None:
    """Serve HTTP on the `listening` socket until `stopping`, then finish what was begun."""
    async with engine_of(settings, name) as (engine, pipeline, watch):
        if settings.account_sid:
            await first_account(engine.accounts, settings)

        def reasons() -> list[str]:
            down = [] if pipeline.connected else ["no connection to the Redis server"]
            return down + ([watch.refusal] if watch.refusal else [])

        app = build(
            engine,
            ready=reasons,
            public_url=settings.public_url or None,
            allow_private_callbacks=settings.allow_private_callbacks,
            secret=watch.deployment.secret,
            trusted_proxies=networks(settings.trusted_proxies),
            limits=Limits(
                requests=settings.rate_limit,
                expressions=settings.rate_limit_expressions,
                bulk=settings.rate_limit_bulk,
            ),
        )
        server = server_of(app)
        spare_the_collector()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run())
            serving = group.create_task(server.serve(sockets=[listening]))
            serving.add_done_callback(lambda _: stopping.set())
            await stopping.wait()
            server.should_exit = True
            await serving
            watching.cancel()
