"""When Tasks are meant to be sent: Poisson streams from a seed, whatever becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Final, Literal

Arrivals = Literal["poisson", "day"]

# The rate on the hour, from midnight on, to the busiest hour's 100. What calls at a contact centre have in common: a
# peak before noon, a dip at lunch, a second peak in the afternoon, a slow evening, a quiet night; and within it all
# Poisson with a rate that changes (Brown et al., "Statistical Analysis of a Telephone Call Center", JASA 100, 2005).
# The figures themselves are made up: no centre's own.
_HOURS: Final = (
    10, 7, 5, 4, 5, 8, 18, 38, 68, 92, 100, 97, 80, 74, 86, 90, 84, 70, 55, 45, 38, 30, 21, 14,
)  # fmt: skip
DAY: Final = tuple(hour * len(_HOURS) / sum(_HOURS) for hour in _HOURS)  # times the mean rate


def day_times(share: float) -> float:
    """How many times the mean rate holds when this share of the day (0 to 1) is over: straight from hour to hour."""
    hour, past = divmod(share * len(DAY), 1.0)
    before, after = DAY[int(hour) % len(DAY)], DAY[(int(hour) + 1) % len(DAY)]
    return before + past * (after - before)


def poisson(rate_per_s: float, duration_s: float, random: Random) -> Iterator[float]:
    """Instants in seconds from the start. Raises ValueError for a rate that is not positive."""
    if rate_per_s <= 0:
        raise ValueError(f"rate_per_s must be positive, got {rate_per_s}")
    at_s = random.expovariate(rate_per_s)
    while at_s < duration_s:
        yield at_s
        at_s += random.expovariate(rate_per_s)


def varying(
    rate_at: Callable[[float], float], highest_per_s: float, duration_s: float, random: Random
) -> Iterator[float]:
    """The same with a rate that changes, by thinning: `rate_at(second)` must not exceed `highest_per_s`."""
    for at_s in poisson(highest_per_s, duration_s, random):
        if random.random() * highest_per_s < rate_at(at_s):
            yield at_s
