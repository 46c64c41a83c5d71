"""Scenarios: what skip_if counts, and when it is looked at (semantics 6.8)."""

from __future__ import annotations

from typing import Any, Final

from tests.scenarios.documents import EVERY, by_kind, flow, one_filter, steps
from tests.scenarios.play import Play
from tests.scenarios.registry import scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site


def own(condition: str, target: str = "1==1", **step: Any) -> Site:
    """A Workspace whose only step, in queue `own`, is left for the default queue `rest`, which is empty."""
    document = one_filter({"queue": "own", "skip_if": condition, **step}, default={"queue": "rest"})
    return Site(
        queues={"own": Queue(target), "rest": Queue("1 == 2")},
        workflows={"main": Flow(document)},
        extra_activities={"Lunch": False, "Phone": True},
    )


def busy(play: Play, name: str, activity: str = "Available", **attributes: Any) -> str:
    """A Worker who is counted, but has no slot for Tasks of the default channel."""
    worker = play.worker(name, activity, **attributes)
    play.slots(worker, "default", capacity=0)
    return worker


AVAILABLE: Final = "workers.available == 0"


@scenario(own(AVAILABLE))
def a_waiting_task_skips_when_the_last_available_worker_leaves(play: Play) -> None:
    """Semantics 6.8: looked at again whenever a Worker of the queue changes Activity."""
    ann, bo = (busy(play, name) for name in ("ann", "bo"))
    task = play.task()
    play.wait(1)
    play.move(ann, "Lunch")
    assert play.queue(task) == "own"
    play.move(bo, "Phone")
    assert play.queue(task) == "own"
    play.move(bo, "Offline")
    seen = play.look(task)
    assert (play.queue(task), seen["status"], seen["revision"]) == ("rest", "pending", 1)
    assert (seen["queue_entered_ms"], seen["updated_ms"]) == (T0_MS + 1000, T0_MS + 1000)
    play.move(ann, "Available")
    assert play.queue(task) == "rest"


@scenario(own(AVAILABLE))
def a_deleted_worker_is_not_counted_any_more(play: Play) -> None:
    ann = busy(play, "ann")
    task = play.task()
    assert play.queue(task) == "own"
    play.delete_worker(ann)
    assert play.queue(task) == "rest"


@scenario(own(AVAILABLE, "skills HAS 'fr'"))
def a_worker_whose_attributes_leave_the_queue_is_not_counted_any_more(play: Play) -> None:
    ann = busy(play, "ann", skills=["fr"])
    busy(play, "bo", skills=["en"])
    task = play.task()
    assert play.queue(task) == "own"
    play.update_worker(ann, attributes='{"skills": ["en"]}')
    assert play.queue(task) == "rest"


@scenario(own("workers.unavailable >= 1"))
def a_new_worker_and_one_that_joins_the_queue_count_at_once(play: Play) -> None:
    first = play.task()
    assert play.queue(first) == "own"
    ann = play.worker("ann", activity="Lunch")
    assert play.queue(first) == "rest"
    play.move(ann, "Available")
    assert play.status(play.task()) == "reserved"


@scenario(own("workers.available < 2"))
def a_worker_that_comes_does_not_bring_a_task_back(play: Play) -> None:
    busy(play, "ann")
    task = play.task()
    assert play.queue(task) == "rest"
    busy(play, "bo")
    assert play.queue(task) == "rest"
    assert play.queue(play.task()) == "own"


@scenario(own("workers.available == 2 AND workers.unavailable == 1", expression="worker.level > 5"))
def counts_look_at_membership_and_activity_alone(play: Play) -> None:
    """Semantics 6.8: neither the step's expression nor any slot counts."""
    busy(play, "ann", level=9)
    bo = play.worker("bo", level=1)
    task = play.task()
    assert play.queue(task) == "own"
    play.slots(bo, "default", available=False)
    assert play.queue(task) == "own"
    play.worker("cy", activity="Offline", level=9)
    assert play.queue(task) == "rest"


@scenario(own("workers.nobody == 0"))
def an_unknown_count_is_0(play: Play) -> None:
    """Semantics 6.8: an unknown variable."""
    assert play.queue(play.task()) == "rest"


@scenario(own(f"workers.WA{'0' * 32} == 0 AND workers.WA{'1' * 32} < 1"))
def the_count_of_an_unknown_activity_is_0(play: Play) -> None:
    """Semantics 6.8: an unknown Activity SID."""
    busy(play, "ann")
    assert play.queue(play.task()) == "rest"


@scenario(own("workers.<Lunch> > 1"))
def those_in_one_activity_are_counted_apart(play: Play) -> None:
    ann, bo = busy(play, "ann", "Lunch"), busy(play, "bo", "Unavailable")
    task = play.task()
    assert play.queue(task) == "own"
    play.move(bo, "Lunch")
    assert play.queue(task) == "rest"
    play.move(ann, "Phone")
    assert play.queue(play.task()) == "own"


@scenario(own(EVERY))
def tasks_overflow_when_nobody_has_a_slot_left(play: Play) -> None:
    """Semantics 6.8: `1==1` is how to react to a lack of capacity."""
    ann = play.worker("ann")
    first, second = play.task(), play.task()
    chat = play.task(task_channel="chat")
    assert [play.queue(task) for task in (first, second, chat)] == ["own", "rest", "own"]
    assert [play.holder(task) for task in (first, second, chat)] == [ann, None, ann]
    play.reject(chat)
    assert (play.holder(chat), play.queue(chat)) == (ann, "own")


@scenario(own(AVAILABLE))
def an_offered_task_skips_only_when_it_is_pending_again(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task()
    play.move(ann, "Offline")
    assert (play.holder(task), play.queue(task)) == (ann, "own")
    play.reject(task)
    assert (play.status(task), play.queue(task)) == ("pending", "rest")


@scenario(own(AVAILABLE))
def an_unanswered_offer_may_leave_nobody_available_for_the_others(play: Play) -> None:
    """The timeout Activity takes the Worker away; the Task it had and one that waits both skip."""
    play.worker("ann")
    task, waits = play.task(), play.task()
    assert (play.status(task), play.queue(waits)) == ("reserved", "own")
    play.skip(119)
    assert play.queue(waits) == "own"
    play.wait(1)
    assert [play.queue(one) for one in (task, waits)] == ["rest", "rest"]
    assert [play.status(one) for one in (task, waits)] == ["pending", "pending"]


@scenario(own(AVAILABLE))
def a_rejection_that_moves_the_worker_leaves_nobody_available(play: Play) -> None:
    play.worker("ann")
    task = play.task()
    play.reject(task, "Lunch")
    assert (play.status(task), play.queue(task)) == ("pending", "rest")


@scenario(
    flow(
        one_filter(
            {"queue": "own", "skip_if": "workers.available > 0", "priority": 1},
            {"queue": "own", "skip_if": "workers.unavailable > 0", "priority": 2},
            {"queue": "own", "skip_if": "workers.available > 1", "priority": 3},
            default={"queue": "own", "priority": 4},
        ),
        "own",
    )
)
def each_step_of_a_chain_waits_for_its_own_condition(play: Play) -> None:
    task = play.task()
    priorities = [play.look(task)["priority"]]
    for name, activity in (("ann", "Available"), ("bo", "Offline"), ("cy", "Available")):
        worker = play.worker(name, activity="Unavailable")
        play.slots(worker, "default", capacity=0)
        play.move(worker, activity)
        priorities.append(play.look(task)["priority"])
    assert (priorities, play.look(task)["revision"]) == ([1, 2, 3, 4], 3)


@scenario(own(AVAILABLE))
def a_changed_queue_changes_what_is_counted(play: Play) -> None:
    busy(play, "ann", skills=["en"])
    task = play.task()
    assert play.queue(task) == "own"
    play.update_queue("own", target="skills HAS 'fr'")
    assert play.queue(task) == "rest"


BEGINS: Final = Site(
    queues={"all": Queue(), "own": Queue("level == 1")},
    workflows={
        "main": Flow(
            by_kind(
                steps(
                    {"queue": "all", "expression": "worker.activity_name == 'nowhere'", "timeout": 30},
                    {"queue": "own", "expression": "worker.level > 9", "skip_if": "workers.available > 0"},
                    {"queue": "all", "expression": "worker.level > 9", "priority": 7},
                    expression="kind == 'second'",
                ),
                default={"queue": "all"},
            ),
            30,
        )
    },
    timeout_activity="Idle",
    single=True,
)


@scenario(BEGINS)
def a_count_that_begins_has_those_too_whose_rules_wait(play: Play) -> None:
    """The offer times out, and its Worker is offered it again, before the other Task's step begins the count."""
    ann = play.worker("ann", activity="Idle", level=1)
    offered, other = play.task(), play.task(attributes={"kind": "second"})
    while other < offered:  # what is due at the same instant is done by SID
        play.delete_task(other)
        other = play.task(attributes={"kind": "second"})
    play.wait(30)
    assert (play.holder(offered), play.activity(ann)) == (ann, "Reserved")
    assert (play.queue(other), play.look(other)["priority"]) == ("all", 7)
