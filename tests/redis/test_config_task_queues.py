"""TaskQueues: checked when stored, listed by who may serve them, kept while something needs them."""

from typing import Any
from uuid import uuid4

import pytest
from config_support import START_MS, Process, World, config_server, world

from engine import task_queues
from engine.config_records import Change, Snapshot
from engine.errors import IllegalState, Invalid, NotFound
from engine.model import Order
from engine.rules import WorkerFacts

__all__ = ["config_server", "world"]


async def make(world: World, sid: str, name: str, **values: Any) -> str:
    world.clock.ms += 1
    made = await world.process.task_queues.create(world.account, sid, friendly_name=name, **values)
    return made.value.sid


async def listed(world: World, sid: str, **filters: Any) -> list[str]:
    page = (await world.process.task_queues.list(world.account, sid, **filters)).value
    return [queue.friendly_name for queue in page.items]


async def test_a_queue_has_the_documented_defaults(world: World) -> None:
    sid = await world.workspace()
    value = (await world.process.task_queues.create(world.account, sid, friendly_name="q")).value
    assert (value.target_workers, value.max_reserved_workers, value.task_order) == ("1==1", 1, Order.FIFO)
    assert (value.reservation_activity_sid, value.assignment_activity_sid) == (None, None)
    assert (value.created_ms, value.updated_ms) == (START_MS, START_MS)


async def test_a_queue_is_stored_as_it_was_sent(world: World) -> None:
    sid = await world.workspace()
    first, second, _ = (await world.process.workspaces.fetch(world.account, sid)).config.activities
    made = await world.process.task_queues.create(
        world.account,
        sid,
        friendly_name="x" * 255,
        target_workers=" skills HAS 'a'  AND level > 3 ",
        max_reserved_workers=1,
        task_order="LIFO",
        reservation_activity_sid=first,
        assignment_activity_sid=second,
    )
    read = (await world.another_process().task_queues.fetch(world.account, sid, made.value.sid)).value
    assert read == made.value
    assert read.target_workers == " skills HAS 'a'  AND level > 3 "
    assert (read.task_order, read.reservation_activity_sid, read.assignment_activity_sid) == (
        Order.LIFO,
        first,
        second,
    )


async def test_an_empty_expression_is_stored_and_matches_nobody(world: World) -> None:
    sid = await world.workspace()
    await make(world, sid, "nobody", target_workers="")
    await make(world, sid, "everybody")
    assert await listed(world, sid, evaluate_worker_attributes="{}") == ["everybody"]


BAD = [
    ("friendly_name", ""),
    ("friendly_name", "x" * 256),
    ("target_workers", "skills HAS"),
    ("target_workers", "a == 'b"),
    ("target_workers", "a == '\ud800'"),
    ("target_workers", "(" * 4096),
    ("target_workers", "a == '" + "x" * 5000 + "'"),
    ("max_reserved_workers", 0),
    ("max_reserved_workers", 51),
    ("task_order", "lifo"),
    ("task_order", ""),
    ("reservation_activity_sid", "foreign"),
    ("assignment_activity_sid", "WA0"),
]


@pytest.mark.parametrize(("field", "value"), BAD)
async def test_a_bad_value_stops_a_creation_and_an_update(world: World, field: str, value: Any) -> None:
    sid, other = await world.workspace("FIFO"), await world.workspace()
    if value == "foreign":
        value = (await world.process.workspaces.fetch(world.account, other)).value.default_activity_sid
    [queue] = (await world.process.task_queues.list(world.account, sid)).value.items
    with pytest.raises(Invalid) as error:
        await world.process.task_queues.create(world.account, sid, **{"friendly_name": "q", field: value})
    assert error.value.field == field
    with pytest.raises(Invalid) as error:
        await world.process.task_queues.update(world.account, sid, queue.sid, **{field: value})
    assert error.value.field == field
    assert (await world.process.task_queues.list(world.account, sid)).value.items == [queue]


async def test_a_broken_expression_is_refused_with_its_position(world: World) -> None:
    sid = await world.workspace()
    with pytest.raises(Invalid, match="position"):
        await world.process.task_queues.create(
            world.account, sid, friendly_name="q", target_workers="a == 1 AND AND"
        )


@pytest.mark.parametrize(
    ("values", "kind", "moves"),
    [
        ({"friendly_name": "new"}, "task-queue.updated", False),
        ({"target_workers": "1==2"}, "task-queue.expression.updated", True),
        ({"target_workers": ""}, "task-queue.expression.updated", True),
        ({"task_order": "LIFO"}, "task-queue.updated", True),
        ({"task_order": "LIFO", "target_workers": "a==1"}, "task-queue.expression.updated", True),
        ({"task_order": "FIFO", "target_workers": "1==1", "friendly_name": "q"}, None, False),
        ({}, None, False),
    ],
)
async def test_what_moves_waiting_tasks_is_told_to_the_matchers(
    world: World, values: dict[str, Any], kind: str | None, moves: bool
) -> None:
    sid = await world.workspace()
    queue = await make(world, sid, "q")
    world.clock.ms += 1
    found = await world.process.task_queues.update(world.account, sid, queue, **values)
    for field, value in values.items():
        assert getattr(found.value, field) == value
    told = [event.split("|")[1] for event in await world.events(sid)][2:]
    assert told == ([kind] if kind else [])
    assert await world.inbox(sid) == ([{"k": "replace", "q": queue}] if moves else [])
    assert (found.value.updated_ms == world.clock.ms) == (kind is not None)


async def test_an_activity_is_taken_from_a_queue_by_sending_it_empty(world: World) -> None:
    sid = await world.workspace()
    activity = next(iter((await world.process.workspaces.fetch(world.account, sid)).config.activities))
    queue = await make(world, sid, "q", reservation_activity_sid=activity, assignment_activity_sid="")
    found = await world.process.task_queues.update(world.account, sid, queue, reservation_activity_sid="")
    assert (found.value.reservation_activity_sid, found.value.assignment_activity_sid) == (None, None)


async def test_queues_are_listed_by_exact_name(world: World) -> None:
    sid = await world.workspace()
    for name in ("a", "A", "ab", "a"):
        await make(world, sid, name)
    assert await listed(world, sid, friendly_name="a") == ["a", "a"]
    assert await listed(world, sid) == ["a", "A", "ab", "a"]


async def test_queues_are_listed_by_the_attributes_they_would_accept(world: World) -> None:
    sid = await world.workspace()
    await make(world, sid, "spanish", target_workers="languages HAS 'es'")
    await make(world, sid, "senior", target_workers="level >= 5")
    assert await listed(world, sid, evaluate_worker_attributes='{"languages": ["es"], "level": 4}') == [
        "spanish"
    ]
    assert await listed(world, sid, evaluate_worker_attributes='{"level": 5}') == ["senior"]
    assert await listed(world, sid, evaluate_worker_attributes="{}", friendly_name="senior") == []


@pytest.mark.parametrize("text", ["languages HAS 'es'", "[]", "1", "", "null", "{", '{"a": NaN}', "[" * 5000])
async def test_attributes_to_evaluate_must_be_a_json_object(world: World, text: str) -> None:
    sid = await world.workspace()
    with pytest.raises(Invalid) as error:
        await world.process.task_queues.list(world.account, sid, evaluate_worker_attributes=text)
    assert error.value.field == "evaluate_worker_attributes"


async def test_queues_are_listed_by_the_worker_they_would_take(world: World) -> None:
    sid = await world.workspace()
    await make(world, sid, "spanish", target_workers="languages HAS 'es'")
    await make(world, sid, "all")
    worker = "WK" + uuid4().hex
    world.process.workers[worker] = WorkerFacts(worker, "ann", "WA1", "Idle", {"languages": ["es"]})
    assert await listed(world, sid, worker_sid=worker) == ["spanish", "all"]
    assert await listed(world, sid, worker_sid=worker, evaluate_worker_attributes="{}") == ["all"]
    assert await listed(world, sid, worker_sid="WK" + uuid4().hex) == []


async def test_queues_are_ordered_by_their_last_change_on_demand_and_paged(world: World) -> None:
    sid = await world.workspace()
    made = {name: await make(world, sid, name) for name in "abcd"}
    world.clock.ms += 1
    await world.process.task_queues.update(world.account, sid, made["b"], friendly_name="B")
    assert await listed(world, sid, ordering="DateUpdated:asc") == ["a", "c", "d", "B"]
    assert await listed(world, sid, ordering="DateUpdated:desc") == ["B", "d", "c", "a"]
    pages: list[list[str]] = []
    after: str | None = None
    while True:
        page = (
            await world.process.task_queues.list(
                world.account, sid, ordering="DateUpdated:desc", after=after, limit=3
            )
        ).value
        pages.append([queue.friendly_name for queue in page.items])
        after = page.next_after
        if after is None:
            break
        await world.process.task_queues.delete(world.account, sid, page.items[-1].sid)
    assert pages == [["B", "d", "c"], ["a"]]


@pytest.mark.parametrize(
    "ordering", ["", "DateUpdated", "DateUpdated:up", "DateCreated:asc", "dateupdated:asc"]
)
async def test_an_unknown_ordering_is_refused(world: World, ordering: str) -> None:
    sid = await world.workspace()
    with pytest.raises(Invalid) as error:
        await world.process.task_queues.list(world.account, sid, ordering=ordering)
    assert error.value.field == "ordering"


async def test_a_queue_that_is_needed_is_not_deleted(world: World) -> None:
    sid = await world.workspace("FIFO")
    [queue] = (await world.process.task_queues.list(world.account, sid)).value.items
    [workflow] = (await world.process.workflows.list(world.account, sid)).value.items
    with pytest.raises(IllegalState, match=workflow.sid):
        await world.process.task_queues.delete(world.account, sid, queue.sid)
    await world.process.workflows.delete(world.account, sid, workflow.sid)
    keys = await world.keys(sid)
    await world.call(
        "HSET", keys.open, f"t:{queue.sid}|WW1|0|7", 2, f"t:{queue.sid}|WW2|1|8", 1, "t:WQ1|WW1|0|7", 5
    )
    with pytest.raises(IllegalState, match="3 open Tasks"):
        await world.process.task_queues.delete(world.account, sid, queue.sid)
    await world.call("HSET", keys.open, f"t:{queue.sid}|WW1|0|7", 0)
    await world.call("HDEL", keys.open, f"t:{queue.sid}|WW2|1|8")
    await world.process.task_queues.delete(world.account, sid, queue.sid)
    with pytest.raises(NotFound):
        await world.process.task_queues.fetch(world.account, sid, queue.sid)
    assert (await world.events(sid))[-1].split("|")[1] == "task-queue.deleted"


async def test_a_reference_in_escapes_keeps_a_queue_and_a_mere_mention_does_not(world: World) -> None:
    sid = await world.workspace()
    used, mentioned = await make(world, sid, "used"), await make(world, sid, "mentioned")
    escaped = "".join(f"\\u{ord(c):04x}" for c in used)
    routing = f'{{"note": "{mentioned}", "default_filter": {{"queue": "{escaped}"}}}}'
    await world.process.workflows.create(
        world.account, sid, friendly_name="w", configuration=f'{{"task_routing": {routing}}}'
    )
    with pytest.raises(IllegalState, match="refers to it"):
        await world.process.task_queues.delete(world.account, sid, used)
    await world.process.task_queues.delete(world.account, sid, mentioned)


async def test_a_queue_that_gets_a_workflow_meanwhile_is_not_deleted(world: World) -> None:
    sid = await world.workspace()
    queue = await make(world, sid, "q")
    other = world.another_process()
    await _overtaken(other, world.process, world, sid, queue)
    with pytest.raises(IllegalState, match="refers to it"):
        await other.task_queues.delete(world.account, sid, queue)


async def _overtaken(slow: Process, fast: Process, world: World, sid: str, queue: str) -> None:
    """Lets `fast` store a Workflow with the queue just before the next commit of `slow`."""
    commit = slow.config.commit

    async def late(before: Snapshot, change: Change) -> Snapshot | None:
        document = f'{{"task_routing": {{"default_filter": {{"queue": "{queue}"}}}}}}'
        await fast.workflows.create(world.account, sid, friendly_name="w", configuration=document)
        return await commit(before, change)

    slow.config.commit = late  # type: ignore[method-assign]


async def test_a_workspace_has_a_bounded_number_of_queues(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert task_queues.MOST == 5_000
    monkeypatch.setattr(task_queues, "MOST", 2)
    sid = await world.workspace()
    for name in ("a", "b"):
        await make(world, sid, name)
    with pytest.raises(IllegalState, match="at most 2"):
        await make(world, sid, "c")


async def test_a_queue_of_another_workspace_is_unknown(world: World) -> None:
    mine, other = await world.workspace(), await world.workspace()
    foreign = await make(world, other, "q")
    for sid in (foreign, "WQ" + uuid4().hex, "", "q"):
        with pytest.raises(NotFound):
            await world.process.task_queues.fetch(world.account, mine, sid)
        with pytest.raises(NotFound):
            await world.process.task_queues.update(world.account, mine, sid, friendly_name="x")
        with pytest.raises(NotFound):
            await world.process.task_queues.delete(world.account, mine, sid)
