"""`trunkline keys` without a running server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli import main

NOBODY = "0" * 32


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments]) == 0
    return capsys.readouterr().out


def test_keys_are_made_listed_rotated_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = f"--data={tmp_path / 'data'}"
    account = json.loads(run(capsys, "accounts", "create", "acme", "--json", data))["sid"]
    made = json.loads(run(capsys, "keys", "create", account, "dashboard", "--json", data))
    assert (made["account_sid"], made["name"], len(made["secret"])) == (account, "dashboard", 32)
    said = run(capsys, "keys", "create", account, "agents", data).splitlines()
    assert said[0].startswith("API key SID  SK")
    assert len(said[1].removeprefix("secret       ")) == 32
    rotated = json.loads(run(capsys, "keys", "rotate", made["sid"], "--json", data))
    assert rotated == made | {"secret": rotated["secret"]}
    assert rotated["secret"] != made["secret"]
    listed = json.loads(run(capsys, "keys", "list", account, "--json", data))
    assert sorted(key["name"] for key in listed) == ["agents", "dashboard"]
    assert not any("secret" in key for key in listed)
    assert run(capsys, "keys", "revoke", made["sid"], data) == f"{made['sid']} is revoked\n"
    assert run(capsys, "keys", "list", data).split() == [said[0].split()[-1], account, "agents"]
    assert run(capsys, "keys", "list", "AC" + NOBODY, data) == ""


def test_what_does_not_exist_is_one_line_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = f"--data={tmp_path / 'data'}"
    for arguments, line in (
        (["create", "AC" + NOBODY, "x"], f"AC{NOBODY} was not found"),
        (["rotate", "SK" + NOBODY], f"SK{NOBODY} was not found"),
        (["revoke", "SK" + NOBODY], f"SK{NOBODY} was not found"),
    ):
        assert main(["keys", *arguments, data]) == 1
        assert capsys.readouterr().err == f"trunkline: {line}\n"
    account = json.loads(run(capsys, "accounts", "create", "acme", "--json", data))["sid"]
    assert main(["keys", "create", account, "", data]) == 2
    assert capsys.readouterr().err == "trunkline: name must have 1 to 255 characters, not 0\n"
    assert run(capsys, "keys", "list", data) == ""
