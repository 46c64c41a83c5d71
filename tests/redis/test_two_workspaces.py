"""Deadlines of two Workspaces fall due in one run of the script; each is met by the rules of its own."""

from __future__ import annotations

import pytest

from engine.model import Order
from tests.redis.fake_lab import FakeLab
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue
from tests.scenarios.site import Flow, Queue, Site

ANSWER_S = 5
CALL = {"kind": "call"}


def site_preferring(order: Order) -> Site:
    """Calls wait first in, first out, all else last in, first out; a Worker who does not answer stays available."""
    routing = {
        "filters": [{"expression": "kind == 'call'", "targets": [{"queue": "calls"}]}],
        "default_filter": {"queue": "rest"},
    }
    return Site(
        queues={"calls": Queue(), "rest": Queue(order=Order.LIFO)},
        workflows={"main": Flow({"task_routing": routing}, ANSWER_S)},
        preferred=order,
        timeout_activity="Available",
    )


@pytest.mark.parametrize("first", list(Order))
def test_an_offer_that_times_out_makes_room_by_the_order_of_its_own_workspace(first: Order) -> None:
    with FakeLab() as lab:
        second = Order.LIFO if first is Order.FIFO else Order.FIFO
        plays = {order: Play(EngineDriver(lab, site_preferring(order))) for order in (first, second)}
        waiting = {}
        for order, play in plays.items():
            play.worker(f"ann {order}")
            play.task(timeout=ANSWER_S)  # ends with its offer
            waiting[order] = (play.task(attributes=CALL), play.task())
        lab.now_ms += ANSWER_S * 1000
        lab.fake.calls.clear()
        lab.run(lab.rest())
        assert lab.fake.calls.count("fire_timers") <= 2
        for order, (call, other) in waiting.items():
            chosen = call if order is Order.FIFO else other
            assert {task: plays[order].status(task) for task in (call, other)} == {
                call: "reserved" if chosen == call else "pending",
                other: "reserved" if chosen == other else "pending",
            }


def test_a_worker_whose_task_ended_is_free_in_its_own_workspace() -> None:
    with FakeLab() as lab:
        plays = [Play(EngineDriver(lab, one_queue(answer_s=ANSWER_S))) for _ in range(2)]
        for play in plays:
            play.worker("ann")
            play.task(timeout=ANSWER_S)
        lab.now_ms += ANSWER_S * 1000
        lab.run(lab.rest())
        assert [play.status(play.task()) for play in plays] == ["reserved", "reserved"]
