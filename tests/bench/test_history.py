"""The log of events, gone through: each broken promise is found, and a right history has none."""

from __future__ import annotations

import pytest

from benchmarks.suite.history import History, KindOf, Reader, Staff
from benchmarks.suite.journal import Entry

KINDS = {
    "low": KindOf(kind=0, skill="a", priority=0, strict=True),
    "high": KindOf(kind=1, skill="a", priority=9, strict=True),
    "other": KindOf(kind=2, skill="b", priority=0, strict=True),
    "loose": KindOf(kind=3, skill="a", priority=9, strict=False),
}
STAFF = {
    "ann": Staff(crew=0, skills=("a",), capacity=1, steady=True),
    "bo": Staff(crew=0, skills=("a",), capacity=1, steady=True),
    "cy": Staff(crew=1, skills=("a", "b"), capacity=2, steady=False),
}


def history(*steps: str, order_from_ms: int = 0) -> History:
    """From steps `ms what Task [Worker]`; a Task is named by its kind and a number."""
    entries = []
    for step in steps:
        ms, what, task, *worker = step.split()
        name = {"+": "task.created", "offer": "reservation.created", "accept": "reservation.accepted"}.get(
            what, what
        )
        entries.append(Entry(int(ms), name, task, worker[0] if worker else "", f"R-{task}"))
    kinds = {entry.task: KINDS[entry.task.rstrip("0123456789")] for entry in entries}
    return Reader(kinds, STAFF, order_from_ms=order_from_ms).read(entries)


def test_a_right_history_has_its_waits_and_nothing_wrong() -> None:
    found = history(
        "0 + low1",
        "0 offer low1 ann",
        "5 + low2",
        "9 reservation.completed low1 ann",
        "9 task.completed low1",
        "9 offer low2 ann",
        "12 reservation.completed low2 ann",
        "12 task.completed low2",
    )
    waits = {task: (life.reserved_ms or 0) - life.created_ms for task, life in found.lives.items()}
    assert waits == {"low1": 0, "low2": 4}
    assert [life.hold_ms for life in found.lives.values()] == [9, 3]
    assert found.queue == [(0, 1), (0, 0), (5, 1), (9, 0)]
    assert (found.overtaken, found.overruns, found.twice, found.unfair) == ([], [], [], [])
    assert (found.ordered, found.offers["ann"]) == (2, 2)


@pytest.mark.parametrize(
    ("steps", "overtaken"),
    [
        (("0 + low1", "1 + low2", "2 offer low2 ann"), ["low1"]),
        (("0 + low1", "0 + low2", "2 offer low2 ann"), []),  # of the same ms: in no order
        (("0 + low1", "1 + high1", "2 offer low1 ann"), ["high1"]),
        (("0 + low1", "1 + high1", "2 offer high1 ann"), []),
        (("0 + low1", "1 + other1", "2 offer other1 cy"), ["low1"]),
        (("0 + other1", "1 + low1", "2 offer low1 ann"), []),  # ann could not have taken it
        (("0 + low1", "1 + loose1", "2 offer low1 ann"), []),
        (("0 + low1", "1 task.canceled low1", "2 + low2", "3 offer low2 ann"), []),
        (
            ("0 + low1", "0 offer low1 ann", "1 + low2", "2 reservation.rejected low1", "3 offer low2 bo"),
            ["low1"],
        ),
    ],
)
def test_overtaking_is_seen_where_the_worker_could_have_taken_the_better_task(
    steps: tuple[str, ...], overtaken: list[str]
) -> None:
    assert history(*steps).overtaken == overtaken


def test_no_order_is_asked_of_tasks_created_before_it_is() -> None:
    steps = ("0 + low1", "1 + low2", "2 offer low2 ann")
    assert history(*steps, order_from_ms=1).overtaken == []


def test_how_long_a_worker_was_free_is_known_after_a_completion_only() -> None:
    found = history(
        "0 + low1",
        "0 offer low1 ann",
        "5 + low2",
        "9 reservation.completed low1 ann",
        "12 offer low2 ann",
        "13 reservation.rejected low2 ann",
        "20 offer low2 ann",
    )
    assert found.freed_ms == [3]


def test_an_offer_to_a_worker_who_is_full_is_seen() -> None:
    assert history("0 + low1", "0 offer low1 ann", "1 + low2", "1 offer low2 ann").overruns == ["R-low2"]
    steps = ("0 + low1", "0 offer low1 cy", "1 + low2", "1 offer low2 cy", "2 + low3", "2 offer low3 cy")
    assert history(*steps).overruns == ["R-low3"]


def test_a_second_accept_and_a_second_completion_are_seen() -> None:
    begin = ("0 + low1", "0 offer low1 ann", "1 accept low1")
    assert history(*begin, "2 accept low1").twice == ["low1"]
    done = "2 reservation.completed low1"
    assert history(*begin, done, "3 offer low1 ann", "4 reservation.completed low1").twice == ["low1"]


def test_an_offer_that_passes_by_the_longest_idle_worker_is_seen() -> None:
    both = (
        "0 + low1",
        "0 offer low1 ann",
        "1 + low2",
        "1 offer low2 bo",
        "2 reservation.completed low2",
        "3 reservation.completed low1",
        "5 + low3",
    )
    assert history(*both, "5 offer low3 ann").unfair == []  # its last offer was before bo's
    assert history(*both, "5 offer low3 bo").unfair == ["R-low3"]
    assert history(*both, "5 offer low3 bo").compared == 1
