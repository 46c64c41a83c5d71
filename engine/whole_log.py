"""The event log as statistics need it: nothing missing at its end, and known where it begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from engine.errors import Unavailable
from engine.event_log import EventLog
from engine.events import Glimpse, unpack
from engine.live import Live
from engine.model import WorkspaceConfig

PATIENCE_S: Final = 2.0  # how long a log may stay behind; a relay needs some ms
PAUSE_S: Final = 0.005  # before the log is looked at again, doubled each time up to
LONGEST_PAUSE_S: Final = 0.05


class WholeLog:
    """The events of all Workspaces, for who counts them. Every method raises Unavailable."""

    def __init__(self, live: Live, log: EventLog, *, patience_s: float = PATIENCE_S) -> None:
        self._live, self._log, self._patience_s = live, log, patience_s

    async def caught_up(self, config: WorkspaceConfig) -> int:
        """As engine.statistics.EventLog says. Two round trips where the log has everything already."""
        keys = self._live.keys(config)
        last = await self._live.ask("HGET", keys.ws, "seq")
        await self._wait(config, int(last or 0))
        # The first transition of a Workspace is its creation. A log that begins with another was cut.
        first = await self._live.ask("XRANGE", keys.log, "-", "+", "COUNT", 1)
        if not first:
            return 0
        entry_id, fields = first[0]
        place, event = next(unpack(config, entry_id, fields[1]))
        return 0 if event.seq == 1 else place.ms + 1

    def between(
        self, config: WorkspaceConfig, start_ms: int, end_ms: int
    ) -> AsyncIterator[Sequence[Glimpse]]:
        """The events of these instants, both included, oldest first and some at a time."""
        return self._log.glimpses(config, start_ms, end_ms)

    async def _wait(self, config: WorkspaceConfig, seq: int) -> None:
        """Return once the transition of this number is in the log."""
        key, pause_s, left_s = self._live.keys(config).ws, PAUSE_S, self._patience_s
        while True:
            logged = await self._live.ask("HGET", key, "logged")
            if logged is not None and int(logged.partition(b"|")[2]) >= seq:
                return
            if left_s <= 0:
                raise Unavailable("the event log is behind: is a relay running?", outcome_unknown=False)
            await asyncio.sleep(pause_s)
            left_s -= pause_s
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
