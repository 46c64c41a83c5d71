"""Less chance in a measured figure, and how much is left.

A run to which more work came than it should has longer waits, and one whose work came in heaps has more of them. Both
are known without the router, from arrivals and holds alone, and so is what they should be. So the figure is read where
they are what they should be: control variates, with slopes from runs of an ideal router in memory.

    excess    the work that came, by that which should
    crowded   the share of Tasks that would meet all Workers busy if there were as many more as are needed
    beyond    by how many Workers too few there would be then, on average
    single    the mean wait before one Worker who is as fast as all together
Without a limit the busy Workers are Poisson distributed (M/G/inf), and before one Worker the mean wait is that of
Pollaczek and Khinchine. They are worth five to twenty times as many Tasks, and what is left is much nearer to a normal
distribution: a mean wait as such is so skewed that 3 sd of it are exceeded in one run of fifty.

How far an ideal router's figures are from the exact ones, played in the same way, is what chance does to them, the
start from an empty system and the shape of holds included: the root of the mean square of that is the `sd` of a
measured figure. One run could not tell its own so well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from math import exp, lgamma, log, sqrt
from random import Random
from statistics import fmean

from msgspec import Struct

from benchmarks.theory.ideal import Played, Span
from benchmarks.theory.systems import System

Controls = tuple[float, ...]


class Fit(Struct, frozen=True):
    """What runs of an ideal router say of one figure."""

    centre: float  # the figure with all controls at 0
    slopes: Controls
    spread: float  # sd of a single one around that


class Holds(Struct, frozen=True):
    """How long a Task holds a Worker, of all Workers."""

    mean_s: float
    square: float  # mean square by the square of the mean: 2 where they are exponential


def controls(
    system: System, span: Span, replications: Sequence[Played], holds: Holds, random: Random
) -> Controls:
    """Each minus what it should be, all replications together. O(n log n)."""
    rate, servers = system.rate / system.unit_s, len(system.agents)
    found = [_sums(servers, span, played, holds.mean_s, random) for played in replications]
    work, crowded, beyond, single_s = (
        fmean(column) / (rate * span.counted_s) for column in zip(*found, strict=True)
    )
    share, mean = _poisson_beyond(rate * holds.mean_s, servers)
    each_s = holds.mean_s / servers
    left = 1 - rate * each_s  # of the one Worker's time; where there is none nothing is known of its queue
    off_s = single_s - rate * holds.square * each_s**2 / 2 / left if left > 0 else 0.0
    return work - 1, crowded - share, beyond - mean, off_s


def _sums(
    servers: int, span: Span, played: Played, hold_s: float, random: Random
) -> tuple[float, int, int, float]:
    """Over the Tasks that count: their work by the mean, who would be crowded and by how much, the waits for one."""
    busy: list[float] = []  # when those end who would be busy without a limit
    work_sum, crowded, beyond, waits_s = 0.0, 0, 0, 0.0
    free_s = 0.0  # when the one Worker has done all that came
    for at_s, known in played.came:
        work = random.expovariate(1.0) if known is None else known  # nobody saw the work of those who left
        while busy and busy[0] <= at_s:
            heappop(busy)
        free_s = max(free_s, at_s)
        if span.from_s <= at_s < span.until_s:
            work_sum += work
            crowded += len(busy) >= servers
            beyond += max(0, len(busy) - servers)
            waits_s += free_s - at_s
        heappush(busy, at_s + work * hold_s)
        if at_s >= span.fill_s:  # what comes to fill all Workers would be too much for one, and for long
            free_s += work * hold_s / servers
    return work_sum, crowded, beyond, waits_s


def _poisson_beyond(load: float, servers: int) -> tuple[float, float]:
    """P(N >= servers) and E(N - servers)+ of a Poisson variable."""
    last = int(load + 12 * sqrt(load) + servers + 40)  # beyond it less than 1e-12
    shares = [(n, exp(n * log(load) - load - lgamma(n + 1))) for n in range(servers, last)]
    return sum(share for _, share in shares), sum((n - servers) * share for n, share in shares)


def fit(known: Sequence[Controls], values: Sequence[float]) -> Fit:
    """The hyperplane of least squares. Raises ValueError with too few runs for any."""
    columns = [[1.0] * len(values), *map(list, zip(*known, strict=True))]
    free = len(values) - len(columns)
    if free < 2:
        raise ValueError(f"{len(values)} runs are too few")
    centre, *slopes = _least_squares(columns, values)
    rest = (
        value - centre - sum(slope * control for slope, control in zip(slopes, found, strict=True))
        for found, value in zip(known, values, strict=True)
    )
    return Fit(centre, tuple(slopes), sqrt(sum(one * one for one in rest) / free))


def estimate(fitted: Fit, exact: float, known: Controls, value: float) -> tuple[float, float]:
    """The measured figure, read where the controls are 0, and its sd."""
    chance = sum(slope * control for slope, control in zip(fitted.slopes, known, strict=True))
    return value - chance, sqrt(fitted.spread**2 + (fitted.centre - exact) ** 2)


def _least_squares(columns: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """The normal equations, by Gauss and Jordan: they are five. A column that never moves gets 0."""
    rows = [[_dot(one, other) for other in columns] + [_dot(one, values)] for one in columns]
    usable = [row[place] > 0 for place, row in enumerate(rows)]
    for place, usable_one in enumerate(usable):
        if not usable_one:
            continue
        row = rows[place]
        for number, other in enumerate(rows):
            if number != place:
                times = other[place] / row[place]
                rows[number] = [a - times * b for a, b in zip(other, row, strict=True)]
    return [row[-1] / row[place] if usable[place] else 0.0 for place, row in enumerate(rows)]


def _dot(one: Iterable[float], other: Iterable[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
