"""However much there is to do at once, one script run does its share and hands the rest on; in the end all is done."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from small_centre import AC, Centre, small_centre

from engine.errors import IllegalState
from engine.matcher import TIMERS_A_RUN

SHARE = 32  # MAX_OFFERS, MAX_SKIPS and MAX_REFUSALS of lua/lib
MANY = 100


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    async with small_centre(tmp_path) as made:
        yield made


async def in_one_run(centre: Centre, kind: str) -> list[int]:
    """How many events of a kind each script run told of, largest first: a run appends one entry."""
    entries = await centre.call("XRANGE", centre.shard.events, "-", "+")
    counts = [sum(text.split(b"|", 2)[1] == kind.encode() for text in fields[3::2]) for _, fields in entries]
    return sorted((count for count in counts if count), reverse=True)


async def statuses(centre: Centre) -> Counter[str]:
    tasks = (await centre.engine.tasks.list(AC, centre.sid, limit=1000)).value.items
    return Counter(str(task.status) for task in tasks)


async def settle_down(centre: Centre) -> None:
    for _ in range(MANY):
        if not await centre.matcher.run_once():
            return
    raise AssertionError("the matcher finds no end")


async def fill(centre: Centre, workflow: str, count: int = MANY) -> None:
    """Tasks that the Worker can all have at once, as soon as it is available."""
    place = (AC, centre.sid, centre.worker)
    await centre.engine.worker_channels.update(*place, "default", capacity=MANY)
    await asyncio.gather(*(centre.post(workflow) for _ in range(count)))
    await settle_down(centre)


async def test_a_worker_who_comes_gets_a_hundred_tasks_in_shares(centre: Centre) -> None:
    await centre.move("Offline")
    await fill(centre, await centre.workflow())
    await centre.move("Available")
    assert await statuses(centre) == {"reserved": SHARE, "pending": MANY - SHARE}
    await settle_down(centre)
    assert await statuses(centre) == {"reserved": MANY}
    assert (await in_one_run(centre, "reservation.created"))[0] == SHARE


async def test_a_hundred_offers_are_refused_in_shares(centre: Centre) -> None:
    await fill(centre, await centre.workflow())
    assert await statuses(centre) == {"reserved": MANY}
    await centre.move("Offline", reject_pending_reservations=True)
    assert await statuses(centre) == {"pending": SHARE, "reserved": MANY - SHARE}
    await settle_down(centre)
    assert await statuses(centre) == {"pending": MANY}
    assert await in_one_run(centre, "reservation.rejected") == [SHARE, SHARE, SHARE, MANY - 3 * SHARE]


async def test_offers_made_after_a_refusal_began_are_not_refused_with_it(centre: Centre) -> None:
    await fill(centre, await centre.workflow(), SHARE + 1)
    await centre.move("Offline", reject_pending_reservations=True)
    centre.clock[0] += 1
    await centre.move("Available")
    await settle_down(centre)
    assert await in_one_run(centre, "reservation.rejected") == [SHARE, 1]
    assert await statuses(centre) == {"reserved": SHARE + 1}


async def test_a_hundred_tasks_skip_a_step_in_shares(centre: Centre) -> None:
    workflow = await centre.workflow(skip_if="workers.available == 0", expression="worker.level > 9")
    await fill(centre, workflow)
    assert await statuses(centre) == {"pending": MANY}
    await centre.move("Offline")
    assert (await in_one_run(centre, "workflow.skipped")) == []
    await settle_down(centre)
    assert await statuses(centre) == {"canceled": MANY}
    assert len(await centre.call("ZRANGE", centre.shard.timers, 0, -1)) == MANY


async def test_a_hundred_offers_time_out_in_shares(centre: Centre) -> None:
    await fill(centre, await centre.workflow())
    centre.clock[0] += 120_000
    await settle_down(centre)
    assert await statuses(centre) == {"pending": MANY}
    offers = await in_one_run(centre, "reservation.timeout")
    assert sum(offers) == MANY
    assert offers[0] <= TIMERS_A_RUN


async def test_a_taskqueue_with_waiting_tasks_stays_until_they_have_gone(centre: Centre) -> None:
    workflow = await centre.workflow(expression="worker.level > 9")
    await fill(centre, workflow)
    tasks = (await centre.engine.tasks.list(AC, centre.sid, limit=1000)).value.items
    queue = tasks[0].task_queue_sid
    assert queue is not None
    other = (await centre.engine.task_queues.create(AC, centre.sid, friendly_name="other")).value.sid
    document = f'{{"task_routing": {{"default_filter": {{"queue": "{other}"}}}}}}'
    await centre.engine.workflows.update(AC, centre.sid, workflow, configuration=document)
    with pytest.raises(IllegalState, match=f"{MANY} open Tasks"):
        await centre.engine.task_queues.delete(AC, centre.sid, queue)
    await centre.engine.workflows.update(AC, centre.sid, workflow, re_evaluate_tasks=True)
    await settle_down(centre)
    await centre.engine.task_queues.delete(AC, centre.sid, queue)
    assert await statuses(centre) == {"reserved": MANY}
