"""Every type of event with what it shows (semantics 9.2 to 9.4), from one day on which all of them happen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from engine.checks import EVENT_TYPES
from engine.event_types import TYPES
from engine.events import Event
from tests.redis.fake_lab import FakeLab
from tests.scenarios.documents import EVERY, by_kind, kind
from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.play import Play
from tests.scenarios.site import T0_MS, Flow, Queue, Site

TEN: Final[dict[str, Any]] = {"timeout": 10}
STEPS: Final = {
    "filter_friendly_name": "By steps",
    "expression": "kind == 'steps'",
    "targets": [{"queue": "a", **TEN}, {"queue": "b", "expression": "1==2", **TEN}],
}
DOCUMENT: Final = by_kind(
    STEPS,
    kind("known", "a", known_worker_sid="task.agent"),
    kind("round", "many"),
    default={"queue": "a"},
)
STRICT: Final = by_kind(kind("skip", "b", skip_if=EVERY, expression="1==2"))
SITE: Final = Site(
    queues={"a": Queue(), "b": Queue(), "many": Queue(max_reserved=2)},
    workflows={"main": Flow(DOCUMENT), "strict": Flow(STRICT)},
)

TASK: Final = {"task_sid", "task_attributes", "task_age", "task_priority", "task_assignment_status"} | {
    "task_addons", "task_channel_sid", "task_channel_unique_name",
}  # fmt: skip
QUEUE: Final = {"task_queue_sid", "task_queue_name", "task_queue_target_expression"}
FLOW: Final = {"workflow_sid", "workflow_name"}
WORKER: Final = {"worker_sid", "worker_name", "worker_attributes", "worker_version"} | {
    "worker_activity_sid", "worker_activity_name",
}  # fmt: skip
CHANNEL: Final = {"task_channel_sid", "task_channel_unique_name"} | {
    "worker_channel_available", "worker_channel_available_capacity", "worker_channel_task_count",
}  # fmt: skip
PREVIOUS: Final = {"worker_previous_activity_sid", "worker_previous_activity_name"} | {
    "worker_time_in_previous_activity", "worker_time_in_previous_activity_ms",
}  # fmt: skip
ROUTED: Final = TASK | QUEUE | FLOW
OFFERED: Final = ROUTED | WORKER | {"reservation_sid"}
MATCH: Final = {"workflow_filter_name", "workflow_filter_expression"}


def each(family: str, actions: str, *groups: set[str]) -> dict[str, set[str]]:
    return {f"{family}.{action}": set().union(*groups) for action in actions.split()}


SHOWN: Final[dict[str, set[str]]] = {
    **each("workspace", "created updated"),
    **each("activity", "created updated deleted", {"activity_sid", "activity_name", "activity_available"}),
    **each("task-channel", "created updated deleted", {"task_channel_name", "task_channel_optimized_routing"} | {
        "task_channel_sid", "task_channel_unique_name",
    }),
    **each("task-queue", "created deleted expression.updated updated", QUEUE),
    **each("task-queue", "entered moved timeout", ROUTED),
    **each("workflow", "created updated deleted", FLOW),
    **each("workflow", "entered timeout skipped", ROUTED),
    **each("workflow", "target-matched", ROUTED, MATCH),
    **each("worker", "created deleted attributes.update", WORKER),
    **each("worker", "activity.update", WORKER, PREVIOUS),
    **each("worker", "capacity.update", WORKER, CHANNEL, {"worker_channel_previous_capacity"}),
    **each("worker", "channel.availability.update", WORKER, CHANNEL),
    **each("task", "created updated deleted system-deleted", ROUTED),
    **each("task", "canceled", ROUTED, {"task_canceled_reason"}),
    **each("task", "completed", ROUTED, WORKER, {"task_completed_reason"}),
    **each("task", "wrapup", ROUTED, WORKER),
    **each("task", "alert", ROUTED, {"alert_code"}),
    **each("reservation", "created accepted rejected timeout canceled rescinded wrapup completed", OFFERED),
    **each("reservation", "failed", TASK, FLOW),
}  # fmt: skip
# What a log cannot show, and what tests/redis/test_media_setups.py makes.
ELSEWHERE: Final = {"workspace.deleted", "reservation.instruction"}


class Day:
    """What was done, and the events of it."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.site = lab, EngineDriver(lab, SITE)
        self.play = Play(self.site)
        self.at = (lab.account, self.site.workspace)
        self.configure()
        self.people()
        self.tasks()
        self.events = self.site.logged()

    def configure(self) -> None:
        engine, run = self.lab.engine, self.lab.run
        run(engine.workspaces.update(*self.at, friendly_name="Renamed"))
        lunch = run(engine.activities.create(*self.at, friendly_name="Lunch", available=False)).value.sid
        run(engine.activities.update(*self.at, lunch, friendly_name="Long lunch"))
        run(engine.activities.delete(*self.at, lunch))
        fax = run(engine.task_channels.create(*self.at, friendly_name="Fax", unique_name="fax")).value.sid
        run(engine.task_channels.update(*self.at, fax, channel_optimized_routing=True))
        run(engine.task_channels.delete(*self.at, fax))
        spare = run(engine.task_queues.create(*self.at, friendly_name="Spare")).value.sid
        run(engine.task_queues.update(*self.at, spare, target_workers="level > 1"))
        run(engine.task_queues.update(*self.at, spare, friendly_name="Spare | 2"))
        document = json.dumps({"task_routing": {"default_filter": {"queue": spare}}})
        flow = run(engine.workflows.create(*self.at, friendly_name="Other", configuration=document)).value.sid
        run(engine.workflows.update(*self.at, flow, friendly_name="Another"))
        run(engine.workflows.delete(*self.at, flow))
        run(engine.task_queues.delete(*self.at, spare))

    def people(self) -> None:
        play = self.play
        self.ann = play.worker("ann", level=1)
        play.update_worker(self.ann, attributes='{"level": 2}')
        play.wait(2.5)
        play.move(self.ann, "Offline")
        play.slots(self.ann, "voice", capacity=3)
        play.slots(self.ann, "voice", available=False)
        gone = play.worker("go|ne", "Offline", note="x|y")
        play.delete_worker(gone)

    def tasks(self) -> None:
        play = self.play
        self.moved = play.task(attributes={"kind": "steps"})
        play.wait(25)  # through both steps and out
        self.site.logged()  # a relay is there all the time: what has ended is gone after 5 minutes
        play.task("strict", attributes={"kind": "skip"})
        play.task(attributes={"kind": "known", "agent": "WK" + "0" * 32}, timeout=5)
        self.canceled = play.task()
        play.update_task(self.canceled, attributes='{"a": 1}')
        play.update_task(self.canceled, assignment_status="canceled", reason="gave | up")
        play.move(self.ann, "Available")
        self.done = play.task(attributes={"kind": "known", "agent": self.ann})
        play.reject(self.done)
        self.reserved = play.accept(self.done)
        play.wait(1)
        play.update_task(self.done, assignment_status="wrapping", reason="done")
        play.complete(self.done)
        self.offered = play.task()
        play.update_task(self.offered, assignment_status="canceled")
        self.unanswered = play.task()
        play.wait(121)
        self.site.logged()
        play.delete_task(self.unanswered)
        play.move(self.ann, "Available")
        bo = play.worker("bo")
        play.accept_by(play.task(attributes={"kind": "round"}), bo)
        play.move(bo, "Offline")
        self.aimed = play.task_for(bo)
        play.reject(self.aimed)
        play.wait(61)
        self.long = play.task()
        play.accept(self.long)
        self.site.logged()
        play.skip(86_400)

    def of(self, kind: str, task: str | None = None) -> list[Event]:
        return [e for e in self.events if e.type == kind and task in (None, e.data.get("task_sid"))]


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    with FakeLab() as lab:
        yield Day(lab)


def test_the_table_has_every_type_that_can_be_logged() -> None:
    names = {one.name for one in TYPES}
    assert SHOWN.keys() == names - ELSEWHERE
    known = {one.name for one in TYPES if one.public}
    transfers = {name for name in EVENT_TYPES if name.startswith("task.transfer")}  # there are none yet
    assert known == EVENT_TYPES - transfers


def left_out(day: Day, event: Event) -> set[str]:
    """What need not be there: a Task for one Worker has no queue, the default filter no name, an end no reason."""
    missing = {"task_canceled_reason"}
    if event.data.get("task_sid") == day.aimed:
        missing |= QUEUE
    if event.data.get("workflow_filter_name") != "By steps":
        missing |= {"workflow_filter_name"}
    if "kind" not in event.data.get("task_attributes", ""):
        missing |= MATCH
    return missing


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_type_shows_the_fields_of_its_groups(day: Day, name: str) -> None:
    found = day.of(name)
    assert found, "it did not happen"
    for event in found:
        assert SHOWN[name] - event.data.keys() - left_out(day, event) == set()
        assert all(isinstance(value, str) and value != "" for value in event.data.values())
        assert event.data["workspace_sid"] == event.actor_sid == day.site.workspace
        assert event.resource_sid[:2] in {"WS", "WA", "TC", "WQ", "WW", "WK", "WT", "WR"}
        assert "{" not in event.description


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_type_shows_nothing_of_other_groups(day: Day, name: str) -> None:
    extra = {"workspace_sid", "workspace_name", "known_worker_sid"}
    if name.startswith("task.") and name != "task.created":
        extra |= WORKER
    if name == "reservation.failed":
        extra |= QUEUE
    for event in day.of(name):
        assert event.data.keys() - SHOWN[name] - extra == set()


def test_the_observed_descriptions(day: Day) -> None:
    """Semantics 9.4."""
    task, (done,) = day.done, day.of("reservation.completed", day.done)
    told = {event.type: event.description for event in day.events if event.data.get("task_sid") == task}
    assert told["task.created"] == f"Task {task} created"
    assert told["workflow.entered"] == f"Task {task} entered Workflow main"
    assert told["workflow.target-matched"] == f"Task {task} matched a workflow target"
    assert told["task-queue.entered"] == f"Task {task} entered TaskQueue a"
    assert told["reservation.accepted"] == f"Reservation {day.reserved} accepted"
    assert told["task.completed"] == f"Task {task} completed"
    assert done.description == f"Reservation {day.reserved} completed"
    assert {event.description for event in day.of("worker.created")} >= {"Worker ann created"}
    assert [event.description for event in day.of("worker.deleted")] == ["Worker go|ne deleted"]
    assert day.of("worker.activity.update")[0].description == "Worker ann updated to Offline Activity"
    assert day.of("task.canceled", day.canceled)[0].description == "gave | up"
    assert day.of("task.canceled", day.offered)[0].description == f"Task {day.offered} canceled"
    assert "Task TTL Exceeded" in {event.description for event in day.of("task.canceled")}


def test_a_normal_task_tells_its_life_in_order(day: Day) -> None:
    """Semantics 6.11."""
    events = [event for event in day.events if event.data.get("task_sid") == day.done]
    assert [event.type for event in events] == [
        "task.created",
        "workflow.entered",
        "workflow.target-matched",
        "task-queue.entered",
        "reservation.created",
        "reservation.rejected",
        "reservation.created",
        "reservation.accepted",
        "reservation.wrapup",
        "task.wrapup",
        "reservation.completed",
        "task.completed",
    ]
    assert len({event.seq for event in events[:4]}) == 1
    assert [event.data["task_assignment_status"] for event in events[4:]] == [
        "reserved", "pending", "reserved", "assigned", "wrapping", "wrapping", "completed", "completed",
    ]  # fmt: skip
    assert {event.resource_type for event in events} == {"task", "reservation"}
    assert all(event.task_created_ms == events[0].at_ms for event in events)
    assert all(event.task_queue_entered_ms == events[0].at_ms for event in events)
    assert events[-1].data["task_age"] == "1"
    assert events[-1].data["task_completed_reason"] == "All reservations were completed"
    assert {event.data["known_worker_sid"] for event in events} == {day.ann}


def test_a_task_that_times_out_of_its_steps_shows_each_queue_it_was_in(day: Day) -> None:
    events = [event for event in day.events if event.data.get("task_sid") == day.moved]
    rows = [
        (event.type, event.data["task_queue_name"], (event.at_ms - events[0].at_ms) // 1000)
        for event in events
    ]
    assert rows == [
        ("task.created", "a", 0),
        ("workflow.entered", "a", 0),
        ("workflow.target-matched", "a", 0),
        ("task-queue.entered", "a", 0),
        ("task-queue.timeout", "a", 10),
        ("task-queue.moved", "a", 10),
        ("task-queue.entered", "b", 10),
        ("task.updated", "b", 10),
        ("workflow.target-matched", "b", 10),
        ("task-queue.timeout", "b", 20),
        ("workflow.timeout", "b", 20),
        ("task.canceled", "b", 20),
    ]
    matched = events[2].data
    assert (matched["workflow_filter_name"], matched["workflow_filter_expression"]) == (
        "By steps", '["kind == \'steps\'"]',
    )  # fmt: skip
    assert events[6].task_queue_entered_ms == events[6].at_ms
    assert events[-1].task_queue_entered_ms == events[6].at_ms


def test_a_change_of_activity_shows_what_was_before_and_for_how_long(day: Day) -> None:
    data = day.of("worker.activity.update")[0].data
    assert (data["worker_previous_activity_name"], data["worker_activity_name"]) == ("Available", "Offline")
    assert data["worker_time_in_previous_activity_ms"] == "2500"
    assert data["worker_time_in_previous_activity"] == "2"


def test_a_change_of_capacity_shows_the_one_before(day: Day) -> None:
    (changed,), (closed,) = day.of("worker.capacity.update"), day.of("worker.channel.availability.update")
    names = ("worker_channel_available_capacity", "worker_channel_available", "task_channel_unique_name")
    assert [changed.data[name] for name in names] == ["3", "true", "voice"]
    assert changed.data["worker_channel_previous_capacity"] == "1"
    assert [closed.data[name] for name in names] == ["3", "false", "voice"]


def test_what_was_deleted_is_shown_as_it_was(day: Day) -> None:
    (worker,) = day.of("worker.deleted")
    assert (worker.data["worker_name"], worker.data["worker_attributes"]) == ("go|ne", '{"note": "x|y"}')
    assert day.of("task-queue.deleted")[0].data["task_queue_name"] == "Spare | 2"
    assert day.of("task-queue.created")[-1].data["task_queue_target_expression"] == "1==1"
    assert day.of("activity.created")[0].data["activity_name"] == "Lunch"
    assert day.of("workflow.deleted")[0].data["workflow_name"] == "Another"
    (task,) = day.of("task.deleted")
    assert task.data["task_sid"] == day.unanswered
    assert task.data["task_assignment_status"] == "pending"
    assert task.task_created_ms is not None
    assert task.task_created_ms >= T0_MS


def test_a_round_that_one_rejects_is_still_reserved(day: Day) -> None:
    """Of an end of a Reservation that does not say it, the Task's status is told."""
    (system,) = day.of("task.system-deleted", day.long)
    assert system.data["task_assignment_status"] == "assigned"
    canceled = {event.data["task_assignment_status"] for event in day.of("reservation.canceled")}
    assert canceled == {"canceled"}
    play = day.play
    for worker in play.see()["workers"]:
        play.move(worker, "Available")
    task = play.task(attributes={"kind": "round"})
    holders = sorted(play.holders(task))
    assert len(holders) == 2
    for worker in holders:
        play.reject_by(task, worker)
    day.events = day.site.logged()
    statuses = [event.data["task_assignment_status"] for event in day.of("reservation.rejected", task)]
    assert statuses == ["reserved", "pending"]
