"""The systems that are played, what is known of them, and how long they are played."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil, exp, sqrt
from statistics import fmean
from typing import Final

from msgspec import Struct

from benchmarks.theory import formulas
from benchmarks.theory.chain import reserved_longest_ago
from benchmarks.theory.skills import KindWaits, longest_idle
from benchmarks.theory.systems import Kind, System, one_queue, skilled
from tests.theory.judge import Measure
from tests.theory.plain import Way
from tests.theory.tally import Tally


class Case(Struct, frozen=True):
    system: System
    tasks: int  # of all replications together, in a full run
    known_from: str
    measures: Callable[[], tuple[Measure, ...]]

    @property
    def warm_up(self) -> int:
        """Tasks until an empty system has forgotten that it was empty: 5 relaxation times of M/M/c, 5 handle times."""
        load = self.system.load
        relaxation = load / (1 - sqrt(load)) ** 2 if load < 1 else 0.0
        return ceil(5 * relaxation + 5 * load * len(self.system.agents))


# ---- figures of a play


def p_wait(tally: Tally, kind: int = 0) -> float:
    return tally.waited[kind] / len(tally.waits[kind])


def mean_wait(tally: Tally, kind: int = 0) -> float:
    return fmean(tally.waits[kind])


def blend(tally: Tally) -> float:
    """The mean wait over all kinds."""
    return sum(map(sum, tally.waits)) / sum(map(len, tally.waits))


def within(tally: Tally, time: float) -> float:
    """The share of Tasks that wait no longer than `time`."""
    waits = tally.waits[0]
    return sum(wait <= time for wait in waits) / len(waits)


def tail(tally: Tally, time: float) -> float:
    """Of the Tasks that wait, the share that waits longer than `time`; 0 where none waits."""
    return (1 - within(tally, time)) / p_wait(tally) if tally.waited[0] else 0.0


def p_abandon(tally: Tally) -> float:
    return tally.abandoned[0] / len(tally.waits[0])


# ---- what they should be


def queue_measures(
    rate: float, mean_work: float, servers: int, unit: str, limit: float
) -> tuple[Measure, ...]:
    """M/M/c: `limit` is that of the service level."""
    exact = formulas.waits(rate, mean_work, servers)
    return (
        Measure("P(wait)", exact.p_wait, p_wait),
        Measure(f"mean wait, {unit}", exact.mean, mean_wait),
        Measure(f"SL({limit:g} {unit})", exact.within(limit), partial(within, time=limit)),
        Measure("P(wait > 2 means, of those who wait)", exp(-2), partial(tail, time=2 * exact.tail)),
        Measure("mean queue", rate * exact.mean, lambda tally: tally.mean_queue),
    )


def priority_measures(rates: tuple[float, float], mean_work: float, servers: int) -> tuple[Measure, ...]:
    high, low = formulas.cobham(rates, mean_work, servers)
    all_ = formulas.waits(sum(rates), mean_work, servers)
    return (
        Measure("P(wait), high", all_.p_wait, p_wait),
        Measure("P(wait), low", all_.p_wait, partial(p_wait, kind=1)),
        Measure("mean wait, high, s", high, mean_wait),
        Measure("mean wait, low, s", low, partial(mean_wait, kind=1)),
        Measure("mean wait, both, s", all_.mean, blend),
    )


def patience_measures(rate: float, mean_work: float, servers: int, patience: float) -> tuple[Measure, ...]:
    exact = formulas.abandonment(rate, mean_work, servers, patience)
    return (
        Measure("P(wait)", exact.p_wait, p_wait),
        Measure("P(abandon)", exact.p_abandon, p_abandon),
        Measure("mean wait, ms", exact.mean_queue / rate * 1000, lambda tally: mean_wait(tally) * 1000),
        Measure("mean queue", exact.mean_queue, lambda tally: tally.mean_queue),
    )


def skill_measures(system: System, exact: Callable[[System], tuple[KindWaits, ...]]) -> tuple[Measure, ...]:
    found: list[Measure] = []
    for number, (kind, waits) in enumerate(zip(system.kinds, exact(system), strict=True)):
        found.append(Measure(f"P(wait), {kind.name}", waits.p_wait, partial(p_wait, kind=number)))
        found.append(Measure(f"mean wait, {kind.name}, s", waits.mean, partial(mean_wait, kind=number)))
    return tuple(found)


THREE: Final = one_queue("M/M/3", 2.0, 1.0, 3, 1000)
CALLS: Final = one_queue("100 calls of 3 minutes in half an hour, 13 Workers", 1 / 18, 180.0, 13, 1)
PRIORITIES: Final = System(
    "two priorities, 10 Workers at 90 %",
    (Kind("high", 0.4, priority=10), Kind("low", 0.5)),
    one_queue("", 0.9, 10.0, 10, 60).agents,
    60,
)
PATIENCE: Final = one_queue("patience, 100 Workers at 100 %", 1000.0, 0.1, 100, 10_000, 10.0)
W3: Final = skilled("W3", {"a": (1.0, (0, 1)), "b": (0.8, (1, 2))}, (0.8, 0.8, 0.8), 800)
M4: Final = skilled(
    "M4",
    {"en": (1.2, (0, 1, 2, 3)), "fr": (0.5, (1, 2)), "de": (0.5, (2, 3))},
    (1.0, 1.0, 0.6, 0.6),
    600,
)

CASES: Final = (
    Case(THREE, 100_000, "Erlang C", partial(queue_measures, 2.0, 1.0, 3, "s", 1.0)),
    Case(CALLS, 100_000, "Erlang C", partial(queue_measures, 1 / 18, 180.0, 13, "s", 20.0)),
    Case(PRIORITIES, 200_000, "Cobham", partial(priority_measures, (0.4, 0.5), 10.0, 10)),
    Case(PATIENCE, 100_000, "Erlang A", partial(patience_measures, 1000.0, 0.1, 100, 0.1)),
    Case(W3, 150_000, "Adan and Weiss", partial(skill_measures, W3, longest_idle)),
    Case(M4, 250_000, "Markov chain", partial(skill_measures, M4, reserved_longest_ago)),
)

# Which system shows a wrong way of routing.
SHOWN_BY: Final = (
    (Way.NEWEST_TASK, THREE),
    (Way.DEAF, CALLS),
    (Way.NO_PRIORITY, PRIORITIES),
    (Way.NO_PATIENCE, PATIENCE),
    (Way.FIRST_QUEUE, W3),
    (Way.LATEST_WORKER, M4),
    (Way.LONGEST_IDLE, M4),
)
