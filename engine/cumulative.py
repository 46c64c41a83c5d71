"""Cumulative figures: what happened in an interval, folded from the event log. Plain functions, no I/O.

Every figure counts events of the interval, both ends included, in the queue or Workflow that the event itself names
(semantics 10.3): a Task that was accepted in one queue and completed in another is an acceptance of the first and a
completion of the second. Times are added up in ms and cut to seconds where they are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from msgspec import Struct, field

from engine import checks
from engine.errors import Invalid

MINUTES: Final = 15  # the interval when none is asked for
KEPT_MINUTES: Final = 30 * 24 * 60  # how far back an interval may begin
GRACE_MS: Final = 60_000  # a caller who computed "30 days ago" just before is not too late
MOST_THRESHOLDS: Final = 10
LONGEST_THRESHOLD: Final = 2_592_000  # seconds: the 30 days an interval can have

ACCEPTED: Final = "reservation.accepted"
CANCELED: Final = "task.canceled"
RESERVATIONS: Final = {
    "reservations_created": ("reservation.created",),
    "reservations_accepted": (ACCEPTED,),
    "reservations_rejected": ("reservation.rejected",),
    "reservations_timed_out": ("reservation.timeout",),
    "reservations_canceled": ("reservation.canceled",),
    "reservations_rescinded": ("reservation.rescinded",),
}
TASKS: Final = {
    "tasks_created": ("task.created",),
    "tasks_canceled": (CANCELED,),
    "tasks_completed": ("task.completed",),
    "tasks_deleted": ("task.deleted", "task.system-deleted"),
    "tasks_moved": ("task-queue.moved",),
    "tasks_timed_out_in_workflow": ("workflow.timeout",),
}
_COUNTED: Final = frozenset(kind for kinds in (*RESERVATIONS.values(), *TASKS.values()) for kind in kinds) | {
    "task-queue.entered",
    "workflow.entered",
}


class Event(Protocol):
    """What a fold reads of an event of the log."""

    @property
    def type(self) -> str: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def data(self) -> Mapping[str, str]: ...
    @property
    def task_created_ms(self) -> int | None: ...
    @property
    def task_queue_entered_ms(self) -> int | None: ...


class Interval(Struct, frozen=True):
    """Instants, both included."""

    start_ms: int
    end_ms: int

    def holds(self, at_ms: int) -> bool:
        return self.start_ms <= at_ms <= self.end_ms


class Durations(Struct):
    """Durations added up, in ms."""

    count: int = 0
    total_ms: int = 0
    min_ms: int = 0
    max_ms: int = 0

    def add(self, duration_ms: int) -> None:
        """One more; less than nothing, after a clock that was set back, is nothing."""
        duration_ms = max(0, duration_ms)
        self.min_ms = duration_ms if self.count == 0 else min(self.min_ms, duration_ms)
        self.max_ms = max(self.max_ms, duration_ms)
        self.count += 1
        self.total_ms += duration_ms

    @property
    def avg_ms(self) -> float:
        return self.total_ms / self.count if self.count else 0.0


class Split(Struct):
    """Acceptances and cancellations of one threshold: a wait of exactly so long is above it."""

    above: Counter[str] = field(default_factory=Counter)
    below: Counter[str] = field(default_factory=Counter)


class Tally(Struct):
    """The figures of one scope."""

    events: Counter[str] = field(default_factory=Counter)  # by type
    accepted: Durations = field(default_factory=Durations)  # creation of the Task to acceptance
    accepted_in_queue: Durations = field(default_factory=Durations)  # entry into the queue to acceptance
    canceled: Durations = field(default_factory=Durations)  # creation to cancellation
    split: dict[int, Split] = field(default_factory=dict)  # by threshold, seconds

    def count(self, kinds: Iterable[str]) -> int:
        """Events of these types."""
        return sum(self.events[kind] for kind in kinds)


class Fold:
    """Adds up events, some µs each, by the scope that `scope_of` finds: None for those that do not count."""

    def __init__(
        self,
        interval: Interval,
        scope_of: Callable[[Event], str | None],
        *,
        channel: str | None = None,
        thresholds: Iterable[int] = (),
    ) -> None:
        self._interval, self._scope_of, self._channel = interval, scope_of, channel
        self._thresholds = tuple(thresholds)
        self._tallies: dict[str, Tally] = {}

    def tally(self, scope: str) -> Tally:
        """The figures of a scope, all zero where nothing happened in it."""
        tally = self._tallies.get(scope)
        if tally is None:
            tally = self._tallies[scope] = Tally(split={seconds: Split() for seconds in self._thresholds})
        return tally

    def add(self, event: Event) -> None:
        """Count an event, if it is one of those that are counted."""
        if event.type not in _COUNTED or not self._interval.holds(event.at_ms):
            return
        if self._channel is not None and event.data.get("task_channel_unique_name") != self._channel:
            return
        scope = self._scope_of(event)
        if scope is None:
            return
        tally = self.tally(scope)
        tally.events[event.type] += 1
        if event.task_created_ms is None:
            return
        wait_ms = max(0, event.at_ms - event.task_created_ms)
        if event.type == ACCEPTED:
            tally.accepted.add(wait_ms)
            if event.task_queue_entered_ms is not None:
                tally.accepted_in_queue.add(event.at_ms - event.task_queue_entered_ms)
            self._split(tally, "reservations_accepted", wait_ms)
        elif event.type == CANCELED:
            tally.canceled.add(wait_ms)
            self._split(tally, "tasks_canceled", wait_ms)

    def _split(self, tally: Tally, what: str, wait_ms: int) -> None:
        for seconds, split in tally.split.items():
            side = split.above if wait_ms >= seconds * 1_000 else split.below
            side[what] += 1


def interval_of(now_ms: int, minutes: int | None, start_ms: int | None, end_ms: int | None) -> Interval:
    """The interval that a caller asks for: from StartDate, else so many Minutes back from its end.

    An end in the future is now. Raises Invalid for an interval that begins over 30 days ago, or behind its end.
    """
    if minutes is not None:
        checks.integer("minutes", minutes, 1, KEPT_MINUTES)
    end = now_ms if end_ms is None else min(end_ms, now_ms)
    start = end - (minutes or MINUTES) * 60_000 if start_ms is None else start_ms
    if start > now_ms:
        raise Invalid("start_date", "lies in the future")
    if start > end:
        raise Invalid("end_date", "is before StartDate")
    if start < now_ms - KEPT_MINUTES * 60_000 - GRACE_MS:
        field = "start_date" if start_ms is not None else "end_date"
        raise Invalid(field, "is too old: statistics reach back 30 days")
    return Interval(start, end)


def thresholds_of(text: str | None) -> tuple[int, ...]:
    """The thresholds of SplitByWaitTime, in seconds and in the order given, each once. Raises Invalid."""
    if text is None:
        return ()
    found: dict[int, None] = {}
    for item in text.split(","):
        digits = item.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            raise Invalid("split_by_wait_time", "must be a comma list of whole seconds such as 5,30")
        if int(digits) > LONGEST_THRESHOLD:
            raise Invalid("split_by_wait_time", f"has a threshold over {LONGEST_THRESHOLD} seconds")
        found[int(digits)] = None
    if len(found) > MOST_THRESHOLDS:
        raise Invalid("split_by_wait_time", f"must have at most {MOST_THRESHOLDS} thresholds")
    return tuple(found)
