"""What one `trunkline api` process does from its start to its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from api.app import build
from api.first_account import first_account
from api.limits import Limits
from api.listen import BACKLOG
from api.role import engine_of
from engine.settings import Settings, networks

GRACE_S: Final = 3  # for open requests at the end; a script call is given up after 2 s
KEEP_ALIVE_S: Final = 75  # longer than the 60 s of common load balancers, so that they close first


async def run_api(
    settings: Settings, stopping: asyncio.Event, *, name: str, listening: socket.socket
) -> None:
    """Serve HTTP on the `listening` socket until `stopping`, then finish what was begun within GRACE_S."""
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
        server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",  # the engine's life is this function
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # api/proxies.py reads them, from those who are believed
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
                backlog=BACKLOG,
            )
        )
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run())
            serving = group.create_task(server.serve(sockets=[listening]))
            serving.add_done_callback(lambda _: stopping.set())
            await stopping.wait()
            server.should_exit = True
            await serving
            watching.cancel()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: this process has its own, and must still close the engine."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
