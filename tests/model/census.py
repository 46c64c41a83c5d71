"""What a `skip_if` counts: the Workers of a queue by Activity, whatever their load (semantics 6.8)."""

from __future__ import annotations

from collections import Counter

from engine.rules import Specialiser
from tests.model.records import Indexed, QueueRow, WorkerRow
from tests.model.state import State


def counts(state: State, queue: QueueRow) -> Counter[str]:
    """By `available`, `unavailable` and Activity SID, as rules know the Workers."""
    found: Counter[str] = Counter()
    for worker in state.workers.values():
        if worker.indexed is None or not _is_counted(state, worker, queue):
            continue
        activity = state.activities[worker.indexed.activity_sid]
        found["available" if activity.available else "unavailable"] += 1
        found[activity.sid] += 1
    return found


def begin(state: State, queue: QueueRow) -> None:
    """A step looks at these numbers: from the first time on they are kept.

    Whether Workers whose rules wait belong to the queue is said then by what they are at present; that and not the
    Activity, which stays the one that rules know.
    """
    key = _key(queue)
    if key in state.counted:
        return
    state.counted.add(key)
    for worker in state.workers.values():
        if worker.waits_for_rules and worker.indexed is not None:
            now = Indexed(worker.name, worker.attributes, worker.activity_sid)
            worker.counted[key] = queue.target.matches_worker(state.facts(worker, now))
            state.note("a count begins while rules wait")


def _is_counted(state: State, worker: WorkerRow, queue: QueueRow) -> bool:
    if worker.counted and (known := worker.counted.get(_key(queue))) is not None:
        return known
    return queue.target.matches_worker(state.facts(worker))


def _key(queue: QueueRow) -> str:
    """Queues with the same condition share their numbers."""
    return Specialiser(queue.target).of({}).key
