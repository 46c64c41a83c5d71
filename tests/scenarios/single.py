"""Scenarios: single-tasking Workspaces, where Reservations move Workers about (semantics 3.9)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from engine.errors import Gone, IllegalState, Invalid
from tests.scenarios.documents import Document, by_kind, steps
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site


def single(*filters: Document, **queue: Any) -> Site:
    """A single-tasking Workspace with one queue for all Workers."""
    document = by_kind(*filters, default={"queue": "all", "priority": 9} if filters else {"queue": "all"})
    return Site(queues={"all": Queue(**queue)}, workflows={"main": Flow(document, 30)}, single=True)


SINGLE: Final = single()


@scenario(SINGLE)
def a_life_takes_its_worker_from_idle_through_reserved_to_busy(play: Play) -> None:
    ann = play.worker("ann", activity="Idle")
    play.wait(1)
    task = play.task()
    assert (play.holder(task), play.activity(ann)) == (ann, "Reserved")
    assert (play.person(ann)["available"], play.person(ann)["revision"]) == (False, 2)  # offer, move
    assert play.person(ann)["status_changed_ms"] == T0_MS + 1000
    play.accept(task)
    assert (play.activity(ann), play.person(ann)["revision"]) == ("Busy", 3)
    play.complete(task)
    assert (play.status(task), play.activity(ann)) == ("completed", "Busy")
    assert play.person(ann)["revision"] == 4
    waits = play.task()
    assert play.status(waits) == "pending"
    play.move(ann, "Idle")
    assert (play.holder(waits), play.activity(ann)) == (ann, "Reserved")


@scenario(SINGLE)
def a_worker_has_one_reservation_on_all_channels_together(play: Play) -> None:
    """Channels, capacities and their availability do not count."""
    ann = play.worker("ann", activity="Offline")
    for channel in ("default", "chat"):
        play.slots(ann, channel, capacity=5)
    play.slots(ann, "voice", available=False)
    voice, chat = play.task(task_channel="voice"), play.task(task_channel="chat")
    play.move(ann, "Idle")
    assert (play.holder(voice), play.status(chat)) == (ann, "pending")
    play.move(ann, "Idle")
    assert play.status(chat) == "pending"
    figures = [play.channel(ann, name) for name in ("voice", "chat")]
    assert [(row["assigned"], row["open"], row["percentage"]) for row in figures] == [(0, 0, 100)] * 2
    play.accept(voice)
    play.move(ann, "Idle")
    assert play.status(chat) == "pending"
    play.complete(voice)
    assert play.holder(chat) == ann


@scenario(SINGLE)
def a_rejection_restores_the_activity_from_before_the_reservation(play: Play) -> None:
    """Semantics 3.4; the Task goes to the next Worker, or to the same one again."""
    ann = play.worker("ann", activity="Idle")
    task = play.task()
    play.wait(1)
    bo = play.worker("bo", activity="Idle")
    play.wait(1)
    play.reject(task)
    assert (play.holder(task), play.activity(bo), play.activity(ann)) == (ann, "Idle", "Reserved")
    play.wait(1)
    play.reject(task)
    assert (play.holder(task), play.activity(ann), play.activity(bo)) == (bo, "Idle", "Reserved")
    play.move(ann, "Offline")
    play.move(bo, "Busy")
    play.reject(task)
    assert (play.holder(task), play.activity(ann), play.activity(bo)) == (bo, "Offline", "Reserved")


@scenario(SINGLE)
def a_rejection_with_an_activity_moves_the_worker_there(play: Play) -> None:
    ann = play.worker("ann", activity="Idle")
    task = play.task()
    play.reject(task, "Offline")
    assert (play.status(task), play.activity(ann)) == ("pending", "Offline")
    assert play.person(ann)["revision"] == 4  # offer, Reserved, rejection, Offline
    play.move(ann, "Idle")
    play.reject(task, "Reserved")
    assert (play.status(task), play.activity(ann)) == ("pending", "Reserved")


@scenario(SINGLE)
def an_unanswered_offer_moves_its_worker_to_the_timeout_activity(play: Play) -> None:
    ann = play.worker("ann", activity="Idle")
    task = play.task()
    play.skip(29)
    assert play.activity(ann) == "Reserved"
    play.wait(1)
    assert (play.status(task), play.activity(ann)) == ("pending", "Offline")


@scenario(SINGLE)
def an_offer_taken_back_restores_the_activity(play: Play) -> None:
    """Canceled by a client, by the TTL, or removed; the Worker gets the next Task at once."""
    ann = play.worker("ann", activity="Idle")
    by_hand, by_time, removed = play.task(), play.task(timeout=20), play.task()
    play.update_task(by_hand, assignment_status="canceled")
    assert (play.holder(by_time), play.activity(ann)) == (ann, "Reserved")
    play.wait(20)
    assert play.status(by_time) == "canceled"
    assert (play.holder(removed), play.activity(ann)) == (ann, "Reserved")
    play.delete_task(removed)
    assert play.activity(ann) == "Idle"
    # each Task: offer, Reserved, end, Idle
    assert play.person(ann)["revision"] == 12


@scenario(SINGLE)
def what_is_accepted_leaves_the_worker_where_it_is_when_it_ends(play: Play) -> None:
    ann = play.worker("ann", activity="Idle")
    completed, removed = play.task(), play.task()
    offer = play.accept(completed)
    with pytest.raises(IllegalState):
        play.answer(offer, "wrapping")
    with pytest.raises(IllegalState):
        play.update_task(completed, assignment_status="wrapping")
    assert (play.status(completed), play.offer(offer)["status"]) == ("assigned", "accepted")
    play.update_task(completed, assignment_status="completed")
    assert play.activity(ann) == "Busy"
    play.move(ann, "Idle")
    play.accept(removed)
    play.delete_task(removed)
    assert play.activity(ann) == "Busy"


@scenario(single(max_reserved=2))
def a_rescinded_worker_is_back_where_it_was(play: Play) -> None:
    """Semantics 3.7: restored to the previous Activity, and free for the next Task."""
    ann, bo = play.worker("ann", activity="Idle"), play.worker("bo", activity="Idle")
    task = play.task()
    late = play.offer_to(task, bo)
    assert (play.activity(ann), play.activity(bo)) == ("Reserved", "Reserved")
    play.accept_by(task, ann)
    assert (play.activity(ann), play.activity(bo)) == ("Busy", "Idle")
    assert play.person(bo)["revision"] == 4  # offer, Reserved, rescinded, Idle
    with pytest.raises(Gone):
        play.answer(late, "accepted")
    assert play.holders(play.task()) == {bo}


@scenario(single(max_reserved=2))
def each_of_a_round_goes_its_own_way(play: Play) -> None:
    ann, bo = play.worker("ann", activity="Idle"), play.worker("bo", activity="Idle")
    task = play.task()
    play.reject_by(task, ann)
    assert (play.activity(ann), play.activity(bo)) == ("Idle", "Reserved")
    assert play.holders(task) == {bo}
    play.wait(30)
    assert play.activity(bo) == "Offline"
    assert (play.holders(task), play.activity(ann)) == ({ann}, "Reserved")


@scenario(SINGLE)
def a_target_is_reserved_from_any_activity_and_restored_to_it(play: Play) -> None:
    """A targeted Task without a queue has no Activities to move its Worker to."""
    ann = play.worker("ann", activity="Offline")
    filed = play.task_for(ann, queue="all")
    assert (play.holder(filed), play.activity(ann)) == (ann, "Reserved")
    play.reject(filed)
    assert (play.status(filed), play.activity(ann)) == ("pending", "Offline")
    play.update_task(filed, assignment_status="canceled")
    own = play.task_for(ann)
    assert (play.holder(own), play.activity(ann)) == (ann, "Offline")
    play.accept(own)
    assert play.activity(ann) == "Offline"


@scenario(SINGLE)
def rejecting_all_with_a_new_activity_restores_nothing(play: Play) -> None:
    ann = play.worker("ann", activity="Idle")
    task = play.task()
    with pytest.raises(Invalid):
        play.move(ann, "Idle", reject_pending_reservations=True)
    assert play.activity(ann) == "Reserved"
    play.move(ann, "Offline", reject_pending_reservations=True)
    assert (play.status(task), play.activity(ann), play.ends(task)) == ("pending", "Offline", ["rejected"])


@scenario(SINGLE)
def a_queue_moves_workers_as_it_did_when_the_task_was_offered(play: Play) -> None:
    """Semantics 5.1: Reservations stay as they are; Tasks that wait follow their queue at once."""
    ann = play.worker("ann", activity="Idle")
    offered, waits = play.task(), play.task()
    play.update_queue(
        "all",
        reservation_activity_sid=play.activity_sid("Busy"),
        assignment_activity_sid=play.activity_sid("Offline"),
    )
    play.accept(offered)
    assert play.activity(ann) == "Busy"
    play.complete(offered)
    play.move(ann, "Idle")
    assert (play.holder(waits), play.activity(ann)) == (ann, "Busy")
    play.accept(waits)
    assert play.activity(ann) == "Offline"


@scenario(SINGLE)
def a_queue_without_its_activities_is_refused(play: Play) -> None:
    for field in ("reservation_activity_sid", "assignment_activity_sid"):
        with pytest.raises(IllegalState, match="Activity Sids cannot be empty"):
            play.update_queue("all", **{field: ""})


@scenario(single(steps({"queue": "all", "skip_if": "workers.available == 0"})))
def whoever_is_reserved_is_not_available_to_be_counted(play: Play) -> None:
    """Semantics 6.8 with 3.9; the Task that skipped has the default filter's priority."""
    ann = play.worker("ann", activity="Idle")
    first, second = play.task(), play.task()
    assert (play.holder(first), play.look(first)["priority"]) == (ann, 0)
    assert (play.status(second), play.look(second)["priority"]) == ("pending", 9)
    play.reject(first)
    assert [play.holder(task) for task in (first, second)] == [None, ann]
    assert play.look(first)["priority"] == 9


@scenario(one_queue())
def the_activities_of_a_queue_move_nobody_where_workers_do_several_tasks(play: Play) -> None:
    """Multi-tasking Workspaces store them only."""
    away = play.activity_sid("Unavailable")
    play.update_queue("all", reservation_activity_sid=away, assignment_activity_sid=away)
    ann = play.worker("ann")
    task = play.task()
    assert (play.holder(task), play.activity(ann)) == (ann, "Available")
    play.accept(task)
    assert (play.activity(ann), play.person(ann)["revision"]) == ("Available", 1)
    play.update_queue("all", reservation_activity_sid="", assignment_activity_sid="")
