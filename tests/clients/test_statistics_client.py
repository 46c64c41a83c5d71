"""The original's Python client reads all 15 statistics views, and finds the figures of a made-up hour in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Struct
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from tests.clients.site import until
from tests.made_events import Made, MadeLog


class Body(dict[str, Any]):
    """What the client wants of a JSON body."""

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


class Hour(Struct):
    """A Workspace, and an hour that began two hours ago."""

    workspace: Any
    queue: Any
    workflow: Any
    worker: Any
    start: datetime

    @property
    def window(self) -> dict[str, Any]:
        return {"start_date": self.start, "end_date": self.start + timedelta(hours=1)}

    def event(self, second: float, kind: str, waited: float | None = None, **data: str) -> Made:
        """An event of this queue, Workflow and Worker; `waited` seconds since the Task's creation, half here."""
        at_ms = int(self.start.timestamp() * 1_000 + second * 1_000)
        own = {
            "task_queue_sid": self.queue.sid,
            "workflow_sid": self.workflow.sid,
            "worker_sid": self.worker.sid,
            "task_channel_unique_name": "voice",
        }
        if waited is None:
            return Made(kind, at_ms, own | data)
        return Made(kind, at_ms, own | data, at_ms - int(waited * 1_000), at_ms - int(waited * 500))


@pytest.fixture
def hour(client: Client, made_log: MadeLog) -> Iterator[Hour]:
    """Three acceptances after 1, 2 and 4.5 s, a cancellation after 31 s, a move, and Activities of the Worker."""
    made = client.taskrouter.v1.workspaces.create(friendly_name="Figures", template="FIFO")
    workspace = client.taskrouter.v1.workspaces(made.sid)
    available = workspace.activities.list(available="true")[0]
    worker = workspace.workers.create(friendly_name="Ann", activity_sid=available.sid)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    queue, workflow = workspace.task_queues.list()[0], workspace.workflows.list()[0]
    found = Hour(workspace, queue, workflow, worker, start)
    before = made.default_activity_sid
    lasted = {"worker_previous_activity_sid": before, "worker_activity_sid": available.sid}
    made_log.events = [
        found.event(-1, "task.created", 0),
        found.event(1, "task.created", 0),
        found.event(1, "workflow.entered", 0),
        found.event(1, "task-queue.entered", 0),
        found.event(1, "reservation.created", 0),
        found.event(2, "reservation.accepted", 1),
        found.event(3, "reservation.accepted", 2),
        found.event(4, "reservation.accepted", 4.5, task_channel_unique_name="chat"),
        found.event(5, "reservation.rejected", 1),
        found.event(5, "reservation.timeout", 1),
        found.event(5, "reservation.canceled", 1),
        found.event(5, "reservation.rescinded", 1),
        found.event(6, "task-queue.moved", 1),
        found.event(7, "task.canceled", 31),
        found.event(8, "task.completed", 31),
        found.event(9, "task.system-deleted", 31),
        found.event(10, "task.deleted", 31),
        found.event(11, "workflow.timeout", 31),
        found.event(60, "worker.activity.update", worker_time_in_previous_activity_ms="90500", **lasted),
        found.event(60.7, "worker.deleted", worker_activity_sid=available.sid),
        found.event(3_601, "task.created", 0),
    ]
    yield found
    workspace.delete()


RESERVATIONS = {
    "reservations_created": 1,
    "reservations_accepted": 3,
    "reservations_rejected": 1,
    "reservations_timed_out": 1,
    "reservations_canceled": 1,
    "reservations_rescinded": 1,
}
TASKS = {"tasks_canceled": 1, "tasks_completed": 1, "tasks_deleted": 2, "tasks_moved": 1}
ACCEPTED = {"avg": 2.5, "min": 1, "max": 4, "total": 7}
HERE = {"avg": 1.25, "min": 0, "max": 2, "total": 3}
CANCELED = {"avg": 31, "min": 31, "max": 31, "total": 31}
SPLIT = {
    "2": {
        "above": {"reservations_accepted": 2, "tasks_canceled": 1},
        "below": {"reservations_accepted": 1, "tasks_canceled": 0},
    },
    "32": {
        "above": {"reservations_accepted": 0, "tasks_canceled": 0},
        "below": {"reservations_accepted": 3, "tasks_canceled": 1},
    },
}


def whole(figures: Mapping[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in figures.items()}


def shown(record: Any, names: dict[str, Any]) -> dict[str, Any]:
    """What a record of the client's, or an object inside it, has under these names."""
    return {name: record[name] if isinstance(record, dict) else getattr(record, name) for name in names}


def test_cumulative_views_have_whole_seconds(hour: Hour) -> None:
    asked = {**hour.window, "split_by_wait_time": "2,32"}
    past = {
        **RESERVATIONS,
        **TASKS,
        "avg_task_acceptance_time": 2,
        "wait_duration_until_accepted": whole(ACCEPTED),
        "wait_duration_until_canceled": whole(CANCELED),
        "split_by_wait_time": SPLIT,
        "start_time": hour.start,
        "end_time": hour.start + timedelta(hours=1),
    }
    workspace, queue, workflow = hour.workspace, hour.queue.sid, hour.workflow.sid
    of_workspace = {**past, "tasks_created": 1, "tasks_timed_out_in_workflow": 1}
    of_queue = {**past, "tasks_entered": 1, "wait_duration_in_queue_until_accepted": whole(HERE)}
    of_workflow = {**past, "tasks_entered": 1, "tasks_timed_out_in_workflow": 1}
    for view, expected in (
        (workspace.cumulative_statistics(), of_workspace),
        (workspace.task_queues(queue).cumulative_statistics(), of_queue),
        (workspace.workflows(workflow).cumulative_statistics(), of_workflow),
    ):
        assert shown(view.fetch(**asked), expected) == expected


def test_combined_views_have_averages_with_decimals(hour: Hour) -> None:
    asked = {**hour.window, "split_by_wait_time": "2,32"}
    past = {
        **RESERVATIONS,
        **TASKS,
        "avg_task_acceptance_time": 2.5,
        "wait_duration_until_accepted": ACCEPTED,
        "wait_duration_until_canceled": CANCELED,
        "split_by_wait_time": SPLIT,
        "start_time": hour.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    workspace = hour.workspace
    views = (
        workspace.statistics(),
        workspace.task_queues(hour.queue.sid).statistics(),
        workspace.workflows(hour.workflow.sid).statistics(),
    )
    for view in views:
        assert shown(view.fetch(**asked).cumulative, past) == past
    (row,) = workspace.task_queues.statistics.list(**asked)
    expected = {**past, "tasks_entered": 1, "wait_duration_in_queue_until_accepted": HERE}
    assert shown(row.cumulative, expected) == expected
    assert (row.task_queue_sid, row.realtime["total_tasks"]) == (hour.queue.sid, 0)


def test_worker_views_have_reservations_and_time_in_activities(hour: Hour) -> None:
    workers = hour.workspace.workers
    views = (
        workers.statistics().fetch(**hour.window).cumulative,
        workers(hour.worker.sid).statistics().fetch(**hour.window).cumulative,
    )
    nothing = {"avg": 0, "min": 0, "max": 0, "total": 0}
    for view in views:
        assert shown(view, RESERVATIONS) == RESERVATIONS
        durations = {row.pop("friendly_name"): row for row in view["activity_durations"]}
        assert {name: {**row, "sid": ""} for name, row in durations.items()} == {
            "Offline": {"sid": "", "avg": 60, "min": 60, "max": 60, "total": 60},
            "Available": {"sid": "", "avg": 0.7, "min": 0, "max": 0, "total": 0},
            "Unavailable": {"sid": "", **nothing},
        }
    alone = workers.cumulative_statistics().fetch(**hour.window)
    assert shown(alone, RESERVATIONS) == RESERVATIONS
    assert [row["avg"] for row in alone.activity_durations] == [60, 0, 0]


def test_a_channel_narrows_every_cumulative_view(hour: Hour) -> None:
    asked, workspace = {**hour.window, "task_channel": "chat"}, hour.workspace
    views = (
        workspace.cumulative_statistics(),
        workspace.task_queues(hour.queue.sid).cumulative_statistics(),
        workspace.workflows(hour.workflow.sid).cumulative_statistics(),
        workspace.workers.cumulative_statistics(),
    )
    for view in views:
        found = view.fetch(**asked)
        assert (found.reservations_accepted, found.reservations_rejected) == (1, 0)


def test_real_time_views_count_what_is_there(hour: Hour) -> None:
    workspace = hour.workspace
    task = workspace.tasks.create(attributes="{}", priority=7, task_channel="voice")
    until(lambda: next(iter(task.reservations.list(limit=1)), None))
    open_tasks = {
        "total_tasks": 1,
        "tasks_by_priority": {"7": 1},
        "tasks_by_status": {"pending": 0, "reserved": 1, "assigned": 0, "wrapping": 0},
        "longest_task_waiting_sid": task.sid,
    }
    of_queue = {
        **open_tasks,
        "longest_relative_task_sid_in_queue": task.sid,
        "total_eligible_workers": 1,
        "total_available_workers": 1,
    }
    queue, workflow = workspace.task_queues(hour.queue.sid), workspace.workflows(hour.workflow.sid)
    bulk = workspace.task_queues.bulk_real_time_statistics.create(Body(queueSids=[hour.queue.sid]))
    for found, expected in (
        (workspace.real_time_statistics().fetch(), {**open_tasks, "total_workers": 1}),
        (workspace.statistics().fetch().realtime, {**open_tasks, "total_workers": 1}),
        (queue.real_time_statistics().fetch(), of_queue),
        (queue.statistics().fetch().realtime, of_queue),
        (workspace.task_queues.statistics.list()[0].realtime, of_queue),
        (bulk.task_queue_data[0], of_queue),
        (workflow.real_time_statistics().fetch(), open_tasks),
        (workflow.statistics().fetch().realtime, open_tasks),
        (workspace.workers.real_time_statistics().fetch(), {"total_workers": 1}),
        (workspace.workers.statistics().fetch().realtime, {"total_workers": 1}),
    ):
        assert shown(found, expected) == expected
    assert bulk.task_queue_response_count == 1
    assert workspace.real_time_statistics().fetch(task_channel="chat").total_tasks == 0
    rows = workspace.workers.real_time_statistics().fetch().activity_statistics
    counts = {row["friendly_name"]: row["workers"] for row in rows}
    assert counts == {"Offline": 0, "Available": 1, "Unavailable": 0}
    hour.worker.update(activity_sid=workspace.fetch().default_activity_sid)
    alone = queue.real_time_statistics().fetch()
    assert (alone.total_eligible_workers, alone.total_available_workers) == (1, 0)


def test_a_start_of_31_days_ago_is_refused(hour: Hour) -> None:
    with pytest.raises(TwilioRestException) as refused:
        hour.workspace.cumulative_statistics().fetch(start_date=hour.start - timedelta(days=31))
    assert (refused.value.status, refused.value.code) == (400, 20001)
    assert "StartDate: is too old" in refused.value.msg


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_asynchronous_client_reads_bulk_statistics_too(
    hour: Hour, served_url: str, credentials: tuple[str, str]
) -> None:
    async with AsyncTwilioHttpClient() as transport:
        twilio = Client(*credentials, http_client=transport)
        twilio.taskrouter.base_url = served_url
        queues = twilio.taskrouter.v1.workspaces(hour.queue.workspace_sid).task_queues
        sids = [hour.queue.sid, "WQ" + "0" * 32]
        found = await queues.bulk_real_time_statistics.create_async(Body(queueSids=sids))
    assert [row["task_queue_sid"] for row in found.task_queue_data] == sids


def test_what_was_answered_is_counted_at_once(client: Client) -> None:
    made = client.taskrouter.v1.workspaces.create(friendly_name="Live", template="FIFO")
    workspace = client.taskrouter.v1.workspaces(made.sid)
    available = workspace.activities.list(available="true")[0]
    worker = workspace.workers.create(friendly_name="Ann", activity_sid=available.sid)
    queue = workspace.task_queues.list()[0].sid
    for count in (1, 2, 3):
        task = workspace.tasks.create(attributes="{}")
        offer = until(lambda task=task: next(iter(task.reservations.list(limit=1)), None))
        offer.update(reservation_status="accepted")
        assert workspace.cumulative_statistics().fetch().reservations_accepted == count
        offer.update(reservation_status="completed")
        of_queue = workspace.task_queues(queue).cumulative_statistics().fetch()
        assert (of_queue.tasks_entered, of_queue.tasks_completed) == (count, count)
        alone = workspace.workers(worker.sid).statistics().fetch().cumulative
        assert (alone["reservations_created"], alone["reservations_accepted"]) == (count, count)
    workspace.delete()
