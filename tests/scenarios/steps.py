"""Scenarios: how a Task goes from step to step (semantics 6.3 to 6.5, 6.8, 6.10)."""

from __future__ import annotations

from typing import Any, Final

from tests.scenarios.documents import EVERY, by_kind, flow, kind, one_filter, steps
from tests.scenarios.play import Play
from tests.scenarios.registry import scenario
from tests.scenarios.site import T0_MS, Flow, Queue, Site

TEN: Final[dict[str, Any]] = {"timeout": 10}
SKIP: Final[dict[str, Any]] = {"skip_if": EVERY}
AWAY: Final[dict[str, Any]] = {"skip_if": "workers.available == 0"}
THREE_TENS: Final = flow(
    one_filter({"queue": "a", **TEN}, {"queue": "b", **TEN}, {"queue": "c", **TEN}), "a", "b", "c"
)


@scenario(THREE_TENS)
def each_step_ends_at_the_sum_of_the_timeouts_up_to_it(play: Play) -> None:
    """Semantics 6.5. An early virtual start does not make a Task older."""
    slow, fast = play.task(), play.task(virtual_start_ms=T0_MS - 60_000)
    for queue in ("a", "b", "c"):
        assert [play.queue(task) for task in (slow, fast)] == [queue, queue]
        play.wait(9.999)
        assert [play.queue(task) for task in (slow, fast)] == [queue, queue]
        play.wait(0.001)
    seen = play.look(slow)
    assert (seen["status"], seen["reason"]) == ("canceled", "Workflow timed out")
    assert (seen["revision"], seen["ended_ms"]) == (3, T0_MS + 30_000)  # b, c, canceled


@scenario(THREE_TENS)
def a_sweep_that_comes_late_takes_a_task_through_every_step_it_missed(play: Play) -> None:
    task = play.task()
    play.skip(25)
    seen = play.look(task)
    assert (play.queue(task), seen["queue_entered_ms"], seen["revision"]) == ("c", T0_MS + 25_000, 2)
    play.wait(4)
    assert play.queue(task) == "c"
    play.wait(1)
    assert play.status(task) == "canceled"


@scenario(
    flow(
        one_filter({"queue": "a", "timeout": 5, **AWAY}, {"queue": "b", **SKIP}, {"queue": "c", **TEN}),
        "a", "b", "c",
    )
)  # fmt: skip
def skipped_steps_count_with_their_timeouts_and_those_without_count_nothing(play: Play) -> None:
    """Semantics 6.5: the deadline of the third step is 5 + 0 + 10 s, however early it was entered."""
    task = play.task()
    assert (play.queue(task), play.look(task)["queue_entered_ms"]) == ("c", T0_MS)
    play.wait(14)
    assert play.status(task) == "pending"
    play.wait(1)
    assert play.look(task)["reason"] == "Workflow timed out"


@scenario(flow(one_filter({"queue": "a", **AWAY}, {"queue": "b", **TEN}, {"queue": "c"}), "a", "b", "c"))
def a_step_whose_sum_is_over_before_it_is_entered_is_left_at_once(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", available=False)
    task = play.task()
    play.wait(12)
    assert play.queue(task) == "a"
    play.move(ann, "Offline")
    seen = play.look(task)
    assert (play.queue(task), seen["queue_entered_ms"], seen["revision"]) == ("c", T0_MS + 12_000, 2)


@scenario(
    Site(
        queues={"a": Queue("friendly_name == 'ann'"), "b": Queue("friendly_name == 'bo'"), "c": Queue()},
        workflows={
            "main": Flow(one_filter({"queue": "a", **AWAY}, {"queue": "b", **TEN}, {"queue": "c"})),
        },
    )
)
def whoever_is_free_in_a_step_that_is_over_gets_the_task_all_the_same(play: Play) -> None:
    """Semantics 6.3: on entry the Task is offered first; then only may it have to leave."""
    ann, bo = play.worker("ann"), play.worker("bo")
    play.slots(ann, "default", available=False)
    task = play.task()
    play.wait(12)
    assert play.queue(task) == "a"
    play.move(ann, "Offline")
    assert (play.holder(task), play.queue(task)) == (bo, "b")


@scenario(
    flow(
        by_kind(
            steps({"queue": "a", "timeout": 5}, {"queue": "b", "timeout": 5}),
            kind("other", "a"),
            steps({"queue": "c", "timeout": 7}, {"queue": "a", "timeout": 7}),
            default={"queue": "b"},
        ),
        "a", "b", "c",
    )
)  # fmt: skip
def the_next_filter_that_matches_counts_from_when_it_was_entered(play: Play) -> None:
    """Semantics 6.5: base = age on entering the filter; 6.4: a timed-out Task never sees the default."""
    task = play.task()
    places = []
    for _ in range(25):
        places.append(play.queue(task) if play.status(task) == "pending" else play.look(task)["reason"])
        play.wait(1)
    assert places == ["a"] * 5 + ["b"] * 5 + ["c"] * 7 + ["a"] * 7 + ["Workflow timed out"]


@scenario(
    flow(
        by_kind(
            steps({"queue": "a", **SKIP}, {"queue": "b", **SKIP}),
            kind("other", "a"),
            steps({"queue": "b", **SKIP}),
            default={"queue": "c", **SKIP},
        ),
        "a", "b", "c",
    )
)  # fmt: skip
def a_task_may_skip_through_steps_and_filters_to_the_default_and_stays_there(play: Play) -> None:
    """Semantics 6.4 and 5.7: a step in the same queue is no move, so the Task does not change by it."""
    task = play.task()
    seen = play.look(task)
    assert (play.queue(task), seen["status"], seen["revision"]) == ("c", "pending", 2)  # to b, to c
    ann = play.worker("ann")
    assert play.holder(task) == ann


@scenario(flow(one_filter({"queue": "a", **SKIP}, {"queue": "b", **SKIP}), "a", "b"))
def a_task_that_skips_its_last_step_without_a_default_is_canceled(play: Play) -> None:
    task = play.task()
    seen = play.look(task)
    assert (seen["status"], seen["reason"]) == ("canceled", "Workflow skipped")
    assert (play.queue(task), seen["revision"], seen["ended_ms"]) == ("b", 2, T0_MS)


@scenario(flow(one_filter({"queue": "a", **SKIP}, default={"queue": "b"}), "a", "b"))
def nothing_is_skipped_while_somebody_is_free(play: Play) -> None:
    """Semantics 6.8: `1==1` skips only where nobody could be reserved at once."""
    ann = play.worker("ann")
    first, second = play.task(), play.task()
    assert (play.holder(first), play.queue(first)) == (ann, "a")
    assert (play.status(second), play.queue(second)) == ("pending", "b")


@scenario(flow(one_filter({"queue": "a", **TEN, **SKIP}, default={"queue": "b"}), "a", "b"))
def a_rejected_task_whose_step_is_over_has_timed_out_and_not_skipped(play: Play) -> None:
    """Semantics 6.5: the check of the deadline comes first when a Reservation fails."""
    play.worker("ann")
    in_time = play.task()
    play.wait(9)
    play.reject(in_time, "Offline")
    assert (play.status(in_time), play.queue(in_time)) == ("pending", "b")
    play.worker("bo")
    play.delete_task(in_time)
    late = play.task()
    play.wait(10)
    play.reject(late, "Offline")
    assert play.look(late)["reason"] == "Workflow timed out"


@scenario(flow(one_filter({"queue": "a", **TEN}, {"queue": "b"}), "a", "b"))
def a_task_rejected_inside_its_step_tries_the_others_of_the_step(play: Play) -> None:
    """Semantics 6.5: it stays while age < deadline, although the next step has a queue of its own."""
    workers = {play.worker("ann"), play.worker("bo")}
    task = play.task()
    first = play.holder(task)
    assert first is not None
    play.wait(9)
    play.reject(task, "Offline")
    assert (play.queue(task), play.holder(task)) == ("a", next(iter(workers - {first})))
    play.reject(task, "Offline")
    assert (play.queue(task), play.status(task)) == ("a", "pending")
    play.wait(1)
    assert play.queue(task) == "b"


@scenario(flow(one_filter({"queue": "a", **TEN}, {"queue": "b"}), "a", "b", answer_s=5))
def an_unanswered_task_is_in_its_step_before_the_deadline_and_behind_it_after(play: Play) -> None:
    play.worker("ann")
    task = play.task()
    play.wait(8)
    assert (play.status(task), play.queue(task)) == ("pending", "a")
    bo = play.worker("bo")
    play.wait(4)
    assert (play.holder(task), play.queue(task)) == (bo, "a")
    play.wait(1)
    assert (play.status(task), play.queue(task)) == ("pending", "b")


@scenario(flow(one_filter({"queue": "a", **TEN}, {"queue": "b"}), "a", "b"))
def ttl_counts_where_it_and_the_step_are_both_over(play: Play) -> None:
    task = play.task(timeout=10)
    play.skip(12)
    seen = play.look(task)
    assert (seen["status"], seen["reason"], play.queue(task)) == ("canceled", "Task TTL Exceeded", "a")


@scenario(flow(one_filter({"queue": "a", **TEN}, {"queue": "b"}), "a", "b"))
def a_step_without_timeout_lasts_until_the_ttl(play: Play) -> None:
    task = play.task(timeout=60)
    play.skip(59)
    assert (play.status(task), play.queue(task)) == ("pending", "b")
    play.skip(1)
    assert play.look(task)["reason"] == "Task TTL Exceeded"


@scenario(
    flow(
        by_kind(
            kind("none", "a"),
            kind("one", "a", priority=10),
            {
                "expression": "kind == 'two'",
                "targets": [{"queue": "a", "priority": 1, **TEN}, {"priority": 10}],
            },
            {
                "expression": "kind == 'kept'",
                "targets": [{"queue": "a", "priority": 10, **TEN}, {"queue": "b"}],
            },
            {
                "expression": "kind == 'edited'",
                "targets": [
                    {"queue": "a", "priority": 10, **TEN},
                    {"queue": "b", **TEN},
                    {"queue": "a", "priority": 7},
                ],
            },
        ),
        "a", "b",
    )
)  # fmt: skip
def a_priority_stays_until_a_step_or_a_client_sets_another(play: Play) -> None:
    """Every row of semantics 6.10."""
    plain, five = play.task(attributes={"kind": "none"}), play.task(attributes={"kind": "none"}, priority=5)
    ten, two = play.task(attributes={"kind": "one"}, priority=5), play.task(attributes={"kind": "two"})
    kept = play.task(attributes={"kind": "kept"}, priority=5)
    edited = play.task(attributes={"kind": "edited"})
    play.update_task(edited, priority=50)
    tasks = (plain, five, ten, two, kept, edited)
    assert [play.look(task)["priority"] for task in tasks] == [0, 5, 10, 1, 10, 50]
    before = play.look(two)["revision"]
    play.wait(10)
    assert [play.look(task)["priority"] for task in tasks] == [0, 5, 10, 10, 10, 50]
    assert (play.queue(kept), play.queue(edited)) == ("b", "b")
    assert (play.look(two)["revision"], play.look(two)["queue_entered_ms"]) == (before + 1, T0_MS)
    play.wait(10)
    assert (play.look(edited)["priority"], play.queue(edited)) == (7, "a")


@scenario(flow(one_filter({"queue": "a", **TEN}, {"priority": 10}), "a"))
def a_task_that_waited_for_its_second_step_overtakes_a_more_urgent_one(play: Play) -> None:
    first, vip = play.task(priority=9), play.task(priority=8)
    play.wait(5)
    late = play.task(priority=9)
    play.wait(5)
    assert [play.look(task)["priority"] for task in (first, vip, late)] == [10, 10, 9]
    play.worker("ann")
    assert play.served([first, vip, late]) == [first, vip, late]
