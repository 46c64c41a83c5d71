"""Every public method of the original's Python client, with every parameter, in all its four ways.

A story calls the methods of one module of the library; what it left out is found by introspection of the library.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.clients.media import AdapterServer
from tests.clients.methods import config_stories, library, reservation_stories, work_stories
from tests.clients.methods import history_stories as history
from tests.clients.methods.ground import Ground
from tests.clients.methods.watch import watching
from tests.clients.methods.way import Way, all_ways
from tests.clients.site import Site
from tests.clients.stack import Stack

Story = Callable[[Way, Ground], Awaitable[None]]

Place = Callable[[Any, Site], Any]


def in_workspace(name: str) -> Place:
    return lambda workspace, _: getattr(workspace, name)


def in_workers(name: str) -> Place:
    return lambda workspace, _: getattr(workspace.workers, name)


def in_worker(name: str) -> Place:
    return lambda workspace, site: getattr(workspace.workers(site.worker["sid"]), name)


def in_queue(name: str) -> Place:
    return lambda workspace, site: getattr(workspace.task_queues(site.queue["sid"]), name)


def in_workflow(name: str) -> Place:
    return lambda workspace, site: getattr(workspace.workflows(site.workflow["sid"]), name)


STORIES: dict[str, Story] = {
    "workspace": config_stories.workspace,
    "workspace.activity": config_stories.activity,
    "workspace.task_channel": config_stories.task_channel,
    "workspace.task_queue": config_stories.task_queue,
    "workspace.workflow": config_stories.workflow,
    "workspace.worker": work_stories.worker,
    "workspace.worker.worker_channel": work_stories.worker_channel,
    "workspace.task": work_stories.task,
    "workspace.task.reservation": reservation_stories.of_task,
    "workspace.worker.reservation": reservation_stories.of_worker,
    "workspace.event": history.event,
    "workspace.workspace_statistics": history.view(in_workspace("statistics"), history.combined),
    "workspace.workspace_cumulative_statistics": history.view(
        in_workspace("cumulative_statistics"), history.cumulative
    ),
    "workspace.workspace_real_time_statistics": history.view(
        in_workspace("real_time_statistics"), history.realtime
    ),
    "workspace.task_queue.task_queue_statistics": history.view(in_queue("statistics"), history.combined),
    "workspace.task_queue.task_queue_cumulative_statistics": history.view(
        in_queue("cumulative_statistics"), history.cumulative
    ),
    "workspace.task_queue.task_queue_real_time_statistics": history.view(
        in_queue("real_time_statistics"), history.realtime
    ),
    "workspace.task_queue.task_queues_statistics": history.queues_statistics,
    "workspace.task_queue.task_queue_bulk_real_time_statistics": history.bulk,
    "workspace.worker.worker_statistics": history.view(in_worker("statistics"), history.cumulative),
    "workspace.worker.workers_statistics": history.view(in_workers("statistics"), history.combined),
    "workspace.worker.workers_cumulative_statistics": history.view(
        in_workers("cumulative_statistics"), history.cumulative
    ),
    "workspace.worker.workers_real_time_statistics": history.view(
        in_workers("real_time_statistics"), history.realtime
    ),
    "workspace.workflow.workflow_statistics": history.view(in_workflow("statistics"), history.combined),
    "workspace.workflow.workflow_cumulative_statistics": history.view(
        in_workflow("cumulative_statistics"), history.cumulative
    ),
    "workspace.workflow.workflow_real_time_statistics": history.view(
        in_workflow("real_time_statistics"), history.realtime
    ),
}


@pytest.fixture(scope="module")
def ground(stack: Stack, adapters: AdapterServer) -> Iterator[Ground]:
    with httpx.Client(base_url=stack.open_url, auth=stack.credentials, timeout=10) as http:
        made = Ground(stack, adapters, http)
        with made.ends:
            yield made


def test_every_module_of_the_library_has_its_story() -> None:
    assert set(STORIES) == set(library.MODULES)


# The twilio library still signs in by ways that aiohttp is about to drop.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("module", STORIES)
async def test_every_method_answers_what_it_promises(module: str, ground: Ground) -> None:
    ground.adapter.forget()
    with watching(module) as watch:
        async with all_ways(ground.stack) as ways:
            for way in ways:
                await STORIES[module](way, ground)
    assert watch.unused(module) == []
