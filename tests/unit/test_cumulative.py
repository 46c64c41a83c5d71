"""The fold of events into cumulative figures, against figures computed by hand and against a naive recount."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cumulative import RESERVATIONS, TASKS, Durations, Fold, Interval, interval_of, thresholds_of
from engine.errors import Invalid
from tests.made_events import Made

NOW_MS = 1_700_000_000_000
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
KINDS = sorted({kind for kinds in (*RESERVATIONS.values(), *TASKS.values()) for kind in kinds})
OTHERS = ["task.updated", "task-queue.entered", "workflow.entered", "worker.created", "reservation.failed"]


def by_queue(event: object) -> str | None:
    assert isinstance(event, Made)
    return event.data.get("task_queue_sid")


@st.composite
def events(draw: st.DrawFn) -> Made:
    at_ms = draw(st.integers(0, 100_000))
    data = {}
    if draw(st.booleans()):
        data["task_queue_sid"] = draw(st.sampled_from(["WQ1", "WQ2"]))
    if draw(st.booleans()):
        data["task_channel_unique_name"] = draw(st.sampled_from(["voice", "chat"]))
    created = draw(st.none() | st.integers(-50_000, 100_000))
    entered = draw(st.none() | st.integers(-50_000, 100_000))
    return Made(draw(st.sampled_from(KINDS + OTHERS)), at_ms, data, created, entered)


def waits(found: list[Made], kind: str, since: Callable[[Made], int | None]) -> list[int]:
    return [
        max(0, event.at_ms - begin)
        for event in found
        if event.type == kind and event.task_created_ms is not None and (begin := since(event)) is not None
    ]


def summed(durations: list[int]) -> Durations:
    if not durations:
        return Durations()
    return Durations(len(durations), sum(durations), min(durations), max(durations))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(events(), max_size=40),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
    st.none() | st.sampled_from(["voice", "chat"]),
)
def test_the_fold_is_the_naive_recount(
    made: list[Made], start_ms: int, length_ms: int, channel: str | None
) -> None:
    fold = Fold(Interval(start_ms, start_ms + length_ms), by_queue, channel=channel, thresholds=(0, 20))
    for event in made:
        fold.add(event)
    for queue in ("WQ1", "WQ2"):
        mine = [
            event
            for event in made
            if event.data.get("task_queue_sid") == queue
            and start_ms <= event.at_ms <= start_ms + length_ms
            and channel in (None, event.data.get("task_channel_unique_name"))
        ]
        tally = fold.tally(queue)
        for name, kinds in {**RESERVATIONS, **TASKS}.items():
            assert tally.count(kinds) == sum(event.type in kinds for event in mine), name
        accepted = waits(mine, "reservation.accepted", lambda event: event.task_created_ms)
        canceled = waits(mine, "task.canceled", lambda event: event.task_created_ms)
        here = waits(mine, "reservation.accepted", lambda event: event.task_queue_entered_ms)
        assert tally.accepted == summed(accepted)
        assert tally.canceled == summed(canceled)
        assert tally.accepted_in_queue == summed(here)
        for seconds, split in tally.split.items():
            for kind, long in (("reservations_accepted", accepted), ("tasks_canceled", canceled)):
                assert split.above[kind] == sum(wait >= seconds * 1_000 for wait in long)
                assert split.below[kind] == sum(wait < seconds * 1_000 for wait in long)


def test_both_ends_of_the_interval_belong_to_it() -> None:
    fold = Fold(Interval(1_000, 2_000), by_queue)
    for at_ms in (999, 1_000, 2_000, 2_001):
        fold.add(Made("task.created", at_ms, {"task_queue_sid": "WQ1"}))
    assert fold.tally("WQ1").events["task.created"] == 2


def test_a_wait_of_exactly_the_threshold_is_above_it() -> None:
    fold = Fold(Interval(0, 10_000), by_queue, thresholds=(5,))
    for created_ms in (5_001, 5_000, 4_999):
        fold.add(Made("reservation.accepted", 10_000, {"task_queue_sid": "WQ1"}, created_ms))
    split = fold.tally("WQ1").split[5]
    assert (split.above["reservations_accepted"], split.below["reservations_accepted"]) == (2, 1)


@pytest.mark.parametrize(
    ("minutes", "start", "end", "expected"),
    [
        (None, None, None, (NOW_MS - 15 * MINUTE_MS, NOW_MS)),
        (1, None, None, (NOW_MS - MINUTE_MS, NOW_MS)),
        (43_200, None, None, (NOW_MS - 30 * DAY_MS, NOW_MS)),
        (5, NOW_MS - DAY_MS, None, (NOW_MS - DAY_MS, NOW_MS)),
        (None, NOW_MS - DAY_MS, NOW_MS - 10, (NOW_MS - DAY_MS, NOW_MS - 10)),
        (None, NOW_MS - 10, NOW_MS - 10, (NOW_MS - 10, NOW_MS - 10)),
        (None, NOW_MS - 10, NOW_MS + DAY_MS, (NOW_MS - 10, NOW_MS)),
        (10, None, NOW_MS - DAY_MS, (NOW_MS - DAY_MS - 10 * MINUTE_MS, NOW_MS - DAY_MS)),
        (None, NOW_MS - 30 * DAY_MS - MINUTE_MS, None, (NOW_MS - 30 * DAY_MS - MINUTE_MS, NOW_MS)),
    ],
)
def test_an_interval_is_found(
    minutes: int | None, start: int | None, end: int | None, expected: tuple[int, int]
) -> None:
    assert interval_of(NOW_MS, minutes, start, end) == Interval(*expected)


@pytest.mark.parametrize(
    ("minutes", "start", "end", "field"),
    [
        (0, None, None, "minutes"),
        (43_201, None, None, "minutes"),
        (None, NOW_MS + 1, None, "start_date"),
        (None, NOW_MS - 10, NOW_MS - 11, "end_date"),
        (None, NOW_MS - 30 * DAY_MS - MINUTE_MS - 1, None, "start_date"),
        (None, None, NOW_MS - 30 * DAY_MS - MINUTE_MS, "end_date"),
    ],
)
def test_an_interval_is_refused(minutes: int | None, start: int | None, end: int | None, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        interval_of(NOW_MS, minutes, start, end)
    assert refused.value.field == field


def test_thresholds_are_read_in_their_order_and_each_once() -> None:
    assert thresholds_of("30, 5,005,0") == (30, 5, 0)
    assert thresholds_of(None) == ()
    assert len(thresholds_of("1,2,3,4,5,6,7,8,9,10")) == 10


@pytest.mark.parametrize(
    "text", ["", "5,", "-1", "1.5", "x", "5;6", "²", "9999999999", "2592001", "0,1,2,3,4,5,6,7,8,9,10"]
)
def test_thresholds_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        thresholds_of(text)
    assert refused.value.field == "split_by_wait_time"
