"""Activities and Task Channels: create, find, rename, and what stops a deletion."""

from typing import Any
from uuid import uuid4

import pytest
from config_support import START_MS, World, config_server, world

from engine.errors import IllegalState, Invalid, NotFound

__all__ = ["config_server", "world"]


async def test_an_activity_is_made_renamed_and_deleted(world: World) -> None:
    sid = await world.workspace()
    activities = world.process.activities
    made = await activities.create(world.account, sid, friendly_name="Break", available=True)
    assert (made.value.friendly_name, made.value.available, made.value.created_ms) == (
        "Break",
        True,
        START_MS,
    )
    world.clock.ms += 1
    renamed = await activities.update(world.account, sid, made.value.sid, friendly_name="Pause")
    assert (renamed.value.friendly_name, renamed.value.available) == ("Pause", True)
    assert (renamed.value.created_ms, renamed.value.updated_ms) == (START_MS, START_MS + 1)
    assert (await world.another_process().activities.fetch(world.account, sid, made.value.sid)) == renamed
    await activities.delete(world.account, sid, made.value.sid)
    with pytest.raises(NotFound):
        await activities.fetch(world.account, sid, made.value.sid)
    kinds = [event.split("|")[1] for event in await world.events(sid)]
    assert kinds == ["workspace.created", "activity.created", "activity.updated", "activity.deleted"]


async def test_an_activity_is_unavailable_unless_said_and_may_share_its_name(world: World) -> None:
    sid = await world.workspace()
    made = await world.process.activities.create(world.account, sid, friendly_name="Offline")
    assert made.value.available is False


async def test_activities_are_listed_by_exact_name_and_availability(world: World) -> None:
    sid = await world.workspace()
    listed = world.process.activities.list
    world.clock.ms += 1
    await world.process.activities.create(world.account, sid, friendly_name="Available")

    async def of(**filters: Any) -> list[tuple[str, bool]]:
        page = (await listed(world.account, sid, **filters)).value
        return [(activity.friendly_name, activity.available) for activity in page.items]

    assert await of(friendly_name="Available") == [("Available", True), ("Available", False)]
    assert await of(available=True) == [("Available", True)]
    assert await of(available=False) == [("Offline", False), ("Unavailable", False), ("Available", False)]
    assert await of(friendly_name="available") == []
    assert await of(friendly_name="Offline", available=True) == []


async def test_pages_of_activities_go_on_behind_a_deleted_one(world: World) -> None:
    sid = await world.workspace()
    activities = world.process.activities
    for name in ("a", "b", "c"):
        world.clock.ms += 1
        await activities.create(world.account, sid, friendly_name=name)
    first = (await activities.list(world.account, sid, limit=4)).value
    await activities.delete(world.account, sid, first.items[-1].sid)
    second = (await activities.list(world.account, sid, limit=4, after=first.next_after)).value
    assert [a.friendly_name for a in first.items] == ["Offline", "Available", "Unavailable", "a"]
    assert [a.friendly_name for a in second.items] == ["b", "c"]
    assert second.next_after is None


async def test_a_workspace_has_at_most_100_activities(world: World) -> None:
    sid = await world.workspace()
    for i in range(97):
        await world.process.activities.create(world.account, sid, friendly_name=f"a{i}")
    with pytest.raises(IllegalState, match="at most 100"):
        await world.process.activities.create(world.account, sid, friendly_name="one more")


async def test_an_activity_in_use_is_not_deleted(world: World) -> None:
    sid = await world.workspace()
    activities = (await world.process.workspaces.fetch(world.account, sid)).config.activities
    default, timeout, _ = activities
    await world.process.workspaces.update(world.account, sid, timeout_activity_sid=timeout)
    used = [default, timeout]
    for field in ("reservation_activity_sid", "assignment_activity_sid"):
        made = await world.process.activities.create(world.account, sid, friendly_name="x")
        used.append(made.value.sid)
        values: dict[str, Any] = {field: made.value.sid}
        await world.process.task_queues.create(world.account, sid, friendly_name="q", **values)
    version = (await world.hot(sid))["version"]
    for activity, reason in zip(used, ("default", "timeout", "TaskQueue", "TaskQueue"), strict=True):
        with pytest.raises(IllegalState, match=reason):
            await world.process.activities.delete(world.account, sid, activity)
    assert (await world.hot(sid))["version"] == version


async def test_an_activity_of_another_workspace_is_unknown(world: World) -> None:
    mine, other = await world.workspace(), await world.workspace()
    foreign = next(iter((await world.process.workspaces.fetch(world.account, other)).config.activities))
    activities = world.process.activities
    for sid in (foreign, "WA" + uuid4().hex, "", "default"):
        with pytest.raises(NotFound):
            await activities.fetch(world.account, mine, sid)
        with pytest.raises(NotFound):
            await activities.update(world.account, mine, sid, friendly_name="x")
        with pytest.raises(NotFound):
            await activities.delete(world.account, mine, sid)


async def test_a_name_that_is_not_sent_or_not_new_changes_nothing(world: World) -> None:
    sid = await world.workspace()
    activity = next(iter((await world.process.workspaces.fetch(world.account, sid)).config.activities))
    await world.process.activities.update(world.account, sid, activity)
    await world.process.activities.update(world.account, sid, activity, friendly_name="Offline")
    assert len(await world.events(sid)) == 1
    for name in ("", "x" * 65):
        with pytest.raises(Invalid) as error:
            await world.process.activities.update(world.account, sid, activity, friendly_name=name)
        assert error.value.field == "friendly_name"


async def test_a_task_channel_is_found_by_sid_and_by_name_in_any_case(world: World) -> None:
    sid = await world.workspace()
    channels = world.process.task_channels
    made = await channels.create(world.account, sid, friendly_name="E-Mail", unique_name="Email_1")
    assert (made.value.number, made.value.channel_optimized_routing) == (5, False)
    for name in (made.value.sid, "Email_1", "eMAIL_1"):
        assert (await channels.fetch(world.account, sid, name)).value == made.value
    changed = await channels.update(world.account, sid, "email_1", channel_optimized_routing=True)
    assert (changed.value.friendly_name, changed.value.channel_optimized_routing) == ("E-Mail", True)
    renamed = await channels.update(world.account, sid, made.value.sid, friendly_name="Mail")
    assert (renamed.value.friendly_name, renamed.value.channel_optimized_routing) == ("Mail", True)
    page = (await world.another_process().task_channels.list(world.account, sid, limit=50)).value
    assert {channel.sid for channel in page.items} > {made.value.sid}
    assert len(page.items) == 6
    kinds = [event.split("|")[1] for event in await world.events(sid)][1:]
    assert kinds == ["task-channel.created", "task-channel.updated", "task-channel.updated"]


async def test_a_task_channels_number_is_never_used_again(world: World) -> None:
    sid = await world.workspace()
    numbers = []
    for name in ("a", "b", "c"):
        made = await world.another_process().task_channels.create(
            world.account, sid, friendly_name=name, unique_name=name
        )
        numbers.append(made.value.number)
        await world.process.task_channels.delete(world.account, sid, name)
    assert numbers == [5, 6, 7]


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "é", "a\n", "x" * 65, "default", "VOICE"])
async def test_a_bad_or_taken_unique_name_is_refused(world: World, name: str) -> None:
    sid = await world.workspace()
    with pytest.raises(Invalid) as error:
        await world.process.task_channels.create(world.account, sid, friendly_name="x", unique_name=name)
    assert error.value.field == "unique_name"


@pytest.mark.parametrize("name", ["_", "$x", "a1$_", "x" * 64])
async def test_letters_digits_underscore_and_dollar_make_a_unique_name(world: World, name: str) -> None:
    sid = await world.workspace()
    made = await world.process.task_channels.create(world.account, sid, friendly_name="x", unique_name=name)
    assert made.value.unique_name == name


async def test_built_in_channels_and_those_in_use_are_not_deleted(world: World) -> None:
    sid = await world.workspace()
    channels = world.process.task_channels
    for name in ("default", "voice", "sms", "chat", "video"):
        with pytest.raises(IllegalState, match="built in"):
            await channels.delete(world.account, sid, name)
    made = await channels.create(world.account, sid, friendly_name="x", unique_name="x")
    keys = await world.keys(sid)
    other_use = "t:WQ1|WW1|"
    await world.call("HSET", keys.open, f"{other_use}5|3", 1, f"{other_use}55|3", 7, "t:WQ2|WW1|5|1", 1)
    with pytest.raises(IllegalState, match="2 open Tasks"):
        await channels.delete(world.account, sid, "x")
    await world.call("HSET", keys.open, f"{other_use}5|3", 0, "t:WQ2|WW1|5|1", 0)
    await channels.delete(world.account, sid, made.value.sid)
    with pytest.raises(NotFound):
        await channels.fetch(world.account, sid, "x")
    with pytest.raises(NotFound):
        await channels.delete(world.account, sid, "x")
    assert (await world.events(sid))[-1].endswith(f"|task-channel.deleted|{START_MS}|{made.value.sid}")
