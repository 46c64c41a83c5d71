"""Accounts: who may use this deployment, and how they prove it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from engine import checks
from engine.api_keys import keys_of, write_of
from engine.credential_store import CredentialStore, Reader, Write, same_secret
from engine.errors import Invalid, NotFound
from engine.keys import ACCOUNTS
from engine.model import Account
from engine.sids import Mint, is_sid, mint

if TYPE_CHECKING:
    from redis.asyncio import Redis

SHORTEST_TOKEN: Final = 16  # characters, for tokens that are handed in; fewer can be guessed
LONGEST_TOKEN: Final = 256
TOKEN_BYTES: Final = 16  # random ones behind a token that is made here; two hexadecimal digits each

_DECODE: Final = msgspec.json.Decoder(Account).decode
_ENCODE: Final = msgspec.json.Encoder().encode


class Accounts:
    """The accounts of a deployment. Every method raises Unavailable.

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

    async def create(
        self, name: str, *, sid: str | None = None, token: str | None = None
    ) -> tuple[Account, str]:
        """Make an account; returns it and its token. One round trip.

        Both SID and token are random unless given. Raises Invalid for a bad name, SID or token (16 to 256
        printable ASCII characters) and for a SID that is taken; nothing has changed then.
        """
        checks.name("name", name, checks.LONG_NAME)
        if sid is not None and not is_sid(sid, "AC"):
            raise Invalid("sid", "must be AC and 32 hexadecimal digits")
        if token is not None:
            _check_token(token)
        account = Account(
            sid=sid or self._mint("AC"),
            name=name,
            token=token or self._secret(TOKEN_BYTES),
            created_ms=self._now_ms(),
        )
        if not await self._store.add(ACCOUNTS, account.sid, _ENCODE(account)):
            raise Invalid("sid", f"{account.sid} is taken; nothing was changed")
        return account, account.token

    async def get(self, sid: str) -> Account | None:
        """The account, suspended or not; None if there is none. One round trip.

        For whoever signs with its token, or checks what was signed with it.
        """
        text = await self._store.read(ACCOUNTS, sid)
        return None if text is None else _DECODE(text)

    async def list(self) -> list[Account]:
        """All accounts, oldest first. O(accounts)."""
        accounts = [_DECODE(text) for text in await self._store.read_all(ACCOUNTS)]
        return sorted(accounts, key=lambda account: (account.created_ms, account.sid))

    async def suspend(self, sid: str) -> Account:
        """Let nobody in with this account and its keys any more; its data stay. Repeatable. Raises NotFound.

        O(API keys of the deployment), as for `activate`.
        """
        return await self._change(sid, lambda account: replace(account, status="suspended"))

    async def activate(self, sid: str) -> Account:
        """Let in a suspended account again, with the token and keys it had. Repeatable. Raises NotFound."""
        return await self._change(sid, lambda account: replace(account, status="active"))

    async def rotate(self, sid: str) -> Account:
        """Give the account a new random token. The one before counts no longer. Raises NotFound."""
        return await self._change(sid, lambda account: replace(account, token=self._secret(TOKEN_BYTES)))

    async def verify(self, sid: str, token: str) -> Account | None:
        """The account, if it is active and this is its token. An unknown SID takes as much work."""
        account = await self.get(sid)
        right = same_secret(token, "" if account is None else account.token)
        return account if right and account is not None and account.status == "active" else None

    async def _change(self, sid: str, change: Callable[[Account], Account]) -> Account:
        async def plan(reader: Reader) -> tuple[Account, list[Write]]:
            text = await reader.one(ACCOUNTS, sid)
            if text is None:
                raise NotFound(sid)
            account = _DECODE(text)
            changed = change(account)
            writes: list[Write] = [(ACCOUNTS, sid, _ENCODE(changed))]
            if changed.status != account.status:
                active = changed.status == "active"
                keys = await keys_of(reader, sid)
                writes += [write_of(replace(key, account_active=active)) for key in keys]
            return changed, writes

        return await self._store.change(plan)


def _check_token(token: str) -> None:
    if not (SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()):
        raise Invalid("token", f"must have {SHORTEST_TOKEN} to {LONGEST_TOKEN} printable ASCII characters")
