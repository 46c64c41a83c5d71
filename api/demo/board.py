"""The board: a live table on a terminal, a line a second elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from api.demo.tally import Tally
from api.process import set_within

FRAME_S: Final = 0.25
LINE_S: Final = 1.0
STATES: Final = ("waiting", "reserved", "assigned", "done")


class Board:
    """Shows the tally until told to end."""

    def __init__(
        self,
        console: Console,
        tally: Tally,
        queues: dict[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console, self._tally, self._queues, self._clock = console, tally, queues, clock
        self._seen = (clock(), 0)  # when the last frame was drawn, and the offers by then
        self._rate = 0.0

    async def run(self, over: asyncio.Event) -> None:
        """Draw until `over` is set, and once more then."""
        if not self._console.is_terminal:
            while not over.is_set():
                self._console.print(self.line(), soft_wrap=True)
                await set_within(over, LINE_S)
            self._console.print(self.line(), soft_wrap=True)
            return
        with Live(console=self._console, auto_refresh=False) as live:
            while not over.is_set():
                live.update(self.table(), refresh=True)
                await set_within(over, FRAME_S)
            live.update(self.table(), refresh=True)

    def table(self) -> Table:
        """The present state, a row a queue."""
        rate = self._offers_per_s()
        table = Table(title=f"{rate:.0f} offers a second, {self._tally.rejects} declined so far")
        table.add_column("queue")
        for name in (*STATES, "longest wait"):
            table.add_column(name, justify="right")
        for row in self._tally.rows(self._queues):
            table.add_row(
                row.name, *(str(getattr(row, name)) for name in STATES), f"{row.longest_wait_s:.2f} s"
            )
        return table

    def line(self) -> str:
        """The present state in one line."""
        rows = self._tally.rows(self._queues)
        sums = {name: sum(getattr(row, name) for row in rows) for name in STATES}
        longest_s = max((row.longest_wait_s for row in rows), default=0.0)
        elapsed_s = self._clock() - self._tally.began_s
        counts = "  ".join(f"{name} {count:>5}" for name, count in sums.items())
        rate = self._offers_per_s()
        return f"{elapsed_s:5.1f} s  {counts}  longest wait {longest_s:5.2f} s  {rate:4.0f} offers a second"

    def _offers_per_s(self) -> float:
        now_s, (then_s, before) = self._clock(), self._seen
        if now_s > then_s:
            self._rate = (self._tally.offers - before) / (now_s - then_s)
            self._seen = (now_s, self._tally.offers)
        return self._rate
