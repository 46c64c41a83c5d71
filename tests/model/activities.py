"""Which Activity a Worker is in, and which one a Reservation takes it to or back from (semantics 3.9, 4.2)."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.model import ReservationStatus
from tests.model.records import OfferRow, QueueRow, WorkerRow
from tests.model.state import State

GIVES_BACK: Final = (ReservationStatus.REJECTED, ReservationStatus.RESCINDED, ReservationStatus.CANCELED)


def move(state: State, worker: WorkerRow, activity_sid: str, now_ms: int) -> None:
    """Another Activity for a Worker; nothing changes when it is there already.

    Where rules read the Activity they have to be evaluated anew; elsewhere they know it at once.
    """
    if worker.activity_sid == activity_sid:
        return
    worker.activity_sid = activity_sid
    worker.status_changed_ms = now_ms
    worker.updated_ms = now_ms
    worker.revision += 1
    if state.rules_read_activity:
        state.put_off_worker(worker)
    elif worker.indexed is not None and not worker.waits_for_rules:
        worker.indexed = replace(worker.indexed, activity_sid=activity_sid)


def move_offered(state: State, worker: WorkerRow, queue: QueueRow | None, now_ms: int) -> None:
    """A Reservation has been made: in a single-tasking Workspace the queue says where its Worker goes."""
    if state.single and queue is not None:
        assert queue.reservation_activity_sid is not None
        state.note("single: moved when offered")
        move(state, worker, queue.reservation_activity_sid, now_ms)


def move_accepted(state: State, worker: WorkerRow, queue: QueueRow | None, now_ms: int) -> None:
    """A Reservation has been accepted."""
    if state.single and queue is not None:
        assert queue.assignment_activity_sid is not None
        state.note("single: moved when accepted")
        move(state, worker, queue.assignment_activity_sid, now_ms)


def restore(state: State, offer: OfferRow, now_ms: int) -> None:
    """A Reservation has ended unaccepted: back to where it took its Worker from, wherever that is now.

    Without a queue it has taken it nowhere.
    """
    moves = state.single and state.tasks[offer.task_sid].queue is not None
    if moves and offer.status in GIVES_BACK:
        state.note(f"single: restored when {offer.status}")
        move(state, state.workers[offer.worker_sid], offer.activity_before_sid, now_ms)
