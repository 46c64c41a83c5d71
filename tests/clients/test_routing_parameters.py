"""Targets, rounds, refusals at leaving, single-tasking and re-evaluation, by the original's Python client."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.clients.fields import complaints
from tests.clients.site import Site, build_site, created, until
from tests.clients.stack import Stack

NOBODY = "0" * 32


@pytest.fixture
def workspace(client: Client, site: Site) -> Any:
    return client.taskrouter.v1.workspaces(site.workspace["sid"])


def refused(call: Any, *args: Any, **given: Any) -> tuple[int, int, str]:
    with pytest.raises(TwilioRestException) as error:
        call(*args, **given)
    return error.value.status, error.value.code, error.value.msg.partition(": ")[2]


def offers(task: Any, count: int = 1) -> list[Any]:
    """The Task's pending Reservations, once there are so many."""

    def look() -> list[Any] | None:
        found = task.reservations.list(reservation_status="pending")
        return found if len(found) == count else None

    return until(look)


def offline(site: Site) -> str:
    sid: str = site.workspace["default_activity_sid"]
    return sid


def settled(site: Site, worker: str) -> None:
    """Waits until a matcher has looked at a new Worker: it is listed with the queue's, and can be offered work."""
    task = site.task(RoutingTarget=worker)
    site.offer(task)
    site.http.delete(site.path(f"/Tasks/{task['sid']}"))


def test_a_task_for_one_worker_finds_it_whatever_it_does(workspace: Any, site: Site) -> None:
    away = workspace.workers.create("Away", activity_sid=offline(site))
    task = workspace.tasks.create(routing_target=away.sid, attributes="{}")
    assert (task.routing_target, task.ignore_capacity) == (away.sid, True)
    assert (task.task_queue_sid, task.task_queue_friendly_name, task.task_queue_entered_date) == (None,) * 3
    assert task.workflow_sid == site.workflow["sid"]
    (offer,) = offers(task)
    assert offer.worker_sid == away.sid
    fetched = site.get(f"/Tasks/{task.sid}").json()
    assert complaints("task", fetched) == []
    assert (fetched["routing_target"], fetched["ignore_capacity"]) == (away.sid, True)
    assert fetched["links"]["task_queue"] is None
    assert [t.sid for t in workspace.tasks.list(routing_target=away.sid)] == [task.sid]
    assert workspace.tasks.list(routing_target=site.worker["sid"]) == []
    accepted = offer.update(reservation_status="accepted")
    assert accepted.reservation_status == "accepted"


@pytest.mark.parametrize("word", ["false", "no", "0", "whatever"])
def test_a_task_that_respects_capacity_waits_for_its_worker(workspace: Any, site: Site, word: str) -> None:
    away = workspace.workers.create("Away", activity_sid=offline(site))
    task = workspace.tasks.create(
        routing_target=away.sid, ignore_capacity=word, task_queue_sid=site.queue["sid"], attributes="{}"
    )
    assert (task.routing_target, task.ignore_capacity) == (away.sid, False)
    assert (task.task_queue_sid, task.task_queue_friendly_name) == (site.queue["sid"], "Everyone")
    assert task.fetch().assignment_status == "pending"
    away.update(activity_sid=site.available["sid"])
    (offer,) = offers(task)
    assert offer.worker_sid == away.sid


@pytest.mark.parametrize("word", ["true", "1", "YES"])
def test_ignoring_capacity_may_be_said(workspace: Any, site: Site, word: str) -> None:
    task = workspace.tasks.create(routing_target=site.worker["sid"], ignore_capacity=word)
    assert task.ignore_capacity is True


def test_a_task_for_a_queue_or_a_workflow(workspace: Any, site: Site) -> None:
    other = workspace.task_queues.create("Other", target_workers="1==2")
    direct = workspace.tasks.create(routing_target=other.sid, attributes="{}")
    assert (direct.routing_target, direct.ignore_capacity) == (other.sid, False)
    assert (direct.task_queue_sid, direct.assignment_status) == (other.sid, "pending")
    document = json.dumps({"task_routing": {"default_filter": {"queue": other.sid}}})
    flow = workspace.workflows.create("Second", document)
    routed = workspace.tasks.create(routing_target=flow.sid, attributes="{}")
    assert (routed.routing_target, routed.workflow_sid, routed.task_queue_sid) == (
        flow.sid,
        flow.sid,
        other.sid,
    )
    plain = workspace.tasks.create(workflow_sid=site.workflow["sid"], attributes="{}")
    assert (plain.routing_target, plain.ignore_capacity) == (None, False)


def test_a_target_that_makes_no_sense_is_refused(workspace: Any, site: Site, stack: Stack) -> None:
    worker, queue, flow = site.worker["sid"], site.queue["sid"], site.workflow["sid"]
    none = workspace.task_queues.create("None", target_workers="1==2").sid
    with httpx.Client(base_url=stack.open_url, auth=stack.stranger) as http:
        foreign = build_site(http)
        targets = (foreign.worker["sid"], foreign.queue["sid"], foreign.workflow["sid"])
        unknown = ("WK" + NOBODY, "WQ" + NOBODY, "WW" + NOBODY)
        for theirs, nobodys in zip(targets, unknown, strict=True):
            told = refused(workspace.tasks.create, routing_target=theirs)
            assert told[:2] == (400, 20001)
            assert told[2].startswith("RoutingTarget: ")
            again = refused(workspace.tasks.create, routing_target=nobodys)
            assert again[2].replace(nobodys, theirs) == told[2]
        http.delete(foreign.path(""))
    cases: tuple[tuple[dict[str, str], str], ...] = (
        ({"routing_target": "nonsense"}, "RoutingTarget"),
        ({"routing_target": "WT" + NOBODY}, "RoutingTarget"),
        ({"ignore_capacity": "true"}, "IgnoreCapacity"),
        ({"routing_target": queue, "ignore_capacity": "false"}, "IgnoreCapacity"),
        ({"routing_target": flow, "ignore_capacity": "true"}, "IgnoreCapacity"),
        ({"task_queue_sid": queue}, "TaskQueueSid"),
        ({"routing_target": queue, "task_queue_sid": queue}, "TaskQueueSid"),
        ({"routing_target": worker, "task_queue_sid": "WQ" + NOBODY}, "TaskQueueSid"),
        ({"routing_target": worker, "task_queue_sid": "nonsense"}, "TaskQueueSid"),
        ({"routing_target": worker, "task_queue_sid": none}, "RoutingTarget"),
    )
    for given, named in cases:
        status, code, told_of = refused(workspace.tasks.create, **given)
        assert (status, code) == (400, 20001), given
        assert told_of.startswith(f"{named}: "), (given, told_of)
    assert workspace.tasks.list() == []


def test_an_empty_target_is_none(site: Site) -> None:
    assert site.task(RoutingTarget="")["routing_target"] is None


def test_a_worker_who_leaves_may_reject_all_it_was_offered(workspace: Any, site: Site) -> None:
    worker = workspace.workers(site.worker["sid"])
    worker.worker_channels("default").update(capacity=3)
    made = [workspace.tasks.create(attributes="{}") for _ in range(3)]
    mine = [offers(task)[0] for task in made]
    left = worker.update(activity_sid=offline(site), reject_pending_reservations=True)
    assert (left.activity_sid, left.available) == (offline(site), False)
    assert [offer.fetch().reservation_status for offer in mine] == ["rejected"] * 3
    assert {task.fetch().assignment_status for task in made} == {"pending"}


def test_a_worker_who_stays_available_cannot(workspace: Any, site: Site) -> None:
    (offer,) = offers(workspace.tasks.create(attributes="{}"))
    worker = workspace.workers(site.worker["sid"])
    for given in ({}, {"activity_sid": site.available["sid"]}):
        status, code, told = refused(worker.update, reject_pending_reservations=True, **given)
        assert (status, code) == (400, 20001)
        assert told.startswith("RejectPendingReservations: ")
    assert offer.fetch().reservation_status == "pending"
    same = worker.update(reject_pending_reservations=False, friendly_name="Bea")
    assert same.friendly_name == "Bea"
    wrong = site.post(f"/Workers/{site.worker['sid']}", {"RejectPendingReservations": "perhaps"})
    assert (wrong.status_code, wrong.json()["message"]) == (
        400,
        "RejectPendingReservations: must be true or false",
    )


def test_a_round_goes_to_several_workers_and_the_first_takes_it(workspace: Any, site: Site) -> None:
    for name in ("Bo", "Cy"):
        settled(site, workspace.workers.create(name, activity_sid=site.available["sid"]).sid)
    queue = workspace.task_queues(site.queue["sid"]).update(max_reserved_workers=2)
    assert queue.max_reserved_workers == 2
    task = workspace.tasks.create(attributes="{}")
    first, second = offers(task, 2)
    assert first.worker_sid != second.worker_sid
    assert first.update(reservation_status="accepted").reservation_status == "accepted"
    assert second.fetch().reservation_status == "rescinded"
    assert refused(second.update, reservation_status="accepted")[:2] == (410, 20410)
    assert refused(second.update, reservation_status="rejected")[:2] == (400, 20001)
    for wrong in ("0", "51", "two"):
        answer = site.post(f"/TaskQueues/{site.queue['sid']}", {"MaxReservedWorkers": wrong})
        assert answer.json()["message"] == "MaxReservedWorkers: must be an integer from 1 to 50"


def test_a_single_tasking_workspace_moves_workers_from_activity_to_activity(client: Client) -> None:
    made = client.taskrouter.v1.workspaces.create("Single", multi_task_enabled=False, template="FIFO")
    assert made.multi_task_enabled is False
    workspace = client.taskrouter.v1.workspaces(made.sid)
    activities = {a.friendly_name: a for a in workspace.activities.list()}
    assert {name: a.available for name, a in activities.items()} == {
        "Offline": False,
        "Idle": True,
        "Busy": False,
        "Reserved": False,
    }
    worker = workspace.workers.create("Ann", activity_sid=activities["Idle"].sid)
    task = workspace.tasks.create(attributes="{}")
    (offer,) = offers(task)
    assert worker.fetch().activity_name == "Reserved"
    offer.update(reservation_status="accepted")
    assert worker.fetch().activity_name == "Busy"
    assert refused(offer.update, reservation_status="wrapping")[:2] == (400, 20001)
    assert refused(task.update, assignment_status="wrapping")[:2] == (400, 20001)
    offer.update(reservation_status="completed")
    assert worker.fetch().activity_name == "Busy"
    empty = refused(workspace.task_queues.create, "Q")
    assert empty == (400, 20001, "Activity Sids cannot be empty")
    queue = workspace.task_queues.list()[0]
    assert refused(queue.update, assignment_activity_sid="")[2] == "Activity Sids cannot be empty"
    assert workspace.update(multi_task_enabled=True).multi_task_enabled is True
    assert refused(workspace.update, multi_task_enabled=False)[:2] == (400, 20001)
    assert made.delete() is True


def test_waiting_tasks_follow_a_new_document_only_when_asked(workspace: Any, site: Site) -> None:
    one = workspace.task_queues.create("One", target_workers="1==2")
    two = workspace.task_queues.create("Two", target_workers="1==2")

    def document(queue: Any) -> str:
        return json.dumps({"task_routing": {"default_filter": {"queue": queue.sid}}})

    flow = workspace.workflows.create("Moved", document(one))
    task = workspace.tasks.create(workflow_sid=flow.sid, attributes="{}")
    for word in (None, "false"):
        given = {} if word is None else {"re_evaluate_tasks": word}
        flow.update(configuration=document(two), **given)
        assert task.fetch().task_queue_sid == one.sid
    assert workspace.tasks.create(workflow_sid=flow.sid).task_queue_sid == two.sid
    for word in ("1", "yes", "perhaps"):
        told = refused(flow.update, re_evaluate_tasks=word)
        assert told == (400, 20001, "ReEvaluateTasks: must be true or false")
    flow.update(re_evaluate_tasks="true")
    until(lambda: task.fetch().task_queue_sid == two.sid or None)


def test_steps_that_wait_skip_and_name_a_worker_are_taken(workspace: Any, site: Site) -> None:
    queue = workspace.task_queues.create("Nobody", target_workers="1==2")
    steps = [
        {"queue": queue.sid, "known_worker_friendly_name": "task.who", "timeout": 1},
        {"queue": queue.sid, "skip_if": "workers.available == 0"},
        {"queue": site.queue["sid"], "priority": 9},
    ]
    text = json.dumps({"task_routing": {"filters": [{"expression": "1==1", "targets": steps}]}})
    flow = created(site.post("/Workflows", {"FriendlyName": "Steps", "Configuration": text}))
    task = workspace.tasks.create(workflow_sid=flow["sid"], attributes='{"who": "Ann"}')
    assert task.task_queue_sid == queue.sid
    (offer,) = offers(task)
    found = task.fetch()
    assert (offer.worker_sid, found.task_queue_sid, found.priority) == (
        site.worker["sid"],
        site.queue["sid"],
        9,
    )
