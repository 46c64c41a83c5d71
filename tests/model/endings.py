"""How Reservations and Tasks end (semantics 2.4 and 3.3), and the one deadline that each Task has (2.5).

Nothing here matches anything; the router settles afterwards. Reservations of a Task that end together do so in
order of their SIDs.
"""

from __future__ import annotations

from typing import Final

from engine.model import ReservationStatus, TaskStatus
from tests.model import steps
from tests.model.activities import move, move_accepted, restore
from tests.model.records import OPEN_OFFER, OfferRow, TaskRow
from tests.model.state import State
from tests.model.targets import SLA_MISSED, sla_ms

ASSIGNED_MS: Final = 24 * 3600 * 1000
RETENTION_MS: Final = 5 * 60 * 1000
TTL_EXCEEDED: Final = "Task TTL Exceeded"
TOO_MANY: Final = "Task TTL Exceeded or Max assignment count exceeded"
STEP_TIMED_OUT: Final = "Workflow timed out"
SKIPPED: Final = "Workflow skipped"
UNREACHABLE: Final = 15003  # the alert of a callback that nobody answered
NO_FILTER: Final = "No filter of the Workflow matches the Task"
REASONS: Final = (TTL_EXCEEDED, TOO_MANY, STEP_TIMED_OUT, SKIPPED, NO_FILTER, SLA_MISSED)


class Endings:
    """Changes the statuses in one State, and with them the revisions and instants of whatever changed."""

    def __init__(self, state: State, timeout_activity_sid: str, max_assignments: int) -> None:
        self._state = state
        self._timeout_activity_sid = timeout_activity_sid
        self._max_assignments = max_assignments

    def turn(self, offer: OfferRow, status: ReservationStatus, now_ms: int) -> None:
        """The next status of a Reservation. One that ends is a change of its Worker too."""
        self._state.note(f"offer {offer.status} -> {status}")
        offer.status = status
        offer.updated_ms = now_ms
        offer.revision += 1
        if status not in OPEN_OFFER:
            self._state.workers[offer.worker_sid].revision += 1

    def turn_task(self, task: TaskRow, status: TaskStatus, now_ms: int) -> None:
        """The next status of a Task."""
        self._state.note(f"task {task.status} -> {status}")
        task.status = status
        task.updated_ms = now_ms
        task.revision += 1
        if status in (TaskStatus.COMPLETED, TaskStatus.CANCELED):
            task.ended_ms = now_ms

    def accept(self, offer: OfferRow, now_ms: int) -> None:
        """One Worker takes the Task; the others of the round are told that it is gone."""
        task = self._state.tasks[offer.task_sid]
        self.turn(offer, ReservationStatus.ACCEPTED, now_ms)
        self.turn_task(task, TaskStatus.ASSIGNED, now_ms)
        task.accepted_ms = now_ms
        move_accepted(self._state, self._state.workers[offer.worker_sid], task.queue, now_ms)
        for other in self._state.open_offers(task):
            if other.status is ReservationStatus.PENDING:
                self.turn(other, ReservationStatus.RESCINDED, now_ms)
                restore(self._state, other, now_ms)

    def reject(self, offer: OfferRow, activity_sid: str | None, now_ms: int, *, stays: bool = False) -> None:
        """One Worker refuses, and goes to the Activity given, or where it came from unless it `stays`."""
        self.turn(offer, ReservationStatus.REJECTED, now_ms)
        if activity_sid is not None:
            move(self._state, self._state.workers[offer.worker_sid], activity_sid, now_ms)
        elif not stays:
            restore(self._state, offer, now_ms)
        self._return(self._state.tasks[offer.task_sid], now_ms)

    def time_out(self, task: TaskRow, now_ms: int) -> None:
        """Nobody has answered: every Worker of the round goes to the timeout Activity."""
        offers = self._state.open_offers(task)
        self._state.note("round timed out" if len(offers) > 1 else "answer timed out")
        for offer in offers:
            self.turn(offer, ReservationStatus.TIMEOUT, now_ms)
            worker = self._state.workers[offer.worker_sid]
            move(self._state, worker, self._timeout_activity_sid, now_ms)
        self._return(task, now_ms)

    def fail(self, offer: OfferRow, now_ms: int) -> None:
        """Nobody answered the callback: the Task is delayed, longer with every failure of its Workflow in a row.

        Failures inside the delay of the last one are the same failure (semantics 8.2).
        """
        task = self._state.tasks[offer.task_sid]
        count, until_ms = self._state.failing.get(task.workflow_sid, (0, 0))
        if now_ms >= until_ms:
            count += 1
            self._state.failing[task.workflow_sid] = (count, now_ms + _delay_ms(count))
        self._state.alerts.append((task.sid, UNREACHABLE))
        self.turn(offer, ReservationStatus.CANCELED, now_ms)
        restore(self._state, offer, now_ms)
        self._return(task, now_ms, _delay_ms(count))

    def _return(self, task: TaskRow, now_ms: int, delay_ms: int | None = None) -> None:
        """Pending again if no Reservation is left: in its step, unless something has changed meanwhile."""
        if self._state.open_offers(task):
            self._state.note("one of a round rejects")
            return
        if task.assignment_count >= self._max_assignments:
            task.reason = TOO_MANY
            self.turn_task(task, TaskStatus.CANCELED, now_ms)
            return
        self.turn_task(task, TaskStatus.PENDING, now_ms)
        task.pending_since_ms = now_ms
        if task.target_worker_sid is not None and delay_ms is None:
            self._state.turned_down.append(task)
        if task.restart:
            self._state.put_off_task(task, "restart")
            self._state.note("returns to begin anew")
        elif steps.is_late(task, now_ms):
            self._state.put_off_task(task, "timeout")
            self._state.note("returns after the deadline of its step")
        elif delay_ms is not None:
            task.placed = False
            task.delayed_until_ms = now_ms + delay_ms
            self._state.note("delayed")
        elif task.queue is not None and task.queue is not self._state.queues[task.queue.sid]:
            self._state.put_off_task(task, "stay")
            self._state.note("returns to a queue with other rules")

    def cancel(self, task: TaskRow, reason: str | None, now_ms: int) -> None:
        """A pending or reserved Task is given up, and its Reservations with it."""
        offers = self._state.open_offers(task)
        if len(offers) > 1:
            self._state.note("round canceled")
        for offer in offers:
            self.turn(offer, ReservationStatus.CANCELED, now_ms)
            restore(self._state, offer, now_ms)
        if reason in REASONS:
            self._state.note(f"task {task.status} canceled: {reason}")
        task.reason = reason
        self.turn_task(task, TaskStatus.CANCELED, now_ms)

    def wrap(self, task: TaskRow, reason: str | None, now_ms: int) -> None:
        """The work of an assigned Task is done, after-work begins. The slot stays taken."""
        (offer,) = self._state.open_offers(task)
        self.turn(offer, ReservationStatus.WRAPPING, now_ms)
        task.reason = task.reason if reason is None else reason
        self.turn_task(task, TaskStatus.WRAPPING, now_ms)

    def complete(self, task: TaskRow, reason: str | None, now_ms: int) -> None:
        """An assigned or wrapping Task is finished; without a reason it keeps that of its wrapping."""
        (offer,) = self._state.open_offers(task)
        self.turn(offer, ReservationStatus.COMPLETED, now_ms)
        task.reason = task.reason if reason is None else reason
        self.turn_task(task, TaskStatus.COMPLETED, now_ms)

    def remove(self, task: TaskRow, why: str, now_ms: int) -> None:
        """The Task vanishes with its Reservations; open ones end first, which their Workers notice."""
        self._state.note(f"task {task.status} -> gone: {why}")
        for offer in self._state.open_offers(task):
            unanswered = offer.status is ReservationStatus.PENDING
            self.turn(
                offer, ReservationStatus.CANCELED if unanswered else ReservationStatus.COMPLETED, now_ms
            )
            restore(self._state, offer, now_ms)
        del self._state.tasks[task.sid]

    def deadline_ms(self, task: TaskRow) -> int:
        """What comes first of TTL, answer, step and target; then 24 h, and at the end 5 minutes."""
        if task.ended_ms is not None:
            return task.ended_ms + RETENTION_MS
        if task.accepted_ms is not None:
            return task.accepted_ms + ASSIGNED_MS
        ttl_ms = task.created_ms + task.timeout_s * 1000
        offers = self._state.open_offers(task)
        if offers:
            return min(ttl_ms, offers[0].created_ms + task.answer_s * 1000)
        in_step = task.placed or task.delayed_until_ms is not None
        step_ms = steps.deadline_ms(task) if in_step else None
        return min(due for due in (ttl_ms, step_ms, sla_ms(task), task.delayed_until_ms) if due is not None)

    def expire(self, task: TaskRow, now_ms: int) -> None:
        """What the passing of the deadline does. Where several are over, the TTL counts."""
        sla = sla_ms(task)
        if task.ended_ms is not None or task.accepted_ms is not None:
            self.remove(task, "its time is over", now_ms)
        elif task.created_ms + task.timeout_s * 1000 <= now_ms:
            self.cancel(task, TTL_EXCEEDED, now_ms)
        elif self._state.open_offers(task):
            self.time_out(task, now_ms)
        elif sla is not None and sla <= now_ms:
            self.cancel(task, SLA_MISSED, now_ms)
        elif task.delayed_until_ms is not None and not steps.is_late(task, now_ms):
            self._state.note("delay over")
            self._state.put_off_task(task, "stay")
        else:
            self._state.put_off_task(task, "timeout")


def _delay_ms(count: int) -> int:
    """After so many failures in a row."""
    return int(min(30_000, 1_000 * 2 ** (count - 1)))
