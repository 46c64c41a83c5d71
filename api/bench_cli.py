"""`trunkline bench`: what is done with the reports of load runs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from api.options import debug_option

REPORT: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


class Bench(click.Group):
    """A group whose command `run`, if it has one, is meant where no command is named: `bench lives --rate 100`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named or "run" not in self.commands else ["run", *args])


@click.group(cls=Bench)
def bench() -> None:
    """Load runs and their reports.

    \b
    trunkline bench compare before.json after.json   ratios, and how far chance could move them
    trunkline bench page after.json after.html       a report as a page for a browser
    """


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
@click.argument("page", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@debug_option
def page(report: Path, page: Path) -> None:
    """Write a report as one HTML page that needs nothing else.

    \b
    trunkline bench page after.json after.html
    """
    from benchmarks.suite.compared import run_page

    run_page(report, page)
