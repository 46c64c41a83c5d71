"""Accounts: made once, proved by a token that no text of theirs shows."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import fakeredis
import pytest
from config_support import config_server

from engine.accounts import Accounts
from engine.errors import Invalid, NotFound, Unavailable
from engine.keys import ACCOUNTS
from engine.model import Account
from engine.redis import connect

__all__ = ["config_server"]


@pytest.fixture(params=["server", "fakeredis"])
async def accounts(request: pytest.FixtureRequest) -> AsyncIterator[Accounts]:
    if request.param == "fakeredis":
        redis: Any = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer(), version=7)
    else:
        redis = connect(request.getfixturevalue("config_server"))
    secrets = iter(range(1, 1000))
    yield Accounts(redis, secret=lambda count: f"{next(secrets):0{2 * count}x}", now_ms=lambda: 5)
    await redis.delete(ACCOUNTS)
    await redis.aclose()


async def test_an_account_is_let_in_with_its_own_token_only(accounts: Accounts) -> None:
    account, token = await accounts.create("Acme")
    other, other_token = await accounts.create("Acme")
    assert (account.name, account.status, account.created_ms) == ("Acme", "active", 5)
    assert account.sid != other.sid
    assert token != other_token
    assert await accounts.verify(account.sid, token) == account
    assert await accounts.verify(other.sid, other_token) == other
    for wrong in (
        other_token,
        "",
        token[:-1],
        token + "0",
        token.upper() + "X",
        "\ud800",
    ):
        assert await accounts.verify(account.sid, wrong) is None


@pytest.mark.parametrize("sid", ["", "AC", "AC" + "0" * 32, "ac", "\ud800", "a\x00b", "*"])
async def test_an_unknown_account_is_not_let_in(accounts: Accounts, sid: str) -> None:
    assert await accounts.verify(sid, "") is None
    assert await accounts.verify(sid, "0" * 32) is None


async def test_the_token_is_kept_and_stands_in_no_text(accounts: Accounts) -> None:
    account, token = await accounts.create("Acme")
    found = await accounts.get(account.sid)
    assert found == account
    assert found.token == token
    assert token not in f"{found} {found!r} {await accounts.list()}"
    assert await accounts.get("AC" + "f" * 32) is None


async def test_sid_and_token_may_be_given(accounts: Accounts) -> None:
    sid, token = "AC" + uuid4().hex, "!" + "x" * 255
    account, same = await accounts.create("Acme", sid=sid, token=token)
    assert (account.sid, same) == (sid, token)
    assert await accounts.verify(sid, token) == account


async def test_a_taken_sid_is_refused_and_keeps_its_token(accounts: Accounts) -> None:
    account, token = await accounts.create("Acme")
    with pytest.raises(Invalid) as error:
        await accounts.create("Thief", sid=account.sid)
    assert error.value.field == "sid"
    assert await accounts.verify(account.sid, token) == account


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 256),
        ("sid", "AC1"),
        ("sid", "WS" + "0" * 32),
        ("sid", "AC" + "0" * 32 + "\n"),
        ("token", "x" * 15),
        ("token", "x" * 257),
        ("token", ""),
        ("token", "x" * 16 + "\n"),
        ("token", "é" * 16),
    ],
)
async def test_a_bad_value_makes_no_account(accounts: Accounts, field: str, value: str) -> None:
    values: dict[str, str] = {"name": "Acme", field: value}
    with pytest.raises(Invalid) as error:
        await accounts.create(**values)
    assert error.value.field == field
    assert await accounts.list() == []


async def test_a_suspended_account_is_not_let_in_but_stays_in_the_list(accounts: Accounts) -> None:
    account, token = await accounts.create("Acme")
    for _ in range(2):
        suspended = await accounts.suspend(account.sid)
        assert suspended.status == "suspended"
    assert await accounts.verify(account.sid, token) is None
    assert await accounts.list() == [suspended]
    with pytest.raises(NotFound):
        await accounts.suspend("AC" + uuid4().hex)


async def test_an_activated_account_is_let_in_with_the_token_it_had(accounts: Accounts) -> None:
    account, token = await accounts.create("Acme")
    await accounts.suspend(account.sid)
    for _ in range(2):
        assert await accounts.activate(account.sid) == account
    assert await accounts.verify(account.sid, token) == account
    with pytest.raises(NotFound):
        await accounts.activate("AC" + uuid4().hex)


async def test_a_rotated_account_is_let_in_with_the_new_token_only(accounts: Accounts) -> None:
    account, token = await accounts.create("Acme")
    rotated = await accounts.rotate(account.sid)
    assert len(rotated.token) == 32
    assert rotated.token != token
    assert await accounts.verify(account.sid, token) is None
    assert await accounts.verify(account.sid, rotated.token) == rotated
    with pytest.raises(NotFound):
        await accounts.rotate("AC" + uuid4().hex)


async def test_a_rotation_does_not_undo_a_suspension_that_came_between(accounts: Accounts) -> None:
    account, _ = await accounts.create("Acme")
    tokens = iter(["a" * 32, "b" * 32])
    pending: list[str] = []

    def secret(_: int) -> str:  # called between the read and the write of the rotation
        pending.append("suspend")
        return next(tokens)

    original = accounts._store._redis.pipeline
    accounts._secret = secret

    class Interrupted:
        """A transaction before whose end the account is suspended, once."""

        def __init__(self, pipe: Any) -> None:
            self.pipe = pipe

        async def __aenter__(self) -> Any:
            pipe = await self.pipe.__aenter__()
            execute = pipe.execute

            async def interrupted() -> Any:
                if pending == ["suspend"]:
                    pending.append("done")
                    await accounts.suspend(account.sid)
                return await execute()

            pipe.execute = interrupted
            return pipe

        async def __aexit__(self, *raised: Any) -> None:
            await self.pipe.__aexit__(*raised)

    accounts._store._redis.pipeline = lambda **options: Interrupted(original(**options))  # type: ignore[method-assign]
    rotated = await accounts.rotate(account.sid)
    assert (rotated.status, rotated.token) == ("suspended", "b" * 32)
    assert await accounts.get(account.sid) == rotated


async def test_accounts_are_listed_oldest_first(accounts: Accounts) -> None:
    made: list[Account] = []
    for created_ms in (30, 10, 20):
        accounts._now_ms = lambda created_ms=created_ms: created_ms  # type: ignore[misc]
        made.append((await accounts.create(str(created_ms)))[0])
    assert await accounts.list() == [made[1], made[2], made[0]]


async def test_a_server_that_is_away_lets_nobody_in() -> None:
    redis = connect("unix:///nonexistent/redis.sock")
    accounts = Accounts(redis)
    with pytest.raises(Unavailable) as error:
        await accounts.verify("AC" + "0" * 32, "x" * 16)
    assert not error.value.outcome_unknown
    with pytest.raises(Unavailable) as error:
        await accounts.create("Acme")
    assert error.value.outcome_unknown
    await redis.aclose()
