"""Scenarios: when a Task goes through its Workflow again, and what changed rules do to it (semantics 6.9)."""

from __future__ import annotations

from typing import Any, Final

from engine.model import Order
from tests.scenarios.documents import by_kind, flow, kind, one_filter, steps
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import T0_MS

TEN: Final[dict[str, Any]] = {"timeout": 10}
OLD: Final = one_filter({"queue": "a", **TEN}, {"queue": "b", **TEN}, {"queue": "c"})
NEW: Final = one_filter({"queue": "c", "timeout": 5}, {"queue": "a"})
NONE: Final = by_kind(kind("never", "a"))
OLD_SITE: Final = flow(OLD, "a", "b", "c")


@scenario(OLD_SITE)
def new_attributes_start_the_first_step_and_its_time_anew(play: Play) -> None:
    """Semantics 6.9: priority, age and TTL stay, the base of the deadlines is now."""
    task = play.task(timeout=30)
    play.wait(12)
    play.update_task(task, priority=3, virtual_start_ms=T0_MS)
    assert play.queue(task) == "b"
    play.update_task(task, attributes='{"a": 1}')
    seen = play.look(task)
    assert (play.queue(task), seen["priority"], seen["queue_entered_ms"]) == ("a", 3, T0_MS + 12_000)
    play.wait(9)
    assert play.queue(task) == "a"
    play.wait(1)
    assert play.queue(task) == "b"
    play.wait(8)
    assert play.look(task)["reason"] == "Task TTL Exceeded"


@scenario(OLD_SITE)
def another_channel_starts_the_first_step_anew_and_another_priority_does_not(play: Play) -> None:
    """Semantics 2.11 and 6.9."""
    moved, urgent = play.task(), play.task()
    play.wait(12)
    play.update_task(moved, task_channel="chat")
    play.update_task(urgent, priority=3)
    assert (play.queue(moved), play.queue(urgent)) == ("a", "b")
    play.wait(8)
    assert (play.queue(moved), play.queue(urgent)) == ("a", "c")
    play.wait(2)
    assert play.queue(moved) == "b"


@scenario(OLD_SITE)
def waiting_tasks_keep_the_document_they_entered_with(play: Play) -> None:
    """Semantics 6.9: without ReEvaluateTasks."""
    old = play.task()
    play.wait(1)
    play.update_workflow(NEW)
    new = play.task()
    assert (play.queue(old), play.queue(new)) == ("a", "c")
    assert play.look(old)["revision"] == 0
    play.wait(5)
    assert (play.queue(old), play.queue(new)) == ("a", "a")
    play.wait(4)
    assert play.queue(old) == "b"
    play.update_task(old, attributes='{"a": 1}')
    assert play.queue(old) == "c"
    play.wait(4)
    assert play.queue(old) == "c"
    play.wait(1)
    assert play.queue(old) == "a"


@scenario(OLD_SITE)
def an_offered_task_comes_back_to_the_document_it_entered_with(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.update_workflow(NEW)
    play.reject(task, "Offline")
    assert (play.status(task), play.queue(task)) == ("pending", "a")
    play.wait(10)
    assert play.queue(task) == "b"
    play.move(ann, "Available")
    play.wait(11)
    play.reject(task, "Offline")
    assert play.queue(task) == "c"


@scenario(OLD_SITE)
def all_waiting_tasks_start_anew_where_they_are_to_be_evaluated_again(play: Play) -> None:
    """Semantics 6.9: ReEvaluateTasks=true."""
    first, second = play.task(), play.task(priority=4)
    play.wait(12)
    play.update_workflow(NEW, again=True)
    assert [play.queue(task) for task in (first, second)] == ["c", "c"]
    assert [play.look(task)["priority"] for task in (first, second)] == [0, 4]
    assert play.look(first)["queue_entered_ms"] == T0_MS + 12_000
    play.wait(4)
    assert play.queue(first) == "c"
    play.wait(1)
    assert [play.queue(task) for task in (first, second)] == ["a", "a"]


@scenario(OLD_SITE)
def an_offered_task_starts_anew_when_it_is_pending_again(play: Play) -> None:
    """Semantics 6.9: ReEvaluateTasks=true and a reserved Task."""
    ann, bo = play.worker("ann"), play.worker("bo")
    offered, kept = play.task(), play.task()
    assert {play.holder(offered), play.holder(kept)} == {ann, bo}
    play.wait(3)
    play.update_workflow(NEW, again=True)
    assert (play.status(offered), play.queue(offered)) == ("reserved", "a")
    play.accept(kept)
    play.reject(offered, "Offline")
    assert (play.status(offered), play.queue(offered)) == ("pending", "c")
    play.wait(5)
    assert play.queue(offered) == "a"
    assert play.queue(kept) == "a"


@scenario(OLD_SITE)
def a_task_that_no_filter_takes_any_more_is_canceled(play: Play) -> None:
    """Semantics 6.2: on re-evaluation; the offered one once it is pending again."""
    ann = play.worker("ann")
    offered, waiting = play.task(), play.task()
    assert play.holder(offered) == ann
    play.update_workflow(NONE, again=True)
    seen = play.look(waiting)
    assert (seen["status"], seen["reason"]) == ("canceled", "No filter of the Workflow matches the Task")
    assert play.status(offered) == "reserved"
    play.reject(offered)
    assert (play.status(offered), play.activity(ann)) == ("canceled", "Available")


@scenario(OLD_SITE)
def the_same_document_again_starts_the_steps_anew_only_on_demand(play: Play) -> None:
    task = play.task()
    play.wait(9)
    play.update_workflow(OLD)
    play.wait(1)
    assert play.queue(task) == "b"
    play.update_workflow(OLD, again=True)
    assert play.queue(task) == "a"
    play.wait(10)
    assert play.queue(task) == "b"


@scenario(flow(by_kind(steps({"queue": "a", **TEN}), kind("late", "b")), "a", "b"))
def a_task_looks_for_its_next_filter_in_the_document_it_entered_with(play: Play) -> None:
    keeps, gives_up = play.task(attributes={"kind": "late"}), play.task()
    play.update_workflow(by_kind(steps({"queue": "a", **TEN})))
    play.wait(10)
    assert (play.status(keeps), play.queue(keeps)) == ("pending", "b")
    assert play.look(gives_up)["reason"] == "Workflow timed out"


@scenario(one_queue())
def waiting_tasks_follow_their_queue_and_reservations_stay(play: Play) -> None:
    """Semantics 5.1: a change of TargetWorkers leaves Reservations as they are."""
    ann, bo = play.worker("ann"), play.worker("bo", activity="Offline")
    task = play.task()
    play.update_queue("all", target="friendly_name == 'bo'")
    waits = play.task()
    assert (play.holder(task), play.status(waits)) == (ann, "pending")
    play.update_queue("all", target="friendly_name IN ['ann', 'bo']")
    play.slots(ann, "default", capacity=2)
    assert play.holder(waits) == ann
    play.update_queue("all", target="friendly_name == 'bo'")
    play.reject(task)
    assert (play.status(task), play.holder(waits)) == ("pending", ann)
    play.move(bo, "Available")
    assert play.holder(task) == bo


@scenario(OLD_SITE)
def a_changed_queue_leaves_its_tasks_in_their_step(play: Play) -> None:
    """The time of the step goes on, and neither the Task's revision nor its place changes."""
    task = play.task()
    play.wait(5)
    before = play.look(task)
    play.update_queue("a", target="1 == 2")
    play.update_queue("a", order=Order.LIFO)
    play.worker("ann")
    assert play.look(task) == before
    play.wait(5)
    assert play.status(task) == "reserved"
    assert play.queue(task) == "b"


@scenario(one_queue())
def a_queue_turned_into_a_stack_serves_the_newest_first(play: Play) -> None:
    first, second, third = (play.task(priority=9 - number) for number in range(3))
    play.update_queue("all", order=Order.LIFO)
    play.worker("ann")
    assert play.served([first, second, third]) == [third, second, first]


@scenario(one_queue(step={"skip_if": "workers.available == 0"}))
def a_queue_that_loses_its_members_keeps_the_tasks_of_the_default_step(play: Play) -> None:
    """Semantics 6.2: the default filter is left by assignment or TTL only."""
    task = play.task(timeout=60)
    play.update_queue("all", target="1 == 2")
    play.worker("ann")
    play.skip(59)
    assert play.status(task) == "pending"
    play.wait(1)
    assert play.look(task)["reason"] == "Task TTL Exceeded"


@scenario(flow(by_kind(default={"queue": "a"}), "a", answer_s=30))
def another_answering_time_counts_for_tasks_that_come_or_start_anew(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=3)
    offered = play.task()
    play.update_workflow(reservation_timeout_s=10)
    come = play.task()
    play.wait(10)
    assert (play.status(offered), play.ends(come)) == ("reserved", ["timeout"])
    play.skip(19)
    assert play.status(offered) == "reserved"
    play.wait(1)
    assert play.ends(offered) == ["timeout"]
    play.delete_task(come)
    play.move(ann, "Available")
    play.skip(29)
    assert play.holder(offered) == ann
    play.reject(offered)
    play.update_task(offered, attributes='{"a": 1}')
    play.reject(offered)
    assert play.holder(offered) == ann
    play.wait(10)
    assert (play.status(offered), play.activity(ann)) == ("pending", "Offline")


TWICE_A: Final = one_filter({"queue": "a", **TEN}, {"queue": "a", "timeout": 60}, {"queue": "c"})


@scenario(flow(TWICE_A, "a", "c", answer_s=5))
def a_task_that_began_anew_when_its_offer_ended_does_not_begin_again_at_the_next(play: Play) -> None:
    """Its steps have one queue, so it stays where it was; the time of the last one says whether it began again."""
    ann = play.worker("ann")
    task = play.task()
    play.update_task(task, attributes='{"a": 1}')
    play.move(ann, "Offline", reject_pending_reservations=True)
    play.wait(10)
    play.move(ann, "Available")
    assert play.holder(task) == ann
    play.move(ann, "Offline", reject_pending_reservations=True)
    play.wait(59)
    assert play.queue(task) == "a"
    play.wait(1)
    assert play.queue(task) == "c"
