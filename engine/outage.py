"""An outage is said once, and its end, however often the work that it holds up is tried meanwhile."""

from __future__ import annotations

import logging


class Outage:
    """Of one piece of work that is repeated. A server that is away for a minute fails it hundreds of times."""

    def __init__(self, log: logging.Logger, work: str) -> None:
        self._log, self._work = log, work
        self._said: set[str] = set()

    def failed(self, error: Exception) -> None:
        """The work was tried, to no effect: a line for each reason that was not given yet."""
        why = str(error)
        if why not in self._said:
            self._said.add(why)
            self._log.warning("%s: waiting: %s", self._work, why)

    def done(self) -> None:
        """The work was done."""
        if self._said:
            self._said.clear()
            self._log.warning("%s: going on", self._work)
