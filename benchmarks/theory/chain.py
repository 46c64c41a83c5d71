"""Skills: exact waits for a given order of idle Workers, from the Markov chain itself.

TaskRouter offers a Task to the Worker whose last Reservation is oldest (semantics 5.3), and not to the one who has been
idle longest. With one queue nobody waits longer or shorter for that; with skills it changes who is free for whom, and
the product form of skills.py is off by up to 2 % for M4. We know no formula, but the chain can be solved:

    busy     the busy Workers, in the order in which the Tasks they serve arrived
    counts   after each of them, the Tasks that wait and arrived before the next one's. Of what kind they are is random:
             only that those Workers alone can serve them, in proportion to the rates
    ranks    the Workers, next one to be offered a Task first; with IDLE only the idle ones

For IDLE the result must be that of skills.py, which tests the chain. Queues are cut off where longer ones together have
a share of about `rest`. At 1e-3, W3 has 2,700 states and takes a second, M4 28,000 and 15 s; at 1e-5 M4 has 100,000.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from enum import Enum, auto
from functools import cache
from math import log
from operator import mul
from typing import Final

from benchmarks.theory.skills import KindWaits, captive, longest_idle, rate_of
from benchmarks.theory.systems import System

Numbers = tuple[int, ...]
Place = tuple[Numbers, Numbers, Numbers]  # busy, counts, ranks
Step = tuple[Place, float]

REST: Final = 1e-3  # with the correction below within 2e-4 of the figures at 1e-5
NEGLIGIBLE: Final = 1e-3  # of `rest`: rarer steps are left out
SWEEPS: Final = 1000
STILL: Final = 1e-8  # what the mean number of waiting Tasks may change in a sweep at the end


class Rank(Enum):
    """Which idle Worker comes first."""

    RESERVED = auto()  # whose last Reservation is oldest: TaskRouter
    IDLE = auto()  # who has been idle longest: FCFS-ALIS


class Chain:
    """The chain of one system. `solve` gives the waits of each kind."""

    def __init__(self, system: System, rank: Rank, rest: float) -> None:
        self._system, self._rank = system, rank
        self._room, self._negligible = -log(rest), rest * NEGLIGIBLE
        self._captive: Callable[[Numbers], Numbers] = cache(lambda busy: captive(system, busy))
        self._cost: Callable[[Numbers], float] = cache(self._cost_of)
        self._kept: Callable[[Numbers, int], float] = cache(self._kept_of)

    def solve(self) -> tuple[KindWaits, ...]:
        places, steps = self._explore()
        shares = _stationary(steps, [len(busy) + sum(counts) for busy, counts, _ in places])
        kinds = range(len(self._system.kinds))
        waiting, queued = [0.0 for _ in kinds], [0.0 for _ in kinds]
        for (busy, counts, _), share in zip(places, shares, strict=True):
            for kind in self._captive(busy):
                waiting[kind] += share
            for place, count in enumerate(counts, 1):
                if count:
                    only = self._captive(busy[:place])
                    for kind in only:
                        part = self._system.kinds[kind].rate / rate_of(self._system, only)
                        queued[kind] += share * count * part
        return tuple(KindWaits(waiting[kind], queued[kind] / self._system.kinds[kind].rate) for kind in kinds)

    def _explore(self) -> tuple[list[Place], list[list[tuple[int, float]]]]:
        """All states that can be reached, and the steps out of each."""
        idle = tuple(range(len(self._system.agents)))
        places: list[Place] = [((), (), idle)]
        known, steps = {places[0]: 0}, []
        for place in places:  # it grows meanwhile
            found: dict[int, float] = {}
            for target, rate in self._steps(place):
                number = known.get(target)
                if number is None:
                    if not self._fits(target):
                        continue
                    number = known[target] = len(places)
                    places.append(target)
                found[number] = found.get(number, 0.0) + rate
            steps.append(list(found.items()))
        return places, steps

    def _fits(self, place: Place) -> bool:
        busy, counts, _ = place
        used = sum(n * self._cost(busy[:end]) for end, n in enumerate(counts, 1) if n)
        return used <= self._room

    def _cost_of(self, busy: Numbers) -> float:
        """How much rarer one more Task behind these Workers is, as a logarithm."""
        speed = sum(self._system.agents[number].rate for number in busy)
        return log(speed / rate_of(self._system, self._captive(busy)))

    def _kept_of(self, busy: Numbers, freed: int) -> float:
        """The share of the Tasks behind these Workers that one of them cannot serve."""
        only = self._captive(busy)
        others = (kind for kind in only if freed not in self._system.servers[kind])
        return rate_of(self._system, others) / rate_of(self._system, only)

    def _steps(self, place: Place) -> Iterator[Step]:
        busy, counts, ranks = place
        lost = 0.0
        for kind, able in enumerate(self._system.servers):
            first = next((number for number in ranks if number in able and number not in busy), None)
            if first is None:
                lost += self._system.kinds[kind].rate
            else:
                after = self._started(ranks, first)
                yield ((*busy, first), (*counts, 0), after), self._system.kinds[kind].rate
        if lost:
            yield (busy, (*counts[:-1], counts[-1] + 1), ranks), lost
        for index, number in enumerate(busy):
            yield from self._freed(place, index, self._system.agents[number].rate)

    def _started(self, ranks: Numbers, number: int) -> Numbers:
        rest = tuple(other for other in ranks if other != number)
        return (*rest, number) if self._rank is Rank.RESERVED else rest

    def _freed(self, place: Place, index: int, rate: float) -> Iterator[Step]:
        """The Worker at `index` takes the oldest waiting Task it can serve. `rate` thins out on the way."""
        busy, counts, ranks = place
        number = busy[index]
        others, after = busy[:index] + busy[index + 1 :], self._started(ranks, number)
        for end in range(index, len(busy)):
            if not counts[end]:
                continue
            kept = self._kept(busy[: end + 1], number)
            now_busy, rest = (*others[:end], number, *others[end:]), counts[end + 1 :]
            for passed in range(counts[end]):
                if rate * (1 - kept) >= self._negligible:
                    before = _passed(counts, index, end, passed)
                    yield (now_busy, (*before, counts[end] - passed - 1, *rest), after), rate * (1 - kept)
                rate *= kept
                if rate < self._negligible:
                    return
        idle = ranks if self._rank is Rank.RESERVED else (*ranks, number)
        yield (others, _passed(counts, index, len(busy), 0)[:-1], idle), rate


def _passed(counts: Numbers, index: int, end: int, passed: int) -> Numbers:
    """What waits before the Task that the Worker at `index` takes, behind each Worker that stands before it then.

    The Task is behind the Worker at `end`, after `passed` others. What waited behind the freed Worker now waits behind
    the one before it.
    """
    kept, last = counts[:index], passed if end == index else counts[index]
    if last:
        kept = (*kept[:-1], kept[-1] + last)
    return kept if end == index else (*kept, *counts[index + 1 : end], passed)


def _stationary(steps: list[list[tuple[int, float]]], sizes: list[int]) -> list[float]:
    """The share of time in each state: by Gauss and Seidel, and after each sweep the sizes put right among themselves.

    `sizes` are the Tasks in the system, which a step changes by one, so their shares follow from one another.
    """
    begins, sources, rates = _inflows(steps)
    out = [sum(rate for _, rate in found) for found in steps]
    ups = [
        sum(rate for target, rate in found if sizes[target] > size)
        for found, size in zip(steps, sizes, strict=True)
    ]
    shares = [1.0 / len(steps)] * len(steps)
    order, before = sorted(range(len(steps)), key=sizes.__getitem__), 0.0
    for _ in range(SWEEPS):
        for state in order:
            begin, end = begins[state], begins[state + 1]
            inflow = sum(map(mul, rates[begin:end], map(shares.__getitem__, sources[begin:end])))
            shares[state] = inflow / out[state]
        shares = _levelled(shares, sizes, ups, out)
        mean = sum(map(mul, shares, sizes))
        if abs(mean - before) < STILL * mean:
            return shares
        before = mean
        order.reverse()
    raise ArithmeticError(f"not settled after {SWEEPS} sweeps")


def _levelled(shares: list[float], sizes: list[int], ups: list[float], out: list[float]) -> list[float]:
    """The shares with each size as often left upwards as the next one is left downwards."""
    rising, falling, most = [0.0] * (max(sizes) + 2), [0.0] * (max(sizes) + 2), max(sizes)
    mass = [0.0] * (most + 1)
    for share, size, up, all_ in zip(shares, sizes, ups, out, strict=True):
        mass[size] += share
        rising[size] += share * up
        falling[size] += share * (all_ - up)
    factors = [1.0]
    for size in range(most):
        factors.append(factors[-1] * rising[size] / falling[size + 1])
    total = sum(map(mul, factors, mass))
    return [share * factors[size] / total for share, size in zip(shares, sizes, strict=True)]


def _inflows(steps: list[list[tuple[int, float]]]) -> tuple[array[int], array[int], array[float]]:
    """For each state, from which states it is reached: those of state s stand at begins[s] to begins[s + 1]."""
    begins = array("q", [0]) * (len(steps) + 2)
    for found in steps:
        for target, _ in found:
            begins[target + 2] += 1
    for state in range(len(steps)):
        begins[state + 2] += begins[state + 1]
    sources, rates = array("q", [0]) * begins[-1], array("d", [0.0]) * begins[-1]
    for source, found in enumerate(steps):
        for target, rate in found:
            sources[begins[target + 1]], rates[begins[target + 1]] = source, rate
            begins[target + 1] += 1
    return begins, sources, rates


def reserved_longest_ago(system: System, rest: float = REST) -> tuple[KindWaits, ...]:
    """The waits under TaskRouter's order.

    What the cut takes from the figures it takes from those of IDLE as well, which are known without it: they tell how
    much that is.
    """
    cut, known = Chain(system, Rank.IDLE, rest).solve(), longest_idle(system)
    ours = Chain(system, Rank.RESERVED, rest).solve()
    return tuple(
        KindWaits(kind.p_wait * exact.p_wait / short.p_wait, kind.mean * exact.mean / short.mean)
        for kind, exact, short in zip(ours, known, cut, strict=True)
    )
