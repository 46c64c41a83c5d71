"""When Tasks are meant to be sent: Poisson streams from a seed, whatever becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random


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
