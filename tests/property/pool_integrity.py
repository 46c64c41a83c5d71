"""Pools and censuses, recounted: who is in them, who waits, who is idle, who is counted."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from typing import Any, Final

from engine.rules import Condition, WorkerFacts, condition_from_key
from tests.model.records import WorkerRow
from tests.model.router import Router
from tests.model.targets import rests
from tests.property.raw import Raw

SID_LENGTH: Final = 34


def check_pools(model: Router, raw: Raw) -> None:
    """AssertionError on the first thing that differs."""
    specs = {pool: json.loads(fields["spec"]) for pool, fields in raw.specs.items()}
    assert sorted(value.rsplit(",", 1)[-1] for value in raw.digests.values()) == sorted(specs)
    _check_waiting(model, raw, specs)
    censuses = {pool for pool, spec in specs.items() if spec.get("census")}
    facts = [model.state.facts(worker) for worker in model.state.workers.values()]
    members = {pool: _members(facts, _condition(spec["c"])) for pool, spec in specs.items()}
    for sid, fields in raw.workers.items():
        ids = {pool for name, text in fields.items() if name.startswith("pl") for pool in _ids(text)}
        assert ids == {pool for pool in specs.keys() - censuses if sid in members[pool]}
        _check_idle(model.state.workers[sid], fields, {pool: specs[pool] for pool in ids}, raw)
    for pool in censuses:
        _check_census(model, raw, pool, members[pool])
    _check_counted(model, raw, {pool: members[pool] for pool in censuses})


def _members(facts: list[WorkerFacts], condition: Condition) -> set[str]:
    """The Workers that satisfy a pool's condition under some load."""
    return {worker.sid for worker in facts if condition.residual(worker) is not None}


_condition = lru_cache(maxsize=10_000)(condition_from_key)  # parsing is most of what a recount costs


def _check_waiting(model: Router, raw: Raw, specs: dict[str, dict[str, Any]]) -> None:
    """Each pending Task waits in one pool, or rests there, and nothing else does; `heads` has the first of each."""
    state = model.state
    waiting = {entry[-SID_LENGTH:]: pool for pool, entries in raw.waiting.items() for entry in entries}
    resting = {entry[-SID_LENGTH:]: pool for pool, entries in raw.resting.items() for entry in entries}
    pending = [task for task in state.tasks.values() if task.is_waiting]
    assert sum(map(len, raw.waiting.values())) == len(waiting)
    assert waiting.keys() | resting.keys() == {task.sid for task in pending}
    assert not waiting.keys() & resting.keys()
    for task in pending:
        pool = raw.records[task.sid]["p"].rsplit("|", 1)[1]
        assert (waiting | resting)[task.sid] == pool
        assert specs[pool].get("target", "") == (task.target_worker_sid or "")
        target = raw.workers.get(task.target_worker_sid or "", {})
        if pool in _ids(target.get(f"pl{specs[pool]['n']}", "")):  # else nobody can get it, resting or not
            assert (task.sid in resting) == rests(state, task)
    heads = {pool: ("L" if specs[pool].get("lifo") else "F") + rows[0] for pool, rows in raw.waiting.items()}
    assert raw.heads == heads


def _check_idle(
    worker: WorkerRow, fields: dict[str, str], specs: dict[str, dict[str, Any]], raw: Raw
) -> None:
    """A member is in a pool's idle set, not later than its rank, or noted as out of it, but never both."""
    for pool, spec in specs.items():
        opened, limit, _, parked = fields.get(f"c{spec['n']}", "0|1||").split("|")
        entries = {entry[-SID_LENGTH:]: (entry, score) for entry, score in raw.idle.get(pool, {}).items()}
        if spec.get("direct"):
            assert worker.sid not in entries
            continue
        assert (worker.sid in entries) is not (pool in _ids(parked)), (worker.sid, pool)
        offerable = fields["ok"] == "1" and int(opened) < int(limit)
        loaded = "channel" in spec["c"]
        assert worker.sid in entries or not offerable or loaded, (worker.sid, pool)
        if worker.sid in entries and "order" not in spec:
            assert int(entries[worker.sid][1]) <= worker.last_reserved_ms


def _check_census(model: Router, raw: Raw, pool: str, members: set[str]) -> None:
    """Its numbers, and the pools that skip by it."""
    counts: Counter[str] = Counter()
    for sid in members:
        activity = model.state.activities[model.state.workers[sid].activity_sid]
        counts[activity.sid] += 1
        counts["+" if activity.available else "-"] += 1
    assert {k: int(n) for k, n in raw.censuses.get(pool, {}).items() if int(n)} == counts
    skipping = {other for other, fields in raw.specs.items() if fields.get("census") == pool}
    assert set(raw.skipping.get(pool, [])) == skipping


def _check_counted(model: Router, raw: Raw, members: dict[str, set[str]]) -> None:
    """What each Worker has noted of the censuses that count it."""
    for sid, fields in raw.workers.items():
        counted = {pool for pool, sids in members.items() if sid in sids}
        activity, available, text = fields.get("cen", f"{fields['act']}|{fields['av']}|").split("|")
        assert (activity, available, set(_ids(text))) == (fields["act"], fields["av"], counted)


def _ids(text: str) -> list[str]:
    return [pool for pool in text.split(",") if pool]
