"""The original's Python client against this server: every resource through its whole life."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from tests.clients.site import until


@pytest.fixture
def workspace(client: Client) -> Iterator[Any]:
    """A Workspace with one queue and one Workflow, as the FIFO template makes them."""
    made = client.taskrouter.v1.workspaces.create(friendly_name="Support", template="FIFO")
    yield client.taskrouter.v1.workspaces(made.sid)
    client.taskrouter.v1.workspaces(made.sid).delete()


@pytest.fixture
def worker(workspace: Any) -> Any:
    """A Worker who is available."""
    available = workspace.activities.list(available="true")[0]
    return workspace.workers.create(
        friendly_name="Ann", activity_sid=available.sid, attributes=json.dumps({"skills": ["billing"]})
    )


def offer_of(task: Any) -> Any:
    return until(lambda: next(iter(task.reservations.list(limit=1)), None))


def test_a_workspace_is_made_changed_and_removed(client: Client) -> None:
    workspaces = client.taskrouter.v1.workspaces
    made = workspaces.create(
        friendly_name="Calls", event_callback_url="https://example.com/events", events_filter="task.created"
    )
    assert (made.friendly_name, made.events_filter, made.multi_task_enabled) == (
        "Calls",
        "task.created",
        True,
    )
    assert made.date_created.tzinfo is not None
    assert made.account_sid == client.username
    offline, available = (a.sid for a in made.activities.list(limit=2))
    changed = made.update(
        friendly_name="Calls 2",
        events_filter="",
        event_callback_url="",
        timeout_activity_sid=available,
        prioritize_queue_order="LIFO",
    )
    assert (changed.friendly_name, changed.events_filter, changed.event_callback_url) == ("Calls 2", None, "")
    assert (changed.timeout_activity_sid, changed.default_activity_sid) == (available, offline)
    assert changed.prioritize_queue_order == "LIFO"
    assert [w.sid for w in workspaces.list(friendly_name="Calls 2")] == [made.sid]
    assert made.delete() is True
    with pytest.raises(TwilioRestException) as gone:
        workspaces(made.sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)
    assert (
        gone.value.msg
        == f"Unable to fetch record: The requested resource /Workspaces/{made.sid} was not found"
    )


def test_an_activity_keeps_its_availability_whatever_an_update_says(workspace: Any) -> None:
    assert workspace.activities.create(friendly_name="Odd", available="perhaps").available is False
    lunch = workspace.activities.create(friendly_name="Lunch", available=False)
    assert lunch.available is False
    renamed = lunch.update(friendly_name="Break")
    assert (renamed.friendly_name, renamed.available) == ("Break", False)
    assert [a.friendly_name for a in workspace.activities.list(friendly_name="Break")] == ["Break"]
    assert {a.available for a in workspace.activities.list(available="no")} == {False}
    assert lunch.delete() is True
    default = workspace.fetch().default_activity_sid
    with pytest.raises(TwilioRestException) as used:
        workspace.activities(default).delete()
    assert (used.value.status, used.value.code) == (400, 20001)


def test_a_task_channel_is_found_by_its_unique_name(workspace: Any) -> None:
    fax = workspace.task_channels.create(
        friendly_name="Fax", unique_name="fax", channel_optimized_routing=True
    )
    assert workspace.task_channels("fax").fetch().sid == fax.sid
    assert workspace.task_channels("fax").update(friendly_name="Faxes").channel_optimized_routing is True
    names = {c.unique_name for c in workspace.task_channels.list()}
    assert names == {"default", "voice", "sms", "chat", "video", "fax"}
    assert workspace.task_channels(fax.sid).delete() is True


def test_a_task_queue_says_who_may_take_its_tasks(workspace: Any, worker: Any) -> None:
    offline = workspace.fetch().default_activity_sid
    billing = workspace.task_queues.create(
        friendly_name="Billing",
        target_workers="skills HAS 'billing'",
        task_order="LIFO",
        reservation_activity_sid=offline,
    )
    assert (billing.task_order, billing.reservation_activity_name) == ("LIFO", "Offline")
    other = workspace.task_queues.create(friendly_name="Other", target_workers="skills HAS 'sales'")
    eligible = [q.sid for q in workspace.task_queues.list(worker_sid=worker.sid)]
    assert billing.sid in eligible
    assert other.sid not in eligible
    assert [w.sid for w in workspace.workers.list(task_queue_sid=billing.sid)] == [worker.sid]
    changed = billing.update(reservation_activity_sid="", target_workers="1==1")
    assert (changed.reservation_activity_sid, changed.reservation_activity_name) == (None, None)
    assert changed.links["reservation_activity"] is None
    assert billing.delete() is True


def test_a_workflow_keeps_its_document_as_it_came(workspace: Any) -> None:
    queue = workspace.task_queues.create(friendly_name="Q")
    document = json.dumps({"task_routing": {"default_filter": {"queue": queue.sid}}}, indent=3)
    flow = workspace.workflows.create(
        friendly_name="F", configuration=document, assignment_callback_url="https://example.com/assign"
    )
    assert (flow.configuration, flow.task_reservation_timeout) == (document, 120)
    changed = flow.update(task_reservation_timeout=30, assignment_callback_url="", re_evaluate_tasks="true")
    assert (changed.task_reservation_timeout, changed.configuration) == (30, document)
    assert not changed.assignment_callback_url
    with pytest.raises(TwilioRestException) as used:
        queue.delete()
    assert used.value.status == 400
    assert flow.delete() is True
    assert queue.delete() is True


def test_a_worker_is_changed_only_at_the_revision_the_caller_saw(workspace: Any, worker: Any) -> None:
    seen = workspace.workers(worker.sid).fetch_with_http_info()
    revision = {name.lower(): value for name, value in seen.headers.items()}["etag"].strip('"')
    changed = workspace.workers(worker.sid).update(if_match=revision, attributes='{"skills": []}')
    assert changed.attributes == '{"skills": []}'
    with pytest.raises(TwilioRestException) as late:
        workspace.workers(worker.sid).update(if_match=revision, friendly_name="Bo")
    assert (late.value.status, late.value.code) == (412, 20412)
    assert [w.friendly_name for w in workspace.workers.list(target_workers_expression="name == 'x'")] == []
    assert worker.delete() is True


def test_a_workers_capacity_is_set_by_the_channels_name(workspace: Any, worker: Any) -> None:
    chat = worker.worker_channels("chat").update(capacity=3, available=True)
    assert (chat.configured_capacity, chat.available, chat.available_capacity_percentage) == (3, True, 100)
    assert chat.task_channel_unique_name == "chat"
    assert worker.worker_channels(chat.sid).fetch().configured_capacity == 3
    assert len(worker.worker_channels.list()) == 5


def test_a_task_is_offered_accepted_wrapped_up_and_completed(workspace: Any, worker: Any) -> None:
    workflow = workspace.workflows.list()[0]
    task = workspace.tasks.create(
        workflow_sid=workflow.sid,
        attributes='{"type": "support"}',
        priority=5,
        timeout=600,
        task_channel="voice",
        virtual_start_time=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    assert (task.assignment_status, task.priority, task.timeout) == ("pending", 5, 600)
    assert task.virtual_start_time == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert task.task_channel_unique_name == "voice"
    offer = offer_of(task)
    assert (offer.reservation_status, offer.worker_sid, offer.worker_name) == ("pending", worker.sid, "Ann")
    assert workspace.tasks(task.sid).fetch().assignment_status == "reserved"
    assert offer.update(reservation_status="accepted").reservation_status == "accepted"
    assert [t.sid for t in workspace.tasks.list(assignment_status=["assigned", "wrapping"])] == [task.sid]
    wrapping = workspace.tasks(task.sid).update(assignment_status="wrapping", reason="hung up")
    assert (wrapping.assignment_status, wrapping.reason) == ("wrapping", "hung up")
    mine = worker.reservations(offer.sid).update(reservation_status="completed")
    assert mine.reservation_status == "completed"
    assert workspace.tasks(task.sid).fetch().assignment_status == "completed"
    assert workspace.tasks(task.sid).delete() is True


def test_a_task_nobody_has_taken_can_be_canceled_and_then_not_completed(workspace: Any) -> None:
    task = workspace.tasks.create(attributes="{}")
    canceled = task.update(assignment_status="canceled", reason="called back")
    assert (canceled.assignment_status, canceled.reason) == ("canceled", "called back")
    with pytest.raises(TwilioRestException) as refused:
        task.update(assignment_status="completed")
    assert (refused.value.status, refused.value.code) == (400, 20001)
    assert "because it is not currently assigned" in refused.value.msg


def test_the_client_walks_through_pages_in_both_directions(workspace: Any) -> None:
    made = [workspace.tasks.create(attributes="{}", priority=n).sid for n in range(5)]
    assert [t.sid for t in workspace.tasks.stream(page_size=2)] == made
    first = workspace.tasks.page(page_size=2)
    second = first.next_page()
    third = second.next_page()
    assert [t.sid for t in third] == made[4:]
    assert third.next_page() is None
    assert [t.sid for t in third.previous_page()] == made[2:4]
    assert [t.sid for t in second.previous_page()] == made[:2]
    assert first.previous_page() is None


def test_a_list_that_is_refused_carries_the_answer(workspace: Any) -> None:
    with pytest.raises(TwilioException, match="Unable to fetch page") as refused:
        workspace.tasks.list(ordering="Colour:asc")
    answer = refused.value.args[1]
    assert answer.status_code == 400
    assert json.loads(answer.text)["message"].startswith("Ordering: ")


def test_wrong_credentials_are_told_as_20003(served_url: str, credentials: tuple[str, str]) -> None:
    twilio = Client(credentials[0], "wrong")
    twilio.taskrouter.base_url = served_url
    with pytest.raises(TwilioRestException) as refused:
        twilio.taskrouter.v1.workspaces.create(friendly_name="x")
    assert (refused.value.status, refused.value.code) == (401, 20003)
    twilio.http_client.session.close()


# The twilio library still signs in by ways that aiohttp is about to drop.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_asynchronous_client_works_as_well(served_url: str, credentials: tuple[str, str]) -> None:
    async with AsyncTwilioHttpClient() as transport:
        twilio = Client(*credentials, http_client=transport)
        twilio.taskrouter.base_url = served_url
        made = await twilio.taskrouter.v1.workspaces.create_async(friendly_name="Async", template="FIFO")
        task = await twilio.taskrouter.v1.workspaces(made.sid).tasks.create_async(attributes='{"a": 1}')
        listed = await twilio.taskrouter.v1.workspaces(made.sid).tasks.list_async()
        assert [t.sid for t in listed] == [task.sid]
        assert await twilio.taskrouter.v1.workspaces(made.sid).delete_async() is True
