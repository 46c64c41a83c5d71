"""Scenarios for the ways of docs/states.md that the ordinary scenarios leave out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from engine.model import Order
from tests.scenarios.play import Play
from tests.scenarios.registry import Scenario, one_queue
from tests.scenarios.site import Flow, Queue, Site

ANSWER_S: Final = 5
DAY_S: Final = 86_400
RETENTION_S: Final = 300


def tasks_are_deleted_in_every_state(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=5)
    play.slots(ann, "chat", capacity=0)
    reserved, assigned, wrapping, completed, canceled = (play.task() for _ in range(5))
    pending = play.task(task_channel="chat")
    for task in (assigned, wrapping, completed):
        play.accept(task)
    play.answer(play.offer_of(wrapping), "wrapping")
    play.complete(completed)
    play.update_task(canceled, assignment_status="canceled")
    for task in (reserved, assigned, wrapping, completed, canceled, pending):
        play.delete_task(task)
    assert play.see()["tasks"] == {}
    assert play.channel(ann)["open"] == 0


def _offers_that_ended(play: Play) -> str:
    """A Task with a rejected, a timed-out and a canceled Reservation."""
    ann = play.worker("ann")
    task = play.task()
    play.reject(task, activity="Offline")
    play.move(ann, "Available")
    play.wait(ANSWER_S)
    play.move(ann, "Available")
    play.update_task(task, assignment_status="canceled")
    assert sorted(offer["status"] for offer in play.offers(task)) == ["canceled", "rejected", "timeout"]
    return task


def offers_that_ended_go_with_their_deleted_task(play: Play) -> None:
    play.delete_task(_offers_that_ended(play))
    assert play.see()["offers"] == {}


def offers_that_ended_go_with_their_old_task(play: Play) -> None:
    _offers_that_ended(play)
    play.skip(RETENTION_S)
    assert play.see()["offers"] == {}


def after_work_ends_24_hours_after_the_acceptance(play: Play) -> None:
    play.worker("ann")
    task = play.task()
    play.answer(play.accept(task), "wrapping")
    play.skip(DAY_S)
    assert play.status(task) == "gone"


def pending_tasks_are_canceled(play: Play) -> None:
    by_hand, by_time, by_rule = (
        play.task(attributes=CALL),
        play.task(attributes=CALL, timeout=1),
        play.task(attributes=CALL),
    )
    play.update_task(by_hand, assignment_status="canceled")
    play.update_task(by_rule, attributes="{}")
    play.wait(1)
    assert [play.status(task) for task in (by_hand, by_time, by_rule)] == ["canceled"] * 3


def a_canceled_or_changed_task_leads_to_an_offer(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "chat", capacity=0)
    first, second = play.task(attributes=CALL), play.task(attributes=CALL)
    play.update_task(first, assignment_status="canceled")
    assert play.holder(second) == ann
    third = play.task(attributes=CALL, task_channel="chat")
    play.delete_task(second)
    play.update_task(third, task_channel="default")
    assert play.holder(third) == ann


def accepting_may_lead_to_an_offer(play: Play) -> None:
    ann = play.worker("ann")
    waits = play.task(task_channel="chat", attributes=CALL)
    play.accept(play.task())
    assert play.holder(waits) == ann


def wrapping_and_capacity_may_lead_to_an_offer(play: Play) -> None:
    ann = play.worker("ann")
    offer = play.accept(play.task())
    first, second = (play.task(task_channel="chat", attributes=CALL) for _ in range(2))
    assert (play.holder(first), play.holder(second)) == (None, None)
    play.answer(offer, "wrapping")
    assert (play.holder(first), play.holder(second)) == (ann, None)
    play.slots(ann, "chat", capacity=2)
    assert play.holder(second) == ann


def a_refused_task_without_a_filter_is_canceled(play: Play) -> None:
    play.worker("ann")
    task = play.task(attributes=CALL)
    play.update_task(task, attributes="{}")
    play.reject(task)
    assert play.status(task) == "canceled"


def a_worker_leaves_by_every_answer(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    for activity, wanted in (("Available", "Offline"), ("Unavailable", "Offline")):
        play.move(ann, activity)
        play.reject(task, activity=wanted)
        assert play.activity(ann) == wanted
        play.move(ann, "Available")
        play.move(ann, activity)
        play.wait(ANSWER_S)
        assert (play.status(task), play.activity(ann)) == ("pending", "Offline")
        play.move(ann, "Available")
    play.update_task(task, assignment_status="canceled")
    play.move(ann, "Offline")
    play.update_worker(ann, friendly_name="anna")
    play.delete_worker(ann)


def an_absent_worker_who_does_not_answer_is_called_back(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.move(ann, "Offline")
    play.wait(ANSWER_S)
    assert (play.holder(task), play.activity(ann)) == (ann, "Available")


def a_rescinded_offer_goes_with_its_deleted_task(play: Play) -> None:
    ann, _ = play.worker("ann"), play.worker("bo")
    task = play.task()
    play.accept_by(task, ann)
    assert play.ends(task) == ["accepted", "rescinded"]
    play.delete_task(task)
    assert play.see()["offers"] == {}


def a_task_that_rests_is_deleted(play: Play) -> None:
    task = play.task_for(play.worker("ann"))
    play.reject(task)
    play.delete_task(task)
    assert play.status(task) == "gone"


def a_queue_that_changes_meanwhile_does_not_wake_a_task_whose_target_refuses(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task_for(ann, queue="all")
    play.update_queue("all", order=Order.LIFO)
    play.reject(task)
    assert play.status(task) == "pending"
    play.move(ann, "Unavailable")
    assert play.holder(task) == ann


def what_a_leaving_worker_was_offered_goes_to_the_next(play: Play) -> None:
    """More Reservations than one script rejects."""
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=REFUSED)
    tasks = [play.task() for _ in range(REFUSED)]
    bo = play.worker("bo")
    play.slots(bo, "default", capacity=REFUSED)
    play.move(ann, "Offline", reject_pending_reservations=True)
    assert {offer["worker"] for offer in play.see()["offers"].values() if offer["status"] == "pending"} == {
        bo
    }
    assert play.channel(bo)["open"] == len(tasks)


def a_canceled_offer_brings_its_worker_back(play: Play) -> None:
    ann = play.worker("ann", activity="Idle")
    task = play.task()
    assert play.activity(ann) == "Reserved"
    play.update_task(task, assignment_status="canceled")
    assert play.activity(ann) == "Idle"


def an_offer_may_call_an_absent_target(play: Play) -> None:
    ann = play.worker("ann", activity="Offline")
    task = play.task_for(ann, queue="all")
    assert (play.holder(task), play.activity(ann)) == (ann, "Idle")


CALL: Final = {"kind": "call"}
REFUSED: Final = 33  # Reservations of one Worker: one more than a script rejects


def _routed(filters: list[dict[str, Any]], default: dict[str, Any] | None = None) -> Site:
    routing = {"filters": filters, **({} if default is None else {"default_filter": default})}
    return Site(queues={"all": Queue()}, workflows={"main": Flow({"task_routing": routing}, ANSWER_S)})


def _calls(**step: Any) -> dict[str, Any]:
    return {"expression": "kind == 'call'", "targets": [{"queue": "all", **step}]}


def _single(**queue: Any) -> Site:
    document = {"task_routing": {"default_filter": {"queue": "all"}}}
    return Site(queues={"all": Queue(**queue)}, workflows={"main": Flow(document, ANSWER_S)}, single=True)


_PLAIN: Final = one_queue(answer_s=ANSWER_S)
_SITES: Final[list[tuple[Callable[[Play], None], Site]]] = [
    (tasks_are_deleted_in_every_state, _PLAIN),
    (offers_that_ended_go_with_their_deleted_task, _PLAIN),
    (offers_that_ended_go_with_their_old_task, _PLAIN),
    (after_work_ends_24_hours_after_the_acceptance, _PLAIN),
    (pending_tasks_are_canceled, _routed([_calls()])),
    (a_canceled_or_changed_task_leads_to_an_offer, _routed([_calls()])),
    (
        accepting_may_lead_to_an_offer,
        _routed([_calls(expression="worker.channel.default.assigned_tasks > 0")], {"queue": "all"}),
    ),
    (
        wrapping_and_capacity_may_lead_to_an_offer,
        _routed([_calls(expression="worker.channel.default.assigned_tasks < 1")], {"queue": "all"}),
    ),
    (a_refused_task_without_a_filter_is_canceled, _routed([_calls()])),
    (a_worker_leaves_by_every_answer, _PLAIN),
    (
        a_worker_leaves_by_every_answer,
        one_queue(answer_s=ANSWER_S, step={"expression": "worker.activity_name != 'Lunch'"}),
    ),
    (an_absent_worker_who_does_not_answer_is_called_back, one_queue(answer_s=ANSWER_S, timeout_activity="Available")),
    (a_rescinded_offer_goes_with_its_deleted_task, one_queue(max_reserved=2)),
    (a_task_that_rests_is_deleted, _PLAIN),
    (a_queue_that_changes_meanwhile_does_not_wake_a_task_whose_target_refuses, _PLAIN),
    (what_a_leaving_worker_was_offered_goes_to_the_next, _PLAIN),
    (a_canceled_offer_brings_its_worker_back, _single()),
    (an_offer_may_call_an_absent_target, _single(reservation_activity="Idle")),
]  # fmt: skip
EVERY_WAY: Final = [Scenario(f"{run.__name__}_{n}", site, run) for n, (run, site) in enumerate(_SITES)]
