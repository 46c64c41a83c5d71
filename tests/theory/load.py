"""Random input of a play: when Tasks arrive, of what kind, how much work they are, how long their callers wait.

Everything is drawn here, once for each Task and from the seed alone, whatever a router does with it: two routers that
do the same with the same seed play the same history to the millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from msgspec import Struct

from benchmarks.theory.systems import MS, System

T0_MS: Final = 1_700_000_000_000  # every play begins at this instant


class Arrival(Struct, frozen=True):
    at_ms: int
    kind: int
    work: float  # in mean handle times of whoever serves it
    patience_s: int | None  # None: for ever


def arrivals(system: System, seed: str) -> Iterator[Arrival]:
    """Poisson streams without end, exponential work and patience.

    Patience is a Task's timeout, and so whole seconds: it is rounded, which changes its mean by less than 1e-6.
    """
    random = Random(seed)
    mean_gap_ms, at_ms = system.unit_ms / system.rate, float(T0_MS)
    kinds, rates = range(len(system.kinds)), [kind.rate for kind in system.kinds]
    mean_patience_s = system.unit_ms / MS / system.patience_rate if system.patience_rate else None
    while True:
        at_ms += random.expovariate(1.0) * mean_gap_ms
        (kind,) = random.choices(kinds, rates)
        work, patience = random.expovariate(1.0), random.expovariate(1.0)
        patience_s = None if mean_patience_s is None else max(1, round(patience * mean_patience_s))
        yield Arrival(round(at_ms), kind, work, patience_s)
