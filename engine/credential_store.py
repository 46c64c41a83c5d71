"""Where credentials are kept: a hash of accounts and one of API keys, from SID to JSON.

They are read once in 2 s by each process that a client talks to, and changed by hand. So reading one takes one
command, and a change may take several round trips: it is a transaction that begins anew if anybody else changed
a credential meanwhile. A suspension cannot be undone by a rotation that began before it.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.exceptions import RedisError, WatchError

from engine.errors import Unavailable
from engine.keys import ACCOUNTS, API_KEYS, Key

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

ATTEMPTS: Final = 20  # of a change, while others are changed in between

Write = tuple[Key, str, bytes | None]  # hash, SID, record; None takes it away


class Reader:
    """What the plan of a change may read."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def one(self, key: Key, sid: str) -> bytes | None:
        """One record; a SID that cannot be sent, because of half a surrogate pair, is asked for in another form."""
        found: bytes | None = await self._client.hget(key, sid.encode(errors="replace"))
        return found

    async def all(self, key: Key) -> list[bytes]:
        """All records of a hash, in no order. O(records)."""
        found: list[bytes] = await self._client.hvals(key)
        return found


Plan = Callable[[Reader], Awaitable[tuple[T, list[Write]]]]


class CredentialStore:
    """Access to the two hashes. Every method raises Unavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self, key: Key, sid: str) -> bytes | None:
        """One record. A malformed SID is asked for as well, or it would be told apart by time."""
        try:
            return await Reader(self._redis).one(key, sid)
        except RedisError as error:
            raise _unavailable(error, writing=False) from error

    async def read_all(self, key: Key) -> list[bytes]:
        """All records of a hash, in no order. O(records)."""
        try:
            return await Reader(self._redis).all(key)
        except RedisError as error:
            raise _unavailable(error, writing=False) from error

    async def add(self, key: Key, sid: str, record: bytes) -> bool:
        """Store a record unless there is one of this SID; whether it was stored. One round trip."""
        client: Any = self._redis
        try:
            return bool(await client.hsetnx(key, sid, record))
        except RedisError as error:
            raise _unavailable(error, writing=True) from error

    async def change(self, plan: Plan[T]) -> T:
        """Do what `plan` decides from what it reads, in one step. Some four round trips.

        What the plan raises is raised, and nothing has changed then; so it is after 20 attempts (Unavailable).
        """
        for _ in range(ATTEMPTS):
            writing = False
            transaction: Any = self._redis.pipeline(transaction=True)
            try:
                async with transaction as pipe:
                    await pipe.watch(ACCOUNTS, API_KEYS)
                    result, writes = await plan(Reader(pipe))
                    pipe.multi()
                    for key, sid, record in writes:
                        _ = pipe.hdel(key, sid) if record is None else pipe.hset(key, sid, record)
                    writing = True
                    await pipe.execute()
                    return result
            except WatchError:
                continue
            except RedisError as error:
                raise _unavailable(error, writing=writing) from error
        raise Unavailable("the credentials change faster than they can be read", outcome_unknown=False)


def same_secret(given: str, expected: str) -> bool:
    """Whether two secrets are equal. The time it takes tells neither where they differ nor how long they are."""
    return hmac.compare_digest(_digest(given), _digest(expected))


def _digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="replace")).digest()


def _unavailable(error: RedisError, *, writing: bool) -> Unavailable:
    return Unavailable(f"the credentials cannot be read: {error}", outcome_unknown=writing)
