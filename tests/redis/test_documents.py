"""A replaced Workflow document stays as long as open Tasks follow it, and no longer than to the next change after."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from small_centre import AC, Centre, small_centre


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    async with small_centre(tmp_path) as made:
        yield made


async def queue(centre: Centre, name: str) -> str:
    return (await centre.engine.task_queues.create(AC, centre.sid, friendly_name=name)).value.sid


def document(*steps: dict[str, object], note: str = "") -> str:
    filters = [{"expression": "kind == 'x'", "targets": list(steps)}]
    return json.dumps({"note": note, "task_routing": {"filters": filters}})


async def kept(centre: Centre, workflow: str) -> list[str]:
    """The replaced documents of a Workflow that are stored."""
    fields = await centre.call("HGETALL", centre.keys.docs)
    return [
        text.decode()
        for name, text in zip(fields[::2], fields[1::2], strict=True)
        if name.startswith(workflow.encode())
    ]


async def replace(centre: Centre, workflow: str, text: str) -> None:
    await centre.engine.workflows.update(AC, centre.sid, workflow, configuration=text)


NOBODY = {"expression": "worker.level > 9"}


async def test_documents_that_open_tasks_follow_are_kept_and_the_others_dropped(centre: Centre) -> None:
    workflow = await centre.workflow(**NOBODY)
    first = (await centre.engine.workflows.fetch(AC, centre.sid, workflow)).value.configuration
    only = await queue(centre, "only")
    texts = [document({"queue": only, **NOBODY}, note=str(n)) for n in range(4)]
    await replace(centre, workflow, texts[0])
    assert await kept(centre, workflow) == []
    task = await centre.task(workflow)
    await replace(centre, workflow, texts[1])
    await replace(centre, workflow, texts[2])
    assert await kept(centre, workflow) == [texts[0]]
    await centre.engine.tasks.delete(AC, centre.sid, task)
    await replace(centre, workflow, texts[3])
    assert await kept(centre, workflow) == []
    assert first not in texts
    counters = await centre.call("HKEYS", centre.keys.open)
    assert sum(name.startswith(b"t:") for name in counters) <= 1


async def test_a_task_goes_on_by_the_document_it_entered_with(centre: Centre) -> None:
    old, new = await queue(centre, "old"), await queue(centre, "new")
    workflow = await centre.workflow(**NOBODY)
    await replace(
        centre,
        workflow,
        document({"queue": old, "timeout": 10, **NOBODY}, {"queue": old, "priority": 7, **NOBODY}),
    )
    task = await centre.task(workflow)
    await replace(centre, workflow, document({"queue": new, **NOBODY}))
    centre.clock[0] += 10_000
    other = centre.engine.matcher("other")  # one that has not seen the document before
    await other.start()
    await centre.matcher.fire_timers()
    await other.run_once()
    found = (await centre.engine.tasks.fetch(AC, centre.sid, task)).value
    assert (found.task_queue_sid, found.priority) == (old, 7)


async def test_a_task_whose_next_queue_is_gone_starts_over_by_the_newest_document(centre: Centre) -> None:
    old, next_one, new = await queue(centre, "old"), await queue(centre, "next"), await queue(centre, "new")
    workflow = await centre.workflow(**NOBODY)
    await replace(
        centre, workflow, document({"queue": old, "timeout": 10, **NOBODY}, {"queue": next_one, **NOBODY})
    )
    task = await centre.task(workflow)
    await replace(centre, workflow, document({"queue": new, **NOBODY}))
    await centre.engine.task_queues.delete(AC, centre.sid, next_one)
    centre.clock[0] += 10_000
    await centre.matcher.run_once()
    await centre.matcher.run_once()
    assert (await centre.engine.tasks.fetch(AC, centre.sid, task)).value.task_queue_sid == new


async def test_multi_tasking_turned_on_gives_waiting_tasks_the_slots_of_their_channels(
    tmp_path: Path,
) -> None:
    async with small_centre(tmp_path, multi_task_enabled=False) as centre:
        workflow = await centre.workflow()
        tasks = [await centre.task(workflow) for _ in range(3)]
        await centre.move("Idle")
        place = (AC, centre.sid, centre.worker, "default")
        await centre.engine.worker_channels.update(*place, capacity=2)
        statuses = [str((await centre.engine.tasks.fetch(AC, centre.sid, sid)).value.status) for sid in tasks]
        assert statuses == ["reserved", "pending", "pending"]
        await centre.engine.workspaces.update(AC, centre.sid, multi_task_enabled=True)
        await centre.matcher.run_once()
        statuses = [str((await centre.engine.tasks.fetch(AC, centre.sid, sid)).value.status) for sid in tasks]
        assert statuses == ["reserved", "reserved", "reserved"]
