"""A day's curve: its shape, its mean, and shifts that follow it."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.suite.arrivals import DAY, day_times, varying
from benchmarks.suite.plan import Plan
from benchmarks.suite.scenarios import Options, contact_centre, lives

DAY_S = 48.0  # an hour is two seconds


def test_a_day_has_the_mean_of_its_plan_and_no_rate_above_the_highest() -> None:
    plan = Plan(scenario="create", rate_per_s=40, duration_s=DAY_S, arrivals="day")
    times = [plan.times_at(step * DAY_S / 2_400) for step in range(2_400)]
    assert sum(times) / len(times) == pytest.approx(1.0)
    assert max(times) == pytest.approx(plan.highest_times)


def test_it_has_two_peaks_a_dip_between_them_and_a_quiet_night() -> None:
    peaks = [hour for hour in range(1, 23) if DAY[hour - 1] < DAY[hour] > DAY[hour + 1]]
    morning, afternoon = peaks
    assert 9 <= morning <= 11
    assert 14 <= afternoon <= 16
    assert min(DAY[morning:afternoon]) < 0.8 * DAY[morning]
    assert max(DAY[:6]) < 0.25 < min(DAY[8:18])


def test_midnight_follows_the_last_hour() -> None:
    assert day_times(0.0) == day_times(1.0) == DAY[0]
    assert day_times(23.5 / 24) == pytest.approx((DAY[23] + DAY[0]) / 2)


def test_arrivals_come_as_the_curve_says() -> None:
    instants = list(
        varying(lambda at_s: 500 * day_times(at_s / DAY_S), 500 * max(DAY), DAY_S, Random("a day"))
    )
    assert len(instants) == pytest.approx(500 * DAY_S, rel=0.03)
    for hour in range(24):
        share = (day_times(hour / 24) + day_times((hour + 1) / 24)) / 2
        found = sum(hour <= at_s / 2 < hour + 1 for at_s in instants)
        assert found == pytest.approx(1_000 * share, abs=4 * (1_000 * share) ** 0.5)


@pytest.mark.parametrize(
    "options",
    [
        Options(arrivals="day"),
        Options(arrivals="day", rate_per_s=200, duration_s=600),
        Options(arrivals="day", handle_ms=2_000),
    ],
)
def test_the_shifts_of_a_contact_centre_have_enough_hands_at_any_time_of_its_day(options: Options) -> None:
    plan = contact_centre(options)
    assert plan.rate_per_s is not None
    handle_s = plan.crews[0].handle_ms / 1000
    loads = []
    for half in range(48):
        at_s = (half + 0.5) / 48 * plan.duration_s
        hands = sum(
            crew.count * crew.capacity
            for crew in plan.crews
            if crew.from_s <= at_s and (crew.until_s is None or at_s < crew.until_s)
        )
        loads.append(plan.rate_per_s * plan.times_at(at_s) * handle_s / hands)
    assert max(loads) < 0.9
    assert sum(loads) / len(loads) > 0.45  # and nobody is paid for waiting


def test_lives_has_workers_for_the_busiest_hour() -> None:
    steady, day = lives(Options(rate_per_s=60)), lives(Options(rate_per_s=60, arrivals="day"))
    assert day.workers == pytest.approx(steady.workers * max(DAY), rel=0.05)
