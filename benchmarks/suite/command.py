"""`trunkline bench` as the command line hands it over: texts and numbers in, an exit status out."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.suite.bench import CHAOS, OWN_ONLY, SCALE, THEORY, Order, run_bench
from benchmarks.suite.cases import chosen
from benchmarks.suite.report import State
from benchmarks.suite.scenarios import SCENARIOS, Options
from benchmarks.suite.target import Processes

EXITS: Final = {State.VALID: 0, State.INVALID: 1, State.UNKNOWN: 3}
SECRET: Final = "--token"  # what follows it is not shown


def run_command(
    scenario: str,
    options: dict[str, Any],
    *,
    url: str | None,
    account: str | None,
    token: str | None,
    api: int,
    matchers: int,
    report: str | None,
) -> int:
    """Run it; the exit status. Raises UsageError for what cannot be, StartFailed where the run could not begin."""
    known = [*SCENARIOS, SCALE, THEORY, CHAOS]
    if scenario not in known:
        raise click.UsageError(f"no scenario {scenario!r}; there are {', '.join(known)}")
    if url is not None and scenario in OWN_ONLY:
        raise click.UsageError(f"{scenario} starts and ends processes, so it takes no --url")
    if url is not None and not (account and token):
        raise click.UsageError("--url needs --account and --token, or both in the environment")
    try:
        checked = Options(**options).checked()
        if checked.cases and scenario != THEORY:
            raise ValueError(f"--case is for {THEORY}, and {scenario} has none")
        chosen(checked)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    order = Order(
        scenario=scenario,
        options=checked,
        processes=Processes(api=api, matchers=matchers),
        url=url,
        account_sid=account or "",
        token=token or "",
        command=shown(sys.argv[1:]),
    )
    return EXITS[run_bench(order, json=None if report is None else Path(report))]


def shown(arguments: list[str]) -> str:
    """The command without the token."""
    words = []
    for before, word in zip(["", *arguments], arguments, strict=False):
        hidden = "***" if before == SECRET else word
        words.append(f"{SECRET}=***" if word.startswith(f"{SECRET}=") else hidden)
    return shlex.join(["trunkline", *words])
