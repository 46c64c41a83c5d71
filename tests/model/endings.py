"""How Reservations and Tasks end (semantics 2.4 and 3.3), and the one deadline that each Task has (2.5).

Nothing here matches anything; the router settles afterwards.
"""

from __future__ import annotations

from typing import Final

from engine.model import ReservationStatus, TaskStatus
from tests.model.records import OPEN_OFFER, OfferRow, TaskRow
from tests.model.state import State

ASSIGNED_MS: Final = 24 * 3600 * 1000
RETENTION_MS: Final = 5 * 60 * 1000
TTL_EXCEEDED: Final = "Task TTL Exceeded"
TOO_MANY: Final = "Task TTL Exceeded or Max assignment count exceeded"


class Endings:
    """Changes the statuses in one State, and with them the revisions and instants of whatever changed."""

    def __init__(self, state: State, timeout_activity_sid: str, max_assignments: int) -> None:
        self._state = state
        self._timeout_activity_sid = timeout_activity_sid
        self._max_assignments = max_assignments

    def turn(self, offer: OfferRow, status: ReservationStatus, now_ms: int) -> None:
        """The next status of a Reservation. One that ends is a change of its Worker too."""
        offer.status = status
        offer.updated_ms = now_ms
        offer.revision += 1
        if status not in OPEN_OFFER:
            self._state.workers[offer.worker_sid].revision += 1

    def turn_task(self, task: TaskRow, status: TaskStatus, now_ms: int) -> None:
        """The next status of a Task."""
        task.status = status
        task.updated_ms = now_ms
        task.revision += 1
        if status in (TaskStatus.COMPLETED, TaskStatus.CANCELED):
            task.ended_ms = now_ms

    def withdraw(
        self, offer: OfferRow, status: ReservationStatus, activity_sid: str | None, now_ms: int
    ) -> None:
        """A pending Reservation ends, rejected or timed out; its Worker may move; its Task is pending."""
        task = self._state.tasks[offer.task_sid]
        self.turn(offer, status, now_ms)
        moved = activity_sid is not None and self.move_worker(offer.worker_sid, activity_sid, now_ms)
        if moved and self._state.rules_read_activity:
            self._state.later.append(offer.worker_sid)
        if task.assignment_count >= self._max_assignments:
            task.reason = TOO_MANY
            self.turn_task(task, TaskStatus.CANCELED, now_ms)
            return
        self.turn_task(task, TaskStatus.PENDING, now_ms)
        if task.restart:
            task.step = None
            self._state.later.append(task.sid)

    def move_worker(self, sid: str, activity_sid: str, now_ms: int) -> bool:
        """Another Activity for a Worker; False, and nothing changes, when it is there already."""
        worker = self._state.workers[sid]
        if worker.activity_sid == activity_sid:
            return False
        worker.activity_sid = activity_sid
        worker.status_changed_ms = now_ms
        worker.updated_ms = now_ms
        worker.revision += 1
        return True

    def cancel(self, task: TaskRow, reason: str | None, now_ms: int) -> None:
        """A pending or reserved Task is given up, and its Reservation with it."""
        offer = self._state.open_offer(task)
        if offer is not None:
            self.turn(offer, ReservationStatus.CANCELED, now_ms)
        task.reason = reason
        self.turn_task(task, TaskStatus.CANCELED, now_ms)

    def wrap(self, task: TaskRow, reason: str | None, now_ms: int) -> None:
        """The work of an assigned Task is done, after-work begins. The slot stays taken."""
        offer = self._state.open_offer(task)
        assert offer is not None
        self.turn(offer, ReservationStatus.WRAPPING, now_ms)
        task.reason = task.reason if reason is None else reason
        self.turn_task(task, TaskStatus.WRAPPING, now_ms)

    def complete(self, task: TaskRow, reason: str | None, now_ms: int) -> None:
        """An assigned or wrapping Task is finished; without a reason it keeps that of its wrapping."""
        offer = self._state.open_offer(task)
        assert offer is not None
        self.turn(offer, ReservationStatus.COMPLETED, now_ms)
        task.reason = task.reason if reason is None else reason
        self.turn_task(task, TaskStatus.COMPLETED, now_ms)

    def remove(self, task: TaskRow) -> None:
        """The Task vanishes with its Reservations; an open one ends first, which its Worker notices."""
        offer = self._state.open_offer(task)
        if offer is not None:
            self._state.workers[offer.worker_sid].revision += 1
        del self._state.tasks[task.sid]

    def deadline_ms(self, task: TaskRow) -> int:
        """Pending: TTL. Reserved: TTL or answer, whichever is first. Then 24 h, and at the end 5 minutes."""
        if task.ended_ms is not None:
            return task.ended_ms + RETENTION_MS
        if task.accepted_ms is not None:
            return task.accepted_ms + ASSIGNED_MS
        ttl_ms = task.created_ms + task.timeout_s * 1000
        offer = self._state.open_offer(task)
        if offer is None:
            return ttl_ms
        answer_s = self._state.workflows[task.workflow_sid].reservation_timeout_s
        return min(ttl_ms, offer.created_ms + answer_s * 1000)

    def expire(self, task: TaskRow, now_ms: int) -> None:
        """What the passing of the deadline does. Where both TTL and answer are over, the TTL counts."""
        offer = self._state.open_offer(task)
        if task.ended_ms is not None or task.accepted_ms is not None:
            self.remove(task)
        elif offer is None or task.created_ms + task.timeout_s * 1000 <= now_ms:
            self.cancel(task, TTL_EXCEEDED, now_ms)
        else:
            self.withdraw(offer, ReservationStatus.TIMEOUT, self._timeout_activity_sid, now_ms)
