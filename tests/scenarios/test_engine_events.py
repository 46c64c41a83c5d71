"""Which events the engine tells, and in which order; on fakeredis, so that no server is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.redis.fake_lab import FakeLab
from tests.scenarios.documents import EVERY, by_kind, flow, one_filter
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue
from tests.scenarios.single import SINGLE
from tests.scenarios.site import Site

TEN: Final[dict[str, Any]] = {"timeout": 10}
# Told for every Task; where they stand depends on whether its pool was there already.
ALWAYS: Final = ("workspace", "task-queue.created", "workflow.created", "worker.created", "task.created")
MATCHED: Final = "workflow.target-matched"


@pytest.fixture(scope="module")
def lab() -> Iterator[FakeLab]:
    with FakeLab() as opened:
        yield opened


def told(lab: FakeLab, site: Site, act: Callable[[Play], None]) -> list[str]:
    """The types of the events that a Workspace of its own tells while this is done in it."""
    driver = EngineDriver(lab, site)
    try:
        act(Play(driver))
        entries = lab.run(lab.fake.call("XRANGE", driver.shard_keys.events, "-", "+"))
    finally:
        driver.delete()
    mine = [flat[3::2] for _, flat in entries if int(flat[1]) == driver.number]
    kinds = [text.decode().split("|")[1] for texts in mine for text in texts]
    return [kind for kind in kinds if not kind.startswith(ALWAYS) and kind != MATCHED]


def a_life_in_a_single_tasking_workspace(play: Play) -> None:
    play.worker("ann", activity="Idle")
    task = play.task()
    play.reject(task)
    play.accept(task)
    play.complete(task)


def test_a_reservations_event_comes_before_that_of_its_workers_activity(lab: FakeLab) -> None:
    """Semantics 3.9."""
    seen = told(lab, SINGLE, a_life_in_a_single_tasking_workspace)
    moves = [seen[at - 1] for at, kind in enumerate(seen) if kind == "worker.activity.update"]
    assert moves == [f"reservation.{kind}" for kind in ("created", "rejected", "created", "accepted")]
    assert sorted(seen[-2:]) == ["reservation.completed", "task.completed"]


def nobody_answers(play: Play) -> None:
    play.worker("ann")
    play.task()
    play.skip(120)


def test_an_unanswered_offer_tells_of_itself_and_of_its_worker(lab: FakeLab) -> None:
    """Semantics 3.5."""
    assert told(lab, one_queue(), nobody_answers) == [
        "reservation.created",
        "reservation.timeout",
        "worker.activity.update",
    ]


def one_waits_for_its_end(play: Play) -> None:
    play.task()
    play.skip(10)


@pytest.mark.parametrize(
    ("document", "events"),
    [
        (
            one_filter({"queue": "a", **TEN}, default={"queue": "b"}),
            ["task-queue.timeout", "workflow.timeout"],
        ),
        (one_filter({"queue": "a", "skip_if": EVERY}), ["workflow.skipped"]),
        (
            one_filter({"queue": "a", "skip_if": EVERY}, {"queue": "b", "skip_if": EVERY}),
            ["task-queue.moved", "task.updated", "workflow.skipped"],
        ),
    ],
    ids=["timed out", "skipped", "moved and skipped"],
)
def test_a_task_that_leaves_its_workflow_tells_why_it_is_canceled(
    lab: FakeLab, document: dict[str, Any], events: list[str]
) -> None:
    """Semantics 6.4."""
    seen = told(lab, flow(document, "a", "b"), one_waits_for_its_end)
    assert seen == [*events, "task.canceled"]


def one_matches_nothing_any_more(play: Play) -> None:
    play.task()
    play.update_workflow(by_kind(), again=True)


def test_a_task_that_no_filter_takes_any_more_times_out_of_its_workflow(lab: FakeLab) -> None:
    """Semantics 6.2."""
    seen = told(lab, one_queue(), one_matches_nothing_any_more)
    assert seen == ["workflow.updated", "workflow.timeout", "task.canceled"]


@pytest.mark.parametrize(("queue", "moves"), [("a", 0), ("b", 1)])
def test_only_another_queue_is_a_move(lab: FakeLab, queue: str, moves: int) -> None:
    """Semantics 5.7."""
    site = flow(one_filter({"queue": "a", **TEN}, {"queue": queue}), "a", "b")
    seen = told(lab, site, one_waits_for_its_end)
    assert seen.count("task-queue.moved") == moves
    assert seen[0] == "task-queue.timeout"


def a_target_refuses(play: Play) -> None:
    play.reject(play.task_for(play.worker("ann")))
    play.skip(60)


def test_a_missed_target_tells_of_a_failed_reservation(lab: FakeLab) -> None:
    """Semantics 2.8."""
    assert told(lab, one_queue(), a_target_refuses) == [
        "reservation.created",
        "reservation.rejected",
        "reservation.failed",
        "task.canceled",
    ]


def one_of_a_round_accepts(play: Play) -> None:
    ann, *_ = (play.worker(name) for name in ("ann", "bo", "cy"))
    play.accept_by(play.task(), ann)


def test_a_round_tells_of_every_offer_and_of_every_rescinded_one(lab: FakeLab) -> None:
    """Semantics 3.7."""
    seen = told(lab, one_queue(max_reserved=3), one_of_a_round_accepts)
    assert seen == ["reservation.created"] * 3 + ["reservation.accepted"] + ["reservation.rescinded"] * 2
