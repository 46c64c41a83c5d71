"""The engine's own data, recounted: counters, indexes and timers against what the model has (I11, I12)."""

from __future__ import annotations

from typing import Any, Final

from engine.model import TaskStatus
from tests.model.router import Router
from tests.scenarios.lab import Command, EngineDriver

SID_LENGTH: Final = 34
# Everything check_integrity wants, in one round trip. For tests only: KEYS walks the whole database.
READ_ALL: Final = """
local root, shard, call = KEYS[1], KEYS[2], redis.call
local waiting, workers, held = {}, {}, {}
for i, key in ipairs(call('KEYS', root .. 'q:*')) do
  waiting[i] = {key, unpack(call('ZRANGE', key, 0, -1))}
end
local sids = call('ZRANGE', root .. 'workers', 0, -1)
for i, sid in ipairs(sids) do
  workers[i] = call('HGETALL', root .. 'k:' .. sid)
  held[i] = call('HGETALL', root .. 'r:' .. sid)
end
return {
  call('HGET', root .. 'ws', 'uses_activity') or '0', call('XLEN', shard .. 'inbox'),
  call('ZRANGE', root .. 'tasks', 0, -1), sids, call('HGETALL', root .. 'open'),
  call('HGETALL', root .. 'heads'), waiting, call('ZRANGE', shard .. 'timers', 0, -1, 'WITHSCORES'),
  workers, held,
}
"""


def read_all(engine: EngineDriver) -> Command:
    """The command whose reply check_integrity takes."""
    return ("EVAL", READ_ALL, 2, engine.keys.root, engine.shard_keys.prefix)


def check_integrity(engine: EngineDriver, model: Router, reply: list[Any]) -> bool:
    """AssertionError on the first thing that differs. Returns whether installed rules read the Activity."""
    state = model.state
    reads_activity, inbox, tasks, workers, usage, heads, waiting, timers, fields, held = reply
    assert inbox == 0, "work that a matcher took has failed"
    in_order = sorted(state.tasks.values(), key=lambda task: task.sequence)
    assert _texts(tasks) == [task.sid for task in in_order]
    assert _texts(workers) == sorted(state.workers)
    assert _timers(timers, engine.number) == {sid: model.deadline_ms(sid) for sid in state.tasks}
    assert _counts(usage) == _expected_counts(engine, model)
    _check_waiting(model, [_texts(members) for members in waiting], _pairs(heads))
    for sid, record, offers in zip(sorted(state.workers), fields, held, strict=True):
        _check_worker(engine, model, sid, _pairs(record))
        expected = {offer.sid: offer.task_sid for offer in state.offers() if offer.worker_sid == sid}
        assert _pairs(offers) == expected
    return bool(reads_activity == b"1")


def check_promises(model: Router) -> None:
    """What holds of any router, whoever it is: I1, I2 while nothing was lowered, I5."""
    for task in model.state.tasks.values():
        offer = model.state.open_offer(task)
        match task.status:
            case TaskStatus.PENDING | TaskStatus.COMPLETED | TaskStatus.CANCELED:
                assert offer is None
            case TaskStatus.RESERVED:
                assert offer is not None
                assert offer.status == "pending"
            case TaskStatus.ASSIGNED:
                assert offer is not None
                assert offer.status == "accepted"
            case TaskStatus.WRAPPING:
                assert offer is not None
                assert offer.status == "wrapping"


def _check_waiting(model: Router, sets: list[list[str]], heads: dict[str, str]) -> None:
    """Each pending Task is in one waiting set, nothing else is, and `heads` has the first of each."""
    waiting = sorted(entry[-SID_LENGTH:] for _, *entries in sets for entry in entries)
    pending = [t.sid for t in model.state.tasks.values() if t.status is TaskStatus.PENDING]
    assert waiting == sorted(pending)
    pools = {key.rsplit(":", 1)[1]: first for key, first, *_ in sets}
    assert heads == {pool: heads.get(pool, "")[:1] + first for pool, first in pools.items()}


def _check_worker(engine: EngineDriver, model: Router, sid: str, fields: dict[str, str]) -> None:
    """What the engine counts of a Worker; lua/lib/keys.lua says where it keeps it."""
    worker = model.state.workers[sid]
    assert fields["s"] == f"{worker.last_reserved_ms}|{worker.revision}"
    assert fields["ok"] == ("1" if model.state.activities[worker.activity_sid].available else "0")
    loads = model.state.loads(sid)
    for name, row in model.state.channels.items():
        number = engine.config.channels[row.sid].number
        slot = worker.slots[name]
        opened, limit, last, _ = fields.get(f"c{number}", "0|1||").split("|")
        assert int(opened) == loads[name].open
        assert int(fields.get(f"asg{number}", "0")) == loads[name].assigned
        assert int(limit) == (slot.capacity if slot.available else 0)
        assert not last or not row.optimized or int(last) == slot.last_reserved_ms


def _expected_counts(engine: EngineDriver, model: Router) -> dict[str, int]:
    numbers = {c.unique_name: c.number for c in engine.config.channels.values()}
    tasks = {
        f"t:{queue}|{workflow}|{numbers[channel]}": count
        for (queue, workflow, channel), count in model.state.open_tasks().items()
    }
    return {**tasks, **{f"a:{sid}": count for sid, count in model.state.population().items()}}


def _counts(reply: list[bytes]) -> dict[str, int]:
    return {name: int(count) for name, count in _pairs(reply).items() if int(count)}


def _timers(reply: list[bytes], number: int) -> dict[str, int]:
    mine = f"{number}:"
    return {name[len(mine) :]: int(due) for name, due in _pairs(reply).items() if name.startswith(mine)}


def _texts(reply: list[bytes]) -> list[str]:
    return [item.decode() for item in reply]


def _pairs(reply: list[Any]) -> dict[str, str]:
    texts = _texts(reply)
    return dict(zip(texts[::2], texts[1::2], strict=True))
