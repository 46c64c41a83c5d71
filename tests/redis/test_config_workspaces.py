"""Workspaces: what a new one has, who finds it, what may be changed."""

from typing import Any
from uuid import uuid4

import pytest
from config_support import START_MS, World, config_server, world

from engine.errors import Invalid, NotFound
from engine.keys import ShardKeys
from engine.rules import parse_workflow
from engine.scripts import Status

__all__ = ["config_server", "world"]


async def test_a_new_workspace_has_three_activities_and_five_channels(world: World) -> None:
    found = await world.process.workspaces.create(world.account, friendly_name="Site")
    config = found.config
    assert [(a.friendly_name, a.available) for a in config.activities.values()] == [
        ("Offline", False),
        ("Available", True),
        ("Unavailable", False),
    ]
    offline = next(iter(config.activities))
    assert (found.value.default_activity_sid, found.value.timeout_activity_sid) == (offline, offline)
    assert [(c.number, c.unique_name, c.friendly_name) for c in config.channels.values()] == [
        (0, "default", "Default"),
        (1, "voice", "Voice"),
        (2, "sms", "SMS"),
        (3, "chat", "Chat"),
        (4, "video", "Video"),
    ]
    assert (config.queues, config.workflows) == ({}, {})
    assert (found.value.event_callback_url, found.value.events_filter) == ("", None)
    assert (found.now_ms, found.value.created_ms, config.version) == (START_MS, START_MS, 1)


async def test_what_was_made_is_what_another_process_reads(world: World) -> None:
    made = await world.process.workspaces.create(world.account, friendly_name="Site", template="FIFO")
    read = await world.another_process().workspaces.fetch(world.account, made.value.sid)
    assert read == made
    for table in ("activities", "channels", "queues", "workflows"):
        assert list(getattr(read.config, table)) == list(getattr(made.config, table))


async def test_the_fifo_template_routes_every_task_into_its_one_queue(world: World) -> None:
    config = (await world.process.workspaces.create(world.account, friendly_name="F", template="FIFO")).config
    [queue], [workflow] = config.queues.values(), config.workflows.values()
    assert (queue.friendly_name, queue.target_workers) == ("Sample Queue", "1==1")
    assert workflow.friendly_name == "Default Fifo Workflow"
    document = parse_workflow(workflow.configuration, queue_exists=config.queues.__contains__)
    assert document.match({}) is None
    assert document.default is not None
    assert document.default.queue == queue.sid


async def test_scripts_find_the_hot_fields_of_a_new_workspace(world: World) -> None:
    found = await world.process.workspaces.create(
        world.account, friendly_name="Site", prioritize_queue_order="LIFO"
    )
    offline = found.value.default_activity_sid
    assert await world.hot(found.value.sid) == {
        "account": world.account,
        "sid": found.value.sid,
        "version": "1",
        "seq": "1",
        "channels": "5",
        "order": "LIFO",
        "default_activity": offline,
        "timeout_activity": offline,
        "timeout_available": "0",
    }
    assert await world.events(found.value.sid) == [f"1|workspace.created|{START_MS}|{found.value.sid}"]


async def test_a_repeated_creation_finds_its_own_work_done(world: World) -> None:
    sid = await world.workspace()
    config = await world.process.config.get(world.account, sid)
    keys = ShardKeys(config.shard)
    args: list[str | bytes | int] = [world.account, sid, START_MS, "", 0, 0]
    root = f"{keys.prefix}999999999:"
    reply = await world.process.scripts.run("create_workspace", [root, keys.prefix], args)
    assert reply == [1, config.workspace.number]
    assert await world.call("EXISTS", root + "ws") == 0
    assert len(await world.events(sid)) == 1


async def test_a_foreign_workspace_is_answered_like_one_that_never_was(world: World) -> None:
    sid = await world.workspace()
    stranger = "AC" + uuid4().hex
    for process in (world.process, world.another_process()):  # with and without the Workspace in its cache
        before = len(process.wire.commands)
        with pytest.raises(NotFound) as foreign:
            await process.workspaces.fetch(stranger, sid)
        foreign_calls = len(process.wire.commands) - before
        unknown = "WS" + uuid4().hex
        with pytest.raises(NotFound) as missing:
            await process.workspaces.fetch(stranger, unknown)
        assert foreign.value.message.replace(sid, unknown) == missing.value.message
        assert len(process.wire.commands) - before == 2 * foreign_calls
        assert process.config.cached(stranger, sid) is None
    assert (await world.process.workspaces.fetch(world.account, sid)).value.sid == sid


@pytest.mark.parametrize("sid", ["", "WS", "WS" + "g" * 32, "WK" + "0" * 32, "WS" + "0" * 33, "*", "a\x00b"])
async def test_a_malformed_sid_is_unknown_without_asking(world: World, sid: str) -> None:
    with pytest.raises(NotFound):
        await world.process.workspaces.fetch(world.account, sid)
    assert world.process.wire.commands == []


async def test_a_list_shows_the_accounts_own_workspaces_in_order_of_creation(world: World) -> None:
    sids = []
    for _ in range(5):
        sids.append(await world.workspace())
        world.clock.ms += 1
    listed = await world.another_process().workspaces.list(world.account)
    assert [found.value.sid for found in listed.items] == sids
    assert listed.next_after is None
    assert (await world.process.workspaces.list("AC" + uuid4().hex)).items == []


async def test_pages_cover_the_list_once_even_if_their_last_item_is_deleted(world: World) -> None:
    sids = sorted([await world.workspace() for _ in range(5)])  # of one instant: in order of their SIDs
    first = await world.process.workspaces.list(world.account, limit=2)
    await world.process.workspaces.delete(world.account, sids[1])
    second = await world.process.workspaces.list(world.account, after=first.next_after, limit=2)
    third = await world.process.workspaces.list(world.account, after=second.next_after, limit=2)
    pages = [[found.value.sid for found in page.items] for page in (first, second, third)]
    assert pages == [sids[:2], sids[2:4], sids[4:]]
    assert third.next_after is None


async def test_a_full_last_page_has_no_empty_one_behind_it(world: World) -> None:
    for _ in range(2):
        await world.workspace()
    assert (await world.process.workspaces.list(world.account, limit=2)).next_after is None


async def test_a_list_by_name_takes_the_exact_name_only(world: World) -> None:
    for name in ("a", "A", "ab", "a"):
        await world.process.workspaces.create(world.account, friendly_name=name)
    listed = await world.process.workspaces.list(world.account, friendly_name="a")
    assert [found.value.friendly_name for found in listed.items] == ["a", "a"]


@pytest.mark.parametrize(
    "after", ["", "x", "12", "12.", ".WS1", "12.a b", "-1.WS1", "1" * 80 + ".WS", "٣.WS"]
)
async def test_a_made_up_continuation_is_refused(world: World, after: str) -> None:
    with pytest.raises(Invalid) as error:
        await world.process.workspaces.list(world.account, after=after)
    assert error.value.field == "after"


async def test_an_update_changes_what_was_sent_and_tells_the_scripts(world: World) -> None:
    sid = await world.workspace()
    before = await world.process.workspaces.fetch(world.account, sid)
    available = next(a for a in before.config.activities.values() if a.available)
    world.clock.ms += 5
    after = await world.process.workspaces.update(
        world.account,
        sid,
        friendly_name="New",
        event_callback_url="https://example.org/e",
        events_filter="task.created, worker.activity.update",
        multi_task_enabled=True,
        prioritize_queue_order="LIFO",
        timeout_activity_sid=available.sid,
    )
    value = after.value
    assert (value.friendly_name, value.event_callback_url) == ("New", "https://example.org/e")
    assert value.events_filter == "task.created, worker.activity.update"
    assert (value.default_activity_sid, value.timeout_activity_sid) == (
        before.value.default_activity_sid,
        available.sid,
    )
    assert (value.created_ms, value.updated_ms, after.config.version) == (START_MS, START_MS + 5, 2)
    hot = await world.hot(sid)
    assert (hot["order"], hot["timeout_activity"], hot["timeout_available"]) == ("LIFO", available.sid, "1")
    assert (await world.events(sid))[1:] == [f"2|workspace.updated|{START_MS + 5}|{sid}"]
    assert (await world.another_process().workspaces.fetch(world.account, sid)).value == value


async def test_an_update_to_the_same_values_changes_nothing(world: World) -> None:
    sid = await world.workspace()
    world.clock.ms += 5
    found = await world.process.workspaces.update(world.account, sid, friendly_name="Site", events_filter=" ")
    assert (found.config.version, found.value.updated_ms) == (1, START_MS)
    assert len(await world.events(sid)) == 1


async def test_a_callback_and_a_filter_are_cleared_by_sending_them_empty(world: World) -> None:
    found = await world.process.workspaces.create(
        world.account, friendly_name="S", event_callback_url="https://e.org", events_filter="task.created"
    )
    cleared = await world.process.workspaces.update(
        world.account, found.value.sid, event_callback_url="", events_filter=""
    )
    assert (cleared.value.event_callback_url, cleared.value.events_filter) == ("", None)


BAD = [
    ("friendly_name", ""),
    ("friendly_name", "x" * 65),
    ("friendly_name", "   "),
    ("friendly_name", "\ud800"),
    ("events_filter", "task.created,task.timeout"),
    ("events_filter", "task.created,"),
    ("event_callback_url", "\udfff"),
    ("prioritize_queue_order", "fifo"),
]


@pytest.mark.parametrize(("field", "value"), [*BAD, ("template", "fifo")])
async def test_a_bad_value_stops_a_creation(world: World, field: str, value: Any) -> None:
    values = {"friendly_name": "Site", field: value}
    with pytest.raises(Invalid) as error:
        await world.process.workspaces.create(world.account, **values)
    assert error.value.field == field
    assert (await world.process.workspaces.list(world.account)).items == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *BAD,
        ("default_activity_sid", ""),
        ("default_activity_sid", "foreign"),
        ("timeout_activity_sid", "WA1"),
    ],
)
async def test_a_bad_value_stops_an_update(world: World, field: str, value: Any) -> None:
    sid, other = await world.workspace(), await world.workspace()
    if value == "foreign":
        value = (await world.process.workspaces.fetch(world.account, other)).value.default_activity_sid
    with pytest.raises(Invalid) as error:
        await world.process.workspaces.update(world.account, sid, **{field: value})
    assert error.value.field == field
    assert (await world.process.workspaces.fetch(world.account, sid)).config.version == 1


@pytest.mark.parametrize("name", ["x", "x" * 64, "é" * 64, "a b"])
async def test_names_of_1_to_64_characters_are_kept_as_they_are(world: World, name: str) -> None:
    found = await world.process.workspaces.create(world.account, friendly_name=name)
    read = await world.another_process().workspaces.fetch(world.account, found.value.sid)
    assert read.value.friendly_name == name


async def test_the_script_deletes_for_the_owner_only(world: World) -> None:
    """Whoever decided to call it may have read an older state."""
    sid = await world.workspace()
    keys = await world.keys(sid)
    scripts = world.process.workspaces._config.scripts
    shard = (await world.process.config.get(world.account, sid)).shard
    args = ["AC" + "0" * 32, sid, START_MS]
    before = await world.hot(sid)
    assert await scripts.run("delete_workspace", [keys.root, ShardKeys(shard).prefix], args) == [
        Status.NOT_FOUND
    ]
    assert await world.hot(sid) == before
    assert (await world.another_process().workspaces.fetch(world.account, sid)).value.sid == sid
