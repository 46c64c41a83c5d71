"""The engine's own data, recounted: counters, indexes and timers against what the model has (I11, I12).

lua/lib/keys.lua says where everything is.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from engine.model import TaskStatus
from tests.model.records import OPEN_TASK, TaskRow
from tests.model.router import Router
from tests.model.steps import deadline_ms
from tests.model.targets import rests, sla_ms
from tests.property.pool_integrity import check_pools
from tests.property.raw import Raw
from tests.scenarios.lab import EngineDriver

ONE_SLOT: Final = "1000000"  # what stands for a Worker's channel in single-tasking Workspaces
BY_TARGET: Final = {"WK": "k", "WQ": "q"}


def check_integrity(engine: EngineDriver, model: Router, reply: list[Any]) -> None:
    """AssertionError on the first thing that differs."""
    raw, state = Raw(reply), model.state
    assert raw.inbox == 0, "work that a matcher took has failed"
    assert raw.reads_activity or not state.rules_read_activity
    state.rules_read_activity = raw.reads_activity  # pools may be there before a Task comes to them
    in_order = sorted(state.tasks.values(), key=lambda task: task.sequence)
    assert raw.tasks == [task.sid for task in in_order]
    assert sorted(raw.workers) == sorted(state.workers)
    assert raw.timers(engine.number) == {sid: model.deadline_ms(sid) for sid in state.tasks}
    numbers = {row.unique_name: engine.config.channels[row.sid].number for row in state.channels.values()}
    for task in in_order:
        _check_task(model, task, numbers, raw.records[task.sid])
    _check_documents(model, raw)
    _check_counts(model, raw)
    for sid, fields in raw.workers.items():
        _check_worker(model, sid, numbers, fields)
        held = {offer.sid: offer.task_sid for offer in state.offers() if offer.worker_sid == sid}
        assert raw.held[sid] == held
    check_pools(model, raw)


def check_promises(model: Router) -> None:
    """What holds of any router, whoever it is: I1, I2 while nothing was lowered, I5."""
    state = model.state
    assert state.later == [], "work was left over"
    for task in state.tasks.values():
        held = [offer.status for offer in state.open_offers(task)]
        match task.status:
            case TaskStatus.PENDING:
                assert held == []
                delayed = task.delayed_until_ms is not None
                assert task.placed is not delayed, "a pending Task is in a step, at its target, or delayed"
            case TaskStatus.COMPLETED | TaskStatus.CANCELED:
                assert held == []
            case TaskStatus.RESERVED:
                assert set(held) == {"pending"}
            case TaskStatus.ASSIGNED:
                assert held == ["accepted"]
            case TaskStatus.WRAPPING:
                assert held == ["wrapping"]
    for sid in state.workers:
        tasks = [offer.task_sid for offer in state.held(sid)]
        assert len(tasks) == len(set(tasks)), "two Reservations of one Task"


def _check_task(model: Router, task: TaskRow, numbers: dict[str, int], fields: dict[str, str]) -> None:
    """Where a Task is and what it has to do; documents are looked at later."""
    state = model.state
    opened = ",".join(offer.sid for offer in state.open_offers(task)) or "-"
    status, revision, updated, assignments, open_sids = fields["s"].split("|")
    assert (status, int(revision), int(updated)) == (task.status, task.revision, task.updated_ms)
    assert (int(assignments), ",".join(sorted(open_sids.split(",")))) == (task.assignment_count, opened)
    queue, workflow, channel, _ = fields["tag"].split("|")
    assert (queue, workflow, int(channel)) == (
        task.queue_sid or "-",
        task.workflow_sid,
        numbers[task.channel],
    )
    _, _, entered, later = fields["c"].split("|")
    since_ms = None if task.queue_entered_ms is None else task.queue_entered_ms - task.created_ms
    assert entered == ("-" if since_ms is None else str(since_ms))
    stays = task.queue is not None and task.queue is not state.queues[task.queue.sid]
    if task.status in (TaskStatus.PENDING, TaskStatus.RESERVED):
        assert later == ("1" if task.restart else "2" if stays else "0")
    assert fields.get("rt") == (
        None if task.routing_target is None else f"{task.routing_target}|{int(task.ignore_capacity)}"
    )
    if task.status is TaskStatus.PENDING:
        _check_place(model, task, fields["p"])


def _check_place(model: Router, task: TaskRow, place: str) -> None:
    priority, virtual, _, ttl, answer, due, at, pool = place.split("|")
    assert (int(priority), int(virtual)) == (task.priority, task.virtual_start_ms)
    assert int(ttl) == task.created_ms + task.timeout_s * 1000
    assert int(answer) == task.answer_s
    delayed = task.delayed_until_ms
    assert pool == f"-w{delayed}" if delayed is not None else not pool.startswith("-")
    assert int(due) == (deadline_ms(task) or sla_ms(task) or 0)
    if task.position is None:
        kind, *revision = at.split(".")
        assert kind == BY_TARGET[(task.routing_target or "")[:2]]
        if rests(model.state, task):
            assert revision == [str(task.rest_revision)]
        return
    where = task.position
    index = "d" if where.filter is None else str(where.filter)
    assert at.split(".")[1:] == [index, str(where.step), str(where.base_ms - task.created_ms)]


def _check_documents(model: Router, raw: Raw) -> None:
    """Tasks have the same number of a document where they follow the same one, and what is no longer new is kept."""
    numbers: dict[tuple[str, str], set[int]] = {}
    for task in model.state.tasks.values():
        if task.status not in OPEN_TASK or task.position is None:
            continue
        number = raw.records[task.sid]["tag"].rsplit("|", 1)[1]
        numbers.setdefault((task.workflow_sid, number), set()).add(id(task.document))
        newest = task.document is model.state.workflows[task.workflow_sid].rules
        assert newest or f"{task.workflow_sid}.{number}" in raw.documents
    assert all(len(found) == 1 for found in numbers.values()), numbers


def _check_counts(model: Router, raw: Raw) -> None:
    tasks = Counter(
        f"t:{raw.records[task.sid]['tag']}" for task in model.state.tasks.values() if task.status in OPEN_TASK
    )
    workers = {f"a:{sid}": count for sid, count in model.state.population().items()}
    assert {name: int(count) for name, count in raw.usage.items() if int(count)} == {**tasks, **workers}


def _check_worker(model: Router, sid: str, numbers: dict[str, int], fields: dict[str, str]) -> None:
    """What the engine counts of a Worker."""
    state = model.state
    worker = state.workers[sid]
    available = state.activities[worker.activity_sid].available
    assert fields["s"] == f"{worker.last_reserved_ms}|{worker.revision}"
    assert fields["act"] == worker.activity_sid
    assert (fields["av"], fields["ix"], fields["ok"]) == (str(int(available)), "1", str(int(available)))
    if state.single:
        assert int(fields.get(f"c{ONE_SLOT}", "0|").split("|")[0]) == len(state.held(sid))
        return
    loads = state.loads(sid)
    for name, row in state.channels.items():
        number, slot = numbers[name], worker.slots[name]
        opened, limit, last, _ = fields.get(f"c{number}", "0|1||").split("|")
        assert int(opened) == loads[name].open
        assert int(fields.get(f"asg{number}", "0")) == loads[name].assigned
        assert int(limit) == (slot.capacity if slot.available else 0)
        assert not last or not row.optimized or int(last) == slot.last_reserved_ms
