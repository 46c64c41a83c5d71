"""Scenarios: Tasks with a RoutingTarget (semantics 2.8)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from engine.errors import Invalid
from tests.scenarios.documents import EVERY, by_kind, kind, one_filter
from tests.scenarios.play import Play
from tests.scenarios.registry import scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site

SLA: Final = "RoutingTarget SLA for Reservation creation was not met"
CALLS: Final[dict[str, Any]] = {"kind": "call"}

# Workflow `main` takes calls only, and moves them on at once; so whoever is targeted has gone around it.
SITE: Final = Site(
    queues={"all": Queue(), "french": Queue("skills HAS 'fr'")},
    workflows={
        "main": Flow(by_kind(kind("call", "french", skip_if=EVERY, priority=7), default=None), 30),
        "other": Flow(one_filter({"queue": "all", "timeout": 10, "priority": 3}, {"queue": "french"}), 30),
    },
)


@scenario(SITE)
def the_target_is_asked_whatever_it_does(play: Play) -> None:
    """Semantics 2.8: with ignore_capacity, the default, no filter, Activity, channel or capacity counts."""
    ann = play.worker("ann", activity="Offline")
    play.worker("bo")
    play.slots(ann, "default", capacity=0)
    play.slots(ann, "chat", available=False)
    tasks = [play.task_for(ann), play.task_for(ann), play.task_for(ann, task_channel="chat")]
    assert [play.holder(task) for task in tasks] == [ann, ann, ann]
    seen = play.look(tasks[0])
    assert (seen["target"], seen["ignore_capacity"], seen["priority"]) == (ann, True, 0)
    assert (seen["queue"], seen["queue_entered_ms"], seen["revision"]) == (None, None, 1)
    channel = play.channel(ann)
    assert (channel["open"], channel["percentage"]) == (2, 0)
    play.accept(tasks[0])
    play.complete(tasks[0])
    assert play.status(tasks[0]) == "completed"


@scenario(SITE)
def a_target_whose_capacity_counts_is_waited_for_until_the_ttl(play: Play) -> None:
    """Semantics 2.8: with ignore_capacity=false the usual rules apply, and no SLA."""
    ann = play.worker("ann", activity="Offline")
    play.worker("bo")
    waits = play.task_for(ann, ignore_capacity=False, timeout=90)
    assert (play.status(waits), play.look(waits)["ignore_capacity"]) == ("pending", False)
    late = play.task_for(ann, ignore_capacity=False)
    play.skip(80)
    assert play.status(waits) == "pending"
    play.move(ann, "Available")
    assert [play.holder(task) for task in (waits, late)] == [ann, None]
    play.accept(waits)
    play.skip(86_400 - 80 - 1)
    assert play.status(late) == "pending"
    play.skip(1)
    assert play.look(late)["reason"] == "Task TTL Exceeded"


@scenario(SITE)
def a_target_has_to_be_a_member_of_the_queue_that_is_named(play: Play) -> None:
    ann = play.worker("ann", skills=["fr"], activity="Offline")
    task = play.task_for(ann, queue="french")
    assert (play.holder(task), play.queue(task)) == (ann, "french")
    assert play.look(task)["queue_entered_ms"] == T0_MS
    bo = play.worker("bo")
    with pytest.raises(Invalid):
        play.task_for(bo, queue="french")
    play.update_worker(ann, attributes="{}")
    assert play.holder(task) == ann
    play.reject(task)
    play.move(ann, "Available")
    assert play.status(task) == "pending"
    play.update_worker(ann, attributes='{"skills": ["fr"]}')
    assert play.holder(task) == ann


@scenario(SITE)
def a_target_that_leaves_the_queue_is_not_asked_by_that_change(play: Play) -> None:
    """Semantics 4.1: membership is looked at anew before a Task that rests wakes up."""
    ann = play.worker("ann", skills=["fr"])
    task = play.task_for(ann, queue="french")
    play.reject(task)
    play.update_worker(ann, attributes="{}")
    assert play.status(task) == "pending"
    play.update_worker(ann, attributes='{"skills": ["fr"]}')
    assert play.holder(task) == ann


@scenario(SITE)
def a_target_that_refuses_is_left_in_peace_until_it_changes(play: Play) -> None:
    """Semantics 2.8: pending for the same Worker, whom no other replaces, till that one changes."""
    ann = play.worker("ann")
    play.worker("bo")
    task = play.task_for(ann)
    play.reject(task)
    assert play.status(task) == "pending"
    play.update_task(task, priority=9)
    play.update_task(task, virtual_start_ms=T0_MS - 1)
    assert play.status(task) == "pending"
    play.move(ann, "Unavailable")
    assert play.holder(task) == ann
    play.reject(task, "Available")
    assert (play.status(task), play.activity(ann)) == ("pending", "Available")
    play.slots(ann, "chat", capacity=2)
    assert play.holder(task) == ann
    play.reject(task)
    play.update_task(task, attributes='{"a": 1}')
    assert play.holder(task) == ann


@scenario(SITE)
def a_target_that_refuses_is_asked_again_when_its_load_changes(play: Play) -> None:
    """Semantics 2.8: a Reservation that it gets or loses is such a change."""
    ann = play.worker("ann")
    first, second = (play.task_for(ann, ignore_capacity=False) for _ in range(2))
    assert [play.holder(task) for task in (first, second)] == [ann, None]
    play.reject(first)
    assert [play.holder(task) for task in (first, second)] == [None, ann]
    play.accept(second)
    assert play.status(first) == "pending"
    play.complete(second)
    assert play.holder(first) == ann
    play.reject(first)
    call = play.task_for("all", task_channel="chat")
    assert [play.holder(task) for task in (first, call)] == [ann, ann]


@scenario(SITE)
def a_target_that_does_not_answer_is_left_in_peace_too(play: Play) -> None:
    """The answer is due when the Workflow says; the move to the timeout Activity is part of it."""
    ann = play.worker("ann")
    task = play.task_for(ann)
    play.skip(29)
    assert play.holder(task) == ann
    play.wait(1)
    assert (play.status(task), play.activity(ann)) == ("pending", "Offline")
    play.wait(10)
    assert play.status(task) == "pending"
    play.move(ann, "Unavailable")
    assert play.holder(task) == ann


@scenario(SITE)
def a_target_that_cannot_be_reserved_for_a_minute_loses_the_task(play: Play) -> None:
    """Semantics 2.8: the minute begins anew whenever the Task is pending again, and only then."""
    ann = play.worker("ann")
    task = play.task_for(ann)
    play.wait(10)
    play.reject(task)
    play.wait(30)
    play.move(ann, "Offline")
    play.wait(5)
    offer = play.reject(task)
    play.update_task(task, priority=3)
    play.skip(59)
    assert play.status(task) == "pending"
    play.wait(1)
    seen = play.look(task)
    assert (seen["status"], seen["reason"], seen["ended_ms"]) == ("canceled", SLA, T0_MS + 105_000)
    assert play.offer(offer)["status"] == "rejected"


@scenario(SITE)
def a_minute_is_not_begun_anew_by_new_attributes(play: Play) -> None:
    ann = play.worker("ann", skills=["fr"])
    task = play.task_for(ann, queue="french")
    play.update_worker(ann, attributes="{}")
    play.reject(task)
    play.skip(30)
    play.update_task(task, attributes='{"a": 1}')
    play.update_task(task, task_channel="chat")
    assert (play.status(task), play.queue(task)) == ("pending", "french")
    play.wait(30)
    assert play.look(task)["reason"] == SLA


@scenario(SITE)
def ttl_counts_where_it_and_the_minute_are_both_over(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task_for(ann, timeout=60)
    play.reject(task)
    play.wait(60)
    assert play.look(task)["reason"] == "Task TTL Exceeded"


@scenario(SITE)
def a_deleted_target_is_waited_for_until_the_minute_or_the_ttl_is_over(play: Play) -> None:
    ann = play.worker("ann", activity="Offline")
    soon, late = play.task_for(ann), play.task_for(ann, ignore_capacity=False, timeout=90)
    play.reject(soon)
    play.delete_worker(ann)
    with pytest.raises(Invalid):
        play.task_for(ann)
    play.skip(59)
    assert play.status(soon) == "pending"
    play.wait(1)
    assert play.look(soon)["reason"] == SLA
    play.skip(29)
    assert play.status(late) == "pending"
    play.wait(1)
    assert play.look(late)["reason"] == "Task TTL Exceeded"


@scenario(SITE)
def a_targeted_task_has_its_place_in_the_order_of_its_worker(play: Play) -> None:
    ann = play.worker("ann", skills=["fr"])
    play.slots(ann, "default", available=False)
    low, high = play.task_for("french"), play.task_for("all", priority=9)
    own = play.task_for(ann, ignore_capacity=False, priority=5)
    filed = play.task_for(ann, queue="french", ignore_capacity=False, priority=7)
    play.slots(ann, "default", available=True)
    assert play.served([low, high, own, filed]) == [high, filed, own, low]


@scenario(SITE)
def a_target_queue_takes_the_task_past_all_filters(play: Play) -> None:
    """Semantics 2.8: no step, so no priority, timeout or skip; it waits until its TTL."""
    task = play.task_for("french", attributes=CALLS, timeout=90)
    stranger = play.task_for("all")
    assert (play.queue(task), play.queue(stranger)) == ("french", "all")
    seen = play.look(task)
    assert (seen["priority"], seen["revision"], seen["ignore_capacity"]) == (0, 0, False)
    play.worker("ann")
    assert (play.status(task), play.status(stranger)) == ("pending", "reserved")
    play.update_task(task, attributes='{"kind": "unknown"}')
    assert (play.status(task), play.queue(task)) == ("pending", "french")
    play.skip(89)
    assert play.status(task) == "pending"
    play.wait(1)
    assert play.look(task)["reason"] == "Task TTL Exceeded"
    play.delete_task(stranger)
    other = play.task_for("french")
    bo = play.worker("bo", skills=["fr"])
    assert play.holder(other) == bo


@scenario(SITE)
def a_target_workflow_routes_the_task(play: Play) -> None:
    """Semantics 2.8, whatever WorkflowSid says."""
    tasks = [play.task_for("other"), play.task_for("other", None), play.task("other")]
    for task in tasks:
        assert (play.queue(task), play.look(task)["priority"]) == ("all", 3)
    assert len({play.look(task)["workflow"] for task in tasks}) == 1
    assert [play.look(task)["target"] is None for task in tasks] == [False, False, True]
    play.wait(10)
    assert [play.queue(task) for task in tasks] == ["french"] * 3
    with pytest.raises(Invalid):
        play.task_for("main", attributes={"kind": "unknown"})


@scenario(SITE)
def a_target_that_makes_no_sense_is_refused_by_name(play: Play) -> None:
    """Semantics 2.8 and 2.2."""
    ann, bo = play.worker("ann"), play.worker("bo", skills=["fr"])
    refused: list[tuple[str, dict[str, Any]]] = [
        *(("routing_target", {"target": prefix + "0" * 32}) for prefix in ("WK", "WQ", "WW", "WT", "WS")),
        ("routing_target", {"target": "nonsense"}),
        ("routing_target", {"target": ann, "queue": "french"}),
        *(("ignore_capacity", {"target": "all", "ignore_capacity": value}) for value in (True, False)),
        ("ignore_capacity", {"target": "other", "ignore_capacity": True}),
        ("task_queue_sid", {"target": "all", "queue": "all"}),
        ("task_queue_sid", {"target": bo, "task_queue_sid": "WQ" + "0" * 32}),
    ]
    for field, given in refused:
        with pytest.raises(Invalid) as refusal:
            play.task_for(**given)
        assert (given, refusal.value.field) == (given, field)
    alone: list[dict[str, Any]] = [{"ignore_capacity": True}, {"task_queue_sid": "WQ" + "0" * 32}]
    for given in alone:
        with pytest.raises(Invalid) as refusal:
            play.task("other", **given)
        assert [refusal.value.field] == list(given)
    assert play.see()["tasks"] == {}
