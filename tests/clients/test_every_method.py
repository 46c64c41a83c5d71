"""Every public method of the original's Python client, with every parameter, in all its four ways.

A story calls the methods of one module of the library; what it left out is found by introspection of the library.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.clients.expected_missing import needing
from tests.clients.media import AdapterServer
from tests.clients.methods import config_stories, library, reservation_stories, work_stories
from tests.clients.methods import history_stories as history
from tests.clients.methods.ground import Ground
from tests.clients.methods.watch import watching
from tests.clients.methods.way import Way, all_ways
from tests.clients.stack import Stack

Story = Callable[[Way, Ground], Awaitable[None]]

STORIES: dict[str, tuple[Story, tuple[str, ...]]] = {
    "workspace": (config_stories.workspace, ()),
    "workspace.activity": (config_stories.activity, ()),
    "workspace.task_channel": (config_stories.task_channel, ()),
    "workspace.task_queue": (config_stories.task_queue, ()),
    "workspace.workflow": (config_stories.workflow, ()),
    "workspace.worker": (work_stories.worker, ()),
    "workspace.worker.worker_channel": (work_stories.worker_channel, ()),
    "workspace.task": (work_stories.task, ()),
    "workspace.task.reservation": (reservation_stories.of_task, ()),
    "workspace.worker.reservation": (reservation_stories.of_worker, ()),
    "workspace.event": (history.event, ("ListEvent", "FetchEvent")),
    "workspace.workspace_statistics": (
        history.view(lambda workspace, _: workspace.statistics, history.combined),
        ("FetchWorkspaceStatistics",),
    ),
    "workspace.workspace_cumulative_statistics": (
        history.view(lambda workspace, _: workspace.cumulative_statistics, history.cumulative),
        ("FetchWorkspaceCumulativeStatistics",),
    ),
    "workspace.workspace_real_time_statistics": (
        history.view(lambda workspace, _: workspace.real_time_statistics, history.realtime),
        ("FetchWorkspaceRealTimeStatistics",),
    ),
    "workspace.task_queue.task_queue_statistics": (
        history.view(lambda w, site: w.task_queues(site.queue["sid"]).statistics, history.combined),
        ("FetchTaskQueueStatistics",),
    ),
    "workspace.task_queue.task_queue_cumulative_statistics": (
        history.view(lambda w, s: w.task_queues(s.queue["sid"]).cumulative_statistics, history.cumulative),
        ("FetchTaskQueueCumulativeStatistics",),
    ),
    "workspace.task_queue.task_queue_real_time_statistics": (
        history.view(lambda w, s: w.task_queues(s.queue["sid"]).real_time_statistics, history.realtime),
        ("FetchTaskQueueRealTimeStatistics",),
    ),
    "workspace.task_queue.task_queues_statistics": (
        history.queues_statistics,
        ("ListTaskQueuesStatistics",),
    ),
    "workspace.task_queue.task_queue_bulk_real_time_statistics": (
        history.bulk,
        ("CreateTaskQueueBulkRealTimeStatistics",),
    ),
    "workspace.worker.worker_statistics": (
        history.view(lambda w, site: w.workers(site.worker["sid"]).statistics, history.cumulative),
        ("FetchWorkerInstanceStatistics",),
    ),
    "workspace.worker.workers_statistics": (
        history.view(lambda workspace, _: workspace.workers.statistics, history.combined),
        ("FetchWorkerStatistics",),
    ),
    "workspace.worker.workers_cumulative_statistics": (
        history.view(lambda workspace, _: workspace.workers.cumulative_statistics, history.cumulative),
        ("FetchWorkersCumulativeStatistics",),
    ),
    "workspace.worker.workers_real_time_statistics": (
        history.view(lambda workspace, _: workspace.workers.real_time_statistics, history.realtime),
        ("FetchWorkersRealTimeStatistics",),
    ),
    "workspace.workflow.workflow_statistics": (
        history.view(lambda w, site: w.workflows(site.workflow["sid"]).statistics, history.combined),
        ("FetchWorkflowStatistics",),
    ),
    "workspace.workflow.workflow_cumulative_statistics": (
        history.view(lambda w, s: w.workflows(s.workflow["sid"]).cumulative_statistics, history.cumulative),
        ("FetchWorkflowCumulativeStatistics",),
    ),
    "workspace.workflow.workflow_real_time_statistics": (
        history.view(lambda w, s: w.workflows(s.workflow["sid"]).real_time_statistics, history.realtime),
        ("FetchWorkflowRealTimeStatistics",),
    ),
}


def _cases() -> list[Any]:
    return [pytest.param(name, id=name, marks=needing(*needs)) for name, (_, needs) in STORIES.items()]


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
@pytest.mark.parametrize("module", _cases())
async def test_every_method_answers_what_it_promises(module: str, ground: Ground) -> None:
    story, _ = STORIES[module]
    ground.adapter.forget()
    with watching(module) as watch:
        async with all_ways(ground.stack) as ways:
            for way in ways:
                await story(way, ground)
    assert watch.unused(module) == []
