"""Skills: exact waits where the longest waiting Task meets the Worker who has been idle longest (FCFS-ALIS).

Adan and Weiss (2014): with the busy Workers M1 ... Mi in the order in which the Tasks they serve arrived, n_j Tasks
waiting that arrived between those of Mj and M(j+1), and the idle Workers M(i+1) ... MJ, longest idle first, a state has

    K x product over j <= i of  rate(U{M1 ... Mj}) ^ n_j / speed{M1 ... Mj} ^ (n_j + 1)
      x product over j > i  of  1 / rate(C{Mj ... MJ})

where U(S) are the kinds that only Workers in S can serve, and C(S) those that at least one of S can serve. The sums
over n_j are geometric, so the orders of all Workers are enumerated: O(J! x J), for few Workers.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from math import prod

from msgspec import Struct

from benchmarks.theory.systems import System


class KindWaits(Struct, frozen=True):
    """One kind of Task: the share that waits, and the mean wait over all of them."""

    p_wait: float
    mean: float


def captive(system: System, workers: Iterable[int]) -> tuple[int, ...]:
    """U(S): the kinds that nobody outside `workers` can serve."""
    inside = frozenset(workers)
    return tuple(kind for kind, able in enumerate(system.servers) if able <= inside)


def rate_of(system: System, kinds: Iterable[int]) -> float:
    return sum(system.kinds[kind].rate for kind in kinds)


def longest_idle(system: System) -> tuple[KindWaits, ...]:
    """The waits of each kind. Raises ValueError where some Workers cannot keep up with the work only they can do."""
    kinds, everyone = range(len(system.kinds)), range(len(system.agents))
    total, waiting, queued = 0.0, [0.0 for _ in kinds], [0.0 for _ in kinds]
    for order in permutations(everyone):
        for busy in range(len(order) + 1):
            ways, only = _ways(system, order, busy)
            weight = prod(way for way, _ in ways) * _idle(system, order[busy:])
            total += weight
            for kind in captive(system, order[:busy]):
                waiting[kind] += weight
            for (_, mean), theirs in zip(ways, only, strict=True):
                for kind in theirs:
                    queued[kind] += weight * mean * system.kinds[kind].rate / rate_of(system, theirs)
    return tuple(
        KindWaits(waiting[kind] / total, queued[kind] / total / system.kinds[kind].rate) for kind in kinds
    )


def _ways(
    system: System, order: tuple[int, ...], busy: int
) -> tuple[list[tuple[float, float]], list[tuple[int, ...]]]:
    """For each busy Worker: the weight of its place, all n_j summed; the mean n_j; the kinds that wait behind it."""
    ways, only = [], []
    for place in range(1, busy + 1):
        theirs = captive(system, order[:place])
        speed = sum(system.agents[number].rate for number in order[:place])
        load = rate_of(system, theirs) / speed
        if load >= 1:
            raise ValueError(f"{system.name}: more work than Workers {order[:place]} can do")
        ways.append((1 / speed / (1 - load), load / (1 - load)))
        only.append(theirs)
    return ways, only


def _idle(system: System, idle: tuple[int, ...]) -> float:
    weight = 1.0
    for first in range(len(idle)):
        able = frozenset(idle[first:])
        weight /= rate_of(system, (kind for kind, who in enumerate(system.servers) if who & able))
    return weight
