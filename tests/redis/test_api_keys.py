"""API keys: further credentials of an account, good while it is active and they are not revoked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import fakeredis
import pytest
from config_support import config_server

from engine.accounts import Accounts
from engine.api_keys import MOST, ApiKeys
from engine.errors import Invalid, NotFound, Unavailable
from engine.keys import ACCOUNTS, API_KEYS
from engine.redis import connect

__all__ = ["config_server"]

NOBODY = "0" * 32


class Desk:
    """Accounts and keys on one server."""

    def __init__(self, redis: Any) -> None:
        numbers = iter(range(1, 10_000))

        def secret(count: int) -> str:
            return f"{next(numbers):0{2 * count}x}"

        self.redis = redis
        self.accounts = Accounts(redis, secret=secret, now_ms=lambda: 5)
        self.keys = ApiKeys(redis, secret=secret, now_ms=lambda: 7)


@pytest.fixture(params=["server", "fakeredis"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    if request.param == "fakeredis":
        redis: Any = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer(), version=7)
    else:
        redis = connect(request.getfixturevalue("config_server"))
    yield Desk(redis)
    await redis.delete(ACCOUNTS, API_KEYS)
    await redis.aclose()


async def test_a_key_is_let_in_with_its_own_secret_only(desk: Desk) -> None:
    account, token = await desk.accounts.create("Acme")
    one = await desk.keys.create(account.sid, "agents")
    two = await desk.keys.create(account.sid, "agents")
    assert (one.account_sid, one.name, one.created_ms, len(one.secret)) == (account.sid, "agents", 7, 32)
    assert one.sid[:2] == two.sid[:2] == "SK"
    assert await desk.keys.verify(one.sid, one.secret) == one
    for wrong in (two.secret, token, "", one.secret[:-1], one.secret + "0", "\ud800"):
        assert await desk.keys.verify(one.sid, wrong) is None
    assert await desk.accounts.verify(one.sid, one.secret) is None
    assert await desk.keys.verify(account.sid, token) is None


@pytest.mark.parametrize("sid", ["", "SK", "SK" + NOBODY, "\ud800", "a\x00b", "*"])
async def test_an_unknown_key_is_not_let_in(desk: Desk, sid: str) -> None:
    assert await desk.keys.verify(sid, "") is None
    assert await desk.keys.verify(sid, NOBODY) is None


async def test_a_key_is_verified_in_one_command_whether_it_exists_or_not(desk: Desk) -> None:
    account, _ = await desk.accounts.create("Acme")
    key = await desk.keys.create(account.sid, "agents")
    sent: list[Any] = []
    execute = desk.redis.execute_command

    async def noting(*args: Any, **options: Any) -> Any:
        sent.append(args[0])
        return await execute(*args, **options)

    desk.redis.execute_command = noting
    await desk.keys.verify(key.sid, key.secret)
    await desk.keys.verify("SK" + NOBODY, key.secret)
    assert sent == ["HGET", "HGET"]


async def test_the_keys_of_a_suspended_account_are_out_until_it_is_active_again(desk: Desk) -> None:
    account, _ = await desk.accounts.create("Acme")
    other, _ = await desk.accounts.create("Other")
    keys = [await desk.keys.create(owner.sid, "k") for owner in (account, account, other)]
    await desk.accounts.suspend(account.sid)
    late = await desk.keys.create(account.sid, "made while it was suspended")
    rotated = await desk.keys.rotate(keys[0].sid)
    for key in (rotated, keys[1], late):
        assert await desk.keys.verify(key.sid, key.secret) is None
    assert await desk.keys.verify(keys[2].sid, keys[2].secret) == keys[2]
    await desk.accounts.activate(account.sid)
    for key in (rotated, keys[1], late):
        assert await desk.keys.verify(key.sid, key.secret) is not None


async def test_a_rotated_key_is_let_in_with_the_new_secret_only(desk: Desk) -> None:
    account, _ = await desk.accounts.create("Acme")
    key = await desk.keys.create(account.sid, "agents")
    rotated = await desk.keys.rotate(key.sid)
    assert (rotated.sid, rotated.name, rotated.created_ms) == (key.sid, key.name, key.created_ms)
    assert await desk.keys.verify(key.sid, key.secret) is None
    assert await desk.keys.verify(key.sid, rotated.secret) == rotated
    assert await desk.keys.get(key.sid) == rotated


async def test_a_revoked_key_is_gone(desk: Desk) -> None:
    account, _ = await desk.accounts.create("Acme")
    one, two = [await desk.keys.create(account.sid, name) for name in "ab"]
    assert await desk.keys.revoke(one.sid) == one
    assert await desk.keys.verify(one.sid, one.secret) is None
    assert await desk.keys.get(one.sid) is None
    assert await desk.keys.list() == [two]
    for again in (desk.keys.revoke(one.sid), desk.keys.rotate(one.sid)):
        with pytest.raises(NotFound):
            await again


async def test_keys_are_listed_by_account_and_show_no_secret(desk: Desk) -> None:
    account, token = await desk.accounts.create("Acme")
    other, _ = await desk.accounts.create("Other")
    mine, theirs = [await desk.keys.create(owner.sid, "k") for owner in (account, other)]
    assert await desk.keys.list(account.sid) == [mine]
    assert {key.sid for key in await desk.keys.list()} == {mine.sid, theirs.sid}
    assert await desk.keys.list("AC" + NOBODY) == []
    assert mine.secret not in f"{await desk.keys.list()} {mine}"
    rotated = await desk.accounts.rotate(account.sid)
    assert rotated.token != token
    assert await desk.keys.verify(mine.sid, mine.secret) == mine


async def test_a_key_needs_an_account_a_name_and_room(desk: Desk) -> None:
    account, _ = await desk.accounts.create("Acme")
    with pytest.raises(NotFound):
        await desk.keys.create("AC" + uuid4().hex, "agents")
    with pytest.raises(Invalid, match="1 to 255 characters"):
        await desk.keys.create(account.sid, "")
    for n in range(MOST):
        await desk.keys.create(account.sid, str(n))
    with pytest.raises(Invalid, match=r"has 100 API keys.*revoke one") as refused:
        await desk.keys.create(account.sid, "one more")
    assert refused.value.field == "account"
    assert len(await desk.keys.list()) == MOST


async def test_a_server_that_is_away_lets_no_key_in() -> None:
    redis = connect("unix:///nonexistent/redis.sock")
    keys = ApiKeys(redis)
    with pytest.raises(Unavailable) as error:
        await keys.verify("SK" + NOBODY, "x" * 32)
    assert not error.value.outcome_unknown
    with pytest.raises(Unavailable) as error:
        await keys.revoke("SK" + NOBODY)
    assert not error.value.outcome_unknown
    await redis.aclose()
