"""Two reports side by side: how B compares with A, and how far chance could have moved that.

A ratio's bounds come from the seconds of both runs after warm-up, by a moving block bootstrap: runs are put together
anew from stretches of BLOCK_S seconds, so that a slow stretch counts once and not for each of its seconds. Between the
bounds lie 99 of 100 such ratios. They know the noise within a run; what differs from run to run (another machine,
another neighbour) they cannot know.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Final

from msgspec import Struct

from benchmarks.suite.report import Report, Second, State

RESAMPLES: Final = 1_000
BLOCK_S: Final = 5
LEAST_S: Final = 10  # seconds of each run; fewer tell nothing of noise
OUTER: Final = 0.005  # left out at either end

Measure = Callable[[Second], float | None]


class Row(Struct, frozen=True, kw_only=True):
    """One figure of both runs. `low` and `high` bound `ratio` (B to A); None where noise is not known."""

    name: str
    unit: str
    a: float
    b: float
    ratio: float | None  # None if A's is 0
    low: float | None = None
    high: float | None = None
    better: str | None = None  # "higher", "lower"

    @property
    def said(self) -> str:
        """What follows: better, worse, no difference shown, changed (where neither way is better), or noise unknown."""
        if self.low is None or self.high is None:
            return "noise not known"
        if self.low <= 1.0 <= self.high:
            return "no difference shown"
        if self.better is None:
            return "changed"
        return "better" if (self.low > 1.0) == (self.better == "higher") else "worse"


class Comparison(Struct, frozen=True):
    rows: list[Row]
    warnings: list[str]  # why a comparison may mislead


MEASURES: Final[tuple[tuple[str, str, str | None, Measure], ...]] = (
    ("created", "a second", "higher", lambda one: one.created),
    ("offers", "a second", "higher", lambda one: one.offers),
    ("completed", "a second", "higher", lambda one: one.completed),
    ("create p50, mean of seconds", "ms", "lower", lambda one: _ms(one.create_p50_us)),
    ("create p99, mean of seconds", "ms", "lower", lambda one: _ms(one.create_p99_us)),
    ("waiting", "Tasks", None, lambda one: one.waiting),
    ("reserved", "Tasks", None, lambda one: one.reserved),
    ("assigned", "Tasks", None, lambda one: one.assigned),
)


def compare(a: Report, b: Report, *, seed: int = 1) -> Comparison:
    """B against A: first what has bounds, then figures that a run gives once. `seed` decides the resamples."""
    chance = random.Random(seed)
    rows = []
    for name, unit, better, of in MEASURES:
        left, right = steady(a, of), steady(b, of)
        if left and right and (any(left) or any(right)):
            rows.append(_row(chance, name, unit, better, left, right))
    known = {row.name for row in rows}
    others = {figure.name: figure for figure in b.figures}
    for figure in a.figures:
        other = others.get(figure.name)
        if other is not None and other.unit == figure.unit and figure.name not in known:
            ratio = other.value / figure.value if figure.value else None
            rows.append(
                Row(
                    name=figure.name,
                    unit=figure.unit,
                    a=figure.value,
                    b=other.value,
                    ratio=ratio,
                    better=figure.better,
                )
            )
    return Comparison(rows, _warnings(a, b))


def steady(report: Report, of: Measure) -> list[float]:
    """The values of the seconds after warm-up and within the load, in order; where nobody looked there is none."""
    about = report.settings
    inside = (
        one for one in report.series if about.warm_up_s <= one.at_s and one.at_s + 1 <= about.duration_s
    )
    return [value for one in inside if (value := of(one)) is not None]


def bounds(chance: random.Random, a: Sequence[float], b: Sequence[float]) -> tuple[float, float] | None:
    """The middle 99 of 100 ratios of means (B to A) of resampled runs; None for too few seconds, or for none of A's.

    Takes some 10 ms for runs of a minute.
    """
    if min(len(a), len(b)) < LEAST_S:
        return None
    ratios = []
    under_of, over_of = _resampler(chance, a), _resampler(chance, b)
    for _ in range(RESAMPLES):
        under = under_of()
        if under <= 0:
            return None
        ratios.append(over_of() / under)
    ratios.sort()
    cut = int(RESAMPLES * OUTER)
    return ratios[cut], ratios[-1 - cut]


def _resampler(chance: random.Random, values: Sequence[float]) -> Callable[[], float]:
    """Means of as many values again, in stretches; those at the end go on at the beginning, so that all are as likely.

    Sums of all stretches are made once: a mean then takes one draw a stretch, and none a value.
    """
    count = len(values)
    ring = [*values, *values[: BLOCK_S - 1]]
    stretches, left = divmod(count, BLOCK_S)
    whole = [sum(ring[start : start + BLOCK_S]) for start in range(count)]
    rest = [sum(ring[start : start + left]) for start in range(count)]

    def mean() -> float:
        total = sum(whole[chance.randrange(count)] for _ in range(stretches))
        return (total + rest[chance.randrange(count)] if left else total) / count

    return mean


def _row(
    chance: random.Random, name: str, unit: str, better: str | None, a: list[float], b: list[float]
) -> Row:
    mean_a, mean_b = fmean(a), fmean(b)
    found = bounds(chance, a, b)
    low, high = found if found is not None else (None, None)
    ratio = mean_b / mean_a if mean_a else None
    return Row(name=name, unit=unit, a=mean_a, b=mean_b, ratio=ratio, low=low, high=high, better=better)


def _warnings(a: Report, b: Report) -> list[str]:
    found = []
    for name in [name for name in a.settings.__struct_fields__ if name != "day"]:  # `arrivals` says it
        before, after = getattr(a.settings, name), getattr(b.settings, name)
        if before != after:
            found.append(f"A has {name} {_shown(before)}, B {_shown(after)}")
    if a.machine != b.machine:
        found.append("they were measured on different machines")
    for side, report in (("A", a), ("B", b)):
        if report.verdict.state is not State.VALID:
            reasons = "; ".join(report.verdict.reasons)
            found.append(f"{side} is {report.verdict.state.value}: {reasons}")
        if report.interrupted:
            found.append(f"{side} was ended early")
    return found


def _shown(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000
