"""Scenarios: more at once than one script may do, which must not show."""

from __future__ import annotations

from typing import Final

from tests.scenarios.documents import flow, one_filter, steps
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import T0_MS

CROWD: Final = 40  # more than the 32 offers, skips or rejections and the 16 timers of one script
STEPS: Final = one_filter(
    {"queue": "a", "timeout": 10, "skip_if": "workers.available == 0"},
    {"queue": "b", "priority": 5, "timeout": 10},
    {"queue": "c"},
)


def crowd(play: Play, count: int = CROWD) -> list[str]:
    """Tasks, one as good as the other."""
    return [play.task() for _ in range(count)]


def places(play: Play, tasks: list[str]) -> set[tuple[str, str | None, int, int]]:
    """Where the Tasks are, when they came there and how often they changed."""
    seen = play.see()["tasks"]
    rows = [seen[task] for task in tasks]
    return {(row["status"], row["queue"], row["queue_entered_ms"], row["revision"]) for row in rows}


@scenario(flow(STEPS, "a", "b", "c"))
def a_crowd_skips_when_the_last_worker_leaves(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", available=False)
    tasks = crowd(play)
    play.wait(1)
    play.move(ann, "Offline")
    ((status, _, entered_ms, revision),) = places(play, tasks)
    assert (status, play.queue(tasks[0]), entered_ms, revision) == ("pending", "b", T0_MS + 1000, 1)


@scenario(flow(STEPS, "a", "b", "c"))
def a_crowd_leaves_its_step_in_the_same_second(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", available=False)
    tasks = crowd(play)
    for queue, revision in (("b", 1), ("c", 2)):
        play.wait(10)
        ((status, _, entered_ms, changes),) = places(play, tasks)
        assert (status, play.queue(tasks[-1]), changes) == ("pending", queue, revision)
        assert entered_ms == T0_MS + revision * 10_000


@scenario(one_queue())
def a_crowd_of_tasks_ends_at_the_same_instant(play: Play) -> None:
    tasks = [play.task(timeout=10) for _ in range(CROWD)]
    play.wait(10)
    assert {play.look(task)["reason"] for task in tasks[:: CROWD - 1]} == {"Task TTL Exceeded"}
    assert len(places(play, tasks)) == 1
    play.skip(300)
    assert play.see()["tasks"] == {}


@scenario(one_queue())
def a_crowd_is_rejected_together_and_goes_to_the_next_worker_in_its_order(play: Play) -> None:
    ann, bo = play.worker("ann"), play.worker("bo", activity="Offline")
    play.slots(ann, "default", capacity=CROWD)
    play.slots(bo, "default", capacity=CROWD - 2)
    tasks = crowd(play)
    play.move(ann, "Offline", reject_pending_reservations=True)
    assert {play.status(task) for task in tasks[:: CROWD - 1]} == {"pending"}
    assert (play.channel(ann)["open"], play.person(ann)["revision"]) == (0, 2 * CROWD + 2)
    play.move(bo, "Available")
    assert [play.holder(task) for task in tasks] == [bo] * (CROWD - 2) + [None] * 2


@scenario(one_queue(max_reserved=50))
def a_round_of_many_ends_and_frees_all_of_them(play: Play) -> None:
    workers = [play.worker(f"worker {number}") for number in range(CROWD)]
    task, *waiting = crowd(play, 3)
    assert play.holders(task) == set(workers)
    play.accept_by(task, workers[0])
    assert play.ends(task) == ["accepted"] + ["rescinded"] * (CROWD - 1)
    # The first of those that wait takes everybody who has been freed.
    assert [play.holders(other) for other in waiting] == [set(workers[1:]), set()]
    play.update_task(waiting[0], assignment_status="canceled")
    assert play.ends(waiting[0]) == ["canceled"] * (CROWD - 1)
    assert play.holders(waiting[1]) == set(workers[1:])


@scenario(one_queue(max_reserved=50, answer_s=10))
def a_round_of_many_that_nobody_answers_ends_once(play: Play) -> None:
    workers = [play.worker(f"worker {number}") for number in range(CROWD)]
    task = play.task()
    play.wait(10)
    seen = play.look(task)
    assert (seen["status"], seen["revision"], play.ends(task)) == ("pending", 2, ["timeout"] * CROWD)
    assert {play.activity(worker) for worker in workers[:: CROWD - 1]} == {"Offline"}


@scenario(flow({"task_routing": {"filters": [steps({"queue": "a"})]}}, "a", "b"))
def a_crowd_starts_anew_with_a_new_document(play: Play) -> None:
    tasks = crowd(play)
    play.update_workflow(one_filter({"queue": "b"}), again=True)
    ((_, _, _, revision),) = places(play, tasks)
    assert (play.queue(tasks[0]), revision) == ("b", 1)
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=CROWD)
    assert [play.holder(task) for task in tasks] == [ann] * CROWD
