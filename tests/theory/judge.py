"""Estimates from replications, and the verdict: a measured figure holds within 3 standard deviations of the exact one.

A play in which by chance more work arrived than should have has longer waits. How much more is known, since rates and
mean work are, so a straight line through the replications (figure against excess load) tells the figure where there is
no excess: its intercept, a control variate. That is worth two to four times as many Tasks. The standard deviation comes
from the replications as well, from their distances to the line; they have a seed each and nothing in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import copysign, inf, sqrt
from statistics import fmean, linear_regression
from typing import Final

from msgspec import Struct

from tests.theory.tally import Tally

LIMIT: Final = (
    3.0  # standard deviations; by chance alone one figure in 130 is further off with 20 replications
)


class Measure(Struct, frozen=True):
    """A figure that is known exactly, and how to read it off a play."""

    name: str
    exact: float
    of: Callable[[Tally], float]


class Verdict(Struct, frozen=True):
    """A figure after some replications. `sd` is the standard deviation of `measured`."""

    name: str
    exact: float
    measured: float
    sd: float

    @property
    def z(self) -> float:
        """Distance in standard deviations; infinite where a wrong figure is the same in all replications."""
        off = self.measured - self.exact
        return off / self.sd if self.sd else copysign(inf, off)

    @property
    def holds(self) -> bool:
        return abs(self.z) <= LIMIT


def judge(measures: Sequence[Measure], tallies: Sequence[Tally]) -> list[Verdict]:
    """One verdict a measure. Needs four replications at least."""
    excess = [tally.excess_load for tally in tallies]
    return [_verdict(measure, excess, [measure.of(tally) for tally in tallies]) for measure in measures]


def _verdict(measure: Measure, excess: list[float], values: list[float]) -> Verdict:
    line, count, middle = linear_regression(excess, values), len(values), fmean(excess)
    off = sum((value - line.intercept - line.slope * x) ** 2 for x, value in zip(excess, values, strict=True))
    spread = sum((x - middle) ** 2 for x in excess)
    sd = sqrt(off / (count - 2) * (1 / count + middle**2 / spread))
    return Verdict(measure.name, measure.exact, line.intercept, sd)


def furthest_off(verdicts: Sequence[Verdict]) -> Verdict:
    return max(verdicts, key=lambda verdict: abs(verdict.z))
