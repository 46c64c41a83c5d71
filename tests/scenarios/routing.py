"""Scenarios: which Task goes to which Worker (semantics 5.2 to 5.4, 6.2, 6.7, 6.10)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from engine.errors import Invalid
from engine.model import Order
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site


def by_kind(*filters: dict[str, Any], default: dict[str, Any] | None = None) -> dict[str, Any]:
    """A Workflow document."""
    routing: dict[str, Any] = {"filters": list(filters)}
    return {"task_routing": routing if default is None else {**routing, "default_filter": default}}


def kind(name: str, queue: str, **step: Any) -> dict[str, Any]:
    """A filter for Tasks with this `kind`, with one step."""
    return {"expression": f"kind == '{name}'", "targets": [{"queue": queue, **step}]}


@scenario(one_queue())
def priority_beats_age_and_virtual_start_decides_among_equals(play: Play) -> None:
    old = play.task()
    play.wait(1)
    urgent = play.task(priority=5)
    early = play.task(virtual_start_ms=T0_MS - 1)
    ann = play.worker("ann")
    order = []
    for _ in range(3):
        task = next(t for t in (old, urgent, early) if play.status(t) == "reserved")
        order.append(task)
        play.accept(task)
        play.complete(task)
    assert order == [urgent, early, old]
    assert play.channel(ann)["open"] == 0


@scenario(one_queue(Order.LIFO))
def newest_task_wins_in_a_lifo_queue_whatever_its_priority(play: Play) -> None:
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


def _mixed_in_order(play: Play) -> tuple[list[str], list[str]]:
    line = [play.task(priority=9), play.task(priority=9)]
    stack = [play.task(attributes={"kind": "stack"}), play.task(attributes={"kind": "stack"})]
    play.worker("ann")
    order = []
    for _ in range(4):
        task = next(t for t in line + stack if play.status(t) == "reserved")
        order.append(task)
        play.accept(task)
        play.complete(task)
    return order, [*line, *stack]


@scenario(MIXED)
def all_lifo_tasks_come_first_where_the_workspace_prefers_them(play: Play) -> None:
    order, (line1, line2, stack1, stack2) = _mixed_in_order(play)
    assert order == [stack2, stack1, line1, line2]


@scenario(Site(queues=MIXED.queues, workflows=MIXED.workflows))
def all_fifo_tasks_come_first_otherwise(play: Play) -> None:
    order, (line1, line2, stack1, stack2) = _mixed_in_order(play)
    assert order == [line1, line2, stack2, stack1]


@scenario(one_queue())
def second_task_goes_to_the_worker_not_reserved_before(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo")
    play.wait(1)
    first = play.task()
    assert play.holder(first) == min(ann, bo)
    play.accept(first)
    play.complete(first)
    play.wait(1)
    assert play.holder(play.task()) == max(ann, bo)


def _after_a_chat(play: Play) -> tuple[str | None, str]:
    ann = play.worker("ann")
    play.wait(1)
    play.worker("bo")
    play.wait(1)
    chat = play.task(task_channel="chat")
    assert play.holder(chat) == ann
    play.wait(1)
    return play.holder(play.task(task_channel="voice")), ann


@scenario(one_queue(optimized=("voice",)))
def a_chat_does_not_cost_the_place_in_line_for_an_optimized_channel(play: Play) -> None:
    holder, ann = _after_a_chat(play)
    assert holder == ann


@scenario(one_queue(optimized=("chat",)))
def more_capacity_does_not_cost_the_place_in_line_either(play: Play) -> None:
    ann = play.worker("ann")
    play.wait(1)
    play.worker("bo")
    play.wait(1)
    assert play.holder(play.task()) == ann
    play.slots(ann, "chat", capacity=2)
    assert play.holder(play.task(task_channel="chat")) == ann


@scenario(one_queue())
def a_chat_costs_the_place_in_line_for_every_other_channel(play: Play) -> None:
    holder, ann = _after_a_chat(play)
    assert holder != ann


@scenario(one_queue())
def a_task_without_candidates_does_not_hold_up_the_next(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "chat", capacity=0)
    chat = play.task(task_channel="chat", priority=9)
    assert play.holder(play.task()) == ann
    assert play.status(chat) == "pending"
    play.slots(ann, "chat", capacity=1)
    assert play.holder(chat) == ann


LEVELS: Final = one_queue(step={"order_by": "worker.level DESC, worker.cost ASC"})


@scenario(LEVELS)
def order_by_ranks_workers_and_those_without_the_attribute_come_last(play: Play) -> None:
    none = play.worker("none")
    low, dear = play.worker("low", level=1), play.worker("dear", level=3, cost=2)
    cheap = play.worker("cheap", level=3, cost=1)
    assert [play.holder(play.task()) for _ in range(4)] == [cheap, dear, low, none]


@scenario(one_queue(step={"order_by": "worker.level ASC"}))
def a_missing_attribute_is_last_in_rising_order_too(play: Play) -> None:
    none = play.worker("none")
    high, low = play.worker("high", level=3), play.worker("low", level=-1)
    assert [play.holder(play.task()) for _ in range(3)] == [low, high, none]


@scenario(LEVELS)
def an_order_by_clause_that_meets_a_text_is_ignored_for_all(play: Play) -> None:
    text = play.worker("text", level="high", cost=1)
    high = play.worker("high", level=3, cost=2)
    assert [play.holder(play.task()) for _ in range(2)] == [text, high]


@scenario(
    Site(
        queues={"french": Queue("skills HAS 'fr'"), "all": Queue()},
        workflows={
            "main": Flow(
                by_kind(
                    kind("call", "french", expression="worker.level >= task.level", priority=7),
                    kind("call", "all"),
                    default={"queue": "all"},
                )
            ),
            "strict": Flow(by_kind(kind("call", "french"))),
        },
    )
)
def first_matching_filter_takes_the_task_and_its_step_chooses_the_workers(play: Play) -> None:
    play.worker("bo", skills=["en"], level=9)
    junior = play.worker("junior", skills=["fr"], level=1)
    hard = play.task(attributes={"kind": "call", "level": 2}, priority=1)
    easy = play.task(attributes={"kind": "call", "level": 1})
    assert play.look(hard)["priority"] == 7
    assert play.status(hard) == "pending"
    assert play.holder(easy) == junior
    senior = play.worker("senior", skills=["fr", "en"], level=2)
    assert play.holder(hard) == senior
    with pytest.raises(Invalid):
        play.task("strict", attributes={"kind": "mail"})


@scenario(one_queue(step={"expression": "worker.channel.chat.assigned_tasks < 1"}))
def an_expression_on_the_load_follows_accepting_and_wrapping(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "chat", capacity=5)
    first, second = play.task(task_channel="chat"), play.task(task_channel="chat")
    assert [play.holder(first), play.holder(second)] == [ann, ann]
    offer = play.accept(first)
    third = play.task(task_channel="chat")
    assert play.status(third) == "pending"
    play.answer(offer, "wrapping")
    assert play.holder(third) == ann


BUSY: Final = Site(
    queues={"all": Queue()},
    workflows={
        "main": Flow(
            by_kind(
                kind("busy", "all", expression="worker.channel.default.available_capacity_percentage < 100"),
                default={"queue": "all"},
            )
        )
    },
)


@scenario(BUSY)
def an_offer_may_make_its_worker_fit_for_a_task_that_waits_elsewhere(play: Play) -> None:
    ann = play.worker("ann")
    waits = play.task(task_channel="chat", attributes={"kind": "busy"})
    assert play.status(waits) == "pending"
    play.task()
    assert play.holder(waits) == ann


@scenario(BUSY)
def an_expression_on_the_load_holds_for_a_task_that_comes_later(play: Play) -> None:
    ann = play.worker("ann")
    play.task()
    tasks = [play.task(task_channel="chat", attributes={"kind": "busy"}) for _ in range(2)]
    assert [play.holder(task) for task in tasks] == [ann, None]
    play.slots(ann, "chat", capacity=2)
    assert play.holder(tasks[1]) == ann


@scenario(one_queue(step={"expression": "worker.activity_name == 'Lunch'"}, extra_activities={"Lunch": True}))
def an_expression_on_the_activity_follows_the_worker(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    assert play.status(task) == "pending"
    play.move(ann, "Lunch")
    assert play.holder(task) == ann
    play.move(ann, "Available")
    assert play.holder(task) == ann  # an offer is not taken back for a change of Activity


@scenario(
    Site(
        queues={"french": Queue("skills HAS 'fr'"), "all": Queue()},
        workflows={"main": Flow(by_kind(kind("call", "french", priority=7), default={"queue": "all"}))},
    )
)
def new_attributes_send_a_waiting_task_through_the_filters_again(play: Play) -> None:
    task = play.task(attributes={"kind": "call"})
    french = play.look(task)["queue"]
    play.wait(1)
    play.update_task(task, priority=50)
    assert play.look(task)["priority"] == 50
    play.update_task(task, attributes='{"kind": "mail"}')
    moved = play.look(task)
    assert (moved["priority"], moved["queue_entered_ms"]) == (50, T0_MS + 1000)
    assert moved["queue"] != french
    play.update_task(task, attributes='{"kind": "call"}')
    assert (play.look(task)["priority"], play.look(task)["queue"]) == (7, french)


@scenario(
    Site(
        queues={"french": Queue("skills HAS 'fr'"), "all": Queue()},
        workflows={"main": Flow(by_kind(kind("call", "french"), kind("mail", "all")))},
    )
)
def new_attributes_of_an_offered_task_count_when_it_is_pending_again(play: Play) -> None:
    ann = play.worker("ann", skills=["fr"])
    task = play.task(attributes={"kind": "call"})
    other = play.task(attributes={"kind": "call"})
    play.update_task(task, attributes='{"kind": "nothing"}')
    assert play.holder(task) == ann
    play.reject(task)
    assert play.status(task) == "canceled"
    assert play.holder(other) == ann
    play.update_task(other, attributes='{"kind": "mail"}')
    play.slots(ann, "default", available=False)
    play.reject(other)
    assert play.look(other)["queue"] != play.look(task)["queue"]
    assert play.status(other) == "pending"


@scenario(one_queue())
def a_change_of_priority_sorts_a_waiting_task_anew(play: Play) -> None:
    old, late = play.task(priority=1), play.task()
    play.update_task(late, priority=2)
    ann = play.worker("ann")
    assert play.holder(late) == ann
    play.update_task(old, virtual_start_ms=T0_MS - 5000)
    assert play.status(old) == "pending"


@scenario(one_queue())
def a_task_moved_to_another_channel_meets_that_channels_slots(play: Play) -> None:
    ann = play.worker("ann")
    first, second = play.task(), play.task()
    assert play.holder(first) == ann
    play.update_task(second, task_channel="chat")
    assert play.holder(second) == ann
    assert (play.channel(ann)["open"], play.channel(ann, "chat")["open"]) == (1, 1)
