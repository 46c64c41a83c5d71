"""`trunkline serve`: an embedded server or yours, processes of every role, one supervisor over them all."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from api.first_account import Credentials, first_account
from api.listen import bind, probe, shown_url
from api.process import StartFailed, set_within
from api.server_check import check_at_start
from api.supervisor import Command, Supervisor, backoff_s, ending
from engine.accounts import Accounts
from engine.redis import EmbeddedServer, EmbeddedServerError, connect
from engine.settings import ENVIRONMENT_ONLY, PREFIX, Settings, as_environment

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("trunkline.serve")

READY_LIMIT_S: Final = 60.0  # from the start of the children, who take 1 s, on a crowded machine 10
PROBE_S: Final = 0.05  # between two questions whether it is ready
SERVER_LOOK_S: Final = 0.2  # between two looks whether the embedded server lives
SERVER_STOP_S: Final = 4.0  # with the 5 s its clients have, less than 10


class Ready(Struct, frozen=True, kw_only=True):
    """What can be told once requests are served."""

    url: str
    credentials: Credentials | None
    redis: str  # URL of the server that has the data


async def serve(settings: Settings, stopping: asyncio.Event, *, on_ready: Callable[[Ready], None]) -> None:
    """Run a whole deployment until `stopping`, then end it in order: clients first, the server last.

    Raises SettingError, ServerRefused, EmbeddedServerError or StartFailed, each one line that says what to
    do; nothing is left running then.
    """
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(bind(settings.host, settings.port))
        server = None
        if settings.embedded:
            server = EmbeddedServer(
                settings.data_dir, durability="always" if settings.durability == "durable" else "everysec"
            )
            stack.callback(server.stop, SERVER_STOP_S)
            server.start()  # blocks the loop, on purpose: from another thread it would not die with this one
        child_settings, credentials = await _prepare(settings, server.url if server else settings.redis)
        supervisor = Supervisor(
            list(_commands(child_settings, listening)), environment=_environment(child_settings)
        )
        url = shown_url(listening, settings.public_url)
        ready = Ready(url=url, credentials=credentials, redis=child_settings.redis)
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(stopping))
            group.create_task(_announce(supervisor, listening, stopping, lambda: on_ready(ready)))
            if server is not None:
                group.create_task(_keep_server(server, stopping))


async def _prepare(settings: Settings, url: str) -> tuple[Settings, Credentials | None]:
    """Check the server and its data, see to an account; returns the settings of the children."""
    marker = settings.data_dir / "deployment" if settings.embedded else None
    weak = settings.allow_weak_durability or (settings.embedded and settings.durability == "relaxed")
    on_server = structs.replace(
        settings,
        redis=url,
        data="",
        durability="durable",
        allow_weak_durability=weak,
        shards=settings.shards,
        deployment=settings.deployment or _read_marker(marker),
    )
    redis = connect(url)
    try:
        facts, deployment = await check_at_start(redis, on_server, default_shards=settings.shards_wanted)
        for advice in facts.advice:
            log.warning("%s", advice)
        if marker is not None:
            marker.write_text(deployment.id + "\n")
        credentials = await first_account(Accounts(redis), settings)
    finally:
        await redis.aclose()
    log.info(
        "deployment %s: %s %s, appendfsync %s, shards %d",
        deployment.id,
        facts.product,
        facts.version,
        facts.durability,
        deployment.shards,
    )
    return structs.replace(on_server, shards=deployment.shards, deployment=deployment.id), credentials


def _read_marker(marker: Path | None) -> str:
    """The id of the deployment this folder was made for; "" for a new folder."""
    try:
        return marker.read_text().strip() if marker is not None else ""
    except FileNotFoundError:
        return ""


def _commands(settings: Settings, listening: socket.socket) -> list[Command]:
    fd = listening.fileno()
    apis = [
        Command(name=f"api-{n}", args=("api", "--name", f"api-{n}", "--listen-fd", str(fd)), fds=(fd,))
        for n in range(1, settings.api + 1)
    ]
    matchers = [
        Command(name=f"matcher-{n}", args=("matcher", "--name", f"matcher-{n}"))
        for n in range(1, settings.matchers + 1)
    ]
    relays = [
        Command(name=f"relay-{n}", args=("relay", "--name", f"relay-{n}"))
        for n in range(1, settings.relays + 1)
    ]
    return apis + matchers + relays


def _environment(settings: Settings) -> dict[str, str]:
    """The children's environment: ours, its settings replaced by those that hold here, without the token."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    theirs = structs.replace(settings, **dict.fromkeys(ENVIRONMENT_ONLY, ""))
    return inherited | as_environment(theirs)


async def _announce(
    supervisor: Supervisor, listening: socket.socket, stopping: asyncio.Event, announce: Callable[[], None]
) -> None:
    """Wait until an API process says that it is ready, then say so; StartFailed if none does in time."""
    answer = "no answer"
    deadline_s = time.monotonic() + READY_LIMIT_S
    while not stopping.is_set():
        status, answer = await probe(listening)
        if status == 200:
            supervisor.ready = True
            announce()
            return
        if time.monotonic() > deadline_s:
            raise StartFailed(f"not ready after {READY_LIMIT_S:g} s: {answer}")
        await set_within(stopping, PROBE_S)


async def _keep_server(server: EmbeddedServer, stopping: asyncio.Event) -> None:
    """Start the embedded server again whenever it died; its data are all there, its clients reconnect.

    A start blocks this loop, and a signal waits that long: 0.1 s, and the time to load the data.
    """
    deaths, rng = 0, random.Random()
    while not stopping.is_set():
        if await set_within(stopping, SERVER_LOOK_S) or (status := server.poll()) is None:
            continue
        deaths += 1
        delay_s = backoff_s(deaths, rng)
        log.error("the embedded server %s; starting it again in %.2f s", ending(status), delay_s)
        if await set_within(stopping, delay_s):
            return
        try:
            server.start()
            deaths = 0
        except EmbeddedServerError as error:
            log.error("%s", error)
