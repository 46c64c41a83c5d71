"""Latencies: sums of processes, relative error; and arrivals from a seed."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from benchmarks.suite.arrivals import poisson, varying
from benchmarks.suite.latency import Times, latency, percentile_us


def test_histograms_of_two_processes_add_up_to_that_of_one() -> None:
    random = Random(1)
    values = [random.expovariate(100) for _ in range(2_000)]
    whole, halves = Times(), (Times(), Times())
    for place, value in enumerate(values):
        whole.add(value)
        halves[place % 2].add(value)
    assert latency("a", "", [whole.encoded()]) == latency("a", "", [half.encoded() for half in halves])


@pytest.mark.parametrize("seconds", [0.000_001, 0.001, 0.123_456, 9.87, 3_000.0])
def test_a_value_is_at_most_a_thousandth_off(seconds: float) -> None:
    times = Times()
    times.add(seconds)
    assert latency("a", "", [times.encoded()]).percentiles_us["50"] == pytest.approx(seconds * 1e6, rel=1e-3)


def test_nothing_recorded_is_zero_everywhere() -> None:
    found = latency("a", "", [Times().encoded()])
    assert (found.count, found.min_us, found.max_us, found.percentiles_us["99"]) == (0, 0, 0, 0)


def test_percentiles_of_a_second() -> None:
    assert percentile_us([], 50) is None
    assert percentile_us([3, 1, 2], 50) == 2
    assert percentile_us(list(range(100)), 99) == 99


def test_the_same_seed_gives_the_same_arrivals_at_the_wanted_rate() -> None:
    first = list(poisson(50, 200, Random("7")))
    assert first == list(poisson(50, 200, Random("7")))
    assert first != list(poisson(50, 200, Random("8")))
    assert len(first) == pytest.approx(10_000, abs=400)  # 4 standard deviations
    assert 0 < first[0] < first[-1] < 200


def test_a_rate_that_varies_is_met_in_each_of_its_parts() -> None:
    found = list(varying(lambda at_s: 10.0 if at_s < 100 else 100.0, 100.0, 200, Random(3)))
    early = sum(at_s < 100 for at_s in found)
    assert early == pytest.approx(1_000, abs=130)
    assert len(found) - early == pytest.approx(10_000, abs=400)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="rate_per_s"):
        list(islice(poisson(0, 1, Random(1)), 1))
