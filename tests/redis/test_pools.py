"""Pools come into use when a Task needs one and go when none has needed it for a while; nothing of them stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from small_centre import AC, Centre, small_centre

from engine.market import Market
from engine.pools import UNUSED_MS


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    async with small_centre(tmp_path) as made:
        yield made


STEPS: dict[str, dict[str, object]] = {
    "plain": {},
    "ordered": {"order_by": "worker.level DESC"},
    "load": {"expression": "worker.channel.default.assigned_tasks < 9"},
    "skip": {"skip_if": "workers.available == 9"},
    "known": {"known_worker_sid": "task.who"},
}


@pytest.mark.parametrize("kind", STEPS)
async def test_an_unused_pool_goes_with_every_trace_of_it(centre: Centre, kind: str) -> None:
    before = await centre.traces()
    task = await centre.task(await centre.workflow(**STEPS[kind]), who=centre.worker)
    assert await centre.pools() == (2 if kind == "skip" else 1)
    await centre.engine.tasks.delete(AC, centre.sid, task)
    centre.clock[0] += UNUSED_MS - 100_000
    assert await centre.sweep() == 0
    centre.clock[0] += 200_000
    swept = 0
    for _ in range(2):  # a census goes after the pools that skip by it
        swept += await centre.sweep()
    assert swept == (2 if kind == "skip" else 1)
    assert (await centre.pools(), await centre.traces()) == (0, before)


async def test_a_pool_in_which_a_task_waits_stays(centre: Centre) -> None:
    workflow = await centre.workflow(expression="worker.level > 5")
    task = await centre.task(workflow)
    centre.clock[0] += 2 * UNUSED_MS
    assert await centre.sweep() == 0
    await centre.engine.workers.update(AC, centre.sid, centre.worker, attributes='{"level": 6}')
    await centre.matcher.run_once()
    assert (await centre.engine.tasks.fetch(AC, centre.sid, task)).value.status == "reserved"


async def test_a_task_that_enters_keeps_its_pool(centre: Centre) -> None:
    workflow = await centre.workflow()
    await centre.task(workflow)
    centre.clock[0] += UNUSED_MS - 100_000
    await centre.task(workflow)
    centre.clock[0] += 200_000
    assert await centre.sweep() == 0


async def test_a_dropped_pool_is_made_again_for_the_next_task(centre: Centre) -> None:
    workflow = await centre.workflow()
    first = await centre.task(workflow)
    await centre.engine.tasks.delete(AC, centre.sid, first)
    centre.clock[0] += 2 * UNUSED_MS
    assert await centre.sweep() == 1
    second = await centre.task(workflow)
    assert (await centre.engine.tasks.fetch(AC, centre.sid, second)).value.status == "reserved"


async def test_a_reserved_task_whose_pool_went_is_placed_anew_when_it_is_refused(centre: Centre) -> None:
    workflow = await centre.workflow()
    await centre.engine.workflows.update(AC, centre.sid, workflow, task_reservation_timeout=86_400)
    task = await centre.task(workflow)
    centre.clock[0] += 2 * UNUSED_MS
    assert await centre.sweep() == 1
    offers = (await centre.engine.reservations.of_task(AC, centre.sid, task)).value.items
    await centre.engine.reservations.answer_of_task(AC, centre.sid, task, offers[0].sid, status="rejected")
    await centre.matcher.run_once()
    offers = (await centre.engine.reservations.of_task(AC, centre.sid, task)).value.items
    assert sorted(offer.status for offer in offers) == ["pending", "rejected"]


async def test_a_matcher_that_did_not_see_the_drop_indexes_workers_for_living_pools_only(
    centre: Centre,
) -> None:
    other = centre.engine.matcher("other")
    await other.start()
    workflow = await centre.workflow()
    task = await centre.task(workflow)
    await other.matching.do("index", 0, int(centre.keys.root.split(":")[2]), {"t": centre.worker})
    await centre.engine.tasks.delete(AC, centre.sid, task)
    centre.clock[0] += 2 * UNUSED_MS
    assert await centre.sweep() == 1
    await centre.engine.workers.update(AC, centre.sid, centre.worker, attributes='{"level": 7}')
    await other.run_once()
    assert await centre.traces() == []


@pytest.mark.parametrize("ends", ["indexed", "deleted"])
async def test_a_worker_who_waits_to_be_indexed_leaves_no_trace_of_a_pool_dropped_meanwhile(
    centre: Centre, ends: str
) -> None:
    workflow = await centre.workflow(known_worker_sid="task.who", expression="worker.level > 1")
    task = await centre.task(workflow, who=centre.worker)
    await centre.engine.tasks.delete(AC, centre.sid, task)
    centre.clock[0] += 2 * UNUSED_MS
    place = (AC, centre.sid, centre.worker)
    await centre.engine.workers.update(*place, attributes='{"level": 0}')  # its index entry waits
    assert await centre.matching.sweep() == 1
    (pool,) = [key for key in await centre.traces() if key.startswith(f"{centre.keys.root}p:")]
    number, pool_id = int(centre.keys.root.split(":")[2]), pool.rsplit(":", 1)[1]
    await centre.matching.do("drop", 0, number, {"p": pool_id})
    if ends == "deleted":
        await centre.engine.workers.delete(*place)
    else:
        await centre.matcher.run_once()
    assert await centre.call("EXISTS", pool) == 0


async def test_pools_made_side_by_side_read_what_has_changed_together(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = await centre.workflow(expression="worker.level == task.level")
    tasks = [await centre.post(workflow, level=level) for level in range(60)]
    number, sync, begun = int(centre.keys.root.split(":")[2]), Market._catch_up, 0

    async def counted(market: Market) -> None:
        nonlocal begun
        begun += 1
        await sync(market)

    monkeypatch.setattr(Market, "_catch_up", counted)
    await asyncio.gather(*(centre.matching.do("route", 0, number, {"t": task}) for task in tasks))
    assert await centre.pools() == 60
    assert begun <= 4  # not one after the other: each waits for the server, which may wait for its disk
    found = [(await centre.engine.tasks.fetch(AC, centre.sid, task)).value.status for task in tasks]
    assert [level for level, status in enumerate(found) if status == "reserved"] == [2]  # the Worker's own


async def ids_in_record(centre: Centre) -> set[str]:
    """Pools and censuses that the Worker's record names."""
    lists = [text for text in await centre.traces() if text.endswith(",")]
    return {name for text in lists for name in text.rsplit("|", 1)[-1].split(",") if name}


async def living(centre: Centre) -> set[str]:
    return {key.decode().rsplit(":", 1)[1] for key in await centre.call("KEYS", f"{centre.keys.root}p:*")}


async def test_a_worker_who_is_parked_in_a_dropped_pool_forgets_it(centre: Centre) -> None:
    held = await centre.task(await centre.workflow(expression="worker.level > 1"))
    offers = (await centre.engine.reservations.of_task(AC, centre.sid, held)).value.items
    await centre.engine.reservations.answer_of_task(AC, centre.sid, held, offers[0].sid, status="accepted")
    waits = await centre.task(await centre.workflow())  # meets the Worker, who has no slot: parked
    assert len(await ids_in_record(centre)) == 2
    await centre.engine.tasks.delete(AC, centre.sid, waits)
    centre.clock[0] += 2 * UNUSED_MS
    assert await centre.sweep() == 2
    assert (await ids_in_record(centre), await living(centre)) == (set(), set())


async def test_a_worker_counted_twice_is_counted_once_when_one_count_is_dropped(centre: Centre) -> None:
    first = await centre.workflow(**STEPS["skip"])
    second = await centre.workflow(**STEPS["skip"])
    queues = (await centre.engine.task_queues.list(AC, centre.sid, limit=10)).value.items
    own = json.loads((await centre.engine.workflows.fetch(AC, centre.sid, second)).value.configuration)
    target = own["task_routing"]["filters"][0]["targets"][0]["queue"]
    assert target in {queue.sid for queue in queues}
    await centre.engine.task_queues.update(AC, centre.sid, target, target_workers="level > 1")
    gone = await centre.task(first)
    assert [await centre.task(second) for _ in range(2)]  # the last one waits and keeps pool and count
    assert len(await ids_in_record(centre)) == 4
    await centre.engine.tasks.delete(AC, centre.sid, gone)
    centre.clock[0] += 2 * UNUSED_MS
    assert sum([await centre.sweep() for _ in range(2)]) == 2
    assert await ids_in_record(centre) == await living(centre)
    assert len(await living(centre)) == 2
