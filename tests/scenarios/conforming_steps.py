"""Scenarios: the acceptance list of semantics 15 from number 12 on, see conforming.py."""

from __future__ import annotations

from typing import Final

import pytest

from engine.errors import IllegalState, Invalid, NotFound
from tests.scenarios.documents import EVERY, by_kind, flow, one_filter, steps
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site

AWAY: Final = "workers.available == 0"


@scenario(
    flow(
        one_filter(
            {"queue": "a", "timeout": 10, "skip_if": AWAY},
            {"queue": "b", "timeout": 10},
            {"queue": "c", "timeout": 10},
        ),
        "a", "b", "c",
    )
)  # fmt: skip
def n12_a_step_entered_at_age_8_ends_at_the_sum_of_the_timeouts(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", available=False)
    task = play.task()
    play.wait(8)
    assert play.queue(task) == "a"
    play.move(ann, "Offline")
    assert play.queue(task) == "b"
    play.wait(11.999)
    assert play.queue(task) == "b"
    play.wait(0.001)
    assert (play.queue(task), play.look(task)["queue_entered_ms"]) == ("c", T0_MS + 20_000)


@scenario(flow(one_filter({"queue": "a", "timeout": 10}, default={"queue": "b"}), "a", "b"))
def n13_a_task_whose_last_step_times_out_is_canceled_in_spite_of_a_default(play: Play) -> None:
    task = play.task()
    play.wait(9)
    assert (play.status(task), play.queue(task)) == ("pending", "a")
    play.wait(1)
    seen = play.look(task)
    assert (seen["status"], seen["reason"]) == ("canceled", "Workflow timed out")
    assert (play.queue(task), seen["ended_ms"]) == ("a", T0_MS + 10_000)


@scenario(flow(one_filter({"queue": "a", "timeout": 10, "skip_if": EVERY}, default={"queue": "b"}), "a", "b"))
def n14_a_task_that_skips_its_last_step_waits_in_the_default_queue(play: Play) -> None:
    task = play.task()
    assert (play.status(task), play.queue(task)) == ("pending", "b")
    play.wait(11)
    assert (play.status(task), play.queue(task)) == ("pending", "b")


@scenario(flow(one_filter({"queue": "a", "timeout": 10}, {"queue": "b"}), "a", "b"))
def n15_a_step_ends_no_sooner_than_the_reservation_made_in_it(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.wait(15)
    assert (play.holder(task), play.queue(task)) == (ann, "a")
    play.reject(task, "Offline")
    assert (play.status(task), play.queue(task)) == ("pending", "b")


@scenario(one_queue())
def n16_ttl_ends_a_pending_task_and_an_offered_one_with_its_reservation(play: Play) -> None:
    ann = play.worker("ann")
    offered, waiting = play.task(timeout=60), play.task(timeout=61)
    offer = play.offer_of(offered)
    play.wait(60)
    assert play.look(offered)["reason"] == "Task TTL Exceeded"
    assert (play.status(offered), play.offer(offer)["status"]) == ("canceled", "canceled")
    assert (play.holder(waiting), play.activity(ann)) == (ann, "Available")
    play.wait(1)
    assert play.status(waiting) == "canceled"


@scenario(
    Site(
        queues={"french": Queue("skills HAS 'fr'"), "all": Queue()},
        workflows={
            "main": Flow(
                by_kind(
                    steps(
                        {"queue": "french", "known_worker_sid": "task.agent", "timeout": 10},
                        {"queue": "all"},
                    )
                )
            )
        },
    )
)
def n17_a_task_stays_in_the_step_whose_known_worker_is_not_in_the_queue(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo", skills=["fr"])
    task = play.task(attributes={"agent": ann})
    assert play.alerts() == [(task, 40152)]
    assert (play.status(task), play.queue(task)) == ("pending", "french")
    play.wait(9)
    assert (play.status(task), play.queue(task)) == ("pending", "french")
    play.wait(1)
    assert play.queue(task) == "all"
    assert play.holder(task) in (ann, bo)


@scenario(one_queue(step={"order_by": "worker.level ASC"}))
def n18_a_missing_attribute_is_last_in_rising_order(play: Play) -> None:
    none = play.worker("none")
    high, low = play.worker("high", level=3), play.worker("low", level=-1)
    assert [play.holder(play.task()) for _ in range(3)] == [low, high, none]


@scenario(one_queue(step={"order_by": "worker.level DESC, worker.cost ASC"}))
def n18_a_missing_attribute_is_last_in_falling_order_too(play: Play) -> None:
    none = play.worker("none")
    low, dear = play.worker("low", level=1), play.worker("dear", level=3, cost=2)
    cheap = play.worker("cheap", level=3, cost=1)
    assert [play.holder(play.task()) for _ in range(4)] == [cheap, dear, low, none]


@scenario(one_queue())
def n21_the_reservation_drives_the_task_to_completed_and_out_of_sight(play: Play) -> None:
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
    for status in ("completed", "accepted"):
        with pytest.raises(IllegalState):
            play.answer(offer, status)
    play.skip(299)
    assert play.status(task) == "completed"
    play.skip(1)
    assert play.see()["offers"] == {}
    with pytest.raises(NotFound):
        play.delete_task(task)


@scenario(one_queue())
def n22_an_unavailable_worker_keeps_its_offers_unless_told_to_reject_them(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=3)
    taken, *others = (play.task() for _ in range(3))
    play.accept(taken)
    play.move(ann, "Unavailable")
    assert [play.holder(task) for task in others] == [ann, ann]
    play.move(ann, "Available")
    with pytest.raises(Invalid):
        play.move(ann, "Available", reject_pending_reservations=True)
    assert [play.holder(task) for task in others] == [ann, ann]
    play.move(ann, "Unavailable", reject_pending_reservations=True)
    assert [play.ends(task) for task in others] == [["rejected"], ["rejected"]]
    assert [play.status(task) for task in (taken, *others)] == ["assigned", "pending", "pending"]
