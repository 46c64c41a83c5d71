"""Seconds in the JSON of statistics: ages of Tasks, and averages with and without decimals."""

from __future__ import annotations

from collections import Counter

from api.v1 import statistics_shapes as shapes
from engine.cumulative import Durations, Tally
from engine.realtime import OPEN, OpenTasks


def test_ages_are_cut_and_count_from_creation_and_from_entry() -> None:
    tasks = OpenTasks(oldest=(1_000, "WT1"), longest_here=(2_500, "WT2"))
    assert shapes.open_tasks(tasks, 4_999)["longest_task_waiting_age"] == 3
    assert shapes.open_tasks(tasks, 4_999)["longest_task_waiting_sid"] == "WT1"
    here = {"longest_relative_task_age_in_queue": 2, "longest_relative_task_sid_in_queue": "WT2"}
    assert shapes.in_queue(tasks, 4_999) == here
    assert shapes.in_queue(tasks, 0)["longest_relative_task_age_in_queue"] == 0  # a clock that was set back


def test_no_task_waits_for_0_seconds_and_has_no_sid() -> None:
    found = shapes.open_tasks(OpenTasks(), 5_000) | shapes.in_queue(OpenTasks(), 5_000)
    assert found == {
        "longest_task_waiting_age": 0,
        "longest_task_waiting_sid": None,
        "longest_relative_task_age_in_queue": 0,
        "longest_relative_task_sid_in_queue": None,
        "tasks_by_priority": {},
        "tasks_by_status": dict.fromkeys(OPEN, 0),
        "total_tasks": 0,
    }


def test_priorities_are_keys_of_text_in_their_order() -> None:
    tasks = OpenTasks(by_priority=Counter({10: 1, 9: 2, 0: 3}))
    assert list(shapes.open_tasks(tasks, 0)["tasks_by_priority"].items()) == [("0", 3), ("9", 2), ("10", 1)]


def test_only_averages_of_combined_views_have_decimals() -> None:
    durations = Durations(3, 5_999, 999, 3_999)
    assert shapes.duration(durations, whole=True) == {"avg": 1, "min": 0, "max": 3, "total": 5}
    assert shapes.duration(durations, whole=False) == {"avg": 2.0, "min": 0, "max": 3, "total": 5}
    assert shapes.duration(Durations(), whole=False) == {"avg": 0, "min": 0, "max": 0, "total": 0}


def test_without_thresholds_there_is_no_split() -> None:
    assert shapes.tasks(Tally(), also=(), whole=True)["split_by_wait_time"] is None
