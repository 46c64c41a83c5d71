"""What a person sees: rates and open Tasks while it runs, tables at its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from api.process import set_within
from benchmarks.suite.ledger import Totals
from benchmarks.suite.report import Latency, Report, State

FRAME_S: Final = 0.5
LINE_S: Final = 2.0
COLOURS: Final = {State.VALID: "green", State.INVALID: "red", State.UNKNOWN: "yellow"}


class Board:
    """Shows sums of all generators until told to end: a live table on a terminal, lines elsewhere."""

    def __init__(
        self,
        console: Console,
        title: str,
        sums: Callable[[], Totals],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console, self._title, self._sums, self._clock = console, title, sums, clock
        self._began_s = clock()
        self._before = (self._began_s, 0, 0)
        self._rates = (0.0, 0.0)

    async def run(self, over: asyncio.Event) -> None:
        """Draw until `over` is set, and once more then."""
        if not self._console.is_terminal:
            while not await set_within(over, LINE_S):
                self._console.print(self.line(), soft_wrap=True)
            self._console.print(self.line(), soft_wrap=True)
            return
        with Live(console=self._console, auto_refresh=False) as live:
            while not await set_within(over, FRAME_S):
                live.update(self.table(), refresh=True)
            live.update(self.table(), refresh=True)

    def table(self) -> Table:
        """The present state."""
        sums = self._sums()
        table = Table(title=f"{self._title}, {self._clock() - self._began_s:.0f} s")
        for name in ("created", "a second", "completed", "a second ", "offers", "open", "failed"):
            table.add_column(name, justify="right")
        created, completed = self._measured(sums)
        values = (sums.created, f"{created:.0f}", sums.completed, f"{completed:.0f}", sums.offers)
        table.add_row(*map(str, values), str(sums.created - sums.completed), str(_failed(sums)))
        return table

    def line(self) -> str:
        """The present state in one line."""
        sums = self._sums()
        created, completed = self._measured(sums)
        return (
            f"{self._clock() - self._began_s:5.0f} s  created {sums.created:7} ({created:.0f} a second)"
            f"  completed {sums.completed:7} ({completed:.0f} a second)"
            f"  open {sums.created - sums.completed:6}  failed {_failed(sums)}"
        )

    def _measured(self, sums: Totals) -> tuple[float, float]:
        """Creates and completions a second since the last look."""
        now_s, (then_s, created, completed) = self._clock(), self._before
        if now_s - then_s >= FRAME_S / 2:
            span_s = now_s - then_s
            self._rates = (sums.created - created) / span_s, (sums.completed - completed) / span_s
            self._before = (now_s, sums.created, sums.completed)
        return self._rates


def _failed(sums: Totals) -> int:
    return sums.refused + sums.wrong + sums.unanswered + sums.not_sent


def show(console: Console, report: Report) -> None:
    """Tables of a finished run, and the verdict."""
    latencies = Table(title=f"{report.settings.scenario}: latencies, ms, from the intended moment")
    for name in ("", "count", "p50", "p90", "p99", "p99.9", "max"):
        latencies.add_column(name, justify="right" if name else "left")
    for row in report.latencies:
        latencies.add_row(*_row(row))
    console.print(latencies)
    figures = Table(show_header=False, title="figures")
    for figure in report.figures:
        figures.add_row(figure.name, f"{figure.value:,.6g}", figure.unit)
    for part in report.parts:
        for figure in part.figures:
            figures.add_row(f"{part.name}: {figure.name}", f"{figure.value:,.6g}", figure.unit)
    for exact in report.theory:
        figures.add_row(
            f"{exact.case}: {exact.name}",
            f"{exact.measured:.5g}",
            f"exact {exact.exact:.5g}, sd {exact.sd:.2g}",
        )
    console.print(figures)
    checks = Table(title="checks")
    for name in ("", "", "looked at", ""):
        checks.add_column(name)
    for check in report.checks:
        colour = COLOURS[check.state]
        checks.add_row(f"[{colour}]{check.state.value}[/]", check.name, str(check.looked_at), check.said)
    console.print(checks)
    colour = COLOURS[report.verdict.state]
    console.print(f"[bold {colour}]{report.verdict.state.value}[/]", *report.verdict.reasons[:3], sep="  ")


def _row(row: Latency) -> tuple[str, ...]:
    values = [row.percentiles_us[name] for name in ("50", "90", "99", "99.9")] + [row.max_us]
    return (row.name, str(row.count), *(f"{value / 1000:.2f}" for value in values))
