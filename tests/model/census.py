"""What a `skip_if` counts: the Workers of a queue by Activity, whatever their load (semantics 6.8)."""

from __future__ import annotations

from collections import Counter

from tests.model.records import QueueRow
from tests.model.state import State


def counts(state: State, queue: QueueRow) -> Counter[str]:
    """By `available`, `unavailable` and Activity SID, as rules know the Workers."""
    found: Counter[str] = Counter()
    for worker in state.workers.values():
        if worker.indexed is None or not queue.target.matches_worker(state.facts(worker)):
            continue
        activity = state.activities[worker.indexed.activity_sid]
        found["available" if activity.available else "unavailable"] += 1
        found[activity.sid] += 1
    return found
