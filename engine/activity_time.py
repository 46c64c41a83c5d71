"""How long Workers were in each Activity during an interval, from the events of their moves. Plain functions, no I/O.

A *stretch* is the time between two moves of one Worker. A move's event says how long the stretch lasted that it
ended; the last stretch of a Worker has no such event yet, and is read from its record. So the events have to be those
from the beginning of the interval until now, whenever the interval ends: a stretch that reaches over its end is
ended by an event behind it.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from engine.cumulative import Durations, Event, Interval

MOVES: Final = frozenset({"worker.created", "worker.activity.update", "worker.deleted"})


class ActivityTime:
    """Adds up stretches, clipped to the interval. `workers` are those that count, None for all."""

    def __init__(self, interval: Interval, workers: Container[str] | None = None) -> None:
        self._interval, self._workers = interval, workers
        self._present: dict[str, tuple[str, int]] = {}  # by the log: Worker -> Activity, since when
        self._deleted: set[str] = set()
        self.durations: dict[str, Durations] = {}  # by Activity

    def add(self, event: Event) -> None:
        """Take in an event; the oldest come first."""
        if event.type not in MOVES:
            return
        data, at_ms = event.data, event.at_ms
        sid = data.get("worker_sid", "")
        if self._workers is not None and sid not in self._workers:
            return
        if event.type == "worker.activity.update":
            lasted_ms = int(data["worker_time_in_previous_activity_ms"])
            self._stretch(data["worker_previous_activity_sid"], at_ms - lasted_ms, at_ms)
        if event.type == "worker.deleted":
            _, since_ms = self._present.pop(sid, ("", self._interval.start_ms))
            self._stretch(data["worker_activity_sid"], since_ms, at_ms)
            self._deleted.add(sid)
        else:
            self._present[sid] = (data["worker_activity_sid"], at_ms)

    def now(self, sid: str, activity: str, since_ms: int, now_ms: int) -> None:
        """A Worker as its record said before the log was read: in this Activity since then.

        The log may know of a later move, or that it was deleted.
        """
        if sid not in self._deleted:
            activity, since_ms = self._present.get(sid, (activity, since_ms))
            self._stretch(activity, since_ms, now_ms)

    def _stretch(self, activity: str, begin_ms: int, end_ms: int) -> None:
        begin_ms, end_ms = max(begin_ms, self._interval.start_ms), min(end_ms, self._interval.end_ms)
        if begin_ms < end_ms:
            self.durations.setdefault(activity, Durations()).add(end_ms - begin_ms)
