"""Scenarios: Reservations whose assignment callback nobody answers (semantics 8.2)."""

from __future__ import annotations

from typing import Final

import pytest

from engine.errors import IllegalState
from tests.scenarios.documents import by_kind, flow, one_filter
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.single import SINGLE
from tests.scenarios.site import Flow, Queue, Site

UNREACHABLE: Final = 15003


@scenario(one_queue())
def n23_a_task_whose_callbacks_fail_is_routed_again_after_a_delay(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    offer = play.fail_callback(task)
    assert (play.offer(offer)["status"], play.status(task)) == ("canceled", "pending")
    assert (play.activity(ann), play.channel(ann)["open"]) == ("Available", 0)
    assert play.alerts() == [(task, UNREACHABLE)]
    play.wait(0.999)
    assert play.status(task) == "pending"
    play.wait(0.001)
    assert play.holder(task) == ann
    assert play.offer_of(task) != offer


@scenario(one_queue())
def the_delay_doubles_with_every_failure_in_a_row_up_to_half_a_minute(play: Play) -> None:
    play.worker("ann")
    task = play.task()
    for delay_s in (1, 2, 4, 8, 16, 30, 30, 30):
        play.fail_callback(task)
        play.wait(delay_s - 0.001)
        assert play.status(task) == "pending"
        play.wait(0.001)
        assert play.status(task) == "reserved"
    play.answer_callback()
    play.fail_callback(task)
    play.wait(1)
    assert play.status(task) == "reserved"


@scenario(one_queue())
def failures_inside_one_delay_are_one_failure(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=3)
    tasks = [play.task() for _ in range(3)]
    play.fail_callback(tasks[0])
    play.wait(0.5)
    play.fail_callback(tasks[1])
    play.fail_callback(tasks[2])
    play.wait(0.5)
    assert [play.status(task) for task in tasks] == ["reserved", "pending", "pending"]
    play.wait(0.5)
    assert [play.status(task) for task in tasks] == ["reserved"] * 3


@scenario(
    Site(
        queues={"all": Queue()},
        workflows={name: Flow(by_kind(default={"queue": "all"})) for name in ("main", "other")},
    )
)
def a_workflow_that_fails_delays_no_other(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=3)
    first, second = play.task(), play.task("other")
    for _ in range(3):
        play.fail_callback(first)
        play.wait(4)
    play.fail_callback(second)
    play.wait(1)
    assert play.status(second) == "reserved"


@scenario(one_queue())
def whoever_is_freed_by_a_failure_gets_the_next_task_at_once(play: Play) -> None:
    ann = play.worker("ann")
    first, second = play.task(), play.task()
    assert play.holder(second) is None
    play.fail_callback(first)
    assert (play.holder(second), play.status(first)) == (ann, "pending")
    play.wait(1)
    assert play.status(first) == "pending"
    play.accept(second)
    play.complete(second)
    assert play.holder(first) == ann


@scenario(one_queue())
def only_a_pending_reservation_can_fail(play: Play) -> None:
    play.worker("ann")
    task = play.task()
    play.accept(task)
    with pytest.raises(IllegalState):
        play.fail_callback(task)
    assert play.status(task) == "assigned"


@scenario(one_queue())
def the_time_of_a_delayed_task_ends_as_ever(play: Play) -> None:
    play.worker("ann")
    task = play.task(timeout=10)
    play.wait(9.5)
    play.fail_callback(task)
    play.wait(0.5)
    assert (play.status(task), play.look(task)["reason"]) == ("canceled", "Task TTL Exceeded")


@scenario(one_queue())
def a_delayed_task_can_be_given_up_and_deleted(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=2)
    first, second = play.task(), play.task()
    play.fail_callback(first)
    play.fail_callback(second)
    play.update_task(first, assignment_status="canceled")
    play.delete_task(second)
    play.wait(2)
    assert (play.status(first), play.status(second)) == ("canceled", "gone")
    assert play.channel(ann)["open"] == 0


@scenario(one_queue())
def a_delayed_task_keeps_its_delay_when_its_priority_changes(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.fail_callback(task)
    play.update_task(task, priority=7)
    assert play.status(task) == "pending"
    play.wait(1)
    assert (play.holder(task), play.look(task)["priority"]) == (ann, 7)


@scenario(flow(by_kind(default={"queue": "all"}), "all"))
def new_attributes_end_the_delay(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.fail_callback(task)
    play.update_task(task, attributes='{"kind": "other"}')
    assert play.holder(task) == ann
    play.wait(1)
    assert play.holder(task) == ann


@scenario(flow(one_filter({"queue": "a", "timeout": 10}, {"queue": "b"}), "a", "b"))
def a_step_that_ends_meanwhile_ends_the_delay(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.wait(9.5)
    play.fail_callback(task)
    play.wait(0.499)
    assert (play.status(task), play.queue(task)) == ("pending", "a")
    play.wait(0.001)
    assert (play.holder(task), play.queue(task)) == (ann, "b")


@scenario(flow(one_filter({"queue": "a", "timeout": 10}, {"queue": "b"}), "a", "b"))
def a_task_whose_step_is_over_already_goes_on_at_once(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.wait(11)
    play.fail_callback(task)
    assert (play.holder(task), play.queue(task)) == (ann, "b")


@scenario(one_queue(max_reserved=2))
def of_two_offers_one_may_fail_without_delaying_the_other(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task()
    play.fail_callback(task, ann)
    assert (play.status(task), play.holders(task)) == ("reserved", {bo})
    play.fail_callback(task, bo)
    assert play.status(task) == "pending"
    play.wait(1)
    assert play.holders(task) == {ann, bo}


@scenario(SINGLE)
def a_failure_gives_a_single_tasking_worker_its_activity_back(play: Play) -> None:
    ann = play.worker("ann", activity="Idle")
    task = play.task()
    assert play.activity(ann) == "Reserved"
    play.fail_callback(task)
    assert (play.status(task), play.activity(ann)) == ("pending", "Idle")
    play.wait(1)
    assert play.holder(task) == ann


@scenario(one_queue())
def a_target_whose_callback_failed_is_offered_the_task_again(play: Play) -> None:
    """It has not refused, so it is not left in peace until it changes."""
    ann = play.worker("ann")
    task = play.task_for(ann, ignore_capacity=False)
    play.fail_callback(task)
    assert play.status(task) == "pending"
    play.wait(1)
    assert play.holder(task) == ann


@scenario(one_queue())
def a_queue_that_changes_during_a_delay_counts_after_it(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.fail_callback(task)
    play.update_queue("all", target="level > 1")
    play.wait(1)
    assert play.status(task) == "pending"
    play.update_worker(ann, attributes='{"level": 2}')
    assert play.holder(task) == ann
