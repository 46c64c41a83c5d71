"""Scenarios: the acceptance list of semantics 15, numbers 1 to 11; conforming_steps.py goes on at 12.

A name begins with its number in the list. ELSEWHERE is about the whole list.
"""

from __future__ import annotations

from typing import Final

import pytest

from engine.errors import Gone, IllegalState
from engine.model import Order
from tests.scenarios.documents import by_kind, kind
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site

ELSEWHERE: Final = {
    1: (
        "tests/redis/test_config_workspaces.py::test_a_new_workspace_has_three_activities_and_five_channels",
        "tests/redis/test_config_workspaces.py::test_the_fifo_template_routes_every_task_into_its_one_queue",
    ),
    19: ("tests/scenarios/test_engine_alone.py::test_a_refused_change_of_status_is_told_in_the_known_words",),
    20: (
        "tests/scenarios/lifecycle.py::a_stale_revision_changes_nothing",
        "tests/clients/test_wire.py::test_if_match_guards_deletes_and_reservations_as_well",
    ),
    24: (
        "tests/redis/test_event_log.py::test_n24_events_of_a_task_without_dates_go_back_15_minutes_only",
        "tests/clients/test_events.py::test_a_list_without_dates_goes_back_15_minutes_only",
    ),
    25: (
        "tests/unit/rules/test_rules_examples.py::test_the_table_has_every_example",
        "tests/unit/rules/test_rules_examples.py::test_expression_holds_as_the_table_says",
    ),
}


@scenario(one_queue())
def n02_priority_beats_age_and_virtual_start_decides_among_equals(play: Play) -> None:
    old = play.task()
    play.wait(1)
    urgent = play.task(priority=5)
    early = play.task(virtual_start_ms=T0_MS - 1)
    ann = play.worker("ann")
    assert play.served([old, urgent, early]) == [urgent, early, old]
    assert play.channel(ann)["open"] == 0


@scenario(one_queue(Order.LIFO))
def n03_newest_task_wins_in_a_lifo_queue_whatever_its_priority(play: Play) -> None:
    play.task(priority=100)
    play.wait(1)
    newest = play.task()
    ann = play.worker("ann")
    assert play.holder(newest) == ann


MIXED: Final = Site(
    queues={"line": Queue(), "stack": Queue(order=Order.LIFO)},
    workflows={"main": Flow(by_kind(kind("stack", "stack"), default={"queue": "line"}))},
    preferred=Order.LIFO,
)


def mixed_in_order(play: Play) -> tuple[list[str], list[str]]:
    line = [play.task(priority=9), play.task(priority=9)]
    stack = [play.task(attributes={"kind": "stack"}), play.task(attributes={"kind": "stack"})]
    play.worker("ann")
    return play.served(line + stack), [*line, *stack]


@scenario(MIXED)
def n04_all_lifo_tasks_come_first_where_the_workspace_prefers_them(play: Play) -> None:
    order, (line1, line2, stack1, stack2) = mixed_in_order(play)
    assert order == [stack2, stack1, line1, line2]


@scenario(one_queue())
def n05_second_task_goes_to_the_worker_not_reserved_before(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    play.wait(1)
    first = play.task()
    assert play.holder(first) == min(ann, bo)
    play.accept(first)
    play.complete(first)
    play.wait(1)
    assert play.holder(play.task()) == max(ann, bo)


def after_a_chat(play: Play) -> tuple[str | None, str]:
    """Who gets a voice Task after ann, the older of two Workers, got a chat; and ann."""
    ann = play.worker("ann")
    play.wait(1)
    play.worker("bo")
    play.wait(1)
    chat = play.task(task_channel="chat")
    assert play.holder(chat) == ann
    play.wait(1)
    return play.holder(play.task(task_channel="voice")), ann


@scenario(one_queue(optimized=("voice",)))
def n06_a_chat_does_not_cost_the_place_in_line_for_an_optimized_channel(play: Play) -> None:
    holder, ann = after_a_chat(play)
    assert holder == ann


@scenario(one_queue())
def n07_pending_accepted_and_wrapping_take_slots_but_only_accepted_is_assigned(play: Play) -> None:
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
def n08_the_only_worker_is_offered_a_rejected_task_again_at_once(play: Play) -> None:
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
def n08_a_rejection_may_move_the_worker_away(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo", activity="Offline")
    task = play.task()
    play.reject(task, activity="Unavailable")
    assert (play.status(task), play.activity(ann)) == ("pending", "Unavailable")
    play.move(bo, "Available")
    assert play.holder(task) == bo


@scenario(one_queue(answer_s=30))
def n09_a_worker_who_does_not_answer_goes_to_the_timeout_activity(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    offer = play.offer_of(task)
    play.skip(29)
    assert play.holder(task) == ann
    play.wait(1)
    assert play.offer(offer)["status"] == "timeout"
    assert (play.status(task), play.activity(ann)) == ("pending", "Offline")
    with pytest.raises(Gone):
        play.answer(offer, "accepted")
    with pytest.raises(IllegalState):
        play.answer(offer, "rejected")


FIVE_AT_ONCE: Final = Site(
    queues={"all": Queue(max_reserved=5)},
    workflows={"main": Flow(by_kind(default={"queue": "all"}))},
)


@scenario(FIVE_AT_ONCE)
def n10_the_first_acceptance_of_a_round_rescinds_the_other_offers(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task()
    late = play.offer_to(task, bo)
    assert play.holders(task) == {ann, bo}
    play.accept_by(task, ann)
    assert (play.status(task), play.ends(task)) == ("assigned", ["accepted", "rescinded"])
    assert (play.channel(bo)["open"], play.activity(bo)) == (0, "Available")
    with pytest.raises(Gone):
        play.answer(late, "accepted")
    with pytest.raises(IllegalState):
        play.answer(late, "rejected")


@scenario(FIVE_AT_ONCE)
def n11_a_round_lasts_while_one_offer_is_pending_and_counts_as_one_assignment(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task()
    assert (play.round_of(task, ann), play.round_of(task, bo)) == (1, 1)
    play.reject_by(task, ann, "Offline")
    assert (play.status(task), play.look(task)["revision"]) == ("reserved", 1)
    play.reject_by(task, bo, "Offline")
    assert (play.status(task), play.look(task)["revision"]) == ("pending", 2)
    play.move(ann, "Available")
    assert play.round_of(task, ann) == 2
