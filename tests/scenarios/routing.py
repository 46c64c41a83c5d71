"""Scenarios: which Task goes to which Worker (semantics 5.2 to 5.4, 6.2, 6.7, 6.10)."""

from __future__ import annotations

from typing import Final

import pytest

from engine.errors import Invalid
from tests.scenarios.conforming import MIXED, after_a_chat, mixed_in_order
from tests.scenarios.documents import by_kind, kind
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site


@scenario(Site(queues=MIXED.queues, workflows=MIXED.workflows))
def all_fifo_tasks_come_first_otherwise(play: Play) -> None:
    order, (line1, line2, stack1, stack2) = mixed_in_order(play)
    assert order == [line1, line2, stack2, stack1]


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
    holder, ann = after_a_chat(play)
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


@scenario(one_queue())
def being_offline_for_a_while_does_not_cost_the_place_in_line(play: Play) -> None:
    """Semantics 5.3."""
    ann = play.worker("ann")
    play.wait(1)
    play.worker("bo")
    play.wait(1)
    play.move(ann, "Offline")
    play.wait(1)
    play.move(ann, "Available")
    assert play.holder(play.task()) == ann


@scenario(
    Site(
        queues={"french": Queue("skills HAS 'fr'"), "all": Queue()},
        workflows={"main": Flow(by_kind(kind("call", "french"), default={"queue": "all"}))},
    )
)
def tasks_of_several_queues_are_compared_together(play: Play) -> None:
    """Semantics 5.4."""
    old = play.task(attributes={"kind": "call"})
    urgent = play.task(priority=2)
    more_urgent = play.task(attributes={"kind": "call"}, priority=3)
    early = play.task(virtual_start_ms=T0_MS - 1)
    play.worker("ann", skills=["fr"])
    assert play.served([old, urgent, more_urgent, early]) == [more_urgent, urgent, early, old]


@scenario(
    Site(
        queues={"all": Queue("activity_name == 'Lunch' OR friendly_name == 'bo'")},
        workflows={"main": Flow(by_kind(default={"queue": "all"}))},
        extra_activities={"Lunch": True},
    )
)
def a_queue_by_activity_follows_its_workers(play: Play) -> None:
    """Semantics 7.5."""
    ann = play.worker("ann")
    task = play.task()
    assert play.status(task) == "pending"
    play.move(ann, "Lunch")
    assert play.holder(task) == ann
    bo = play.worker("cy")
    play.reject(task, "Available")
    assert play.status(task) == "pending"
    play.update_worker(bo, friendly_name="bo")
    assert play.holder(task) == bo
