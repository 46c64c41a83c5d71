"""Facts about a Redis server at start, and the refusals that follow from them."""

from collections.abc import Mapping
from typing import Any, Literal, cast

import redis.asyncio
from msgspec import Struct
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError

from engine.redis.errors import ServerLoading, ServerRefused, ServerUnreachable, WeakDurability
from engine.redis.url import RedisURL

Durability = Literal["always", "everysec", "no", "off", "unknown"]

MIN_VERSIONS = {"redis": (7, 0), "valkey": (7, 2)}
LISTPACK_VALUE_BYTES = 4096  # a record whose longest value exceeds this limit takes 1.7-2.5 x the memory
SOCKET_TIMEOUT_S = 2.0
LOADING = "The Redis server is loading its data."

_SETTINGS = ("maxmemory-policy", "appendonly", "appendfsync", "hash-max-listpack-value")
_LOSES = {
    # Seconds, not one: while a slow sync is under way the server holds back what it would write, up to 2 s.
    "everysec": "appendfsync is everysec, so a power cut, or a crash of the server while its disk is slow, "
    "can undo the last seconds of acknowledged writes",
    "no": "appendfsync is no, so a power cut can undo about 30 seconds of acknowledged writes",
    "off": "appendonly is no, so a restart of the server can undo any acknowledged write",
    "unknown": "its persistence settings cannot be read (CONFIG is forbidden), so nothing says what a "
    "power cut can undo",
}


class ServerFacts(Struct, frozen=True, kw_only=True):
    """What a server said about itself. `advice` are sentences, improvements that nobody insists on."""

    product: Literal["redis", "valkey"]
    version: str
    role: str  # "master"; anything else was refused
    durability: Durability  # appendfsync, "off" without appendonly, "unknown" where CONFIG is forbidden
    maxmemory_policy: str
    maxmemory_bytes: int  # 0: no limit
    hash_max_listpack_value: int | None  # bytes; None where CONFIG is forbidden
    advice: list[str]


def connect(url: str) -> redis.asyncio.Redis:
    """A redis-py client for everything ordinary. Does not connect yet. Raises ValueError for a wrong URL.

    It never repeats a command by itself, and gives up on a silent socket after 2 s.
    """
    RedisURL.parse(url)  # for one wording of what is wrong with a URL
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
    )
    return client


async def check_server(redis: redis.asyncio.Redis, *, allow_weak_durability: bool) -> ServerFacts:
    """Ask a server what it is; refuse one that would break a guarantee. Three round trips.

    Raises ServerUnreachable (ServerLoading), WeakDurability (unless `allow_weak_durability`), ServerRefused for all
    else that is wrong: too old, a replica, or a server that may evict keys. The text says what to change.
    """
    try:
        info: dict[str, Any] = await redis.info()
        settings = await _settings(redis)
    except RedisError as error:
        raise unreachable(error) from error
    if info.get("loading"):  # it tells us so, and answers hardly anything else
        raise ServerLoading(LOADING)
    facts = _facts(info, settings)
    _refuse_unusable(facts)
    if facts.durability != "always" and not allow_weak_durability:
        raise WeakDurability(
            f"The Redis server may lose acknowledged writes: {_LOSES[facts.durability]}. Set appendonly yes "
            "and appendfsync always on it, or allow weaker durability by name."
        )
    return facts


def unreachable(error: RedisError) -> ServerUnreachable:
    """What it means that a question at the start, or of the watch, was not answered."""
    if isinstance(error, BusyLoadingError):
        return ServerLoading(LOADING)
    why = str(error).removesuffix(".")
    # A refused log-in comes wrapped into a failure to connect.
    if isinstance(error, ResponseError) or isinstance(error.__cause__, AuthenticationError):
        return ServerUnreachable(
            f"The Redis server refuses us: {why}. Check the user, the password and the right to INFO."
        )
    return ServerUnreachable(f"The Redis server does not answer: {why}. Check its URL.")


async def _settings(redis: redis.asyncio.Redis) -> dict[str, str] | None:
    """The settings that matter; None where CONFIG is forbidden, as on managed services."""
    try:
        reply: Mapping[Any, Any] = await redis.config_get(*_SETTINGS)
    except ResponseError:
        return None
    return {_text(name): _text(value) for name, value in reply.items()}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _facts(info: Mapping[str, Any], settings: dict[str, str] | None) -> ServerFacts:
    valkey = "valkey_version" in info
    policy = str(info.get("maxmemory_policy", "unknown"))
    listpack_value, durability = None, "unknown"
    if settings is not None:
        policy = settings.get("maxmemory-policy", policy)
        listpack_value = int(settings.get("hash-max-listpack-value", "0")) or None
        durability = settings.get("appendfsync", "unknown") if settings.get("appendonly") == "yes" else "off"
    elif not info.get("aof_enabled"):
        durability = "off"
    return ServerFacts(
        product="valkey" if valkey else "redis",
        version=str(info["valkey_version" if valkey else "redis_version"]),
        role=str(info.get("role", "unknown")),
        durability=cast(Durability, durability),
        maxmemory_policy=policy,
        maxmemory_bytes=int(info.get("maxmemory", 0)),
        hash_max_listpack_value=listpack_value,
        advice=_advice(listpack_value),
    )


def _advice(listpack_value: int | None) -> list[str]:
    limit = f"hash-max-listpack-value {LISTPACK_VALUE_BYTES}"
    if listpack_value is None:
        return [f"CONFIG is forbidden on the Redis server; make sure that it runs with {limit}."]
    if listpack_value < LISTPACK_VALUE_BYTES:
        return [f"Set {limit} on the Redis server (it is {listpack_value}): Tasks take half the memory then."]
    return []


def _refuse_unusable(facts: ServerFacts) -> None:
    needed = MIN_VERSIONS[facts.product]
    if tuple(int(part) for part in facts.version.split(".")[:2]) < needed:
        raise ServerRefused(
            f"The server is {facts.product} {facts.version}. Upgrade it to {needed[0]}.{needed[1]} or newer."
        )
    if facts.role != "master":
        raise ServerRefused(f"The Redis server is a {facts.role}. Give the URL of the primary.")
    if facts.maxmemory_policy not in ("noeviction", "unknown"):
        raise ServerRefused(
            f"The Redis server may evict Tasks: maxmemory-policy is {facts.maxmemory_policy}. "
            "Set maxmemory-policy noeviction on it."
        )
