"""The pipeline against the embedded server: real replies, real deaths."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hostile_server import on_both_loops, until
from redis.asyncio import Redis

from engine.redis import (
    ConnectionLost,
    DeadlineExceeded,
    EmbeddedServer,
    NotSent,
    Pipeline,
    RedisURL,
    ServerError,
    ServerRefused,
    alone,
    connect,
)
from engine.scripts import install, load_scripts

COUNT = alone(name="count", source="return redis.call('INCRBY', KEYS[1], ARGV[1])")
FOREIGN = "#!lua name=foreign\nredis.register_function('foreign', function() return 1 end)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("real") / "data"
    with EmbeddedServer(folder, durability="everysec") as server:
        yield server


@pytest.fixture
def key() -> str:
    return uuid4().hex


@on_both_loops
async def test_a_thousand_calls_a_third_of_them_cancelled_get_their_own_answers(
    server: EmbeddedServer,
) -> None:
    async with Pipeline(RedisURL.parse(server.url)) as p, asyncio.TaskGroup() as group:
        tasks = [group.create_task(p.call("ECHO", n)) for n in range(1000)]
        await asyncio.sleep(0)
        await until(lambda: p._connection is not None and len(p._connection.sent) == 1000)
        for task in tasks[::3]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for n, result in enumerate(results):
            assert isinstance(result, asyncio.CancelledError) if n % 3 == 0 else result == b"%d" % n
        await until(lambda: p.in_flight == 0)
        assert await p.call("ECHO", "in step") == b"in step"


@on_both_loops
async def test_a_flushed_script_is_loaded_again(server: EmbeddedServer, key: str) -> None:
    async with Pipeline(RedisURL.parse(server.url)) as p:
        assert await p.script(COUNT, [key], [1]) == 1
        assert await p.call("FUNCTION", "FLUSH") == b"OK"
        assert sorted(await asyncio.gather(*[p.script(COUNT, [key], [1]) for _ in range(64)])) == list(
            range(2, 66)
        )


@on_both_loops
async def test_a_prelude_is_run_once_and_two_versions_live_side_by_side(
    server: EmbeddedServer, key: str
) -> None:
    old = alone("next", "runs = runs + 1 return {runs, KEYS[1]}", f"local runs = 0  -- {key}\n")
    new = alone("next", "runs = runs + 1 return {runs, KEYS[1]}", f"local runs = 10  -- {key}\n")
    async with Pipeline(RedisURL.parse(server.url)) as p:
        told = [await p.script(version, [key], []) for version in (old, new, old, new)]
    assert told == [[runs, key.encode()] for runs in (1, 11, 2, 12)]


@on_both_loops
async def test_functions_of_other_versions_are_dropped_and_others_are_not(
    server: EmbeddedServer, key: str
) -> None:
    other, mine = alone("of_another_version", "return 1"), load_scripts()["tell_alert"]
    redis = connect(server.url)
    async with Pipeline(RedisURL.parse(server.url)) as p:
        await p.call("FUNCTION", "FLUSH")
        await p.script(other, [key], [])
        await p.script(mine, [f"{key}:1:", key], [0, "WT1", 0, ""])
        await p.call("FUNCTION", "LOAD", FOREIGN)
        assert await install(redis) == [other.library.name]
        assert await install(redis) == []
        kept = {library[1] for library in await p.call("FUNCTION", "LIST")}
        assert kept >= {mine.library.name.encode(), b"foreign"}
        assert await p.script(other, [key], []) == 1
    await redis.aclose()


async def test_a_user_who_may_not_load_scripts_is_told_what_to_allow(server: EmbeddedServer) -> None:
    async with Pipeline(RedisURL.parse(server.url)) as p:
        await p.call("ACL", "SETUSER", "narrow", "on", ">secret", "~*", "+@all", "-function")
    path = RedisURL.parse(server.url).path
    redis = Redis(unix_socket_path=path, username="narrow", password="secret")
    with pytest.raises(ServerRefused, match=r"Allow the user FCALL and FUNCTION\."):
        await install(redis)
    await redis.aclose()


@on_both_loops
async def test_a_script_error_is_the_callers_alone(server: EmbeddedServer, key: str) -> None:
    async with Pipeline(RedisURL.parse(server.url)) as p:
        good, bad = await asyncio.gather(
            p.script(COUNT, [key], [5]), p.script(COUNT, [key], ["x"]), return_exceptions=True
        )
    assert good == 5
    assert isinstance(bad, ServerError)


@on_both_loops
async def test_a_killed_server_leaves_nobody_waiting_and_no_call_runs_twice(tmp_path: Path, key: str) -> None:
    server = EmbeddedServer(tmp_path / "data")  # "always": an answered call survives the kill
    server.start()
    async with Pipeline(RedisURL.parse(server.url), deadline_s=8.0, random=lambda: 0.1) as p:
        await p.script(COUNT, [key], [0])
        futures = [p.send("INCRBY", key, 1) for _ in range(500)]
        await futures[0]
        futures.append(p.send("EVAL", "while true do end", 0))  # behind it nothing is answered for certain
        futures += [p.send("INCRBY", key, 1) for _ in range(100)]
        await until(lambda: not p._queue)
        os.kill(server.pid, signal.SIGKILL)
        results = await asyncio.gather(*futures, return_exceptions=True)
        answered = [result for result in results if isinstance(result, int)]
        lost = [result for result in results if isinstance(result, ConnectionLost)]
        assert len(answered) + len(lost) == 601
        assert len(lost) > 100
        assert answered == list(range(1, len(answered) + 1))
        unsent = p.send("INCRBY", key, 1)
        await until(lambda: server.poll() is not None)
        server.start()
        total = await unsent  # waited for the server to return: by itself, and within its deadline
        assert len(answered) + 1 <= total <= 501
        assert await p.script(COUNT, [key], [0]) == total  # the new server had not seen the script
        assert p.connects == 2
    server.stop()


@on_both_loops
async def test_a_blocking_read_has_its_own_connection_and_deadline(server: EmbeddedServer, key: str) -> None:
    url = RedisURL.parse(server.url)
    async with Pipeline(url) as writer, Pipeline(url, deadline_s=30.0, name="reader") as reader:
        await writer.call("XGROUP", "CREATE", key, "g", "$", "MKSTREAM")
        read = reader.send("XREADGROUP", "GROUP", "g", "me", "COUNT", 1, "BLOCK", 20_000, "STREAMS", key, ">")
        await asyncio.sleep(0)
        entry = await writer.call("XADD", key, "*", "f", "v")
        assert await read == [[key.encode(), [[entry, [b"f", b"v"]]]]]
        blocked = reader.send("XREADGROUP", "GROUP", "g", "me", "BLOCK", 20_000, "STREAMS", key, ">")
        await until(lambda: reader.in_flight == 1)
        blocked.cancel()  # leaving does not wait for the 20 s


@on_both_loops
async def test_a_paused_server_costs_the_deadline_and_not_more(server: EmbeddedServer) -> None:
    async with Pipeline(RedisURL.parse(server.url), deadline_s=0.1, connect_timeout_s=0.1) as p:
        await p.call("CLIENT", "PAUSE", 400, "WRITE")
        with pytest.raises((DeadlineExceeded, NotSent)):
            await p.call("SET", "k", "v")
        await until(lambda: p.connected)
        assert await p.call("CLIENT", "UNPAUSE") == b"OK"


@on_both_loops
async def test_the_connection_carries_its_name_and_database(server: EmbeddedServer) -> None:
    url = RedisURL(path=RedisURL.parse(server.url).path, db=3)
    async with Pipeline(url, name="matcher-7") as p:
        info = (await p.call("CLIENT", "INFO")).decode()
    assert " name=matcher-7 " in info
    assert " db=3 " in info
    assert " resp=2 " in info
