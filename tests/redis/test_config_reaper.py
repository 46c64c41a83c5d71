"""What a deleted Workspace leaves behind is removed piece by piece, and nothing else is."""

import pytest
from config_support import World, config_server, world

from engine import reaper
from engine.keys import ShardKeys, WorkspaceKeys
from engine.reaper import reap

__all__ = ["config_server", "world"]


async def _fill(world: World, keys: WorkspaceKeys, shard: ShardKeys, number: int, count: int) -> None:
    """Tasks, Workers and pools, `count` of each, and one of everything else."""
    for i in range(count):
        task, worker, pool = f"WT{i:032x}", f"WK{i:032x}", f"0.{i}F"
        await world.call("HSET", keys.task(task), "status", "pending")
        await world.call("ZADD", keys.tasks, i, task)
        await world.call("ZADD", shard.timers, i, f"{number}:{task}")
        await world.call("HSET", keys.worker(worker), "name", "x")
        await world.call("HSET", keys.reservations(worker), f"WR{i:032x}", task)
        await world.call("ZADD", keys.workers, 0, worker)
        await world.call("HSET", keys.pools, f"{i:040x}", "!" * (i % 2) + pool)
        await world.call("HSET", keys.pool(pool), "digest", "x")
        await world.call("HSET", f"{keys.root}m:{pool}", worker, "|")
        await world.call("ZADD", keys.idle(pool), 0, worker)
        await world.call("ZADD", keys.waiting(pool), 0, task)
    await world.call("HSET", keys.names, "x", "WK")
    await world.call("ZADD", keys.worker_log, 1, "WK")
    await world.call("ZADD", keys.pool_log, 1, "0.1F")
    await world.call("HSET", keys.heads, "0.1F", "x")
    await world.call("HSET", keys.open, "a:WA", 1)


async def _keys_below(world: World, root: str) -> list[bytes]:
    found: list[bytes] = await world.call("KEYS", root + "*")
    return found


async def test_all_keys_of_a_deleted_workspace_go_in_bounded_pieces(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper, "PIECE", 4)
    gone, stays = await world.workspace("FIFO"), await world.workspace("FIFO")
    config = await world.process.config.get(world.account, gone)
    number, shard = config.workspace.number, ShardKeys(config.shard)
    keys, kept_keys = await world.keys(gone), await world.keys(stays)
    await _fill(world, keys, shard, number, 10)
    kept_timer = f"{number}0:WT"  # of a Workspace whose number begins alike
    await world.call("ZADD", shard.timers, 1, kept_timer)
    kept = sorted(await _keys_below(world, kept_keys.root))
    await world.process.workspaces.delete(world.account, gone)

    runs, left = 1, await _keys_below(world, keys.root)
    while await reap(world.process.scripts, config.shard, number):
        runs += 1
        now_left = await _keys_below(world, keys.root)
        assert 0 < len(left) - len(now_left) <= 4 * 4 + 1  # the last of a zset takes its key with it
        left = now_left
    assert runs == 30 // 4 + 1
    assert await _keys_below(world, keys.root) == []
    timers = await world.call("ZRANGE", shard.timers, 0, -1)
    assert [timer for timer in timers if timer.startswith(f"{number}:".encode())] == []
    assert kept_timer.encode() in timers
    assert sorted(await _keys_below(world, kept_keys.root)) == kept
    await world.call("ZREM", shard.timers, kept_timer)


async def test_a_living_workspace_is_left_alone(world: World) -> None:
    sid = await world.workspace("FIFO")
    config = await world.process.config.get(world.account, sid)
    keys = await world.keys(sid)
    await _fill(world, keys, ShardKeys(config.shard), config.workspace.number, 2)
    before = sorted(await _keys_below(world, keys.root))
    assert not await reap(world.process.scripts, config.shard, config.workspace.number)
    assert sorted(await _keys_below(world, keys.root)) == before


async def test_reaping_twice_or_what_never_was_is_no_error(world: World) -> None:
    sid = await world.workspace()
    config = await world.process.config.get(world.account, sid)
    await world.process.workspaces.delete(world.account, sid)
    for number in (config.workspace.number, config.workspace.number, 999_999_999):
        assert not await reap(world.process.scripts, config.shard, number)
