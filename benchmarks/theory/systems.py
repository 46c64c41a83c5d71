"""A system as theory describes it: kinds of Tasks that arrive at random, and Workers who serve some of them.

Rates are per unit of time; the unit is the case's own. `unit_s` says how many seconds of virtual time it lasts when
the system is played, so that handle times are minutes and a rounding to ms changes nothing.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

from msgspec import Struct

MS: Final = 1000


class Kind(Struct, frozen=True):
    """Tasks of one kind: a Poisson stream."""

    name: str
    rate: float
    skill: str = "calls"  # what a Worker needs to serve it; kinds with the same one share a TaskQueue
    priority: int = 0


class Agent(Struct, frozen=True):
    """One Worker; its handle times are exponential with mean 1 / rate."""

    rate: float
    skills: frozenset[str] = frozenset({"calls"})


class System(Struct, frozen=True, dict=True):
    """What arrives and who serves. `patience_rate` 0: nobody abandons."""

    name: str
    kinds: tuple[Kind, ...]
    agents: tuple[Agent, ...]
    unit_s: float
    patience_rate: float = 0.0

    @cached_property
    def rate(self) -> float:
        """All arrivals together."""
        return sum(kind.rate for kind in self.kinds)

    @cached_property
    def servers(self) -> tuple[frozenset[int], ...]:
        """For each kind, the numbers of the agents who can serve it."""
        return tuple(
            frozenset(number for number, agent in enumerate(self.agents) if kind.skill in agent.skills)
            for kind in self.kinds
        )

    @cached_property
    def load(self) -> float:
        """Offered work by capacity (rho)."""
        return self.rate / sum(agent.rate for agent in self.agents)

    @property
    def unit_ms(self) -> float:
        return self.unit_s * MS


def one_queue(
    name: str, rate: float, mean_work: float, servers: int, unit_s: float, patience_rate: float = 0.0
) -> System:
    """M/M/c, or M/M/c+M with patience."""
    agents = (Agent(1 / mean_work),) * servers
    return System(name, (Kind("calls", rate),), agents, unit_s, patience_rate)


def skilled(
    name: str, kinds: dict[str, tuple[float, tuple[int, ...]]], rates: tuple[float, ...], unit_s: float
) -> System:
    """Kinds by name, each with its rate and the numbers of the agents who have the skill."""
    agents = tuple(
        Agent(rate, frozenset(kind for kind, (_, who) in kinds.items() if number in who))
        for number, rate in enumerate(rates)
    )
    return System(name, tuple(Kind(kind, rate, kind) for kind, (rate, _) in kinds.items()), agents, unit_s)
