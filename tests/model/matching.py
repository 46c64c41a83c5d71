"""Who gets what: the order of Tasks, their candidates, the best of those, the loop over all (semantics 5).

Worker and Task lists are sorted anew for every single Reservation: slow, and plain to see.
"""

from __future__ import annotations

import json
from typing import Any

from engine.model import Order, TaskStatus
from engine.rules import Step
from engine.sids import derived
from tests.model.records import OfferRow, TaskRow, WorkerRow
from tests.model.state import State


def settle(state: State, now_ms: int) -> None:
    """Makes Reservations until no waiting Task has a candidate."""
    while _reserve_one(state, now_ms):
        pass


def _reserve_one(state: State, now_ms: int) -> bool:
    for task in waiting(state):
        found = candidates(state, task)
        if found:
            _offer(state, task, found[0], now_ms)
            return True
    return False


def waiting(state: State) -> list[TaskRow]:
    """The pending Tasks that stand in a step, in global order (semantics 5.4)."""
    tasks = [t for t in state.tasks.values() if t.status is TaskStatus.PENDING and t.step is not None]

    def order(task: TaskRow) -> Order:
        assert task.queue_sid is not None
        return state.queues[task.queue_sid].order

    fifo = [t for t in tasks if order(t) is Order.FIFO]
    lifo = [t for t in tasks if order(t) is Order.LIFO]
    fifo.sort(key=lambda t: (-t.priority, t.virtual_start_ms, t.sequence))
    lifo.sort(key=lambda t: (-t.virtual_start_ms, -t.sequence))
    return lifo + fifo if state.preferred is Order.LIFO else fifo + lifo


def candidates(state: State, task: TaskRow) -> list[WorkerRow]:
    """The Workers that may be reserved for a Task now (semantics 5.2), best first (5.3)."""
    eligible = [worker for worker in state.workers.values() if _eligible(state, task, worker)]
    able = [worker for worker in eligible if _free(state, task, worker)]
    prefix = _order_prefixes(state, task, eligible)
    return sorted(able, key=lambda w: (prefix[w.sid], _last_reserved_ms(state, task, w), w.sid))


def _eligible(state: State, task: TaskRow, worker: WorkerRow) -> bool:
    """Whether the rules admit the Worker, whatever its Activity's availability and its free slots."""
    step = task.step
    assert step is not None
    assert task.queue_sid is not None
    facts = state.facts(worker)
    if not state.queues[task.queue_sid].target.matches_worker(facts):
        return False
    return step.expression is None or step.expression.matches_pair(json.loads(task.attributes), facts)


def _free(state: State, task: TaskRow, worker: WorkerRow) -> bool:
    slot = worker.slots[task.channel]
    return (
        worker.sid not in state.later
        and state.activities[worker.activity_sid].available
        and slot.available
        and state.loads(worker.sid)[task.channel].open < slot.capacity
    )


def _order_prefixes(state: State, task: TaskRow, eligible: list[WorkerRow]) -> dict[str, str]:
    """Each Worker's place by order_by, as text that sorts (semantics 6.7).

    A clause that meets a value which is no integer in any eligible Worker is left out for all of them.
    """
    order_by = task.step.order_by if task.step is not None else None
    if order_by is None:
        return {worker.sid: "" for worker in eligible}
    values: dict[str, tuple[Any, ...]] = {w.sid: order_by.values(state.facts(w)) for w in eligible}
    ignored = 0
    for row in values.values():
        for clause, value in enumerate(row):
            if value is not None and not isinstance(value, int):
                ignored |= 1 << clause
    return {sid: order_by.prefix(row, ignored) for sid, row in values.items()}


def _last_reserved_ms(state: State, task: TaskRow, worker: WorkerRow) -> int:
    if state.channels[task.channel].optimized:
        return worker.slots[task.channel].last_reserved_ms
    return worker.last_reserved_ms


def _offer(state: State, task: TaskRow, worker: WorkerRow, now_ms: int) -> None:
    task.assignment_count += 1
    sid = derived("WR", task.sid, str(task.assignment_count), worker.sid)
    task.offers[sid] = OfferRow(
        sid=sid,
        task_sid=task.sid,
        worker_sid=worker.sid,
        channel=task.channel,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    task.status = TaskStatus.RESERVED
    task.updated_ms = now_ms
    task.revision += 1
    worker.last_reserved_ms = now_ms
    worker.slots[task.channel].last_reserved_ms = now_ms
    worker.revision += 1


def first_step(state: State, task: TaskRow) -> Step | None:
    """The first step of the first filter that matches the Task, else the default filter, else None."""
    rules = state.workflows[task.workflow_sid].rules
    attributes = json.loads(task.attributes)
    for filter_ in rules.filters:
        if filter_.expression.matches_task(attributes):
            return filter_.steps[0]
    return rules.default


def enter_step(task: TaskRow, step: Step, now_ms: int) -> None:
    """Puts a Task into a step: its priority if it has one, and its queue (semantics 6.3)."""
    task.step = step
    if step.priority is not None:
        task.priority = step.priority
    if task.queue_sid != step.queue:
        task.queue_sid = step.queue
        task.queue_entered_ms = now_ms
