"""Scenarios: what happens to a Task, its Reservations and its Worker (semantics 2 to 4)."""

from __future__ import annotations

import pytest

from engine.errors import Gone, IllegalState, Invalid, NotFound, RevisionMismatch
from engine.model import Order
from engine.sids import derived
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario


@scenario(one_queue())
def pending_accepted_and_wrapping_take_slots_but_only_accepted_is_assigned(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=3)
    tasks = [play.task() for _ in range(4)]
    play.accept(tasks[0])
    channel = play.channel(ann)
    assert (channel["assigned"], channel["open"], channel["percentage"]) == (1, 3, 0)
    assert play.status(tasks[3]) == "pending"
    play.slots(ann, "default", capacity=2)
    play.reject(tasks[1])
    channel = play.channel(ann)
    assert (channel["assigned"], channel["open"], channel["percentage"]) == (1, 2, 0)
    assert {play.status(tasks[1]), play.status(tasks[3])} == {"pending"}


@scenario(one_queue())
def the_only_worker_is_offered_a_rejected_task_again_at_once(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    first = play.reject(task)
    second = play.offer_of(task)
    assert first != second
    assert play.offer(first)["status"] == "rejected"
    assert (play.holder(task), play.activity(ann)) == (ann, "Available")
    assert play.look(task)["revision"] == 3  # reserved, pending, reserved
    assert play.person(ann)["revision"] == 3  # offered, rejected, offered


@scenario(one_queue())
def a_rejection_may_move_the_worker_away(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo", activity="Offline")
    task = play.task()
    play.reject(task, activity="Unavailable")
    assert (play.status(task), play.activity(ann)) == ("pending", "Unavailable")
    play.move(bo, "Available")
    assert play.holder(task) == bo


@scenario(one_queue())
def a_rejection_that_makes_the_worker_available_serves_all_its_channels(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.move(ann, "Offline")
    chat = play.task(task_channel="chat")
    play.reject(task, activity="Available")
    assert (play.holder(task), play.holder(chat)) == (ann, ann)


@scenario(one_queue())
def a_rejected_task_goes_to_whoever_has_waited_longest(play: Play) -> None:
    workers = {play.worker(name) for name in ("ann", "bo", "cy")}
    play.wait(1)
    task = play.task()
    met = []
    for _ in range(4):
        holder = play.holder(task)
        assert holder is not None
        met.append(holder)
        play.wait(1)
        play.reject(task)
    assert set(met[:3]) == workers
    assert met[3] == met[0]


@scenario(one_queue(answer_s=30))
def a_worker_who_does_not_answer_goes_to_the_timeout_activity(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    offer = play.offer_of(task)
    play.wait(29)
    assert play.holder(task) == ann
    play.wait(1)
    assert play.offer(offer)["status"] == "timeout"
    assert (play.status(task), play.activity(ann)) == ("pending", "Offline")
    with pytest.raises(Gone):
        play.answer(offer, "accepted")
    with pytest.raises(IllegalState):
        play.answer(offer, "rejected")


@scenario(one_queue(answer_s=30, timeout_activity="Available"))
def with_an_available_timeout_activity_the_worker_is_asked_again(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    first = play.offer_of(task)
    play.wait(30)
    assert play.holder(task) == ann
    assert play.offer_of(task) != first


@scenario(one_queue())
def ttl_ends_a_pending_task_and_an_offered_one_with_its_reservation(play: Play) -> None:
    ann = play.worker("ann")
    offered, waiting = play.task(timeout=60), play.task(timeout=61)
    offer = play.offer_of(offered)
    play.wait(60)
    assert play.look(offered)["reason"] == "Task TTL Exceeded"
    assert (play.status(offered), play.offer(offer)["status"]) == ("canceled", "canceled")
    assert (play.holder(waiting), play.activity(ann)) == (ann, "Available")
    play.wait(1)
    assert play.status(waiting) == "canceled"


@scenario(one_queue())
def an_accepted_task_outlives_its_ttl_but_not_24_hours(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task(timeout=60)
    play.accept(task)
    play.skip(24 * 3600 - 1)
    assert play.status(task) == "assigned"
    play.skip(1)
    assert play.status(task) == "gone"
    assert play.channel(ann)["open"] == 0


@scenario(one_queue())
def an_assigned_task_cannot_be_canceled_and_only_assigned_ones_wrap_up(play: Play) -> None:
    play.worker("ann")
    task, waiting = play.task(), play.task()
    play.accept(task)
    with pytest.raises(IllegalState):
        play.update_task(task, assignment_status="canceled")
    for status in ("wrapping", "completed"):
        with pytest.raises(IllegalState):
            play.update_task(waiting, assignment_status=status)
    for status in ("pending", "reserved", "assigned"):
        with pytest.raises(Invalid):
            play.update_task(waiting, assignment_status=status)
    with pytest.raises(Invalid):
        play.update_task(task, assignment_status="completed", attributes="{}")
    play.update_task(task, assignment_status="completed", reason="done")
    assert (play.look(task)["status"], play.look(task)["reason"]) == ("completed", "done")


@scenario(one_queue())
def a_completion_without_a_reason_keeps_that_of_the_wrap_up(play: Play) -> None:
    play.worker("ann")
    task = play.task()
    play.accept(task)
    play.update_task(task, assignment_status="wrapping", reason="caller hung up")
    play.update_task(task, assignment_status="completed")
    assert (play.look(task)["status"], play.look(task)["reason"]) == ("completed", "caller hung up")


@scenario(one_queue())
def a_stale_revision_changes_nothing(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    offer = play.offer_of(task)
    before = play.see()
    with pytest.raises(RevisionMismatch):
        play.update_task(task, priority=3, if_match=0)
    with pytest.raises(RevisionMismatch):
        play.delete_task(task, if_match=0)
    with pytest.raises(RevisionMismatch):
        play.update_worker(ann, friendly_name="anna", if_match=0)
    with pytest.raises(RevisionMismatch):
        play.answer(offer, "accepted", if_match=1)
    assert play.see() == before
    play.update_task(task, priority=3, if_match=1)
    assert play.look(task)["revision"] == 2


@scenario(one_queue())
def the_reservation_drives_the_task_to_completed_and_out_of_sight(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    offer = play.accept(task)
    before = play.see()
    play.answer(offer, "accepted")
    assert play.see() == before
    play.answer(offer, "wrapping")
    assert (play.status(task), play.channel(ann)["assigned"], play.channel(ann)["open"]) == ("wrapping", 0, 1)
    with pytest.raises(IllegalState):
        play.answer(offer, "wrapping")
    play.answer(offer, "completed")
    seen = play.look(task)
    assert (seen["status"], seen["reason"]) == ("completed", "All reservations were completed")
    assert (seen["revision"], play.offer(offer)["revision"]) == (4, 3)
    with pytest.raises(IllegalState):
        play.answer(offer, "completed")
    with pytest.raises(IllegalState):
        play.answer(offer, "accepted")
    play.skip(299)
    assert play.status(task) == "completed"
    play.skip(1)
    assert play.see()["offers"] == {}
    with pytest.raises(NotFound):
        play.delete_task(task)


@scenario(one_queue())
def a_worker_who_becomes_unavailable_keeps_its_offer_and_gets_no_other(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=2)
    task = play.task()
    play.move(ann, "Unavailable")
    other = play.task()
    assert (play.holder(task), play.status(other)) == (ann, "pending")
    play.accept(task)
    assert play.status(task) == "assigned"
    play.move(ann, "Available")
    assert play.holder(other) == ann


@scenario(one_queue())
def the_activity_a_worker_already_has_changes_nothing(play: Play) -> None:
    ann = play.worker("ann")
    play.wait(1)
    before = play.person(ann)
    play.move(ann, "Available")
    assert play.person(ann) == before
    play.move(ann, "Offline")
    assert play.person(ann)["revision"] == before["revision"] + 1
    assert play.person(ann)["status_changed_ms"] == before["status_changed_ms"] + 1000


@scenario(one_queue())
def a_worker_with_an_open_reservation_cannot_be_deleted(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    with pytest.raises(IllegalState):
        play.delete_worker(ann)
    play.update_task(task, assignment_status="canceled", reason="no longer needed")
    play.delete_worker(ann)
    assert play.see()["workers"] == {}
    assert [offer["status"] for offer in play.offers(task)] == ["canceled"]
    with pytest.raises(NotFound):
        play.update_worker(ann, friendly_name="anna")


@scenario(one_queue())
def deleting_a_task_frees_its_worker_for_the_next(play: Play) -> None:
    ann = play.worker("ann")
    offered, assigned, waiting = play.task(), play.task(), play.task()
    play.delete_task(offered)
    assert play.holder(assigned) == ann
    play.accept(assigned)
    play.delete_task(assigned)
    assert play.holder(waiting) == ann
    assert play.person(ann)["revision"] == 5  # offered, canceled, offered, completed, offered


@scenario(one_queue())
def worker_names_are_unique_whatever_their_case(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    with pytest.raises(Invalid):
        play.worker("ANN")
    with pytest.raises(Invalid):
        play.update_worker(bo, friendly_name="Ann")
    play.update_worker(ann, friendly_name="ANN")
    assert play.person(ann)["name"] == "ANN"


@scenario(one_queue(Order.LIFO))
def a_task_is_given_up_after_a_thousand_offers(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    for count in range(1, 1000):
        play.refuse(derived("WR", task, str(count), ann), task)
    assert play.status(task) == "reserved"
    play.reject(task)
    assert play.status(task) == "canceled"
    assert play.look(task)["reason"] == "Task TTL Exceeded or Max assignment count exceeded"
