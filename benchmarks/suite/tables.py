"""What a person sees of a finished run: latencies, figures, checks, and last the verdict with its reasons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.suite.report import Latency, Report, State

COLOURS: Final = {State.VALID: "green", State.INVALID: "red", State.UNKNOWN: "yellow"}
PERCENTILE: Final = re.compile(r" p[\d.]+$")
MEANS: Final = {
    State.VALID: "all checks hold",
    State.INVALID: "proved wrong:",
    State.UNKNOWN: "nothing is proved wrong, but not all could be shown:",
}


def show(console: Console, report: Report, *, written: Sequence[Path] = ()) -> None:
    """Tables, the verdict, and where the report was written."""
    if report.latencies:
        console.print(_latencies(report))
    if rows := list(_figures(report)):
        figures = Table(show_header=False, title="figures")
        for row in rows:
            figures.add_row(*row)
        console.print(figures)
    checks = Table(title="checks")
    for name in ("state", "check", "looked at", "found"):
        checks.add_column(name, justify="right" if name == "looked at" else "left", overflow="fold")
    for check in report.checks:
        colour = COLOURS[check.state]
        checks.add_row(
            Text(check.state.value, colour), Text(check.name), f"{check.looked_at:,}", Text(check.said)
        )
    console.print(checks)
    state = report.verdict.state
    ended = " (ended early)" if report.interrupted else ""
    console.print(Text.assemble((state.value, f"bold {COLOURS[state]}"), f"{ended}: {MEANS[state]}"))
    for reason in report.verdict.reasons:
        console.print(Text(f"  {reason}"), soft_wrap=True)
    for path in written:
        console.print(Text(f"written: {path}"), soft_wrap=True)


def _latencies(report: Report) -> Table:
    table = Table(title=f"{report.settings.scenario}: latencies, ms, from the intended moment")
    for name in ("", "count", "p50", "p90", "p99", "p99.9", "max"):
        table.add_column(name, justify="right" if name else "left")
    for one in report.latencies:
        table.add_row(*_row(one))
    return table


def _figures(report: Report) -> Iterator[tuple[str, str, str]]:
    """Name, value and unit of all but percentiles, which the table of latencies and the page have."""
    for figure in report.figures:
        if not PERCENTILE.search(figure.name):
            yield figure.name, f"{figure.value:,.6g}", figure.unit
    for part in report.parts:
        for figure in part.figures:
            if not PERCENTILE.search(figure.name):
                yield f"{part.name}: {figure.name}", f"{figure.value:,.6g}", figure.unit
    for exact in report.theory:
        said = f"exact {exact.exact:.5g}, sd {exact.sd:.2g}"
        yield f"{exact.case}: {exact.name}", f"{exact.measured:.5g}", said


def _row(row: Latency) -> tuple[str, ...]:
    values = [row.percentiles_us[name] for name in ("50", "90", "99", "99.9")] + [row.max_us]
    return (row.name, str(row.count), *(f"{value / 1000:.2f}" for value in values))
