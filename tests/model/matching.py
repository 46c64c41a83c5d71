"""Who gets what: the order of Tasks, their candidates, the best of those, the loop over all (semantics 5).

Worker and Task lists are sorted anew for every single round of Reservations: slow, and plain to see.
"""

from __future__ import annotations

from typing import Any

from engine.model import Order
from tests.model import targets
from tests.model.records import TaskRow, WorkerRow
from tests.model.rounds import offer_round
from tests.model.state import State
from tests.model.steps import is_admitted, is_known, skip, step_of


def settle(state: State, now_ms: int) -> None:
    """Makes Reservations until no waiting Task has a candidate; then those leave whose step can be skipped."""
    targets.lay_to_rest(state)
    while _reserve_one(state, now_ms):
        pass
    skip(state, waiting(state))


def _reserve_one(state: State, now_ms: int) -> bool:
    for task in waiting(state):
        found = candidates(state, task)
        if found:
            if task.rest_revision is not None:
                state.note("target wakes")
                task.rest_revision = None
            most = 1 if task.queue is None else task.queue.max_reserved
            offer_round(state, task, found[:most], now_ms)
            return True
    return False


def waiting(state: State) -> list[TaskRow]:
    """The pending Tasks that are in a step or at their target, in global order (semantics 5.4)."""
    tasks = [task for task in state.tasks.values() if task.is_waiting]

    def order(task: TaskRow) -> Order:
        return Order.FIFO if task.queue is None else task.queue.order

    fifo = [t for t in tasks if order(t) is Order.FIFO]
    lifo = [t for t in tasks if order(t) is Order.LIFO]
    fifo.sort(key=lambda t: (-t.priority, t.virtual_start_ms, t.sequence))
    lifo.sort(key=lambda t: (-t.virtual_start_ms, -t.sequence))
    return lifo + fifo if state.preferred is Order.LIFO else fifo + lifo


def candidates(state: State, task: TaskRow) -> list[WorkerRow]:
    """The Workers that may be reserved for a Task now (semantics 5.2), best first (5.3)."""
    if targets.rests(state, task):
        return []
    eligible = [worker for worker in state.workers.values() if _eligible(state, task, worker)]
    able = [worker for worker in eligible if _free(state, task, worker)]
    prefix = _order_prefixes(state, task, eligible)
    return sorted(able, key=lambda w: (prefix[w.sid], _last_reserved_ms(state, task, w), w.sid))


def _eligible(state: State, task: TaskRow, worker: WorkerRow) -> bool:
    """Whether the rules admit the Worker, whatever its Activity's availability and its free slots."""
    return (
        worker.indexed is not None
        and targets.admits(task, worker.sid)
        and is_known(state, task, worker.sid)
        and is_admitted(state, task, worker.sid)
    )


def _free(state: State, task: TaskRow, worker: WorkerRow) -> bool:
    if task.ignore_capacity:
        return not worker.waits_for_rules
    if worker.waits_for_rules or not state.activities[worker.activity_sid].available:
        return False
    if state.single:
        return not state.held(worker.sid)
    slot = worker.slots[task.channel]
    return slot.available and state.loads(worker.sid)[task.channel].open < slot.capacity


def _order_prefixes(state: State, task: TaskRow, eligible: list[WorkerRow]) -> dict[str, str]:
    """Each Worker's place by order_by, as text that sorts (semantics 6.7).

    A clause that meets a value which is no integer in any eligible Worker is left out for all of them.
    """
    step = step_of(task)
    order_by = None if step is None else step.order_by
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
    """The channel's own only where it is optimized; a single-tasking Workspace has no use for channels."""
    if state.channels[task.channel].optimized and not state.single:
        return worker.slots[task.channel].last_reserved_ms
    return worker.last_reserved_ms
