"""What an operator does beside a running deployment: credentials made, suspended, rotated and revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis

from engine.accounts import Accounts
from engine.api_keys import ApiKeys
from engine.model import Account, ApiKey
from engine.redis import connect

T = TypeVar("T")


class Desk:
    """Blocking calls of Accounts and ApiKeys on one server, each on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def account(self) -> Account:
        return self._run(lambda redis: Accounts(redis).create("Acme"))[0]

    def suspend(self, sid: str) -> Account:
        return self._run(lambda redis: Accounts(redis).suspend(sid))

    def activate(self, sid: str) -> Account:
        return self._run(lambda redis: Accounts(redis).activate(sid))

    def rotate(self, sid: str) -> Account:
        return self._run(lambda redis: Accounts(redis).rotate(sid))

    def key(self, account_sid: str) -> ApiKey:
        return self._run(lambda redis: ApiKeys(redis).create(account_sid, "key"))

    def rotate_key(self, sid: str) -> ApiKey:
        return self._run(lambda redis: ApiKeys(redis).rotate(sid))

    def revoke(self, sid: str) -> ApiKey:
        return self._run(lambda redis: ApiKeys(redis).revoke(sid))

    def _run(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        async def main() -> T:
            redis = connect(self._url)
            try:
                return await work(redis)
            finally:
                await redis.aclose()

        return asyncio.run(main())
