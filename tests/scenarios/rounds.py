"""Scenarios: one Task offered to several Workers at once (MaxReservedWorkers; semantics 3.7)."""

from __future__ import annotations

from typing import Final

import pytest

from engine.errors import Gone, IllegalState
from engine.model import Order
from tests.scenarios.documents import by_kind, kind, one_filter
from tests.scenarios.play import Play
from tests.scenarios.registry import scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site


def two_at_once(answer_s: int = 120, **step: object) -> Site:
    """A Workspace that offers every Task to two Workers."""
    document = by_kind(default={"queue": "all", **step})
    return Site(queues={"all": Queue(max_reserved=2)}, workflows={"main": Flow(document, answer_s)})


def crew(play: Play, *names: str) -> list[str]:
    """Workers, one second apart, the first of them idle for the longest."""
    found = []
    for name in names:
        found.append(play.worker(name))
        play.wait(1)
    return found


@scenario(two_at_once())
def a_round_goes_to_those_idle_for_the_longest(play: Play) -> None:
    """Semantics 3.7 and 5.3; each of them goes to the back of the line."""
    ann, bo, cy = crew(play, "ann", "bo", "cy")
    first = play.task()
    play.wait(1)
    second = play.task()
    assert (play.holders(first), play.holders(second)) == ({ann, bo}, {cy})
    for task, worker in ((first, bo), (second, cy)):
        play.accept_by(task, worker)
        play.complete(task)
    assert [play.person(worker)["revision"] for worker in (ann, bo, cy)] == [2, 2, 2]
    assert [play.holders(play.task()) for _ in range(2)] == [{ann, bo}, {cy}]


@scenario(two_at_once(order_by="worker.level DESC"))
def a_round_follows_the_order_of_its_step(play: Play) -> None:
    play.worker("ann", level=1)
    bo, cy = play.worker("bo", level=5), play.worker("cy", level=3)
    assert play.holders(play.task()) == {bo, cy}


@scenario(two_at_once())
def an_acceptance_frees_the_others_for_the_tasks_that_wait(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    first, second = play.task(), play.task()
    rescinded = play.offer_to(first, bo)
    play.wait(1)
    play.accept_by(first, ann)
    offer = play.offer(rescinded)
    assert (offer["status"], offer["revision"], offer["updated_ms"]) == ("rescinded", 1, T0_MS + 1000)
    assert play.holders(second) == {bo}
    assert (play.look(first)["revision"], play.look(second)["revision"]) == (2, 1)
    assert [play.person(worker)["revision"] for worker in (ann, bo)] == [1, 3]
    play.complete(first)
    assert play.holders(second) == {bo}


@scenario(two_at_once())
def whoever_comes_later_joins_no_round_that_is_on(play: Play) -> None:
    """Semantics 3.7: no top-up; a new round starts only from pending."""
    ann = play.worker("ann")
    task = play.task()
    bo = play.worker("bo")
    assert play.holders(task) == {ann}
    play.reject_by(task, ann)
    assert play.holders(task) == {ann, bo}
    assert (play.round_of(task, ann), play.round_of(task, bo)) == (2, 2)
    play.wait(1)
    cy = play.worker("cy")
    play.reject_by(task, ann)
    assert play.holders(task) == {bo}
    play.reject_by(task, bo)
    assert play.holders(task) == {ann, bo}  # cy has been idle for less time
    assert play.holders(play.task()) == {cy}


@scenario(two_at_once())
def a_rejection_inside_a_round_frees_its_worker_and_leaves_the_task(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    task, waits = play.task(), play.task()
    before = play.look(task)
    play.wait(1)
    play.reject_by(task, ann)
    assert play.look(task) == before
    assert (play.holders(task), play.holders(waits)) == ({bo}, {ann})
    play.accept_by(task, bo)
    assert (play.status(task), play.ends(task)) == ("assigned", ["accepted", "rejected"])


@scenario(two_at_once(answer_s=30))
def those_of_a_round_who_do_not_answer_time_out_together(play: Play) -> None:
    """Semantics 3.7: the Task is pending once."""
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task()
    offers = [play.offer_to(task, worker) for worker in (ann, bo)]
    play.skip(29)
    assert play.holders(task) == {ann, bo}
    play.wait(1)
    assert [play.offer(offer)["status"] for offer in offers] == ["timeout", "timeout"]
    seen = play.look(task)
    assert (seen["status"], seen["revision"]) == ("pending", 2)
    assert (play.activity(ann), play.activity(bo)) == ("Offline", "Offline")


@scenario(two_at_once(answer_s=30))
def a_round_may_end_by_one_rejection_and_one_timeout(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task()
    play.wait(20)
    play.reject_by(task, ann, "Unavailable")
    play.wait(10)
    assert (play.status(task), play.ends(task)) == ("pending", ["rejected", "timeout"])
    assert (play.activity(ann), play.activity(bo)) == ("Unavailable", "Offline")
    play.move(ann, "Available")
    assert play.round_of(task, ann) == 2


@scenario(two_at_once())
def a_task_given_up_takes_its_whole_round_along(play: Play) -> None:
    """Semantics 2.11: canceled and never rescinded; by a client, by its TTL, by its removal."""
    ann, bo = play.worker("ann"), play.worker("bo")
    by_hand, by_time, removed = play.task(), play.task(timeout=60), play.task()
    offer = play.offer_to(by_hand, bo)
    play.update_task(by_hand, assignment_status="canceled")
    assert play.ends(by_hand) == ["canceled", "canceled"]
    with pytest.raises(Gone):
        play.answer(offer, "accepted")
    with pytest.raises(IllegalState):
        play.answer(offer, "rejected")
    assert (play.holders(by_time), play.holders(removed)) == ({ann, bo}, set())
    play.wait(60)
    assert (play.status(by_time), play.ends(by_time)) == ("canceled", ["canceled", "canceled"])
    assert play.holders(removed) == {ann, bo}
    play.delete_task(removed)
    assert [play.channel(worker)["open"] for worker in (ann, bo)] == [0, 0]
    assert [play.person(worker)["revision"] for worker in (ann, bo)] == [6, 6]


@scenario(two_at_once())
def only_the_one_that_was_accepted_carries_the_work(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task()
    late = play.offer_to(task, bo)
    won = play.accept_by(task, ann)
    with pytest.raises(IllegalState):
        play.answer(late, "completed")
    play.answer(won, "wrapping")
    assert (play.status(task), play.ends(task)) == ("wrapping", ["rescinded", "wrapping"])
    play.answer(won, "completed")
    assert (play.status(task), play.ends(task)) == ("completed", ["completed", "rescinded"])
    play.skip(300)
    assert play.see()["offers"] == {}


@scenario(two_at_once())
def more_reserved_workers_count_from_the_next_round_on(play: Play) -> None:
    """Semantics 5.6."""
    workers = crew(play, "ann", "bo", "cy")
    task = play.task()
    play.update_queue("all", max_reserved=3)
    assert len(play.holders(task)) == 2
    for worker in play.holders(task):
        play.reject_by(task, worker)
    assert play.holders(task) == set(workers)
    play.update_queue("all", max_reserved=1)
    assert play.holders(task) == set(workers)
    for worker in workers:
        play.reject_by(task, worker)
    assert len(play.holders(task)) == 1


@scenario(
    Site(
        queues={"all": Queue(max_reserved=2)},
        workflows={"main": Flow(by_kind(kind("call", "all"), kind("mail", "all")))},
    )
)
def attributes_changed_in_a_round_count_when_all_of_it_has_ended(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task(attributes={"kind": "call"})
    play.update_task(task, attributes='{"kind": "unknown"}')
    play.reject_by(task, ann)
    assert (play.status(task), play.holders(task)) == ("reserved", {bo})
    play.reject_by(task, bo)
    assert play.status(task) == "canceled"


@scenario(
    Site(
        queues={"two": Queue(max_reserved=2), "one": Queue()},
        workflows={"main": Flow(one_filter({"queue": "two", "timeout": 10}, {"queue": "one"}))},
    )
)
def a_round_that_outlasts_its_step_is_followed_by_the_next_step(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task()
    play.wait(12)
    play.reject_by(task, ann, "Offline")
    assert (play.status(task), play.queue(task)) == ("reserved", "two")
    play.reject_by(task, bo)
    assert (play.holders(task), play.queue(task)) == ({bo}, "one")


MIXED: Final = Site(
    queues={"stack": Queue(order=Order.LIFO, max_reserved=2), "line": Queue(max_reserved=3)},
    workflows={"main": Flow(by_kind(kind("stack", "stack"), default={"queue": "line"}))},
    preferred=Order.LIFO,
)


@scenario(MIXED)
def rounds_keep_to_the_order_of_tasks_and_of_queues(play: Play) -> None:
    """Semantics 5.4 and 5.5: a round takes whom it can, and the next Task has the rest."""
    urgent = play.task(priority=9)
    older, newer = (play.task(attributes={"kind": "stack"}) for _ in range(2))
    ann, bo, cy, di = (play.worker(name, activity="Offline") for name in ("ann", "bo", "cy", "di"))
    for worker in (ann, bo, cy, di):
        play.move(worker, "Available")
    assert [play.holders(task) for task in (newer, older, urgent)] == [{ann}, {bo}, {cy}]
    late = play.task(attributes={"kind": "stack"})
    assert play.holders(late) == {di}
    play.accept_by(late, di)
    for task in (newer, older, urgent):
        play.update_task(task, assignment_status="canceled")
    line, stack = play.task(), play.task(attributes={"kind": "stack"})
    assert (play.holders(line), play.holders(stack)) == ({ann, bo, cy}, set())
    play.reject_by(line, ann)
    play.reject_by(line, bo)
    assert (play.holders(line), play.holders(stack)) == ({cy}, {ann})


@scenario(two_at_once())
def a_target_queue_makes_rounds_and_a_target_worker_does_not(play: Play) -> None:
    """Semantics 2.8."""
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task_for(ann, queue="all")
    assert play.holders(task) == {ann}
    play.reject_by(task, ann)
    assert play.status(task) == "pending"
    other = play.task_for("all")
    assert (play.holders(other), play.holders(task)) == ({ann, bo}, {ann})  # that offer woke the target
