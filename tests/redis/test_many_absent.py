"""Workers who have left stay in the idle set until somebody meets them there; one script run meets only so many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct
from small_centre import AC, Centre, small_centre

PROBES = 256  # MAX_PROBES of lua/lib/pool.lua


class Crowd(Struct):
    """Everybody but the last has left the Workspace; the first one is at work on a Task."""

    centre: Centre
    workflow: str
    offline: str
    task: str  # that the first one has
    last: str  # the Worker who came last

    async def holders(self, task: str) -> dict[str, str]:
        """Worker -> status of its Reservation of a Task."""
        found = (await self.centre.engine.reservations.of_task(AC, self.centre.sid, task)).value.items
        return {offer.worker_sid: str(offer.status) for offer in found}


@pytest.fixture
async def crowd(tmp_path: Path) -> AsyncIterator[Crowd]:
    async with small_centre(tmp_path) as centre:
        config = await centre.engine.config.get(AC, centre.sid)
        activities = {activity.friendly_name: activity.sid for activity in config.activities.values()}
        workers, place = centre.engine.workers, (AC, centre.sid)

        async def come(name: str) -> str:
            made = await workers.create(*place, friendly_name=name, activity_sid=activities["Available"])
            return made.value.sid

        workflow = await centre.workflow()
        task = await centre.task(workflow)
        gone = await asyncio.gather(*(come(f"w{n}") for n in range(PROBES + 20)))
        centre.clock[0] += 1
        last = await come("last")
        while await centre.matcher.run_once():
            pass
        await asyncio.gather(
            *(workers.update(*place, sid, activity_sid=activities["Offline"]) for sid in gone)
        )
        yield Crowd(centre, workflow, activities["Offline"], task, last)


async def test_a_new_task_finds_the_only_one_left_at_the_second_look(crowd: Crowd) -> None:
    task = await crowd.centre.post(crowd.workflow)
    assert await crowd.holders(task) == {}
    await crowd.centre.matcher.run_once()
    assert await crowd.holders(task) == {crowd.last: "pending"}


async def test_a_refused_task_finds_the_only_one_left_at_the_second_look(crowd: Crowd) -> None:
    centre, refused = crowd.centre, {crowd.centre.worker: "rejected"}
    offer = (await centre.engine.reservations.of_task(AC, centre.sid, crowd.task)).value.items[0]
    await centre.engine.reservations.answer_of_task(
        AC, centre.sid, crowd.task, offer.sid, status="rejected", worker_activity_sid=crowd.offline
    )
    assert await crowd.holders(crowd.task) == refused
    await centre.matcher.run_once()
    assert await crowd.holders(crowd.task) == {**refused, crowd.last: "pending"}
