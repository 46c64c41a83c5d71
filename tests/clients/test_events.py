"""Events as the original's client sees them, and the wire beneath it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.clients.site import Site, until
from tests.clients.stack import Stack


@pytest.fixture
def workspace(client: Client) -> Iterator[Any]:
    made = client.taskrouter.v1.workspaces.create(friendly_name="Log", template="FIFO")
    yield client.taskrouter.v1.workspaces(made.sid)
    client.taskrouter.v1.workspaces(made.sid).delete()


def logged(workspace: Any, kind: str, **given: Any) -> Any:
    """The newest event of a type, once the log has it."""
    return until(lambda: next(iter(workspace.events.list(event_type=kind, limit=1, **given)), None))


def life(workspace: Any) -> Any:
    """A Task that one Worker takes and completes."""
    available = workspace.activities.list(available="true")[0]
    workspace.workers.create(friendly_name="Ann", activity_sid=available.sid)
    task = workspace.tasks.create(attributes='{"topic": "é"}', task_channel="voice")
    offer = until(lambda: next(iter(task.reservations.list(limit=1)), None))
    offer.update(reservation_status="accepted")
    offer.update(reservation_status="completed")
    return task


def test_a_life_is_listed_newest_first_and_each_event_can_be_fetched(workspace: Any) -> None:
    task = life(workspace)
    logged(workspace, "task.completed")
    events = workspace.events.list(task_sid=task.sid)
    assert [event.event_type for event in events] == [
        "task.completed",
        "reservation.completed",
        "reservation.accepted",
        "reservation.created",
        "task-queue.entered",
        "workflow.target-matched",
        "workflow.entered",
        "task.created",
    ]
    created = events[-1]
    fetched = workspace.events(created.sid).fetch()
    assert fetched.event_data == created.event_data
    assert fetched.event_data["task_attributes"] == '{"topic": "é"}'
    assert (fetched.resource_type, fetched.resource_sid) == ("task", task.sid)
    assert fetched.resource_url == task.url
    assert fetched.event_date == datetime.fromtimestamp(fetched.event_date_ms // 1000, UTC)
    assert (fetched.actor_type, fetched.actor_sid) == ("workspace", task.workspace_sid)
    offer = workspace.tasks(task.sid).reservations.list()[0]
    assert events[1].resource_url == offer.url


def test_filters_of_the_list_reach_the_log(workspace: Any) -> None:
    task = life(workspace)
    newest = logged(workspace, "task.completed")
    offer = workspace.tasks(task.sid).reservations.list()[0]
    everything = workspace.events.list()

    def count(**given: Any) -> int:
        return len(workspace.events.list(**given))

    assert len(everything) == 10  # and of the Workspace and the Worker
    assert count(reservation_sid=offer.sid) == 3
    assert count(worker_sid=offer.worker_sid) == 5
    assert count(workflow_sid=task.workflow_sid) == count(task_queue_sid=task.task_queue_sid) == 8
    assert count(task_channel="voice") == count(task_channel=task.task_channel_sid) == 8
    assert count(sid=newest.sid) == 1
    assert count(minutes=1) == 10
    now = datetime.now(UTC)
    assert count(start_date=now - timedelta(minutes=1), end_date=now + timedelta(minutes=1)) == 10
    assert count(end_date=now - timedelta(minutes=5)) == 0
    assert count(start_date=newest.event_date, end_date=newest.event_date, event_type="task.completed") == 1


def test_a_list_without_dates_goes_back_15_minutes_only(workspace: Any, site: Site) -> None:
    """Semantics 15.24; how it looks over time stands in tests/redis/test_event_log.py."""
    task = life(workspace)
    logged(workspace, "task.completed")
    assert len(workspace.events.list(task_sid=task.sid)) == 8
    assert workspace.events.list(task_sid=task.sid, end_date=datetime.now(UTC) - timedelta(minutes=1)) == []


def test_pages_follow_each_other(workspace: Any) -> None:
    life(workspace)
    logged(workspace, "task.completed")
    whole = [event.sid for event in workspace.events.list()]
    assert [event.sid for event in workspace.events.list(page_size=5)] == whole
    first = workspace.events.page(page_size=5)
    assert "/Events?" in first.next_page_url
    assert [event.sid for event in first.next_page()] == whole[5:10]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"Minutes": "0"}, "Minutes"),
        ({"Minutes": "soon"}, "Minutes"),
        ({"StartDate": "yesterday"}, "StartDate"),
        ({"StartDate": "2024-01-02T00:00:00Z", "EndDate": "2024-01-01T00:00:00Z"}, "EndDate"),
        ({"TaskSid": "WK" + "0" * 32}, "TaskSid"),
        ({"Sid": "EV1"}, "Sid"),
        ({"TaskChannel": "x" * 65}, "TaskChannel"),
    ],
)
def test_a_bad_filter_is_refused_with_its_name(standing: Site, query: dict[str, str], parameter: str) -> None:
    answer = standing.get("/Events", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
    assert answer.json()["message"].startswith(f"{parameter}: ")


def test_filters_stay_in_the_urls_of_the_list(standing: Site) -> None:
    meta = standing.get("/Events", Minutes=7, EventType="task.created", PageSize=3).json()["meta"]
    assert "Minutes=7&EventType=task.created" in meta["url"]
    assert meta["key"] == "events"


def test_events_can_only_be_read(standing: Site) -> None:
    for tail in ("/Events", "/Events/EV" + "0" * 32):
        refused = standing.post(tail)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_another_account_gets_no_event(workspace: Any, site: Site, stack: Stack) -> None:
    """I19."""
    event = logged(workspace, "workspace.created")
    with httpx.Client(base_url=site.http.base_url, auth=stack.stranger) as stranger:
        path = httpx.URL(event.url).path
        assert stranger.get(path).status_code == 404
        assert stranger.get(path.rpartition("/")[0]).status_code == 404
    assert site.get(f"/Events/{event.sid}").status_code == 404
    assert site.get("/Events", Sid=event.sid).json()["events"] == []


def test_an_unknown_event_is_not_found_by_the_client(workspace: Any) -> None:
    with pytest.raises(TwilioRestException) as missing:
        workspace.events("EV" + "0" * 32).fetch()
    assert (missing.value.status, missing.value.code) == (404, 20404)
