"""Work on a deployment's credentials by a single command, whether or not `trunkline serve` runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from api.options import setting_options
from api.running import running_url
from engine.deployment import open_deployment
from engine.redis import EmbeddedServer, connect

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from engine.settings import Settings

T = TypeVar("T")

STOP_S: Final = 4.0  # for the server that was started for one command

place_options: Final = setting_options("data", "redis", "deployment")
json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


def run_on(settings: Settings, work: Callable[[Redis], Awaitable[T]]) -> T:
    """What `work` makes of the deployment of these settings."""
    with _server_url(settings) as url:
        return asyncio.run(_run_at(url, settings, work))


async def _run_at(url: str, settings: Settings, work: Callable[[Redis], Awaitable[T]]) -> T:
    redis = connect(url)
    try:
        await open_deployment(
            redis, shards=0, default_shards=settings.shards_wanted, expected_id=settings.deployment
        )
        return await work(redis)
    finally:
        await redis.aclose()


@contextmanager
def _server_url(settings: Settings) -> Iterator[str]:
    """The server to talk to: yours, the embedded one that runs, or one started for this command."""
    url = settings.redis or running_url(settings.data_dir)
    if url:
        yield url
        return
    server = EmbeddedServer(settings.data_dir)
    try:
        server.start()
        yield server.url
    finally:
        server.stop(STOP_S)


def date_of(ms: int) -> str:
    """An instant as the REST API writes it."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def print_json(value: Any) -> None:
    click.echo(msgspec.json.encode(value))
