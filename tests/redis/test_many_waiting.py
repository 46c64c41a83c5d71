"""A Worker whose load decides what it may take gets a long queue in shares as well: each offer changes the load."""

from __future__ import annotations

import asyncio
from pathlib import Path

from small_centre import AC, small_centre

SHARE = 32  # MAX_OFFERS of lua/lib/market.lua
MANY = 3 * SHARE


async def test_offers_that_change_the_load_are_made_in_shares(tmp_path: Path) -> None:
    async with small_centre(tmp_path) as centre:
        workflow = await centre.workflow(expression="worker.channel.default.assigned_tasks < 9")
        await centre.engine.worker_channels.update(AC, centre.sid, centre.worker, "default", capacity=MANY)
        await centre.move("Offline")
        tasks = await asyncio.gather(*(centre.post(workflow) for _ in range(MANY)))
        while await centre.matcher.run_once():
            pass

        async def reserved() -> int:
            found = await asyncio.gather(*(centre.engine.tasks.fetch(AC, centre.sid, sid) for sid in tasks))
            return sum(task.value.status == "reserved" for task in found)

        assert await reserved() == 0
        await centre.move("Available")
        assert await reserved() == SHARE
        while await centre.matcher.run_once():
            pass
        assert await reserved() == MANY
