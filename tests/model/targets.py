"""Tasks with a routing target: a Worker, a queue or a Workflow in place of the filters (semantics 2.8)."""

from __future__ import annotations

from typing import Final

from engine.errors import Invalid
from engine.model import TaskStatus
from tests.model.records import TaskRow
from tests.model.state import State
from tests.model.steps import note_rules

SLA_MS: Final = 60_000
SLA_MISSED: Final = "RoutingTarget SLA for Reservation creation was not met"


def check_target(
    state: State, target: str | None, ignore_capacity: bool | None, queue_sid: str | None
) -> None:
    """Invalid for a target that does not exist, and for what only goes with a Worker."""
    known = {*state.workers, *state.queues, *state.workflows}
    if target is not None and target not in known:
        raise Invalid("routing_target", "must name a Worker, a TaskQueue or a Workflow")
    of_worker = target is not None and target.startswith("WK")
    if ignore_capacity is not None and not of_worker:
        raise Invalid("ignore_capacity", "goes with a Worker as target only")
    if queue_sid is None:
        return
    if not of_worker or queue_sid not in state.queues:
        raise Invalid("task_queue_sid", "must name a TaskQueue, with a Worker as target")
    assert target is not None
    if not state.queues[queue_sid].target.matches_worker(state.facts(state.workers[target])):
        raise Invalid("routing_target", "must be a Worker of the TaskQueue")


def is_direct(task: TaskRow) -> bool:
    """Whether no filter has a say: the target is a Worker or a queue."""
    return task.position is None


def place(state: State, task: TaskRow, queue_sid: str | None, now_ms: int) -> None:
    """Puts a Task where its target says, at creation and when it is placed again."""
    if task.queue_sid != queue_sid:
        task.queue_entered_ms = now_ms
    task.queue = None if queue_sid is None else state.queues[queue_sid]
    task.answer_s = state.workflows[task.workflow_sid].reservation_timeout_s
    task.rest_revision = None
    task.placed = True
    note_rules(state, task, None, task.queue)


def sla_ms(task: TaskRow) -> int | None:
    """Until when a Reservation must have been made for a Worker that gets it whatever it is doing."""
    return task.pending_since_ms + SLA_MS if task.ignore_capacity else None


def lay_to_rest(state: State) -> None:
    """Those that their Worker turned down wait until something about it changes from here on."""
    for task in state.turned_down:
        worker = state.workers.get(task.target_worker_sid or "")
        if worker is not None and task.status is TaskStatus.PENDING:
            task.rest_revision = worker.revision
            state.note("target rests")
    state.turned_down.clear()


def rests(state: State, task: TaskRow) -> bool:
    """Whether nothing has changed about its Worker since that turned it down."""
    worker = state.workers.get(task.target_worker_sid or "")
    return worker is not None and worker.revision == task.rest_revision


def admits(task: TaskRow, worker_sid: str) -> bool:
    """Whether the target lets this Worker have the Task."""
    return task.target_worker_sid in (None, worker_sid)
