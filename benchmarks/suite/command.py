"""`trunkline bench` as the command line hands it over: texts and numbers in, an exit status out."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any, Final

import click
from msgspec.structs import replace

from benchmarks.suite.bench import OWN, OWN_ONLY, SCALE, THEORY, Order, run_bench
from benchmarks.suite.cases import chosen
from benchmarks.suite.report import State
from benchmarks.suite.scenarios import TAKES, Options
from benchmarks.suite.target import Processes
from benchmarks.suite.wire import Wire

EXITS: Final = {State.VALID: 0, State.INVALID: 1, State.UNKNOWN: 3}
SECRET: Final = "--token"  # what follows it is not shown


def run_command(
    scenario: str,
    options: dict[str, Any],
    *,
    url: str | None,
    account: str | None,
    token: str | None,
    processes: dict[str, int | None],
    json: Path | None,
    html: Path | None,
) -> int:
    """Run it; the exit status. Raises UsageError for what cannot be, StartFailed where the run could not begin."""
    if scenario not in TAKES:
        raise click.UsageError(f"no scenario {scenario!r}; there are {', '.join(TAKES)}")
    asked = {name: count for name, count in processes.items() if count is not None}
    if url is not None:
        _check_url(scenario, url, asked)
        if not (account and token):
            raise click.UsageError("--url needs --account and --token, or both in the environment")
    if scenario == SCALE and (asked.keys() - {"relays"}):
        raise click.UsageError("scale chooses the numbers of API and matcher processes itself")
    for option, path in (("--json", json), ("--html", html)):
        if path is not None:
            _check_folder(option, path)
    try:
        checked = Options(**options).checked(scenario)
        if checked.cases and scenario != THEORY:
            raise ValueError(f"--case is for {THEORY}, and {scenario} has none")
        chosen(checked)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    order = Order(
        scenario=scenario,
        options=checked,
        processes=replace(OWN.get(scenario, Processes()), **asked),
        url=url,
        account_sid=account or "",
        token=token or "",
        command=shown(sys.argv[1:]),
    )
    return EXITS[run_bench(order, json=json, html=html)]


def _check_url(scenario: str, url: str, asked: dict[str, int]) -> None:
    if scenario in OWN_ONLY:
        raise click.UsageError(f"{scenario} starts and ends processes, so it takes no --url")
    if asked:
        raise click.UsageError(
            f"--{min(asked)} is for a deployment started for the run, not for one at --url"
        )
    try:
        Wire(url, "", "").close()
    except ValueError as error:
        raise click.UsageError(f"--url: {error}") from None


def _check_folder(option: str, path: Path) -> None:
    """A run of an hour must not end with a report that cannot be written."""
    if not os.access(path.parent, os.W_OK):
        raise click.UsageError(f"{option} {path}: there is no folder {path.parent} that can be written to")


def shown(arguments: list[str]) -> str:
    """The command without the token."""
    words = []
    for before, word in zip(["", *arguments], arguments, strict=False):
        hidden = "***" if before == SECRET else word
        words.append(f"{SECRET}=***" if word.startswith(f"{SECRET}=") else hidden)
    return shlex.join(["trunkline", *words])
