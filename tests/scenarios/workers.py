"""Scenarios: what is done to Workers (semantics 4)."""

from __future__ import annotations

import pytest

from engine.errors import IllegalState, Invalid, NotFound
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario


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
def worker_names_are_unique_whatever_their_case(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    with pytest.raises(Invalid):
        play.worker("ANN")
    with pytest.raises(Invalid):
        play.update_worker(bo, friendly_name="Ann")
    play.update_worker(ann, friendly_name="ANN")
    assert play.person(ann)["name"] == "ANN"


@scenario(one_queue())
def rejecting_all_that_is_pending_routes_three_tasks_to_others(play: Play) -> None:
    """Semantics 4.3: the Activity changes first, so that none of them comes back to its Worker."""
    ann, bo = play.worker("ann"), play.worker("bo", activity="Offline")
    for worker in (ann, bo):
        play.slots(worker, "default", capacity=4)
    taken, *offered = (play.task() for _ in range(4))
    play.accept(taken)
    before = play.person(ann)["revision"]
    play.move(ann, "Unavailable", reject_pending_reservations=True)
    assert [play.status(task) for task in offered] == ["pending"] * 3
    assert [play.ends(task) for task in offered] == [["rejected"]] * 3
    assert (play.holder(taken), play.channel(ann)["open"]) == (ann, 1)
    assert play.person(ann)["revision"] == before + 4  # the Activity, three rejections
    play.move(bo, "Available")
    assert [play.holder(task) for task in offered] == [bo] * 3
    play.move(bo, "Offline")
    play.move(ann, "Available")
    play.update_worker(bo, reject_pending_reservations=True)
    assert [play.holder(task) for task in offered] == [ann] * 3


@scenario(one_queue())
def an_available_worker_cannot_reject_all_that_is_pending(play: Play) -> None:
    """Semantics 4.3: nothing of such an update is done."""
    ann = play.worker("ann")
    task = play.task()
    before = play.see()
    with pytest.raises(Invalid) as refusal:
        play.update_worker(ann, friendly_name="anna", reject_pending_reservations=True)
    assert refusal.value.field == "reject_pending_reservations"
    assert play.see() == before
    play.move(ann, "Offline", reject_pending_reservations=False)
    assert play.holder(task) == ann


@scenario(one_queue())
def a_channel_without_capacity_is_free_by_0_percent(play: Play) -> None:
    """Semantics 4.5, and 4.4: a new Worker has one slot on every channel."""
    ann = play.worker("ann")
    channels = play.person(ann)["channels"].values()
    assert {(channel["capacity"], channel["available"], channel["percentage"]) for channel in channels} == {
        (1, True, 100)
    }
    play.slots(ann, "chat", capacity=0)
    assert play.channel(ann, "chat")["percentage"] == 0


@scenario(one_queue())
def the_capacity_a_channel_already_has_changes_nothing(play: Play) -> None:
    """Semantics 4.5."""
    ann = play.worker("ann")
    play.wait(1)
    before = play.person(ann)
    play.slots(ann, "chat", capacity=1, available=True)
    assert play.person(ann) == before


@scenario(one_queue())
def what_a_worker_takes_on_several_channels_counts_each_time_in_its_revision(play: Play) -> None:
    ann = play.worker("ann", activity="Offline")
    waiting = [play.task(task_channel=channel) for channel in ("default", "chat", "sms")]
    before = play.person(ann)["revision"]
    play.move(ann, "Available")
    assert [play.holder(task) for task in waiting] == [ann] * 3
    assert play.person(ann)["revision"] == before + 4  # the Activity and three Reservations


@scenario(one_queue())
def a_name_that_was_given_up_is_another_workers(play: Play) -> None:
    ann = play.worker("ann")
    play.update_worker(ann, friendly_name="anna")
    other = play.worker("ann")
    assert [play.person(sid)["name"] for sid in (ann, other)] == ["anna", "ann"]
