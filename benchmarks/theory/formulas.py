"""Exact waiting times where all Workers serve the same queue.

Rates are per unit of time, times in the same unit. `load` is a = rate x mean work, in Workers (Erlang).
"""

from __future__ import annotations

from math import exp
from typing import Final

from msgspec import Struct

STEPS: Final = 64  # of a second; even
FEWEST_S: Final = 3


class Waits(Struct, frozen=True):
    """M/M/c: what an arriving Task finds. Waits of those who wait are exponential with mean `tail`."""

    p_wait: float
    mean: float  # over all Tasks, those that do not wait included (ASA)
    tail: float

    def within(self, time: float) -> float:
        """The share of Tasks that wait no longer than `time` (service level)."""
        return 1 - self.p_wait * exp(-time / self.tail)


class Abandonment(Struct, frozen=True):
    """M/M/c+G: Tasks leave the queue when their patience ends."""

    p_wait: float
    p_abandon: float
    mean_queue: float


def erlang_b(load: float, servers: int) -> float:
    """The share of Tasks lost where nobody can wait. O(servers)."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """The share of Tasks that wait."""
    blocked = erlang_b(load, servers)
    return servers * blocked / (servers - load * (1 - blocked))


def waits(rate: float, mean_work: float, servers: int) -> Waits:
    load = rate * mean_work
    if load >= servers:
        raise ValueError(f"a load of {load} is too much for {servers} Workers: the queue has no mean")
    p_wait, tail = erlang_c(load, servers), mean_work / (servers - load)
    return Waits(p_wait, p_wait * tail, tail)


def cobham(rates: tuple[float, ...], mean_work: float, servers: int) -> tuple[float, ...]:
    """Mean waits of classes, highest priority first, that share the mean work; nobody is interrupted."""
    free = mean_work / servers
    begun = erlang_c(sum(rates) * mean_work, servers) * free
    means, taken = [], 0.0
    for rate in rates:
        before, taken = taken, taken + rate * free
        means.append(begun / ((1 - before) * (1 - taken)))
    return tuple(means)


def abandonment(rate: float, mean_work: float, servers: int, mean_patience: float) -> Abandonment:
    """Birth and death: n Tasks end at min(n, c) / work + max(0, n - c) / patience."""
    shares, count = [1.0], 0
    while count <= servers or shares[-1] > 1e-18 * sum(shares):
        count += 1
        ending = min(count, servers) / mean_work + max(0, count - servers) / mean_patience
        shares.append(shares[-1] * rate / ending)
        if shares[-1] > 1e200:
            shares = [share / 1e200 for share in shares]
    total = sum(shares)
    queue = sum((n - servers) * share for n, share in enumerate(shares) if n > servers) / total
    return Abandonment(sum(shares[servers:]) / total, queue / mean_patience / rate, queue)


def whole_seconds(rate: float, mean_work: float, servers: int, mean_patience: float) -> Abandonment:
    """The same in seconds, with patience as a Task's Timeout can have it: whole seconds, rounded, and 1 at least.

    The wait that an arriving Task would have to bear has a density beyond 0 that follows from how many are still there
    after so long (Baccelli and Hebuterne, 1981). It is integrated from second to second by Simpson's rule.
    """
    load = rate * mean_work
    busy = [1.0]
    for count in range(1, servers):
        busy.append(busy[-1] * load / count)
    density, stayed, waiting, leaving, queued, at_s = rate * busy[-1], 0.0, 0.0, 0.0, 0.0, 0
    while at_s < FEWEST_S or density > 1e-15 * (sum(busy) + waiting):
        staying = exp(-(at_s + 0.5) / mean_patience) if at_s else 1.0
        growth = rate * staying - servers / mean_work
        here = [density * exp(growth * step / STEPS) for step in range(STEPS + 1)]
        waiting += _simpson(here)
        leaving += (1 - staying) * _simpson(here)
        queued += _simpson([one * (stayed + staying * step / STEPS) for step, one in enumerate(here)])
        density, stayed, at_s = here[-1], stayed + staying, at_s + 1
    total = sum(busy) + waiting
    return Abandonment(waiting / total, leaving / total, rate * queued / total)


def _simpson(values: list[float]) -> float:
    """The integral over one second of a function at its even STEPS and both ends."""
    return (values[0] + values[-1] + 4 * sum(values[1::2]) + 2 * sum(values[2:-1:2])) / 3 / STEPS
