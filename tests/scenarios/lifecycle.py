"""Scenarios: what happens to a Task, its Reservations and its Worker (semantics 2 and 3)."""

from __future__ import annotations

import pytest

from engine.errors import Gone, IllegalState, Invalid, RevisionMismatch
from engine.model import Order
from engine.sids import derived
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import T0_MS


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


@scenario(one_queue(answer_s=30, timeout_activity="Available"))
def with_an_available_timeout_activity_the_worker_is_asked_again(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    first = play.offer_of(task)
    play.wait(30)
    assert play.holder(task) == ann
    assert play.offer_of(task) != first


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
    for off in (-1, 1):
        with pytest.raises(RevisionMismatch):
            play.update_task(task, priority=3, if_match=1 + off)
        with pytest.raises(RevisionMismatch):
            play.update_task(task, assignment_status="canceled", if_match=1 + off)
        with pytest.raises(RevisionMismatch):
            play.delete_task(task, if_match=1 + off)
        with pytest.raises(RevisionMismatch):
            play.update_worker(ann, friendly_name="anna", if_match=play.person(ann)["revision"] + off)
        with pytest.raises(RevisionMismatch):
            play.answer(offer, "accepted", if_match=off)
    assert play.see() == before
    play.update_task(task, priority=3, if_match=1)
    assert play.look(task)["revision"] == 2
    play.answer(offer, "accepted", if_match=0)
    before = play.see()
    for status in ("completed", "wrapping"):
        for revision in (0, 2):
            with pytest.raises(RevisionMismatch):
                play.answer(offer, status, if_match=revision)
    assert play.see() == before
    play.answer(offer, "completed", if_match=1)


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


@scenario(one_queue())
def ttl_counts_from_creation_whatever_the_virtual_start(play: Play) -> None:
    """Semantics 2.5."""
    early, late = play.task(timeout=60, virtual_start_ms=T0_MS - 3_600_000), play.task(timeout=60)
    play.wait(50)
    play.update_task(late, virtual_start_ms=T0_MS + 50_000)
    play.wait(9)
    assert [play.status(task) for task in (early, late)] == ["pending", "pending"]
    play.wait(1)
    assert [play.status(task) for task in (early, late)] == ["canceled", "canceled"]


@scenario(one_queue())
def only_the_answers_of_a_worker_can_be_given(play: Play) -> None:
    """Semantics 3.3: four statuses of the eight."""
    play.worker("ann")
    offer = play.offer_of(play.task())
    before = play.see()
    for status in ("pending", "timeout", "canceled", "rescinded"):
        with pytest.raises(Invalid):
            play.answer(offer, status)
    for status in ("wrapping", "completed"):
        with pytest.raises(IllegalState):
            play.answer(offer, status)
    assert play.see() == before


@scenario(one_queue())
def an_answer_that_comes_too_late_is_told_so(play: Play) -> None:
    """Semantics 3.3: Gone for an acceptance, IllegalState for a rejection; both change nothing."""
    play.worker("ann")
    task = play.task()
    rejected = play.reject(task)
    canceled = play.offer_of(task)
    play.update_task(task, assignment_status="canceled")
    before = play.see()
    for offer in (rejected, canceled):
        with pytest.raises(Gone):
            play.answer(offer, "accepted")
        for status in ("rejected", "wrapping", "completed"):
            with pytest.raises(IllegalState):
                play.answer(offer, status)
    assert play.see() == before


@scenario(one_queue())
def a_rejection_leaves_the_worker_in_the_activity_it_has_meanwhile(play: Play) -> None:
    """Semantics 3.4: only a single-tasking Workspace restores."""
    ann = play.worker("ann")
    task = play.task()
    play.move(ann, "Unavailable")
    play.reject(task)
    assert (play.activity(ann), play.status(task)) == ("Unavailable", "pending")


@scenario(one_queue(answer_s=30))
def an_unanswered_offer_leaves_the_other_reservations_of_its_worker(play: Play) -> None:
    """Semantics 3.5."""
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=3)
    taken, slow = play.task(), play.task()
    play.accept(taken)
    play.wait(10)
    late = play.task()
    play.wait(20)
    assert (play.activity(ann), play.status(slow)) == ("Offline", "pending")
    assert [play.holder(task) for task in (taken, late)] == [ann, ann]
    play.accept(late)
    assert (play.status(taken), play.status(late)) == ("assigned", "assigned")
