"""The command line without a server: usage, wrong settings, failures in one line."""

from __future__ import annotations

import logging
import os

import pytest

from api.cli import main


@pytest.fixture(autouse=True)
def nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings from outside, and the log's configuration as it was afterwards."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    for name in [name for name in os.environ if name.startswith("TRUNKLINE_")]:
        monkeypatch.delenv(name)


def failure(capsys: pytest.CaptureFixture[str]) -> str:
    """What went to stderr, which must be one line."""
    said = capsys.readouterr().err
    assert said.startswith("trunkline: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    "command",
    [(), ("serve",), ("api",), ("matcher",), ("accounts",), ("accounts", "create"), ("keys",), ("bench",)],
)
def test_help_is_an_exit_of_zero_with_an_example(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"Usage: {' '.join(('trunkline', *command))}" in said


@pytest.mark.parametrize("group", [(), ("accounts",), ("bench",), ("keys",)])
def test_a_group_alone_shows_its_help_in_lines_and_exits_with_two(
    group: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(group) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"Usage: {' '.join(('trunkline', *group))} [OPTIONS]")
    assert "Commands:" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serv"], "No such command 'serv'"),
        (["serve", "--bogus"], "No such option"),
        (["serve", "--port"], "Option '--port' requires an argument"),
        (["accounts", "create"], "Missing argument 'NAME'"),
        (["serve", "--port", "70000"], "port (--port, TRUNKLINE_PORT) is '70000'"),
        (["serve", "--api", "0"], "api (--api, TRUNKLINE_API) is '0'"),
        (["serve", "--redis", "h:1"], "redis (--redis, TRUNKLINE_REDIS) is 'h:1'"),
        (["matcher", "--shards", "x"], "shards (--shards, TRUNKLINE_SHARDS) is 'x'"),
        (["accounts", "list", "--redis", "redis://h", "--data", "/d"], "data (--data, TRUNKLINE_DATA)"),
        (["bench", "lifes"], "no scenario 'lifes'; there are create, lives"),
        (["bench", "lives", "--rate", "0"], "--rate must be above 0"),
        (["bench", "lives", "--rate", "5", "--closed", "5"], "--rate and --closed exclude each other"),
        (
            ["bench", "lives", "--arrivals", "day", "--closed", "5"],
            "--arrivals and --closed exclude each other",
        ),
        (["bench", "burst", "--arrivals", "day"], "burst takes no --arrivals; of its load it takes --rate,"),
        (["bench", "create", "--workers", "5"], "create takes no --workers"),
        (["bench", "scale", "--matchers", "5"], "scale chooses the numbers"),
        (
            ["bench", "lives", "--html", "/nowhere/x.html"],
            "there is no folder /nowhere that can be written to",
        ),
        (
            ["bench", "lives", "--url", "127.0.0.1:1", "--account", "AC1", "--token", "t"],
            "is no http:// or https://",
        ),
        (
            ["bench", "lives", "--url", "http://h", "--relays", "2"],
            "--relays is for a deployment started for the run",
        ),
        (["bench", "chaos", "--url", "http://127.0.0.1:1"], "chaos starts and ends processes"),
        (["bench", "lives", "--url", "http://127.0.0.1:1"], "--url needs --account and --token"),
    ],
)
def test_wrong_usage_and_wrong_settings_exit_with_two_and_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert said in failure(capsys)


def test_a_wrong_variable_is_refused_like_a_wrong_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_MATCHERS", "many")
    assert main(["serve"]) == 2
    assert "matchers (--matchers, TRUNKLINE_MATCHERS) is 'many'" in failure(capsys)


def test_a_server_that_does_not_answer_exits_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accounts", "list", "--redis", "unix:///nowhere/redis.sock"]) == 1
    assert "redis.sock" in failure(capsys)


def test_a_role_without_a_server_says_how_to_get_one(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["matcher", "--data", f"{tmp_path}/none"]) == 1
    assert "give --redis URL, or start `trunkline serve` there first" in failure(capsys)


def test_a_traceback_appears_only_with_debug(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accounts", "list", "--redis", "unix:///nowhere/redis.sock", "--debug"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err
