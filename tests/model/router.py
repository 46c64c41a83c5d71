"""The reference router: what the engine has to do, in plain lists and loops. The judge of every history.

One multi-tasking Workspace. Methods are named like the engine's facade, take the SIDs of what they create and
the instant as `now_ms`, raise the engine's errors with nothing changed, and settle at once: after each
transition every waiting Task that has a candidate is offered (semantics 5.5).

Two things happen only after everything else of the same step has settled, because they need rules to be
evaluated, which the engine leaves to matchers. A Task whose attributes or channel changed while it was
reserved goes through the filters when it is pending again. And while `state.rules_read_activity`, a Worker
whom a rejection or a timeout moved to another Activity is offered nothing before that.
"""

from __future__ import annotations

from typing import Any

from engine.errors import Gone, Invalid, NotFound
from engine.model import ReservationStatus, TaskStatus
from tests.model.checks import check_revision, require
from tests.model.matching import settle
from tests.model.records import OPEN_OFFER, OfferRow
from tests.model.task_commands import TaskCommands
from tests.model.worker_commands import WorkerCommands

ALL_COMPLETED = "All reservations were completed"


class Router(WorkerCommands, TaskCommands):
    """A Workspace as its clients see it. `max_assignments` is 1,000 but in tests that cannot wait for it."""

    def snapshot(self) -> dict[str, Any]:
        """Everything a client can see, as plain dicts that compare with ==."""
        return self.state.snapshot()

    def answer_of_task(
        self,
        *,
        now_ms: int,
        task_sid: str,
        sid: str,
        status: str,
        worker_activity_sid: str | None = None,
        if_match: int | None = None,
    ) -> None:
        """The Worker's answer, through the Task. Gone or IllegalState where the moment has passed."""
        _check_status(status)
        offer = self.task(task_sid).offers.get(sid)
        self._answer(offer, sid, status, worker_activity_sid, if_match, now_ms)

    def answer_of_worker(
        self,
        *,
        now_ms: int,
        worker_sid: str,
        sid: str,
        status: str,
        worker_activity_sid: str | None = None,
        if_match: int | None = None,
    ) -> None:
        """The Worker's answer, through the Worker."""
        _check_status(status)
        self.worker(worker_sid)
        found = [o for o in self.state.offers() if o.sid == sid and o.worker_sid == worker_sid]
        self._answer(found[0] if found else None, sid, status, worker_activity_sid, if_match, now_ms)

    def _answer(
        self,
        offer: OfferRow | None,
        sid: str,
        status: str,
        activity_sid: str | None,
        if_match: int | None,
        now_ms: int,
    ) -> None:
        if offer is None:
            raise NotFound(sid)
        if activity_sid is not None:
            self.check_activity("worker_activity_sid", activity_sid)
        check_revision(sid, offer.revision, if_match)
        if status == "accepted":
            self._accept(offer, now_ms)
        elif status == "rejected":
            self._reject(offer, activity_sid, now_ms)
        elif status == "wrapping":
            require(offer.status, ReservationStatus.ACCEPTED)
            self.endings.wrap(self.state.tasks[offer.task_sid], None, now_ms)
        else:
            require(offer.status, ReservationStatus.ACCEPTED, ReservationStatus.WRAPPING)
            self.endings.complete(self.state.tasks[offer.task_sid], ALL_COMPLETED, now_ms)
        self.settle(now_ms)

    def _accept(self, offer: OfferRow, now_ms: int) -> None:
        if offer.status is ReservationStatus.ACCEPTED:
            return
        if offer.status not in OPEN_OFFER and offer.status is not ReservationStatus.COMPLETED:
            raise Gone(f"{offer.sid} has ended: {offer.status}")
        require(offer.status, ReservationStatus.PENDING)
        task = self.state.tasks[offer.task_sid]
        self.endings.turn(offer, ReservationStatus.ACCEPTED, now_ms)
        self.endings.turn_task(task, TaskStatus.ASSIGNED, now_ms)
        task.accepted_ms = now_ms

    def _reject(self, offer: OfferRow, activity_sid: str | None, now_ms: int) -> None:
        require(offer.status, ReservationStatus.PENDING)
        self.endings.withdraw(offer, ReservationStatus.REJECTED, activity_sid, now_ms)

    def next_deadline_ms(self) -> int | None:
        """When fire_timers next has something to do."""
        return min((self.endings.deadline_ms(task) for task in self.state.tasks.values()), default=None)

    def deadline_ms(self, task_sid: str) -> int:
        """The one deadline that a Task has at present."""
        return self.endings.deadline_ms(self.task(task_sid))

    def fire_timers(self, *, now_ms: int) -> None:
        """Does what is due, in sweeps: each takes what is due as it begins, by deadline, then by SID."""
        while True:
            tasks = [t for t in self.state.tasks.values() if self.endings.deadline_ms(t) <= now_ms]
            if not tasks:
                return
            for task in sorted(tasks, key=lambda t: (self.endings.deadline_ms(t), t.sid)):
                self.endings.expire(task, now_ms)
                settle(self.state, now_ms)
            self.settle(now_ms)


def _check_status(status: str) -> None:
    if status not in ("accepted", "rejected", "wrapping", "completed"):
        raise Invalid("reservation_status", "must be accepted, rejected, wrapping or completed")
