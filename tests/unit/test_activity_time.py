"""How long Workers were where: stretches clipped to an interval, against a count of each millisecond."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, field

from engine.activity_time import ActivityTime
from engine.cumulative import Interval
from tests.made_events import Made

NOW_MS = 100  # where the interval ends at the latest
LATER_MS = 120  # records and log are read between now and then
Stretch = tuple[str, int, int]  # Activity, begin, end


class Life(Struct):
    """What one Worker did until now."""

    moves: list[tuple[int, str]]  # the first is its creation
    deleted_ms: int | None
    stretches: list[Stretch] = field(default_factory=list)

    def __post_init__(self) -> None:
        ends = [at_ms for at_ms, _ in self.moves[1:]]
        ends.append(LATER_MS if self.deleted_ms is None else self.deleted_ms)
        self.stretches = [(a, begin, end) for (begin, a), end in zip(self.moves, ends, strict=True)]

    def events(self, sid: str) -> list[Made]:
        found = []
        for place, (at_ms, activity) in enumerate(self.moves):
            data = {"worker_sid": sid, "worker_activity_sid": activity}
            if place == 0:
                found.append(Made("worker.created", at_ms, data))
                continue
            began_ms, before = self.moves[place - 1]
            lasted = {
                "worker_previous_activity_sid": before,
                "worker_time_in_previous_activity_ms": str(at_ms - began_ms),
            }
            found.append(Made("worker.activity.update", at_ms, {**data, **lasted}))
        if self.deleted_ms is not None:
            data = {"worker_sid": sid, "worker_activity_sid": self.moves[-1][1]}
            found.append(Made("worker.deleted", self.deleted_ms, data))
        return found


@st.composite
def lives(draw: st.DrawFn) -> Life:
    instants = sorted(draw(st.lists(st.integers(0, LATER_MS), min_size=1, max_size=6)))
    deleted = draw(st.none() | st.integers(instants[-1], LATER_MS))
    return Life([(at_ms, draw(st.sampled_from("ABC"))) for at_ms in instants], deleted)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(lives(), min_size=1, max_size=4),
    st.tuples(st.integers(0, NOW_MS), st.integers(0, NOW_MS)),
    st.tuples(st.integers(NOW_MS, LATER_MS), st.integers(NOW_MS, LATER_MS)),
)
def test_time_is_added_up_as_if_each_millisecond_were_counted(
    workers: list[Life], interval: tuple[int, int], reads: tuple[int, int]
) -> None:
    start_ms, end_ms = sorted(interval)
    records_ms, log_ms = sorted(reads)
    times = ActivityTime(Interval(start_ms, end_ms))
    made = [event for n, life in enumerate(workers) for event in life.events(f"WK{n}")]
    for event in sorted(made, key=lambda event: event.at_ms):
        if start_ms <= event.at_ms <= log_ms:
            times.add(event)
    for n, life in enumerate(workers):
        seen = [move for move in life.moves if move[0] <= records_ms]
        if seen and (life.deleted_ms is None or life.deleted_ms > records_ms):
            times.now(f"WK{n}", seen[-1][1], seen[-1][0], NOW_MS)

    counted: Counter[str] = Counter()
    for life in workers:
        for activity, begin, end in life.stretches:
            counted[activity] += sum(start_ms <= ms < end_ms for ms in range(begin, end))
    assert {a: d.total_ms for a, d in times.durations.items()} == {a: n for a, n in counted.items() if n}


def test_each_stretch_counts_for_average_least_and_greatest() -> None:
    times = ActivityTime(Interval(0, 100), {"WK1"})
    life = Life([(0, "A"), (10, "B"), (20, "A"), (50, "B")], None)
    for event in life.events("WK1") + life.events("WK2"):
        times.add(event)
    times.now("WK1", "B", 50, 100)
    found = {a: (d.count, d.min_ms, d.max_ms, d.total_ms) for a, d in times.durations.items()}
    assert found == {"A": (2, 10, 30, 40), "B": (2, 10, 50, 60)}


def test_a_worker_that_was_deleted_after_its_record_was_read_counts_once() -> None:
    times = ActivityTime(Interval(0, NOW_MS))
    for event in Life([(10, "A")], NOW_MS + 5).events("WK1"):
        times.add(event)
    times.now("WK1", "A", 10, NOW_MS)
    assert {a: (d.count, d.total_ms) for a, d in times.durations.items()} == {"A": (1, 90)}
