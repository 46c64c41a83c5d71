"""Latencies in HDR histograms: a fixed relative error whatever their size, and sums of processes are exact.

A call is charged from the moment it was *meant* to be sent. A generator that charges from the moment it got round to
sending leaves out just the calls that a stalled server held up (coordinated omission).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from hdrh.histogram import HdrHistogram

from benchmarks.suite.report import Latency

MAX_US: Final = 3_600_000_000  # an hour; longer ones count as that
DIGITS: Final = 3  # significant, so a value is at most 0.1 % off
PERCENTILES: Final = (50, 90, 95, 99, 99.9, 99.99)


class Times:
    """Latencies of one kind as they come, 0.2 us each: a histogram is made of them when they are asked for."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        self._counts[min(MAX_US, max(1, int(seconds * 1e6)))] += 1

    def encoded(self) -> bytes:
        """The histogram, to be sent to another process."""
        histogram = _empty()
        for value, count in self._counts.items():
            histogram.record_value(value, count)
        return bytes(histogram.encode())


def merged(parts: Iterable[bytes]) -> HdrHistogram:
    """The sum of encoded histograms."""
    total = _empty()
    for part in parts:
        total.decode_and_add(part)
    return total


def latency(name: str, meaning: str, parts: Iterable[bytes]) -> Latency:
    """What the report says of them all together."""
    histogram = merged(parts)
    empty = histogram.total_count == 0
    return Latency(
        name=name,
        meaning=meaning,
        count=histogram.total_count,
        min_us=0 if empty else int(histogram.get_min_value()),
        mean_us=0.0 if empty else round(float(histogram.get_mean_value()), 1),
        max_us=0 if empty else int(histogram.get_max_value()),
        percentiles_us={
            f"{percent:g}": int(histogram.get_value_at_percentile(percent)) for percent in PERCENTILES
        },
        hdr=histogram.encode().decode(),
    )


def percentile_us(values_us: list[int], percent: float) -> int | None:
    """Of some values in any order; None of none. For a second's worth of them, where a histogram is too much."""
    if not values_us:
        return None
    ordered = sorted(values_us)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _empty() -> HdrHistogram:
    return HdrHistogram(1, MAX_US, DIGITS)
