"""Real-time figures on a server, at instants of a day whose figures are computed by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import realtime
from engine.model import Found
from engine.roster import WorkerFilter
from engine.statistics import NowOf, Scope
from tests.redis.small_centre import AC, small_centre
from tests.redis.statistics_day import Day

Figures = tuple[int, dict[str, int], dict[int, int], tuple[int, str | None]]


@pytest.fixture
async def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Day]:
    monkeypatch.setattr(realtime, "CHUNK", 2)  # so that a few Tasks are several round trips
    async with small_centre(tmp_path) as centre:
        made = Day(centre)
        await made.begin()
        yield made


async def now(day: Day, scope: Scope, name: str = "", channel: str | None = None) -> Found[NowOf]:
    sid = day.sids[name] if name else day.centre.sid
    return await day.centre.engine.statistics.now(AC, day.centre.sid, scope, sid, task_channel=channel)


def named(day: Day, found: Found[NowOf]) -> Figures:
    """Total, by status without zeros, by priority, and the Task that has waited longest: seconds and name."""
    tasks, names = found.value.tasks, {sid: name for name, sid in day.sids.items()}
    oldest = (0, None) if tasks.oldest is None else (age(found, tasks.oldest[0]), names[tasks.oldest[1]])
    statuses = {status: count for status, count in tasks.by_status.items() if count}
    return tasks.total, statuses, dict(tasks.by_priority), oldest


def age(found: Found[NowOf], since_ms: int) -> int:
    return (found.now_ms - since_ms) // 1_000


def places(day: Day, workers: dict[str, int]) -> dict[str, int]:
    names = {sid: name for name, sid in day.sids.items()}
    return {names[sid]: count for sid, count in workers.items()}


async def test_open_tasks_are_counted_by_scope(day: Day) -> None:
    await day.until(25)
    everything = (3, {"pending": 2, "assigned": 1}, {0: 3}, (15, "B"))
    assert named(day, await now(day, Scope.WORKSPACE)) == everything
    assert named(day, await now(day, Scope.WORKFLOW, "flow")) == everything
    assert named(day, await now(day, Scope.QUEUE, "gold")) == (1, {"pending": 1}, {0: 1}, (15, "B"))
    both = {"pending": 1, "assigned": 1}
    assert named(day, await now(day, Scope.QUEUE, "all")) == (2, both, {0: 2}, (5, "C"))


async def test_a_task_that_moved_waits_in_its_new_queue_from_then_on(day: Day) -> None:
    await day.until(45)
    found = await now(day, Scope.QUEUE, "all")
    statuses = {"pending": 1, "reserved": 1, "assigned": 1}
    assert named(day, found) == (3, statuses, {0: 2, 5: 1}, (35, "B"))
    longest = found.value.tasks.longest_here
    assert longest is not None
    assert (age(found, longest[0]), longest[1]) == (25, day.sids["C"])
    assert named(day, await now(day, Scope.QUEUE, "gold")) == (0, {}, {}, (0, None))


async def test_a_channel_narrows_tasks_and_not_workers(day: Day) -> None:
    await day.until(45)
    assert named(day, await now(day, Scope.WORKSPACE, channel="CHAT"))[0] == 1
    voice = await now(day, Scope.QUEUE, "all", "voice")
    assert named(day, voice) == (2, {"pending": 1, "assigned": 1}, {0: 2}, (25, "C"))
    assert sum(voice.value.workers.values()) == 2
    assert named(day, await now(day, Scope.WORKSPACE, channel="sms")) == (0, {}, {}, (0, None))


async def test_ended_tasks_do_not_count_though_they_are_still_there(day: Day) -> None:
    await day.until(200)
    assert int(await day.centre.call("ZCARD", day.centre.keys.tasks)) == 3
    for scope, name in ((Scope.WORKSPACE, ""), (Scope.WORKFLOW, "flow"), (Scope.QUEUE, "all")):
        assert named(day, await now(day, scope, name)) == (0, {}, {}, (0, None))


async def test_workers_of_a_queue_follow_their_attributes_activities_and_deletion(day: Day) -> None:
    engine, sid = day.centre.engine, day.centre.sid
    assert places(day, (await now(day, Scope.QUEUE, "gold")).value.workers) == {
        "Offline": 1,
        "Available": 0,
        "Unavailable": 0,
    }
    await engine.workers.update(AC, sid, day.sids["ann"], attributes='{"level": 4}')
    await engine.workers.update(AC, sid, day.sids["bob"], activity_sid=day.sids["Unavailable"])
    expected = {"Offline": 0, "Available": 1, "Unavailable": 1}
    assert places(day, (await now(day, Scope.QUEUE, "gold")).value.workers) == expected
    assert places(day, (await now(day, Scope.WORKSPACE)).value.workers) == expected
    await engine.workers.delete(AC, sid, day.sids["bob"])
    for scope, name in ((Scope.QUEUE, "all"), (Scope.QUEUE, "gold"), (Scope.WORKSPACE, "")):
        assert sum((await now(day, scope, name)).value.workers.values()) == 1
    await engine.task_queues.update(AC, sid, day.sids["gold"], target_workers="")
    assert sum((await now(day, Scope.QUEUE, "gold")).value.workers.values()) == 0


async def test_workers_are_read_anew_from_a_server_that_was_set_back(day: Day) -> None:
    await now(day, Scope.QUEUE, "all")
    keys = day.centre.keys
    await day.centre.call("HSET", keys.ws, "directory", 1)
    await day.centre.call("DEL", keys.worker_log)
    await day.centre.call("ZADD", keys.worker_log, 1, day.sids["bob"])
    assert sum((await now(day, Scope.QUEUE, "all")).value.workers.values()) == 1


async def test_workers_are_chosen_by_queue_and_name(day: Day) -> None:
    statistics, workspace = day.centre.engine.worker_statistics, day.centre.sid

    async def total(**wanted: str) -> int:
        found = await statistics.now(AC, workspace, WorkerFilter(**wanted))
        return sum(found.value.values())

    gold = day.sids["gold"]
    assert await total() == 2
    assert await total(task_queue_sid=gold) == await total(task_queue_name="gold") == 1
    assert await total(task_queue_sid=gold, task_queue_name="all") == 0
    assert await total(friendly_name="ANN") == 1
    assert await total(friendly_name="ann", task_queue_sid=gold) == 0
    assert await total(friendly_name="bob", task_queue_sid=gold) == 1
    assert await total(friendly_name="bob", task_queue_sid="WQ" + "0" * 32) == 0


async def test_one_request_for_many_queues_reads_each_task_once(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    await day.until(45)
    live, read = day.centre.engine._live, list[str]()
    together = live.config.together

    async def counted(*commands: tuple[str | bytes | int, ...]) -> list[object]:
        read.extend(str(command[1]) for command in commands if command[0] == "HMGET")
        return await together(*commands)

    monkeypatch.setattr(live.config, "together", counted)
    queues = [day.sids["all"], day.sids["gold"], "WQ" + "0" * 32]
    found = await day.centre.engine.statistics.now_of_queues(AC, day.centre.sid, queues)
    assert [value.tasks.total for value in found.value.values()] == [3, 0, 0]
    tasks = [key for key in read if ":t:" in key]
    assert sorted(tasks) == sorted(day.centre.keys.task(day.sids[name]) for name in "ABC")
