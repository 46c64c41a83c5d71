"""`trunkline accounts` without a running server, and the account a deployment begins with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli import main
from api.first_account import Credentials, first_account
from api.ready import lines
from api.serve import Ready
from engine.accounts import Accounts
from engine.errors import SettingError
from engine.redis import EmbeddedServer, connect
from engine.settings import Settings

SID = "AC" + "a" * 32
TOKEN = "t" * 32


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["accounts", *arguments]) == 0
    return capsys.readouterr().out


def test_accounts_are_made_listed_and_suspended_without_a_running_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = f"--data={tmp_path / 'data'}"
    made = json.loads(run(capsys, "create", "acme", "--json", data))
    assert made["name"] == "acme"
    assert made["status"] == "active"
    said = run(capsys, "create", "beta", data)
    assert said.startswith("account SID  AC")
    assert len(said.splitlines()[1].removeprefix("auth token   ")) == 32
    suspended = json.loads(run(capsys, "suspend", made["sid"], "--json", data))
    assert suspended == {key: made[key] for key in ("sid", "name", "date_created")} | {"status": "suspended"}
    assert run(capsys, "activate", made["sid"], data) == f"{made['sid']} is active\n"
    rotated = json.loads(run(capsys, "rotate", made["sid"], "--json", data))
    assert rotated == made | {"auth_token": rotated["auth_token"]}
    assert rotated["auth_token"] != made["auth_token"]
    run(capsys, "suspend", made["sid"], data)
    listed = json.loads(run(capsys, "list", "--json", data))
    assert "token" not in str(listed)
    assert [(a["name"], a["status"]) for a in listed] == [("acme", "suspended"), ("beta", "active")]
    assert run(capsys, "list", data).splitlines()[0] == f"{made['sid']}  suspended  acme"
    assert not (tmp_path / "data" / "redis.sock").exists()


def test_wrong_arguments_change_nothing_and_exit_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = f"--data={tmp_path / 'data'}"
    assert main(["accounts", "create", "", data]) == 2
    assert capsys.readouterr().err == "trunkline: name must have 1 to 255 characters, not 0\n"
    assert main(["accounts", "suspend", SID, data]) == 1
    assert capsys.readouterr().err == f"trunkline: {SID} was not found\n"
    assert json.loads(run(capsys, "list", "--json", data)) == []


async def test_the_first_account_is_made_once_and_its_token_told_once(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data") as server:
        redis = connect(server.url)
        accounts = Accounts(redis)
        first = await first_account(accounts, Settings())
        assert first is not None
        assert first.token is not None
        assert await accounts.verify(first.sid, first.token) is not None
        again = await first_account(accounts, Settings())
        assert again is not None
        assert (again.sid, again.token) == (first.sid, None)
        await accounts.suspend(first.sid)
        assert await first_account(accounts, Settings()) is None
        await redis.aclose()


async def test_the_environment_names_the_first_account(tmp_path: Path) -> None:
    named = Settings(account_sid=SID, auth_token=TOKEN)
    with EmbeddedServer(tmp_path / "data") as server:
        redis = connect(server.url)
        accounts = Accounts(redis)
        for _ in range(2):  # at the first start, and at the next
            found = await first_account(accounts, named)
            assert found is not None
            assert (found.sid, found.token, found.named) == (SID, None, True)
        assert await accounts.verify(SID, TOKEN) is not None
        with pytest.raises(SettingError, match="is not the token") as refused:
            await first_account(accounts, Settings(account_sid=SID, auth_token="u" * 32))
        assert "u" * 32 not in str(refused.value)
        await accounts.suspend(SID)
        with pytest.raises(SettingError, match="is suspended"):
            await first_account(accounts, named)
        await redis.aclose()


@pytest.mark.parametrize(
    ("token", "named", "shown"),
    [
        (TOKEN, False, f'twilio.rest.Client("{SID}", "{TOKEN}")'),
        (None, True, f'twilio.rest.Client("{SID}", os.environ["TRUNKLINE_AUTH_TOKEN"])'),
        (None, False, f'twilio.rest.Client("{SID}", "<its token>")'),
    ],
)
def test_the_ready_lines_point_a_client_at_the_server(token: str | None, named: bool, shown: str) -> None:
    said = lines(
        Ready(url="http://h:1", credentials=Credentials(sid=SID, token=token, named=named), redis="")
    )
    assert said[0] == "Trunkline is ready at http://h:1"
    assert shown in said[1]
    assert said[2] == '  client.taskrouter.base_url = "http://h:1"'
    assert any(f"accounts rotate {SID}" in line for line in said) == (not named)


def test_the_ready_lines_say_what_to_do_when_nobody_may_log_in() -> None:
    assert "trunkline accounts create" in lines(Ready(url="http://h:1", credentials=None, redis=""))[1]
