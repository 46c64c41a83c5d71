"""The reference router: what the engine has to do, in plain lists and loops. The judge of every history.

One Workspace, multi-tasking or single-tasking. Methods are named like the engine's facade, take the SIDs of what
they create and the instant as `now_ms`, raise the engine's errors with nothing changed, and settle at once: after
each transition every waiting Task that has a candidate is offered (semantics 5.5), and every one leaves its step
whose `skip_if` is true then.

What needs rules to be evaluated, which the engine leaves to matchers, is later work: done when everything else of
the same step has settled, first in, first out, each piece with its own settling. A Worker that is new, has other
attributes or another name, or, while `state.rules_read_activity`, another Activity, is known to the rules as it was
until then. A Task that leaves its step by timeout or skip, or whose attributes or channel changed while it was
reserved, is in no step until then.
"""

from __future__ import annotations

from typing import Any

from engine.errors import Gone, Invalid, NotFound
from engine.model import ReservationStatus
from tests.model import view
from tests.model.checks import check_revision, require
from tests.model.config_commands import ConfigCommands
from tests.model.matching import settle
from tests.model.records import OPEN_OFFER, OfferRow
from tests.model.task_commands import TaskCommands
from tests.model.worker_commands import WorkerCommands

ALL_COMPLETED = "All reservations were completed"


class Router(WorkerCommands, TaskCommands, ConfigCommands):
    """A Workspace as its clients see it.

    `max_assignments` is 1,000 but in tests that cannot wait for it; `timers_a_run` is the engine's, since it shows in
    who is offered what when very much is due at once.
    """

    def snapshot(self) -> dict[str, Any]:
        """Everything a client can see, as plain dicts that compare with ==."""
        return view.snapshot(self.state)

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
        self._check_answer(status, worker_activity_sid)
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
        self._check_answer(status, worker_activity_sid)
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
        check_revision(sid, offer.revision, if_match)
        if status == "accepted":
            self._accept(offer, now_ms)
        elif status == "rejected":
            require(offer.status, ReservationStatus.PENDING)
            self.endings.reject(offer, activity_sid, now_ms)
        elif status == "wrapping":
            self.check_wrapping()
            require(offer.status, ReservationStatus.ACCEPTED)
            self.endings.wrap(self.state.tasks[offer.task_sid], None, now_ms)
        else:
            require(offer.status, ReservationStatus.ACCEPTED, ReservationStatus.WRAPPING)
            self.endings.complete(self.state.tasks[offer.task_sid], ALL_COMPLETED, now_ms)
        self.settle(now_ms)

    def _accept(self, offer: OfferRow, now_ms: int) -> None:
        if offer.status is ReservationStatus.ACCEPTED:
            return
        if offer.status is ReservationStatus.RESCINDED:
            self.state.note("round rescinded, then accepted")
        if offer.status not in OPEN_OFFER and offer.status is not ReservationStatus.COMPLETED:
            raise Gone(f"{offer.sid} has ended: {offer.status}")
        require(offer.status, ReservationStatus.PENDING)
        self.endings.accept(offer, now_ms)

    def fail_callback(self, *, now_ms: int, sid: str, task_sid: str) -> None:
        """Nobody answered the assignment callback of a Reservation."""
        offer = self.task(task_sid).offers.get(sid)
        if offer is None:
            raise NotFound(sid)
        require(offer.status, ReservationStatus.PENDING)
        self.endings.fail(offer, now_ms)
        self.settle(now_ms)

    def answer_callback(self, *, now_ms: int, sid: str) -> None:
        """A callback of a Workflow was answered."""
        self.state.failing.pop(sid, None)

    def next_deadline_ms(self) -> int | None:
        """When fire_timers next has something to do."""
        return min((self.endings.deadline_ms(task) for task in self.state.tasks.values()), default=None)

    def deadline_ms(self, task_sid: str) -> int:
        """The one deadline that a Task has at present."""
        return self.endings.deadline_ms(self.task(task_sid))

    def fire_timers(self, *, now_ms: int) -> None:
        """Does what is due, in runs of `timers_a_run` Tasks; later work when a run finds fewer than that."""
        while fired := self._fire_some(now_ms):
            if fired < self.timers_a_run:
                self.settle(now_ms)
        self.settle(now_ms)

    def _fire_some(self, now_ms: int) -> int:
        """What is due as a run begins, by deadline, then by SID."""
        due = [(self.endings.deadline_ms(task), task.sid) for task in self.state.tasks.values()]
        chosen = sorted(pair for pair in due if pair[0] <= now_ms)[: self.timers_a_run]
        for _, sid in chosen:
            task = self.state.tasks[sid]
            if self.endings.deadline_ms(task) > now_ms:  # it was offered, or has left its step, since
                self.state.note("timer finds its deadline moved")
                continue
            self.endings.expire(task, now_ms)
            settle(self.state, now_ms)
        return len(chosen)

    def _check_answer(self, status: str, activity_sid: str | None) -> None:
        """What can be said of an answer before anybody looks at the Reservation."""
        if status not in ("accepted", "rejected", "wrapping", "completed"):
            raise Invalid("reservation_status", "must be accepted, rejected, wrapping or completed")
        if activity_sid is not None:
            self.check_activity("worker_activity_sid", activity_sid)
