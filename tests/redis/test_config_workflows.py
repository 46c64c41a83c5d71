"""Workflows: documents are checked against the Workspace when they are stored."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from config_support import START_MS, World, config_server, world

from engine.compiled import Compiled, CompiledCache
from engine.config_records import Change, Snapshot
from engine.errors import IllegalState, Invalid, NotFound
from engine.model import Workflow

__all__ = ["config_server", "world"]


async def site(world: World) -> tuple[str, str]:
    """A Workspace with one TaskQueue."""
    sid = await world.workspace()
    made = await world.process.task_queues.create(world.account, sid, friendly_name="q")
    return sid, made.value.sid


def document(queue: str, step: dict[str, Any] | None = None, default: dict[str, Any] | None = None) -> str:
    target = {"queue": queue, **(step or {})}
    routing: dict[str, Any] = {"filters": [{"expression": "a == 1", "targets": [target]}]}
    if default is not None:
        routing["default_filter"] = default
    return msgspec.json.encode({"task_routing": routing}).decode()


async def make(world: World, sid: str, text: str, **values: Any) -> Workflow:
    values = {"friendly_name": "w", "configuration": text, **values}
    return (await world.process.workflows.create(world.account, sid, **values)).value


async def test_a_workflow_is_stored_as_it_was_sent(world: World) -> None:
    sid, queue = await site(world)
    text = "\n  " + document(queue, {"priority": "7", "order_by": "worker.level DESC"}) + " "
    made = await make(
        world,
        sid,
        text,
        friendly_name="x" * 255,
        assignment_callback_url="https://e.org/a",
        fallback_assignment_callback_url="https://e.org/b",
        task_reservation_timeout=86_400,
    )
    read = (await world.another_process().workflows.fetch(world.account, sid, made.sid)).value
    assert read == made
    assert read.configuration == text
    assert (read.assignment_callback_url, read.fallback_assignment_callback_url) == (
        "https://e.org/a",
        "https://e.org/b",
    )
    assert (read.task_reservation_timeout, read.created_ms) == (86_400, START_MS)
    assert (await world.events(sid))[-1] == f"3|workflow.created|{START_MS}|{made.sid}"


async def test_a_workflow_has_the_documented_defaults(world: World) -> None:
    sid, queue = await site(world)
    made = await make(world, sid, document(queue))
    assert (made.assignment_callback_url, made.fallback_assignment_callback_url) == (None, None)
    assert made.task_reservation_timeout == 120


BAD = [
    ("friendly_name", ""),
    ("friendly_name", "x" * 256),
    ("configuration", ""),
    ("configuration", "{}"),
    ("configuration", "not json"),
    ("configuration", "\ud800"),
    ("configuration", document("WQ" + "0" * 32)),
    ("configuration", '{"task_routing": {"filters": [{"expression": "a ==", "targets": []}]}}'),
    ("task_reservation_timeout", 0),
    ("task_reservation_timeout", -1),
    ("task_reservation_timeout", 86_401),
]


@pytest.mark.parametrize(("field", "value"), BAD)
async def test_a_bad_value_stops_a_creation_and_an_update(world: World, field: str, value: Any) -> None:
    sid, queue = await site(world)
    before = await make(world, sid, document(queue))
    with pytest.raises(Invalid) as error:
        await make(world, sid, document(queue), **{field: value})
    assert error.value.field == field
    with pytest.raises(Invalid) as error:
        await world.process.workflows.update(world.account, sid, before.sid, **{field: value})
    assert error.value.field == field
    assert (await world.process.workflows.list(world.account, sid)).value.items == [before]


async def test_a_queue_of_another_workspace_is_as_unknown_as_any(world: World) -> None:
    (mine, _), (_, foreign) = await site(world), await site(world)
    with pytest.raises(Invalid) as error:
        await make(world, mine, document(foreign))
    with pytest.raises(Invalid) as unknown:
        await make(world, mine, document("WQ" + "0" * 32))
    assert error.value.message.replace(foreign, "?") == unknown.value.message.replace("WQ" + "0" * 32, "?")


async def test_a_large_document_is_checked_outside_the_event_loop(world: World) -> None:
    sid, queue = await site(world)
    padded = msgspec.json.decode(document(queue))
    padded["note"] = "x" * 70_000
    made = await make(world, sid, msgspec.json.encode(padded).decode())
    assert len(made.configuration) > 70_000
    padded["task_routing"]["filters"][0]["targets"][0]["queue"] = "WQ" + "0" * 32
    with pytest.raises(Invalid):
        await make(world, sid, msgspec.json.encode(padded).decode())


@pytest.mark.parametrize("action", ["create", "update"])
async def test_a_queue_deleted_while_the_document_is_checked_is_missed_in_time(
    world: World, action: str
) -> None:
    sid, kept = await site(world)
    queue = (await world.process.task_queues.create(world.account, sid, friendly_name="q")).value.sid
    old, text = await make(world, sid, document(kept)), document(queue)
    other = world.another_process()
    commit = other.config.commit

    async def late(before: Snapshot, change: Change) -> Snapshot | None:
        if queue in before.config.queues:
            await world.process.task_queues.delete(world.account, sid, queue)
        return await commit(before, change)

    other.config.commit = late  # type: ignore[method-assign]
    if action == "create":
        call = other.workflows.create(world.account, sid, friendly_name="w", configuration=text)
    else:
        call = other.workflows.update(world.account, sid, old.sid, configuration=text)
    with pytest.raises(Invalid, match=queue) as error:
        await call
    assert error.value.field == "configuration"
    assert (await world.process.workflows.list(world.account, sid)).value.items == [old]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"friendly_name": "new"}, True),
        ({"assignment_callback_url": "https://e.org/n"}, True),
        ({"assignment_callback_url": ""}, True),
        ({"fallback_assignment_callback_url": "https://e.org/n"}, True),
        ({"task_reservation_timeout": 1}, True),
        ({"friendly_name": "w", "task_reservation_timeout": 120}, False),
        ({}, False),
    ],
)
async def test_an_update_changes_what_was_sent(world: World, values: dict[str, Any], told: bool) -> None:
    sid, queue = await site(world)
    made = await make(world, sid, document(queue), assignment_callback_url="https://e.org/a")
    world.clock.ms += 1
    found = await world.process.workflows.update(world.account, sid, made.sid, **values)
    for field, value in values.items():
        assert getattr(found.value, field) == (value or None)
    assert found.value.configuration == made.configuration
    assert len(await world.events(sid)) == 3 + told
    assert (found.value.updated_ms == world.clock.ms) == told
    assert await world.inbox(sid) == []


async def test_tasks_are_moved_by_an_update_only_on_demand(world: World) -> None:
    sid, queue = await site(world)
    made = await make(world, sid, document(queue))
    text = document(queue, default={"queue": queue})
    update = world.process.workflows.update
    found = await update(world.account, sid, made.sid, configuration=text)
    assert found.value.configuration == text
    assert await world.inbox(sid) == []
    again = await update(world.account, sid, made.sid, re_evaluate_tasks=True)
    assert await world.inbox(sid) == [{"k": "replace", "f": made.sid}]
    assert (again.value, again.config.version) == (found.value, found.config.version + 1)


async def test_a_workflow_with_open_tasks_is_not_deleted(world: World) -> None:
    sid, queue = await site(world)
    made = await make(world, sid, document(queue))
    keys = await world.keys(sid)
    await world.call("HSET", keys.open, f"t:{queue}|{made.sid}|0|2", 1, f"t:{queue}|WW1|0|2", 5)
    with pytest.raises(IllegalState, match="1 open Tasks"):
        await world.process.workflows.delete(world.account, sid, made.sid)
    await world.call("HSET", keys.open, f"t:{queue}|{made.sid}|0|2", 0)
    await world.process.workflows.delete(world.account, sid, made.sid)
    for missing in (made.sid, "WW" + uuid4().hex, ""):
        with pytest.raises(NotFound):
            await world.process.workflows.fetch(world.account, sid, missing)
        with pytest.raises(NotFound):
            await world.process.workflows.update(world.account, sid, missing, configuration="nonsense")
        with pytest.raises(NotFound):
            await world.process.workflows.delete(world.account, sid, missing)
    assert (await world.events(sid))[-1].split("|")[1] == "workflow.deleted"


async def test_workflows_are_listed_by_exact_name_in_pages(world: World) -> None:
    sid, queue = await site(world)
    for name in ("a", "b", "a", "A"):
        world.clock.ms += 1
        await make(world, sid, document(queue), friendly_name=name)
    listed = world.process.workflows.list
    named = (await listed(world.account, sid, friendly_name="a")).value
    assert [workflow.friendly_name for workflow in named.items] == ["a", "a"]
    first = (await listed(world.account, sid, limit=3)).value
    second = (await listed(world.account, sid, limit=3, after=first.next_after)).value
    assert [w.friendly_name for w in (*first.items, *second.items)] == ["a", "b", "a", "A"]
    assert second.next_after is None


async def test_rules_are_parsed_once_and_kept_while_their_text_is_the_same(world: World) -> None:
    sid, queue = await site(world)
    made = await make(world, sid, document(queue))
    cache = CompiledCache()
    config = await world.process.config.get(world.account, sid)
    first = cache.of(config)
    assert cache.of(config) is first
    expression, workflow = first.queue(queue), first.workflow(made.sid)
    assert (first.queue(queue), first.workflow(made.sid)) == (expression, workflow)

    await world.process.task_queues.update(world.account, sid, queue, friendly_name="renamed")
    second = cache.of(await world.process.config.get(world.account, sid))
    assert second is not first
    assert second.queue(queue) is expression
    assert second.workflow(made.sid) is workflow

    await world.process.task_queues.update(world.account, sid, queue, target_workers="level > 1")
    text = document(queue, default={"queue": queue})
    await world.process.workflows.update(world.account, sid, made.sid, configuration=text)
    third = cache.of(await world.process.config.get(world.account, sid))
    assert third.queue(queue).text == "level > 1"
    assert third.workflow(made.sid).default is not None

    await world.process.workflows.delete(world.account, sid, made.sid)
    await world.process.task_queues.delete(world.account, sid, queue)
    fourth = cache.of(await world.process.config.get(world.account, sid))
    for lookup in (fourth.queue, fourth.workflow):
        with pytest.raises(KeyError):
            lookup(queue if lookup == fourth.queue else made.sid)


async def test_compiled_rules_of_the_least_recently_used_workspace_are_dropped(world: World) -> None:
    cache = CompiledCache(limit=2)
    configs = []
    for _ in range(3):
        sid = await world.workspace()
        configs.append(await world.process.config.get(world.account, sid))
    kept: list[Compiled] = [cache.of(config) for config in configs]
    assert cache.of(configs[1]) is kept[1]
    assert cache.of(configs[0]) is not kept[0]
