"""The cache of configurations: what it asks, what it sees, and how changes of several processes meet."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from config_support import SHARDS, START_MS, Process, World, config_server, world

from engine.config import ATTEMPTS, ConfigCache
from engine.config_records import Change, Snapshot
from engine.errors import IllegalState, NotFound, Unavailable
from engine.keys import ShardKeys
from engine.model import TaskQueue, WorkspaceConfig
from engine.redis import Pipeline, RedisURL
from engine.scripts import Scripts

__all__ = ["config_server", "world"]


def names(config: WorkspaceConfig) -> list[str]:
    return [activity.friendly_name for activity in config.activities.values()]


def sent(process: Process, command: str) -> list[tuple[Any, ...]]:
    return [args for args in process.wire.commands if args[0] == command]


async def test_a_configuration_that_is_up_to_date_costs_one_round_trip(world: World) -> None:
    sid = await world.workspace()
    first = await world.process.config.get(world.account, sid)
    world.process.wire.commands.clear()
    assert await world.process.config.get(world.account, sid) is first
    assert [args[0] for args in world.process.wire.commands] == ["HMGET"]


async def test_the_time_is_the_servers_where_no_clock_is_handed_in(world: World) -> None:
    sid = await world.workspace()
    world.process.config.now_ms = None
    seconds, microseconds = await world.call("TIME")
    before_ms = int(seconds) * 1000 + int(microseconds) // 1000
    found = await world.process.activities.create(world.account, sid, friendly_name="Break")
    assert before_ms <= found.value.created_ms <= found.now_ms < before_ms + 60_000
    number, kind, told_ms, subject = (await world.events(sid))[-1].split("|")
    assert (number, kind, subject) == ("2", "activity.created", found.value.sid)
    assert int(told_ms) == found.now_ms


async def test_another_process_reads_only_the_records_that_changed(world: World) -> None:
    sid = await world.workspace()
    other = world.another_process()
    old = await other.config.get(world.account, sid)
    world.clock.ms += 1
    created = await world.process.activities.create(world.account, sid, friendly_name="Break")
    other.wire.commands.clear()
    new = await other.config.get(world.account, sid)
    config_reads = [args for args in sent(other, "HMGET") if args[1].endswith("config")]
    assert [args[2:] for args in config_reads] == [(created.value.sid,)]
    assert names(new) == ["Offline", "Available", "Unavailable", "Break"]
    assert (old.version, new.version) == (1, 2)
    assert names(old) == ["Offline", "Available", "Unavailable"]


async def test_a_deleted_record_disappears_in_every_process(world: World) -> None:
    sid = await world.workspace()
    created = await world.process.activities.create(world.account, sid, friendly_name="Break")
    other = world.another_process()
    assert created.value.sid in (await other.config.get(world.account, sid)).activities
    await world.process.activities.delete(world.account, sid, created.value.sid)
    for process in (world.process, other, world.another_process()):
        assert created.value.sid not in (await process.config.refresh(world.account, sid)).activities


async def test_what_is_cached_is_handed_out_without_asking_and_only_to_its_account(world: World) -> None:
    sid = await world.workspace()
    other = world.another_process()
    assert other.config.cached(world.account, sid) is None
    config = await other.config.get(world.account, sid)
    other.wire.commands.clear()
    assert other.config.cached(world.account, sid) is config
    assert other.config.cached("AC" + uuid4().hex, sid) is None
    assert other.wire.commands == []


async def test_a_process_does_not_read_back_what_it_has_written(world: World) -> None:
    sid = await world.workspace()
    made = await world.process.activities.create(world.account, sid, friendly_name="Break")
    world.process.wire.commands.clear()
    assert await world.process.config.get(world.account, sid) is made.config
    assert [args[0] for args in world.process.wire.commands] == ["HMGET"]


async def test_changes_of_two_processes_that_meet_are_both_made(world: World) -> None:
    sid = await world.workspace()
    other = world.another_process()
    await other.activities.list(world.account, sid)
    plans: list[int] = []

    def plan(now: Snapshot) -> Change:
        plans.append(now.config.version)
        activity = next(iter(now.config.activities.values()))
        return Change(event="activity.updated", subject=activity.sid, put=(activity,))

    stale = await other.config.read(world.account, sid)
    world.clock.ms += 1
    await world.process.activities.create(world.account, sid, friendly_name="Break")
    assert await other.config.commit(stale, plan(stale)) is None
    assert len(await world.events(sid)) == 2  # the late commit left no trace
    after = await other.config.change(world.account, sid, plan)
    assert plans == [1, 2]
    assert after.config.version == 3
    assert names(after.config) == ["Offline", "Available", "Unavailable", "Break"]


async def test_a_process_that_always_loses_gives_up_and_has_changed_nothing(world: World) -> None:
    sid = await world.workspace()
    other = world.another_process()
    rival = world.process.config
    planned = 0

    class Overtaken(ConfigCache):
        async def commit(self, before: Snapshot, change: Change) -> Snapshot | None:
            now = await rival.read(world.account, sid)
            assert await rival.commit(now, Change(event="workspace.updated", subject=sid)) is not None
            return await super().commit(before, change)

    def plan(now: Snapshot) -> Change:
        nonlocal planned
        planned += 1
        return Change(event="workspace.updated", subject=sid, delete=tuple(now.config.activities))

    loser = Overtaken(other.config.pipeline, other.scripts, shards=SHARDS, now_ms=world.clock.now_ms)
    with pytest.raises(Unavailable) as error:
        await loser.change(world.account, sid, plan)
    assert not error.value.outcome_unknown
    assert planned == ATTEMPTS
    config = await rival.get(world.account, sid)
    assert (config.version, len(config.activities)) == (1 + ATTEMPTS, 3)


async def test_changes_of_one_process_do_not_race_each_other(world: World) -> None:
    sid = await world.workspace()
    world.process.wire.commands.clear()
    create = world.process.activities.create
    found = await asyncio.gather(
        *(create(world.account, sid, friendly_name=f"a{i}") for i in range(40)), return_exceptions=False
    )
    assert len(sent(world.process, "commit_config")) == 40
    assert sorted(item.config.version for item in found) == list(range(2, 42))
    assert [event.partition("|")[0] for event in await world.events(sid)] == [str(i) for i in range(1, 42)]
    assert len((await world.another_process().config.get(world.account, sid)).activities) == 43


async def test_many_callers_of_a_cold_workspace_load_it_once(world: World) -> None:
    sid = await world.workspace()
    other = world.another_process()
    configs = await asyncio.gather(*(other.config.get(world.account, sid) for _ in range(20)))
    assert len(sent(other, "ZRANGEBYSCORE")) == 1
    assert all(config is configs[0] for config in configs)


async def test_a_change_between_two_reads_of_a_load_is_not_half_seen(world: World) -> None:
    sid = await world.workspace("FIFO")
    [queue] = (await world.process.task_queues.list(world.account, sid)).value.items
    other = world.another_process()
    call, interrupted = other.wire.call, False

    async def call_and_be_overtaken(*args: Any) -> Any:
        nonlocal interrupted
        reply = await call(*args)
        if args[0] == "HMGET" and args[1].endswith("config") and not interrupted:
            interrupted = True
            await world.process.task_queues.update(world.account, sid, queue.sid, friendly_name="New")
        return reply

    other.wire.call = call_and_be_overtaken  # type: ignore[method-assign]
    config = await other.config.get(world.account, sid)
    assert (interrupted, config.version) == (True, 2)
    assert config.queues[queue.sid].friendly_name == "New"


async def test_a_large_configuration_is_read_in_portions_and_in_order(world: World) -> None:
    sid = await world.workspace("FIFO")
    queues = tuple(
        TaskQueue(
            sid=f"WQ{i:032x}", friendly_name=str(i), created_ms=START_MS + 1000 - i, updated_ms=START_MS
        )
        for i in range(700)
    )
    await world.process.config.change(
        world.account, sid, lambda _: Change(event="task-queue.created", subject=queues[0].sid, put=queues)
    )
    other = world.another_process()
    config = await other.config.get(world.account, sid)
    sizes = [len(args) - 2 for args in sent(other, "HMGET") if args[1].endswith("config")]
    assert sizes == [500, 1 + 3 + 5 + 1 + 700 - 500, 1]  # the Workflow, which may be large, apart
    created = [queue.created_ms for queue in config.queues.values()]
    assert created == sorted(created)
    assert config == (await world.process.config.get(world.account, sid))


async def test_the_least_recently_used_workspace_leaves_a_full_cache(world: World) -> None:
    a, b, c = [await world.workspace() for _ in range(3)]
    process = world.another_process(limit=2)
    for sid in (a, b, a, c):
        await process.config.get(world.account, sid)
    assert process.config.cached(world.account, b) is None
    assert process.config.cached(world.account, a) is not None
    assert process.config.cached(world.account, c) is not None


async def test_a_server_that_was_set_back_is_believed(world: World) -> None:
    sid = await world.workspace()
    created = await world.process.activities.create(world.account, sid, friendly_name="Lost")
    keys = await world.keys(sid)
    await world.call("HSET", keys.ws, "version", 1)
    await world.call("HDEL", keys.config, created.value.sid)
    await world.call("ZREM", keys.config_log, created.value.sid)
    config = await world.process.config.get(world.account, sid)
    assert (config.version, names(config)) == (1, ["Offline", "Available", "Unavailable"])


async def test_a_deleted_workspace_is_unknown_to_every_process_at_once(world: World) -> None:
    sid = await world.workspace()
    other, third = world.another_process(), world.another_process()
    before = await other.config.read(world.account, sid)
    await third.config.get(world.account, sid)
    await world.process.workspaces.delete(world.account, sid)
    with pytest.raises(NotFound):
        await other.config.commit(before, Change(event="workspace.updated", subject=sid))
    assert other.config.cached(world.account, sid) is None
    for process in (world.process, other, third):
        with pytest.raises(NotFound):
            await process.workspaces.fetch(world.account, sid)
        assert process.config.cached(world.account, sid) is None
    with pytest.raises(NotFound):
        await third.workspaces.delete(world.account, sid)
    assert (await third.workspaces.list(world.account)).items == []


async def test_a_deletion_is_told_once_and_leaves_the_data_to_a_matcher(world: World) -> None:
    sid = await world.workspace()
    config = await world.process.config.get(world.account, sid)
    shard, number = ShardKeys(config.shard), config.workspace.number
    late = world.another_process()
    stale = await late.config.read(world.account, sid)
    await world.process.workspaces.delete(world.account, sid)
    reply = await late.scripts.run(
        "delete_workspace", [f"{shard.prefix}{number}:", shard.prefix], [world.account, sid, ""]
    )
    assert reply == [-2]
    assert await world.entries(shard.inbox, number) == [{"k": "reap"}]
    assert await world.call("HGET", shard.directory, sid) is None
    assert await world.call("ZSCORE", shard.owned_by(world.account), sid) is None
    assert await world.call("HMGET", f"{shard.prefix}{number}:ws", "account", "version") == [None, b"2"]
    events = [entry["e"] for entry in await world.entries(shard.events, number)]
    assert events[1:] == [f"2|workspace.deleted|{stale.now_ms}|{sid}"]


async def test_a_guard_that_does_not_hold_changes_nothing(world: World) -> None:
    sid = await world.workspace()
    created = await world.process.activities.create(world.account, sid, friendly_name="Break")
    keys = await world.keys(sid)
    await world.call("HSET", keys.open, f"a:{created.value.sid}", 7)
    with pytest.raises(IllegalState, match="7 Workers are in it"):
        await world.process.activities.delete(world.account, sid, created.value.sid)
    assert (await world.hot(sid))["version"] == "2"
    assert len(await world.events(sid)) == 2
    await world.call("HSET", keys.open, f"a:{created.value.sid}", 0)
    await world.process.activities.delete(world.account, sid, created.value.sid)
    assert (await world.hot(sid))["version"] == "3"


async def test_a_server_that_cannot_be_reached_is_unavailable_and_nothing_was_sent() -> None:
    pipeline = Pipeline(RedisURL.parse("unix:///nonexistent/redis.sock"))
    config = ConfigCache(pipeline, Scripts(pipeline))  # never started
    with pytest.raises(Unavailable) as error:
        await config.get("AC" + "0" * 32, "WS" + "0" * 32)
    assert not error.value.outcome_unknown
