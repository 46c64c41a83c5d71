"""Accounts: who may use this deployment, and how they prove it."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace
from redis.exceptions import RedisError

from engine import checks
from engine.errors import Invalid, NotFound, Unavailable
from engine.keys import ACCOUNTS
from engine.model import Account
from engine.sids import Mint, is_sid, mint

if TYPE_CHECKING:
    from redis.asyncio import Redis

SHORTEST_TOKEN: Final = 16  # characters, for tokens that are handed in; fewer can be guessed
LONGEST_TOKEN: Final = 256

_DECODE: Final = msgspec.json.Decoder(Account).decode
_ENCODE: Final = msgspec.json.Encoder().encode


class Accounts:
    """The accounts of a deployment: one hash, one round trip a call. Every method raises Unavailable.

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
        self._redis, self._mint, self._secret, self._now_ms = redis, mint, secret, now_ms

    async def create(
        self, name: str, *, sid: str | None = None, token: str | None = None
    ) -> tuple[Account, str]:
        """Make an account; returns it and its token, which is stored nowhere.

        Both SID and token are random unless given. Raises Invalid for a bad name, SID or token (16 to 256
        printable ASCII characters) and for a SID that is taken; nothing has changed then.
        """
        checks.name("name", name, checks.LONG_NAME)
        if sid is not None and not is_sid(sid, "AC"):
            raise Invalid("sid", "must be AC and 32 hexadecimal digits")
        if token is not None:
            _check_token(token)
        token = token or self._secret(16)
        salt = self._secret(8)
        account = Account(
            sid=sid or self._mint("AC"),
            name=name,
            token_salt=salt,
            token_hash=_hash(salt, token),
            created_ms=self._now_ms(),
        )
        if not await self._ask("hsetnx", account.sid, _ENCODE(account)):
            raise Invalid("sid", f"{account.sid} is taken; nothing was changed")
        return account, token

    async def list(self) -> list[Account]:
        """All accounts, oldest first. O(accounts)."""
        accounts = [_DECODE(text) for text in await self._ask("hvals")]
        return sorted(accounts, key=lambda account: (account.created_ms, account.sid))

    async def suspend(self, sid: str) -> Account:
        """Let nobody in with this account any more; its data stay. Repeatable. Raises NotFound."""
        account = await self._get(sid)
        if account is None:
            raise NotFound(sid)
        suspended = replace(account, status="suspended")
        await self._ask("hset", sid, _ENCODE(suspended))
        return suspended

    async def verify(self, sid: str, token: str) -> Account | None:
        """The account, if it is active and this is its token. An unknown SID takes as much work."""
        account = await self._get(sid)
        salt, expected = ("", "") if account is None else (account.token_salt, account.token_hash)
        right = hmac.compare_digest(_hash(salt, token), expected)
        return account if right and account is not None and account.status == "active" else None

    async def _get(self, sid: str) -> Account | None:
        # A malformed SID is asked for as well, or it would be told apart by time; half a pair cannot be sent.
        text = await self._ask("hget", sid.encode(errors="replace"))
        return None if text is None else _DECODE(text)

    async def _ask(self, command: str, *args: str | bytes) -> Any:
        try:
            return await getattr(self._redis, command)(ACCOUNTS, *args)
        except RedisError as error:
            unknown = command in ("hsetnx", "hset")
            raise Unavailable(f"the accounts cannot be read: {error}", outcome_unknown=unknown) from error


def _check_token(token: str) -> None:
    if not (SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()):
        raise Invalid("token", f"must have {SHORTEST_TOKEN} to {LONGEST_TOKEN} printable ASCII characters")


def _hash(salt: str, token: str) -> str:
    return sha256((salt + token).encode(errors="replace")).hexdigest()
