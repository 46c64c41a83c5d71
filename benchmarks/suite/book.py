"""The book of one generator: every call it made is entered as it ends."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from benchmarks.suite.latency import Times
from benchmarks.suite.ledger import Created, Offered, Second, Share, Totals
from benchmarks.suite.plan import Job
from benchmarks.suite.wire import Answer

SAID: Final = 10  # answers that are quoted
BUSY: Final = frozenset({429, 502, 503, 504})  # the deployment, or a proxy of it, says that it cannot now


class Book:
    """Counts, latencies and SIDs. Latencies begin to count after the warm-up."""

    def __init__(self, job: Job) -> None:
        self._plan = job.plan
        self.begin(job.starts_at)
        self.totals = Totals()
        self.done = asyncio.Event()  # set by each completion
        self.times = {name: Times() for name in ("create", "lag", "accept", "complete", "notice")}
        self._created: list[Created] = []
        self._offered: list[Offered] = []
        self._accepted: list[tuple[str, str]] = []
        self._completed: list[tuple[str, str, float]] = []
        self._in_doubt: list[str] = []
        self._worked: list[tuple[str, float]] = []
        self._overruns: list[str] = []
        self._said: list[str] = []
        self._seconds: dict[int, Second] = {}

    def begin(self, starts_at: float) -> None:
        """The load begins at this instant."""
        self._starts_at = starts_at
        self._counts_from = starts_at + self._plan.warm_up_s
        self._until = starts_at + self._plan.duration_s

    def sent(self, meant_s: float, sent_s: float) -> None:
        self.totals.sent += 1
        self._second(meant_s).sent += 1
        if meant_s >= self._counts_from:
            self.times["lag"].add(sent_s - meant_s)

    def created(self, created: Created) -> None:
        self.totals.created += 1
        self._created.append(created)
        second, took_s = self._second(created.meant_s), created.answered_s - created.meant_s
        second.created += 1
        second.create_us.append(int(took_s * 1e6))
        if created.meant_s >= self._counts_from:
            self.times["create"].add(took_s)

    def piled(self, created: Created) -> None:
        """A Task of a backlog: it is in no latency and in no second of the load."""
        self.totals.created += 1
        self._created.append(created)

    def refused(self, meant_s: float, answer: Answer) -> None:
        """A create was answered with something else than 201."""
        if answer.status in BUSY:
            self.totals.refused += 1
        else:
            self.wrong("a create", answer)
        self._second(meant_s).failed += 1

    def unanswered(self, meant_s: float, *, create: bool = False) -> None:
        self.totals.unanswered += 1
        self.totals.unanswered_creates += create
        self._second(meant_s).failed += 1

    def wrong(self, what: str, answer: Answer) -> None:
        """An answer that nothing in the plan explains."""
        self.totals.wrong += 1
        if len(self._said) < SAID:
            text = answer.body[:200].decode(errors="replace")
            self._said.append(f"{what} was answered {answer.status}: {text}")

    def offered(self, offered: Offered, *, overrun: bool) -> None:
        self.totals.offers += 1
        self._offered.append(offered)
        self._second(offered.learned_s).offers += 1
        self.times["notice"].add(max(0.0, offered.learned_s - offered.at_ms / 1000))
        if overrun:
            self._overruns.append(offered.reservation)

    def accepted(self, task: str, reservation: str, meant_s: float) -> None:
        self.totals.accepted += 1
        self._accepted.append((task, reservation))
        self._timed("accept", meant_s)

    def completed(self, task: str, reservation: str, meant_s: float, work_s: float) -> None:
        self.totals.completed += 1
        self.done.set()
        self._worked.append((task, work_s))
        now_s = time.time()
        self._completed.append((task, reservation, now_s))
        self._second(now_s).completed += 1
        self._timed("complete", meant_s)

    def in_doubt(self, task: str) -> None:
        """The run ended while a completion was under way."""
        self._in_doubt.append(task)

    def gone(self) -> None:
        """An offer was taken back, which the plan allows."""
        self.totals.gone += 1

    def share(self) -> Share:
        return Share(
            totals=self.totals,
            created=self._created,
            offered=self._offered,
            accepted=self._accepted,
            completed=self._completed,
            in_doubt=self._in_doubt,
            overruns=self._overruns,
            said=self._said,
            latencies={name: times.encoded() for name, times in self.times.items()},
            seconds=self._seconds,
            worked=self._worked,
        )

    def _timed(self, name: str, meant_s: float) -> None:
        if self._counts_from <= meant_s < self._until:
            self.times[name].add(time.time() - meant_s)

    def _second(self, at_s: float) -> Second:
        number = max(0, int(at_s - self._starts_at))
        found = self._seconds.get(number)
        if found is None:
            found = self._seconds[number] = Second()
        return found
