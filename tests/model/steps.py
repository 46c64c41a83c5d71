"""Where a Task is in its Workflow document, and where it goes next (semantics 6.2 to 6.5 and 6.9)."""

from __future__ import annotations

import json
from typing import Any

from engine.rules import NOBODY, Specialiser, Step, Workflow, known_worker
from tests.model.census import begin, counts
from tests.model.records import Position, QueueRow, TaskRow
from tests.model.state import State

NOT_IN_QUEUE = 40152


def step_of(task: TaskRow) -> Step | None:
    """The step a Task is in or is leaving; None where a Worker or a queue is its routing target."""
    return None if task.position is None else step_at(task.document, task.position)


def step_at(document: Workflow, at: Position) -> Step | None:
    """The step at a position of a document."""
    return document.default if at.filter is None else document.filters[at.filter].steps[at.step]


def deadline_ms(task: TaskRow) -> int | None:
    """The end of the step a Task is in: the timeouts up to and including it, from entering the filter."""
    at = task.position
    if at is None or at.filter is None:
        return None
    steps = task.document.filters[at.filter].steps[: at.step + 1]
    if steps[-1].timeout is None:
        return None
    return at.base_ms + 1000 * sum(step.timeout or 0 for step in steps)


def is_late(task: TaskRow, now_ms: int) -> bool:
    """Whether the deadline of its step has passed."""
    due_ms = deadline_ms(task)
    return due_ms is not None and due_ms <= now_ms


def first_position(document: Workflow, attributes: dict[str, Any], now_ms: int) -> Position | None:
    """The first filter that matches, else the default filter, else None."""
    found = _filter_from(document, 0, attributes, now_ms)
    if found is None and document.default is not None:
        return Position(None, 0, now_ms)
    return found


def next_position(task: TaskRow, way: str, now_ms: int) -> Position | None:
    """Where a Task goes that leaves its step by "timeout" or "skip"; None: nowhere, it is canceled.

    The next step, else the next filter further down that matches; the default filter is for skipped ones only.
    """
    at = task.position
    assert at is not None
    assert at.filter is not None
    if at.step + 1 < len(task.document.filters[at.filter].steps):
        return Position(at.filter, at.step + 1, at.base_ms)
    found = _filter_from(task.document, at.filter + 1, json.loads(task.attributes), now_ms)
    if found is None and way == "skip" and task.document.default is not None:
        return Position(None, 0, now_ms)
    return found


def reach(task: TaskRow, position: Position | None) -> str:
    """How far it is from where a Task is to a position, in words."""
    at = task.position
    if position is None or at is None:
        return "nowhere"
    if position.filter is None:
        return "default filter"
    return "next step" if position.filter == at.filter else "another filter"


def _filter_from(document: Workflow, start: int, attributes: dict[str, Any], now_ms: int) -> Position | None:
    for index in range(start, len(document.filters)):
        if document.filters[index].expression.matches_task(attributes):
            return Position(index, 0, now_ms)
    return None


def enter(state: State, task: TaskRow, position: Position, now_ms: int) -> None:
    """Puts a Task into a step: its priority if it has one, and its queue (semantics 6.3)."""
    task.position = position
    step = step_of(task)
    assert step is not None
    if step.priority is not None:
        task.priority = step.priority
    if task.queue_sid != step.queue:
        task.queue_entered_ms = now_ms
    task.queue = state.queues[step.queue]
    task.answer_s = state.workflows[task.workflow_sid].reservation_timeout_s
    task.placed = True
    note_rules(state, task, step, task.queue)
    note_counts(state, task)
    _warn(state, task, step)


def note_rules(state: State, task: TaskRow, step: Step | None, queue: QueueRow | None) -> None:
    """Notes, for ever after, whether what decides about a Task's Workers in a step reads their Activity."""
    if queue is None:
        return
    attributes = json.loads(task.attributes)
    if step is None:
        target = task.target_worker_sid
        identity = ("sid", target) if target is not None else None
        reads = Specialiser(queue.target).of(attributes, identity).uses_activity
    else:
        identity = known_worker(step, attributes).identity
        reads = Specialiser(queue.target, step.expression).of(attributes, identity).uses_activity
        counted = step.skip_if is not None and step is not task.document.default
        reads |= counted and Specialiser(queue.target).of({}).uses_activity
    state.rules_read_activity |= reads


def note_counts(state: State, task: TaskRow) -> None:
    """Its step may look at how many Workers its queue has."""
    if _looks_at_counts(task):
        assert task.queue is not None
        begin(state, task.queue)


def skip(state: State, tasks: list[TaskRow]) -> None:
    """Those of the Tasks leave their step whose skip_if is true. The default filter's is not looked at."""
    leaving = [task for task in tasks if _can_be_skipped(state, task)]
    for task in leaving:
        state.put_off_task(task, "skip")
    if len(leaving) > 1:
        state.note("several leave in one settling")


def _can_be_skipped(state: State, task: TaskRow) -> bool:
    step = step_of(task)
    if step is None or step.skip_if is None or not _looks_at_counts(task):
        return False
    assert task.queue is not None
    return step.skip_if.matches_counts(counts(state, task.queue))


def _looks_at_counts(task: TaskRow) -> bool:
    """The default filter's skip_if is not looked at."""
    step = step_of(task)
    return (
        step is not None
        and step.skip_if is not None
        and task.position is not None
        and task.position.filter is not None
    )


def _warn(state: State, task: TaskRow, step: Step) -> None:
    """An alert where nobody can be the known Worker of a step (semantics 6.6); not while that one's rules wait."""
    known = known_worker(step, json.loads(task.attributes))
    if known.identity is None:
        return
    named = _named(state, *known.identity)
    if any(state.workers[sid].waits_for_rules for sid in named):
        return
    code = known.alert
    if named:
        code = 0 if any(is_admitted(state, task, sid) for sid in named) else NOT_IN_QUEUE
    state.note(f"known worker: alert {code}")
    if code:
        state.alerts.append((task.sid, code))


def _named(state: State, kind: str, text: str) -> list[str]:
    """The Workers with this SID or friendly name, as rules know them."""
    if kind == NOBODY[0]:
        return []
    return [
        worker.sid
        for worker in state.workers.values()
        if worker.indexed is not None and text == (worker.sid if kind == "sid" else worker.indexed.name)
    ]


def is_known(state: State, task: TaskRow, worker_sid: str) -> bool:
    """Whether a step with a known Worker means this one; any other step means everyone."""
    step = step_of(task)
    identity = None if step is None else known_worker(step, json.loads(task.attributes)).identity
    return identity is None or worker_sid in _named(state, *identity)


def is_admitted(state: State, task: TaskRow, worker_sid: str) -> bool:
    """Whether the queue's TargetWorkers and the step's expression hold for a Worker."""
    facts = state.facts(state.workers[worker_sid])
    if task.queue is not None and not task.queue.target.matches_worker(facts):
        return False
    step = step_of(task)
    if step is None or step.expression is None:
        return True
    return step.expression.matches_pair(json.loads(task.attributes), facts)
