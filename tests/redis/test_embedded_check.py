"""What a server must be to be used: facts, refusals that say what to change, and no blind repeats."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio
from hostile_server import Peer, Story, hostile
from redis.exceptions import ConnectionError as RedisConnectionError

from engine.redis import (
    EmbeddedServer,
    ServerFacts,
    ServerRefused,
    ServerUnreachable,
    WeakDurability,
    check_server,
    connect,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("check") / "data") as server:
        yield server


@pytest.fixture
async def client(shared: EmbeddedServer) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of the embedded server; the settings that a test changed are put back."""
    client = connect(shared.url)
    yield client
    for name, value in {
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "maxmemory": 0,
        "hash-max-listpack-value": 4096,
    }.items():
        await client.config_set(name, value)
    await client.execute_command("REPLICAOF", "NO", "ONE")
    # Before its log is written it would not stop.
    while (await client.info("persistence"))["aof_rewrite_in_progress"]:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await client.aclose()


async def test_the_embedded_server_is_fit_without_advice(client: redis.asyncio.Redis) -> None:
    facts = await check_server(client, allow_weak_durability=False)
    assert facts == ServerFacts(
        product="valkey",
        version="9.1.2" if facts.version == "9.1.2" else facts.version,
        role="master",
        durability="always",
        maxmemory_policy="noeviction",
        maxmemory_bytes=0,
        hash_max_listpack_value=4096,
        advice=[],
    )


@pytest.mark.parametrize(
    ("settings", "durability", "loses"),
    [
        ({"appendfsync": "everysec"}, "everysec", "last seconds"),
        ({"appendfsync": "no"}, "no", "30 seconds"),
        ({"appendonly": "no"}, "off", "restart"),
    ],
)
async def test_weaker_durability_must_be_allowed_by_name(
    client: redis.asyncio.Redis, settings: dict[str, str], durability: str, loses: str
) -> None:
    for name, value in settings.items():
        await client.config_set(name, value)
    with pytest.raises(WeakDurability, match=loses + ".*Set appendonly yes and appendfsync always"):
        await check_server(client, allow_weak_durability=False)
    facts = await check_server(client, allow_weak_durability=True)
    assert facts.durability == durability


async def test_a_server_that_may_evict_is_refused(client: redis.asyncio.Redis) -> None:
    await client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(ServerRefused, match=r"allkeys-lru.*Set maxmemory-policy noeviction"):
        await check_server(client, allow_weak_durability=True)


async def test_a_replica_is_refused(client: redis.asyncio.Redis) -> None:
    await client.execute_command("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(ServerRefused, match=r"is a slave.*primary"):
        await check_server(client, allow_weak_durability=True)


async def test_small_listpacks_are_worth_an_advice(client: redis.asyncio.Redis) -> None:
    await client.config_set("hash-max-listpack-value", 64)
    await client.config_set("maxmemory", 10**9)
    facts = await check_server(client, allow_weak_durability=False)
    assert (facts.hash_max_listpack_value, facts.maxmemory_bytes) == (64, 10**9)
    assert facts.advice == [
        "Set hash-max-listpack-value 4096 on the Redis server (it is 64): Tasks take half the memory then."
    ]


async def test_where_config_is_forbidden_info_is_believed_and_the_rest_unknown(
    client: redis.asyncio.Redis, shared: EmbeddedServer
) -> None:
    await client.execute_command("ACL", "SETUSER", "tenant", "on", ">pw", "~*", "+@all", "-config")
    tenant = connect(shared.url.replace("unix://", "unix://tenant:pw@"))
    with pytest.raises(WeakDurability, match="CONFIG is forbidden"):
        await check_server(tenant, allow_weak_durability=False)
    facts = await check_server(tenant, allow_weak_durability=True)
    assert (facts.durability, facts.hash_max_listpack_value) == ("unknown", None)
    assert (facts.maxmemory_policy, len(facts.advice)) == ("noeviction", 1)
    await client.config_set("appendonly", "no")
    assert (await check_server(tenant, allow_weak_durability=True)).durability == "off"
    await client.config_set("maxmemory-policy", "volatile-ttl")
    with pytest.raises(ServerRefused, match="volatile-ttl"):
        await check_server(tenant, allow_weak_durability=True)
    await tenant.aclose()


def reporting(info: str) -> Story:
    """A server that knows its INFO and nothing else."""

    async def story(peer: Peer) -> None:
        while True:
            words = await peer.command()
            if words[0] == b"INFO":
                peer.say(b"$%d\r\n%s\r\n" % (len(info), info.encode()))
            else:
                peer.say(b"+OK\r\n" if words[0] in (b"CLIENT", b"SELECT") else b"-ERR unknown command\r\n")

    return story


@pytest.mark.parametrize(
    ("info", "refusal"),
    [
        ("redis_version:6.2.14\r\nrole:master\r\n", "redis 6.2.14. Upgrade it to 7.0 or newer"),
        ("redis_version:7.2.4\r\nvalkey_version:7.1.0\r\nrole:master\r\n", "valkey 7.1.0. Upgrade it to 7.2"),
        ("redis_version:7.0.0\r\nrole:master\r\naof_enabled:1\r\n", None),
        ("redis_version:10.0.1\r\nrole:master\r\naof_enabled:1\r\n", None),
    ],
)
async def test_an_old_server_is_refused(tmp_path: Path, info: str, refusal: str | None) -> None:
    async with hostile(tmp_path / "s", reporting(info)):
        client = connect(f"unix://{tmp_path}/s")
        if refusal is None:
            facts = await check_server(client, allow_weak_durability=True)
            assert (facts.product, facts.durability) == ("redis", "unknown")
        else:
            with pytest.raises(ServerRefused, match=refusal):
                await check_server(client, allow_weak_durability=True)
        await client.aclose()


async def test_a_server_that_is_away_or_locked_is_unreachable(
    tmp_path: Path, client: redis.asyncio.Redis, shared: EmbeddedServer
) -> None:
    away = connect(f"unix://{tmp_path}/none")
    with pytest.raises(ServerUnreachable, match=r"does not answer: .*[^.]\. Check its URL\.$"):
        await check_server(away, allow_weak_durability=True)
    stranger = connect(shared.url.replace("unix://", "unix://nobody:pw@"))
    with pytest.raises(ServerUnreachable, match=r"refuses us: .*invalid username"):
        await check_server(stranger, allow_weak_durability=True)
    await client.execute_command("ACL", "SETUSER", "blind", "on", ">pw", "~*", "+@all", "-info")
    blind = connect(shared.url.replace("unix://", "unix://blind:pw@"))
    with pytest.raises(ServerUnreachable, match="right to INFO"):
        await check_server(blind, allow_weak_durability=True)
    for used in (away, stranger, blind):
        await used.aclose()


async def test_the_ordinary_client_never_repeats_a_command(tmp_path: Path) -> None:
    async def story(peer: Peer) -> None:
        while (words := await peer.command())[0] != b"INCR":
            peer.say(b"+OK\r\n" if words else b"")
        peer.cut()

    async with hostile(tmp_path / "s", story) as server:
        client = connect(f"unix://{tmp_path}/s")
        with pytest.raises(RedisConnectionError):
            await client.execute_command("INCR", "n")
        sent = [words for peer in server.peers for words in peer.commands if words[0] == b"INCR"]
        assert sent == [[b"INCR", b"n"]]
        await client.aclose()


def test_the_ordinary_client_gives_up_on_a_silent_socket_after_two_seconds() -> None:
    settings = connect("redis://h").connection_pool.connection_kwargs
    assert (settings["socket_timeout"], settings["socket_connect_timeout"]) == (2.0, 2.0)


def test_the_ordinary_client_refuses_a_wrong_url_as_the_pipeline_does() -> None:
    with pytest.raises(ValueError, match="Redis URL: the scheme"):
        connect("http://h")
