"""Figures that are known exactly: how each is read off a play, and what it is for a system in seconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import fmean
from typing import Final

from msgspec import Struct

from benchmarks.theory import formulas
from benchmarks.theory.chain import reserved_longest_ago
from benchmarks.theory.ideal import Played
from benchmarks.theory.systems import System

REST: Final = 1e-2  # of the chain: the figures of M4 within 1e-3, in 3 s


class Measure(Struct, frozen=True):
    """A figure, and how to read it off a play."""

    name: str
    of: Callable[[Played], float]
    small: str = ""  # for one that is near 0: the figure that it is small against


class Known(Struct, frozen=True):
    """`exact` has the figures of `measures`, in their order. It raises ValueError where Workers cannot keep up."""

    measures: tuple[Measure, ...]
    exact: Callable[[System], tuple[float, ...]]


# ---- figures of a play


def p_wait(found: Played, kind: int = 0) -> float:
    waits = found.waits[kind]
    return sum(wait > 0 for wait in waits) / len(waits) if waits else 0.0


def mean_wait(found: Played, kind: int = 0) -> float:
    return fmean(found.waits[kind]) if found.waits[kind] else 0.0


def blend(found: Played) -> float:
    """The mean wait over all kinds."""
    return sum(map(sum, found.waits)) / found.tasks if found.tasks else 0.0


def longer(found: Played, limit_s: float) -> float:
    waits = found.waits[0]
    return sum(wait > limit_s for wait in waits) / len(waits) if waits else 0.0


def p_abandon(found: Played) -> float:
    return found.left[0] / len(found.waits[0]) if found.waits[0] else 0.0


# ---- what they should be


def _waits(system: System) -> formulas.Waits:
    return formulas.waits(system.rate, 1 / system.agents[0].rate, len(system.agents))


def queue(limit_s: float) -> Known:
    """Erlang C. `limit_s` is that of the service level."""

    def exact(system: System) -> tuple[float, ...]:
        waits = _waits(system)
        return (waits.p_wait, 1 - waits.within(limit_s), waits.mean)

    measures = (
        Measure("P(wait)", p_wait),
        Measure(f"1 - SL({limit_s:.2g} s)", partial(longer, limit_s=limit_s)),
        Measure("mean wait, s", mean_wait),
    )
    return Known(measures, exact)


def large_queue() -> Known:
    """Erlang C for many Workers: any figure but P(wait) would be bound by noise in a run of minutes."""
    return Known((Measure("P(wait)", p_wait),), lambda system: (_waits(system).p_wait,))


def priorities() -> Known:
    """Cobham, for two kinds, the higher priority first."""

    def exact(system: System) -> tuple[float, ...]:
        rates, both = (system.kinds[0].rate, system.kinds[1].rate), _waits(system)
        high, low = formulas.cobham(rates, 1 / system.agents[0].rate, len(system.agents))
        return (both.p_wait, both.p_wait, high, low, both.mean)

    measures = (
        Measure("P(wait), high", p_wait),
        Measure("P(wait), low", partial(p_wait, kind=1)),
        Measure("mean wait, high, s", mean_wait),
        Measure("mean wait, low, s", partial(mean_wait, kind=1)),
        Measure("mean wait, both, s", blend),  # as if there were no priorities: work is conserved
    )
    return Known(measures, exact)


def skills(system: System) -> Known:
    """The chain of TaskRouter's own order of idle Workers, for the kinds of a system."""

    def exact(system: System) -> tuple[float, ...]:
        waits = reserved_longest_ago(system, REST)
        return tuple(figure for kind in waits for figure in (kind.p_wait, kind.mean))

    measures = []
    for number, kind in enumerate(system.kinds):
        measures.append(Measure(f"P(wait), {kind.name}", partial(p_wait, kind=number)))
        measures.append(Measure(f"mean wait, {kind.name}, s", partial(mean_wait, kind=number)))
    return Known(tuple(measures), exact)


def patience(mean_s: float) -> Known:
    """Erlang A, with patience in whole seconds as a Timeout has it."""

    def exact(system: System) -> tuple[float, ...]:
        hold_s, servers = 1 / system.agents[0].rate, len(system.agents)
        found = formulas.whole_seconds(system.rate, hold_s, servers, mean_s)
        wait_s = found.mean_queue / system.rate
        return (found.p_wait, found.p_abandon, wait_s, found.p_abandon - wait_s / mean_s)

    def identity(found: Played) -> float:
        return p_abandon(found) - mean_wait(found) / mean_s

    measures = (
        Measure("P(wait)", p_wait),
        Measure("P(abandon)", p_abandon),
        Measure("mean wait, s", mean_wait),
        Measure("P(abandon) less mean wait / patience", identity, small="P(abandon)"),
    )
    return Known(measures, exact)
