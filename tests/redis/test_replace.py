"""What a matcher does after configuration changed: waiting Tasks and Workers are placed by the new rules."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct

from engine.matcher import Matcher
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.router import Engine

AC = "AC" + "0" * 32


class Centre(Struct):
    """A Workspace with one English-speaking Worker, available."""

    engine: Engine
    matcher: Matcher
    sid: str
    available: str
    worker: str

    async def queue(self, expression: str) -> str:
        created = await self.engine.task_queues.create(
            AC, self.sid, friendly_name="q", target_workers=expression
        )
        return created.value.sid

    async def workflow(self, queue: str, **step: str) -> str:
        document = json.dumps({"task_routing": {"default_filter": {"queue": queue, **step}}})
        created = await self.engine.workflows.create(AC, self.sid, friendly_name="w", configuration=document)
        return created.value.sid

    async def task(self, workflow: str) -> str:
        created = await self.engine.tasks.create(AC, self.sid, workflow_sid=workflow)
        await self.matcher.run_once()
        return created.value.sid

    async def status(self, task: str) -> str:
        await self.matcher.run_once()
        return (await self.engine.tasks.fetch(AC, self.sid, task)).value.status


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    with EmbeddedServer(tmp_path / "data", durability="everysec") as server:
        redis = connect(server.url)
        async with Pipeline(RedisURL.parse(server.url)) as pipeline:
            engine = Engine(pipeline, redis)
            matcher = engine.matcher("m")
            await matcher.start()
            workspace = await engine.workspaces.create(AC, friendly_name="centre")
            available = next(a.sid for a in workspace.config.activities.values() if a.available)
            worker = await engine.workers.create(
                AC,
                workspace.value.sid,
                friendly_name="ann",
                attributes='{"skills": ["en"]}',
                activity_sid=available,
            )
            await matcher.run_once()
            yield Centre(engine, matcher, workspace.value.sid, available, worker.value.sid)
        await redis.aclose()


async def test_waiting_tasks_follow_the_new_expression_of_their_queue(centre: Centre) -> None:
    queue = await centre.queue("skills HAS 'fr'")
    task = await centre.task(await centre.workflow(queue))
    assert await centre.status(task) == "pending"
    await centre.engine.task_queues.update(AC, centre.sid, queue, target_workers="skills HAS 'en'")
    assert await centre.status(task) == "reserved"


async def test_an_expression_that_excludes_the_worker_keeps_later_tasks_from_it(centre: Centre) -> None:
    queue = await centre.queue("skills HAS 'en'")
    workflow = await centre.workflow(queue)
    first = await centre.task(workflow)
    second = await centre.task(workflow)
    await centre.engine.task_queues.update(AC, centre.sid, queue, target_workers="skills HAS 'fr'")
    assert await centre.status(first) == "reserved"  # existing Reservations stay
    await centre.engine.tasks.update(AC, centre.sid, first, assignment_status="canceled")
    assert await centre.status(second) == "pending"


async def test_waiting_tasks_enter_the_new_document_when_they_are_to_be_evaluated_again(
    centre: Centre,
) -> None:
    nobody, everybody = await centre.queue("skills HAS 'fr'"), await centre.queue("1==1")
    workflow = await centre.workflow(nobody)
    task = await centre.task(workflow)
    document = json.dumps({"task_routing": {"default_filter": {"queue": everybody, "priority": 7}}})
    await centre.engine.workflows.update(AC, centre.sid, workflow, configuration=document)
    assert await centre.status(task) == "pending"
    await centre.engine.workflows.update(AC, centre.sid, workflow, re_evaluate_tasks=True)
    assert await centre.status(task) == "reserved"
    moved = (await centre.engine.tasks.fetch(AC, centre.sid, task)).value
    assert (moved.task_queue_sid, moved.priority) == (everybody, 7)


async def test_renaming_an_activity_counts_for_expressions_that_name_it(centre: Centre) -> None:
    queue = await centre.queue("1==1")
    workflow = await centre.workflow(queue, expression="worker.activity_name == 'On the phone'")
    task = await centre.task(workflow)
    assert await centre.status(task) == "pending"
    await centre.engine.activities.update(AC, centre.sid, centre.available, friendly_name="On the phone")
    assert await centre.status(task) == "reserved"


async def test_a_task_channel_made_later_counts_for_expressions_that_name_it(centre: Centre) -> None:
    queue = await centre.queue("1==1")
    workflow = await centre.workflow(queue, expression="worker.channel.fax.configured_capacity == 1")
    task = await centre.task(workflow)
    assert await centre.status(task) == "pending"
    await centre.engine.task_channels.create(AC, centre.sid, friendly_name="Fax", unique_name="fax")
    assert await centre.status(task) == "reserved"


async def test_waiting_tasks_move_to_the_pool_of_the_new_ranking(centre: Centre) -> None:
    workflow = await centre.workflow(await centre.queue("skills HAS 'fr'"))
    task = await centre.task(workflow)
    await centre.engine.task_channels.update(AC, centre.sid, "default", channel_optimized_routing=True)
    await centre.matcher.run_once()
    await centre.engine.workers.update(AC, centre.sid, centre.worker, attributes='{"skills": ["fr"]}')
    assert await centre.status(task) == "reserved"


async def test_a_matcher_that_missed_a_rename_does_not_index_by_the_old_name(centre: Centre) -> None:
    queue = await centre.queue("1==1")
    workflow = await centre.workflow(queue, expression="worker.activity_name == 'On the phone'")
    other = Engine(
        centre.engine.pipeline, connect("redis://unused")
    )  # another process, with caches of its own
    late = other.matcher("late")
    await other.config.get(AC, centre.sid)
    await centre.task(workflow)
    await centre.engine.activities.update(AC, centre.sid, centre.available, friendly_name="On the phone")
    await centre.matcher.run_once()
    await centre.engine.worker_channels.update(AC, centre.sid, centre.worker, "default", capacity=2)
    await centre.engine.workers.update(AC, centre.sid, centre.worker, attributes='{"skills": []}')
    await late.run_once()
    assert await centre.status(await centre.task(workflow)) == "reserved"
