"""`trunkline bench`: what is done with the reports of load runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from api import logs
from api.options import debug_option

REPORT: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)
COUNT: Final = click.IntRange(1, 64)


class Bench(click.Group):
    """A group whose command `run`, if it has one, is meant where no command is named: `bench lives --rate 100`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named or "run" not in self.commands else ["run", *args])


@click.group(cls=Bench)
def bench() -> None:
    """Load runs and their reports.

    \b
    trunkline bench lives --rate 100 --duration 30   drive a deployment, and judge what it did
    trunkline bench run --help                       all scenarios and options
    trunkline bench compare before.json after.json   ratios, and how far chance could move them
    trunkline bench page after.json after.html       a report as a page for a browser
    """


@bench.command("run")
@click.argument("scenario")
@click.option("--url", help="A running deployment; without it one is started for the run.")
@click.option("--account", envvar="TRUNKLINE_ACCOUNT_SID", help="Its account SID.")
@click.option("--token", envvar="TRUNKLINE_AUTH_TOKEN", help="The auth token of that account.")
@click.option("--rate", "rate_per_s", type=float, help="Tasks a second, at random (open loop).")
@click.option(
    "--arrivals", type=click.Choice(["poisson", "day"]), help="A steady rate, or a day's curve in --duration."
)
@click.option("--closed", type=int, help="Instead: so many posters that wait for their answers.")
@click.option("--duration", "duration_s", type=float, help="Seconds of load.")
@click.option("--workers", type=int, help="Workers, each an agent over HTTP.")
@click.option("--handle-ms", type=float, help="Mean work on a Task, in ms.")
@click.option("--tasks", type=int, help="Tasks of a backlog.")
@click.option("--case", "cases", multiple=True, help="Of theory, once for each; see below.")
@click.option("--generators", type=int, default=1, show_default=True, help="Processes that make the load.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides arrivals and work.")
@click.option("--api", type=COUNT, help="API processes, without --url.")
@click.option("--matchers", type=COUNT, help="Matcher processes, without --url.")
@click.option("--relays", type=COUNT, help="Relay processes, without --url.")
@click.option("--json", type=FILE, help="Write the report.")
@click.option("--html", type=FILE, help="Write the report as a page for a browser.")
@debug_option
def run(
    scenario: str,
    json: Path | None,
    html: Path | None,
    url: str | None,
    account: str | None,
    token: str | None,
    api: int | None,
    matchers: int | None,
    relays: int | None,
    **options: Any,
) -> None:
    """Drive a deployment over HTTP; say how fast it is, and whether what it did was right.

    \b
    trunkline bench lives --rate 100 --duration 30
    trunkline bench contact-centre --arrivals day --html day.html
    trunkline bench create --url http://10.0.0.7:8780 --account AC... --json create.json

    \b
    create          Tasks are posted and nobody takes them: the cost of one door
    lives           Tasks are posted, offered, accepted and completed
    fairness        equal Workers, little load: every offer has a choice
    contact-centre  skills, priorities, escalation, callers who hang up, shifts
    burst           ten times the rate for a while
    mass-login      all Workers become available in one moment
    backlog         Tasks pile up, then Workers drain them
    scale           1, 2 and 4 API and matcher processes
    theory          waits against what queueing theory knows exactly
    chaos           processes are killed meanwhile

    Cases of theory: m-m-3, priorities, w3, m4, patience, calls, 100-workers; and 1000-workers,
    which takes 8 minutes and is played only if asked for.
    Ctrl-C ends the load and reports. Exit status: 0 valid, 1 invalid, 3 unknown; 2 for wrong usage.
    """
    from benchmarks.suite.command import run_command

    # The deaths that chaos brings about are no news; all else that an embedded deployment calls an error is.
    logs.configure("bench", level="critical" if scenario == "chaos" else "error", form="text")
    processes = {"api": api, "matchers": matchers, "relays": relays}
    status = run_command(
        scenario, options, url=url, account=account, token=token, processes=processes, json=json, html=html
    )
    raise click.exceptions.Exit(status)


@bench.command()
@click.argument("a", type=REPORT)
@click.argument("b", type=REPORT)
@debug_option
def compare(a: Path, b: Path) -> None:
    """Compare two reports: how B's figures compare with A's.

    \b
    trunkline bench compare before.json after.json

    Between the two bounds lie 99 of 100 ratios that the noise within the runs could have given.
    """
    from benchmarks.suite.compared import run_compare

    run_compare(a, b)


@bench.command()
@click.argument("report", type=REPORT)
@click.argument("page", type=FILE)
@debug_option
def page(report: Path, page: Path) -> None:
    """Write a report as one HTML page that needs nothing else.

    \b
    trunkline bench page after.json after.html
    """
    from benchmarks.suite.compared import run_page

    run_page(report, page)
