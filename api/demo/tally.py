"""What callers and agents saw, and when: the source of the table and of the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import ceil

from msgspec import Struct


class QueueRow(Struct):
    """The Tasks of one queue, as callers and agents know them."""

    name: str
    waiting: int = 0
    reserved: int = 0
    assigned: int = 0
    done: int = 0
    longest_wait_s: float = 0.0  # from the answer to the create until an agent saw the offer, or until now


class Tally:
    """Counts and times. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.began_s = clock()
        self.posted_s: dict[str, float] = {}  # Task SID -> when its create was answered
        self.offered_s: dict[str, float] = {}  # Task SID -> when an agent first saw it offered
        self.completions: Counter[str] = Counter()  # Task SID -> completions answered with 200
        self.offers = 0
        self.rejects = 0
        self.posting_ended_s = self.ended_s = self.began_s
        self._queue: dict[str, str] = {}  # Task SID -> TaskQueue SID
        self._state: dict[str, str] = {}  # Task SID -> field of QueueRow; no entry: waiting

    def posted(self, task_sid: str, queue_sid: str) -> None:
        """The create of a Task was answered. An agent may have seen the Task before."""
        self.posted_s[task_sid] = self.posting_ended_s = self._clock()
        self._queue[task_sid] = queue_sid

    def offered(self, task_sid: str) -> None:
        """An agent saw a Reservation for the first time."""
        self.offers += 1
        self._state[task_sid] = "reserved"
        self.offered_s.setdefault(task_sid, self._clock())

    def rejected(self, task_sid: str) -> None:
        """An agent declined; the Task is offered again."""
        self.rejects += 1
        self._state[task_sid] = "waiting"

    def accepted(self, task_sid: str) -> None:
        """An agent took the Task."""
        self._state[task_sid] = "assigned"

    def completed(self, task_sid: str) -> None:
        """A completion was answered with 200."""
        self._state[task_sid] = "done"
        self.completions[task_sid] += 1
        self.ended_s = self._clock()

    def rows(self, queues: dict[str, str]) -> list[QueueRow]:
        """One row a queue; `queues` has their names. O(Tasks)."""
        rows, now_s = {sid: QueueRow(name=name) for sid, name in queues.items()}, self._clock()
        for task, queue in self._queue.items():
            row, state = rows[queue], self._state.get(task, "waiting")
            setattr(row, state, getattr(row, state) + 1)
            row.longest_wait_s = max(
                row.longest_wait_s, self.offered_s.get(task, now_s) - self.posted_s[task]
            )
        return list(rows.values())

    def waits_s(self, tasks: Iterable[str]) -> list[float]:
        """Create-to-offer of these Tasks, sorted; an offer seen before the create's answer counts as 0."""
        return sorted(max(0.0, self.offered_s[t] - self.posted_s[t]) for t in tasks if t in self.offered_s)

    def most_in_a_second(self) -> int:
        """First offers in the best whole second of the run."""
        seconds = Counter(int(at_s - self.began_s) for at_s in self.offered_s.values())
        return max(seconds.values(), default=0)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of the ordered values that `percent` of them do not exceed; 0.0 of none."""
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0
