"""Offering a Task to one Worker or to several at once (semantics 3.7)."""

from __future__ import annotations

from engine.model import TaskStatus
from engine.sids import derived
from tests.model.activities import move_offered
from tests.model.records import OfferRow, TaskRow, WorkerRow
from tests.model.state import State


def offer_round(state: State, task: TaskRow, workers: list[WorkerRow], now_ms: int) -> None:
    """One Reservation a Worker, in this order; together they count as one assignment and one change."""
    state.note("task pending -> reserved")
    if len(workers) > 1:
        state.note("round of several")
    task.assignment_count += 1
    task.status = TaskStatus.RESERVED
    task.updated_ms = now_ms
    task.revision += 1
    for worker in workers:
        _offer(state, task, worker, now_ms)


def _offer(state: State, task: TaskRow, worker: WorkerRow, now_ms: int) -> None:
    sid = derived("WR", task.sid, str(task.assignment_count), worker.sid)
    task.offers[sid] = OfferRow(
        sid=sid,
        task_sid=task.sid,
        worker_sid=worker.sid,
        channel=task.channel,
        created_ms=now_ms,
        updated_ms=now_ms,
        activity_before_sid=worker.activity_sid,
    )
    worker.last_reserved_ms = now_ms
    worker.slots[task.channel].last_reserved_ms = now_ms
    worker.revision += 1
    move_offered(state, worker, task.queue, now_ms)
