"""API keys: further names and secrets of an account, each of which can be taken away by itself.

A key says itself whether its account is active, so that one command decides about a request. What suspends or
activates an account rewrites its keys in the same step (accounts.py).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from engine import checks
from engine.credential_store import CredentialStore, Reader, Write, same_secret
from engine.errors import Invalid, NotFound
from engine.keys import ACCOUNTS, API_KEYS
from engine.model import Account, ApiKey
from engine.sids import Mint, mint

if TYPE_CHECKING:
    from redis.asyncio import Redis

SECRET_BYTES: Final = 16  # random ones; a secret is two hexadecimal digits each
MOST: Final = 100  # keys of one account; a suspension writes all of them in one step

_DECODE: Final = msgspec.json.Decoder(ApiKey).decode
_DECODE_ACCOUNT: Final = msgspec.json.Decoder(Account).decode
_ENCODE: Final = msgspec.json.Encoder().encode


class ApiKeys:
    """The API keys of a deployment. Every method raises Unavailable.

    `secret` gives hexadecimal digits for so many random bytes, `now_ms` the time; tests hand in their own.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        mint: Mint = mint,
        secret: Callable[[int], str] = secrets.token_hex,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = CredentialStore(redis)
        self._mint, self._secret, self._now_ms = mint, secret, now_ms

    async def create(self, account_sid: str, name: str) -> ApiKey:
        """Make a key for an account, suspended or not. O(keys of the deployment).

        Raises NotFound without such an account, Invalid for a bad name or beyond 100 keys; nothing has changed
        then.
        """
        checks.name("name", name, checks.LONG_NAME)

        async def plan(reader: Reader) -> tuple[ApiKey, list[Write]]:
            text = await reader.one(ACCOUNTS, account_sid)
            if text is None:
                raise NotFound(account_sid)
            if len(await keys_of(reader, account_sid)) >= MOST:
                raise Invalid("account", f"{account_sid} has {MOST} API keys, which is the most; revoke one")
            key = ApiKey(
                sid=self._mint("SK"),
                account_sid=account_sid,
                name=name,
                secret=self._secret(SECRET_BYTES),
                account_active=_DECODE_ACCOUNT(text).status == "active",
                created_ms=self._now_ms(),
            )
            return key, [write_of(key)]

        return await self._store.change(plan)

    async def get(self, sid: str) -> ApiKey | None:
        """The key, whether or not its account is active; None if there is none. One round trip."""
        text = await self._store.read(API_KEYS, sid)
        return None if text is None else _DECODE(text)

    async def list(self, account_sid: str | None = None) -> list[ApiKey]:
        """The keys of one account or of all, oldest first. O(keys of the deployment)."""
        keys = [_DECODE(text) for text in await self._store.read_all(API_KEYS)]
        wanted = [key for key in keys if account_sid is None or key.account_sid == account_sid]
        return sorted(wanted, key=lambda key: (key.created_ms, key.sid))

    async def rotate(self, sid: str) -> ApiKey:
        """Give the key a new random secret. The one before counts no longer. Raises NotFound."""

        async def plan(reader: Reader) -> tuple[ApiKey, list[Write]]:
            key = replace(await _existing(reader, sid), secret=self._secret(SECRET_BYTES))
            return key, [write_of(key)]

        return await self._store.change(plan)

    async def revoke(self, sid: str) -> ApiKey:
        """Take the key away for good; returns what it was. Raises NotFound."""

        async def plan(reader: Reader) -> tuple[ApiKey, list[Write]]:
            return await _existing(reader, sid), [(API_KEYS, sid, None)]

        return await self._store.change(plan)

    async def verify(self, sid: str, secret: str) -> ApiKey | None:
        """The key, if this is its secret and its account active. One round trip.

        An unknown SID takes as much work.
        """
        key = await self.get(sid)
        right = same_secret(secret, "" if key is None else key.secret)
        return key if right and key is not None and key.account_active else None


async def keys_of(reader: Reader, account_sid: str) -> list[ApiKey]:
    """The keys of an account, inside a change. O(keys of the deployment)."""
    keys = [_DECODE(text) for text in await reader.all(API_KEYS)]
    return [key for key in keys if key.account_sid == account_sid]


def write_of(key: ApiKey) -> Write:
    return API_KEYS, key.sid, _ENCODE(key)


async def _existing(reader: Reader, sid: str) -> ApiKey:
    text = await reader.one(API_KEYS, sid)
    if text is None:
        raise NotFound(sid)
    return _DECODE(text)
