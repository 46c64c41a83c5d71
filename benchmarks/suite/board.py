"""What a person sees while a run goes on: how far it is, rates, what is open. tables.py has what comes at its end."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from api.process import set_within
from benchmarks.suite.journal import Sample
from benchmarks.suite.ledger import Totals
from benchmarks.suite.plan import Plan

FRAME_S: Final = 0.5
LINE_S: Final = 2.0
STALE_S: Final = 3.0  # without an answer from the deployment's statistics, which are asked for each 0.5 s
RATES_S: Final = 2.0  # a rate is the mean of so long: shorter ones jump with chance
BAR: Final = 50  # characters


class Board:
    """Shows sums of all generators until told to end: a live table on a terminal, lines elsewhere."""

    def __init__(
        self,
        console: Console,
        plan: Plan,
        starts_at: float,
        sums: Callable[[], Totals],
        looks: list[Sample],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`looks` grows while the run goes on: the last one is what the deployment says of its open Tasks.

        `starts_at`, of the load, may be said anew when it is known.
        """
        self._console, self._plan, self.starts_at = console, plan, starts_at
        self._sums, self._looks, self._clock = sums, looks, clock
        self._past: deque[tuple[float, int, int]] = deque()

    async def run(self, over: asyncio.Event) -> None:
        """Draw until `over` is set, and once more then."""
        if not self._console.is_terminal:
            while not await set_within(over, LINE_S):
                self._console.print(self.line(), soft_wrap=True)
            self._console.print(self.line(), soft_wrap=True)
        else:
            with Live(console=self._console, auto_refresh=False) as live:
                while not await set_within(over, FRAME_S):
                    live.update(self.table(), refresh=True)
                live.update(self.table(), refresh=True)
        self._console.print("the load is over; reading what the deployment says of it", style="dim")

    def table(self) -> Group:
        """The present state."""
        sums = self._sums()
        done, said = self._progress(sums)
        table = Table()
        for name in ("created", "a second", "completed", "a second ", "waiting", "in work", "failed"):
            table.add_column(name, justify="right", min_width=8)
        created, completed = self._rates(sums)
        values = (sums.created, f"{created:.0f}", sums.completed, f"{completed:.0f}", *self._open())
        table.add_row(*map(str, values), str(_failed(sums)))
        head = Table.grid(padding=(0, 2))
        head.add_row(Text(self._plan.scenario, "bold"), ProgressBar(1.0, done, width=BAR), Text(said))
        return Group(head, table)

    def line(self) -> str:
        """The present state in one line."""
        sums = self._sums()
        created, completed = self._rates(sums)
        waiting, working = self._open()
        return (
            f"{self._progress(sums)[1]:>22}  created {sums.created:7} ({created:.0f} a second)"
            f"  completed {sums.completed:7} ({completed:.0f} a second)"
            f"  waiting {waiting:>6}  in work {working:>5}  failed {_failed(sums)}"
        )

    def _open(self) -> tuple[str, str]:
        """Tasks that wait, and that somebody has, by the deployment's statistics; unknown where it does not answer."""
        look = self._looks[-1] if self._looks else None
        if look is None or self._clock() - look.answered_s > STALE_S:
            return "?", "?"
        return str(look.waiting), str(look.total - look.waiting)

    def _progress(self, sums: Totals) -> tuple[float, str]:
        """How much is done, from 0 to 1, and in words. A drain has no length that is known before."""
        plan, at_s = self._plan, self._clock() - self.starts_at
        if not sums.posting:
            return 1.0, f"for open Tasks, {max(0.0, at_s):.0f} s"
        if sums.created < plan.backlog:
            return sums.created / plan.backlog, f"{sums.created:,} of {plan.backlog:,} Tasks"
        past_s = min(max(0.0, at_s), plan.duration_s)
        done = past_s / plan.duration_s if plan.duration_s else 1.0
        return done, f"{past_s:.0f} of {plan.duration_s:g} s"

    def _rates(self, sums: Totals) -> tuple[float, float]:
        """Creates and completions a second, over the last RATES_S."""
        now = (self._clock(), sums.created, sums.completed)
        self._past.append(now)
        while len(self._past) > 2 and now[0] - self._past[1][0] >= RATES_S:
            self._past.popleft()
        then = self._past[0]
        span_s = now[0] - then[0]
        if span_s <= 0:
            return 0.0, 0.0
        return (now[1] - then[1]) / span_s, (now[2] - then[2]) / span_s


def _failed(sums: Totals) -> int:
    return sums.refused + sums.wrong + sums.unanswered + sums.not_sent
