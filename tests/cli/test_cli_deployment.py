"""What is fixed at the first start, and the servers and data that are refused afterwards."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from api.server_check import ServerWatch, check_at_start
from engine.deployment import LAYOUT, open_deployment
from engine.errors import SettingError
from engine.keys import ACCOUNTS, DEPLOYMENT
from engine.redis import EmbeddedServer, ServerLoading, ServerRefused, connect
from engine.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

DATABASES = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Path(tmp_path_factory.mktemp("deployment"))) as running:
        yield running


@pytest.fixture
async def redis(server: EmbeddedServer) -> AsyncIterator[Redis]:
    """An empty database of its own: the names of these keys are fixed."""
    client = connect(f"{server.url}?db={next(DATABASES)}")
    yield client
    await client.aclose()


async def open_it(redis: Redis, *, shards: int = 0, default_shards: int = 1, expected_id: str = "") -> object:
    return await open_deployment(redis, shards=shards, default_shards=default_shards, expected_id=expected_id)


async def test_the_first_start_fixes_the_shards_and_later_ones_find_them(redis: Redis) -> None:
    first = await open_deployment(redis, shards=0, default_shards=16, expected_id="")
    again = await open_deployment(redis, shards=0, default_shards=1, expected_id=first.id)
    assert (first.shards, first.layout, first.is_new) == (16, LAYOUT, True)
    assert (again.id, again.shards, again.is_new) == (first.id, 16, False)


async def test_processes_that_start_at_once_agree(redis: Redis) -> None:
    opened = await asyncio.gather(
        *(open_deployment(redis, shards=0, default_shards=n, expected_id="") for n in range(1, 9))
    )
    assert len({(deployment.id, deployment.shards, deployment.secret) for deployment in opened}) == 1


async def test_the_secret_is_made_once_and_an_older_deployment_gets_one_at_its_next_start(
    redis: Redis,
) -> None:
    first = await open_deployment(redis, shards=0, default_shards=1, expected_id="")
    again = await open_deployment(redis, shards=0, default_shards=1, expected_id="")
    assert re.fullmatch("[0-9a-f]{32}", first.secret)
    assert (again.secret, first.secret == first.id) == (first.secret, False)
    await redis.hdel(DEPLOYMENT, "secret")
    renewed = await asyncio.gather(
        *(open_deployment(redis, shards=0, default_shards=1, expected_id=first.id) for _ in range(8))
    )
    assert len({deployment.secret for deployment in renewed}) == 1
    assert re.fullmatch("[0-9a-f]{32}", renewed[0].secret)


async def test_another_number_of_shards_is_refused_and_the_same_one_is_not(redis: Redis) -> None:
    await open_it(redis, shards=4)
    await open_it(redis, shards=4)
    with pytest.raises(SettingError, match=r"shards \(.*\) is 8; must be 4 or left out"):
        await open_it(redis, shards=8)


async def test_a_newer_layout_is_refused(redis: Redis) -> None:
    await open_it(redis)
    await redis.hset(DEPLOYMENT, "layout", LAYOUT + 1)
    with pytest.raises(ServerRefused, match=f"layout {LAYOUT + 1} and this version reads layout {LAYOUT}"):
        await open_it(redis)


async def test_data_that_kept_only_hashes_of_tokens_is_refused_with_the_reason(redis: Redis) -> None:
    await open_it(redis)
    await redis.hset(DEPLOYMENT, "layout", 1)
    with pytest.raises(ServerRefused, match=r"only hashes of auth tokens.*; start the version of Trunkline"):
        await open_it(redis)


async def test_an_emptied_server_is_refused_and_stays_empty(redis: Redis) -> None:
    with pytest.raises(ServerRefused, match="no data, but deployment abc was expected"):
        await open_it(redis, expected_id="abc")
    assert await redis.dbsize() == 0


async def test_another_deployment_is_refused(redis: Redis) -> None:
    await open_it(redis)
    with pytest.raises(ServerRefused, match="not abc"):
        await open_it(redis, expected_id="abc")


async def test_data_without_its_deployment_key_is_refused(redis: Redis) -> None:
    await redis.hset(ACCOUNTS, "AC", "{}")
    with pytest.raises(ServerRefused, match="part of the data is gone"):
        await open_it(redis)


async def test_the_watch_sees_a_server_that_was_emptied_or_reconfigured_and_its_return(redis: Redis) -> None:
    deployment = await open_deployment(redis, shards=1, default_shards=1, expected_id="")
    watch = ServerWatch(redis, Settings(redis="unix:///unused"), deployment)
    await watch.run_once()
    assert watch.refusal == ""
    await redis.rename(DEPLOYMENT, "elsewhere")
    await watch.run_once()
    assert "was emptied" in watch.refusal
    await redis.rename("elsewhere", DEPLOYMENT)
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    await watch.run_once()
    assert "noeviction" in watch.refusal
    await redis.config_set("maxmemory-policy", "noeviction")
    await watch.run_once()
    assert watch.refusal == ""


class Fitful:
    """A client of a server that answers its first questions as it is told: by an error, or that it loads its data."""

    def __init__(self, redis: Redis, **first: list[RedisError | None]) -> None:
        self._redis, self._first = redis, first

    async def info(self) -> dict[str, Any]:
        facts: dict[str, Any] = await self._redis.info()
        return {**facts, "loading": 1} if self._next("info") else facts

    async def hgetall(self, key: str) -> Any:
        if error := self._next("hgetall"):
            raise error
        return await self._redis.hgetall(key)

    def _next(self, command: str) -> RedisError | None:
        first = self._first.get(command)
        return first.pop(0) if first else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RedisConnectionError("Connection lost."), "does not answer: Connection lost"),
        (BusyLoadingError(), "loading"),
    ],
    ids=["away", "loading"],
)
async def test_the_watch_outlives_a_server_that_leaves_between_two_questions(
    redis: Redis, error: RedisError, said: str
) -> None:
    deployment = await open_deployment(redis, shards=1, default_shards=1, expected_id="")
    watch = ServerWatch(Fitful(redis, hgetall=[error]), Settings(redis="unix:///unused"), deployment)
    await watch.run_once()
    assert said in watch.refusal
    await watch.run_once()
    assert watch.refusal == ""


async def test_the_watch_outlives_a_look_that_fails(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.server_check.WATCH_S", 0.0)
    deployment = await open_deployment(redis, shards=1, default_shards=1, expected_id="")
    again = asyncio.Event()

    class Watch(ServerWatch):
        async def run_once(self) -> None:
            if not caplog.records:
                raise RuntimeError("the handler is closed")
            again.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        watching = group.create_task(Watch(redis, Settings(redis="unix:///unused"), deployment).run())
        await again.wait()
        watching.cancel()
    assert "the look at the Redis server failed" in caplog.text
    assert "the handler is closed" in caplog.text  # with its trace


async def test_a_server_that_loads_its_data_is_waited_for_at_the_start(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.server_check.LOOK_S", 0.0)
    caplog.set_level("INFO")
    settings = Settings(redis="unix:///unused")
    loads = Fitful(redis, info=[BusyLoadingError()] * 2, hgetall=[BusyLoadingError()])
    _, deployment = await check_at_start(loads, settings, default_shards=1)
    assert deployment.is_new
    assert caplog.text.count("waiting for the Redis server") == 1
    monkeypatch.setattr("api.server_check.LOAD_TIMEOUT_S", -1.0)
    with pytest.raises(ServerLoading, match="is loading its data"):
        await check_at_start(Fitful(redis, info=[BusyLoadingError()]), settings)
