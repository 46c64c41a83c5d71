"""What a run does: who calls, who answers, how fast and for how long; and what of it one generator process gets."""

from __future__ import annotations

from random import Random
from typing import Final

from msgspec import Struct

MAX_WORKERS: Final = 20_000
MAX_RATE: Final = 100_000.0
LAG_LIMIT_S: Final = (
    0.025  # sends that leave later than this (p99) say more of the generator than of the deployment
)


class Kind(Struct, frozen=True, kw_only=True):
    """Tasks that are alike: the same attributes but a number, so the same filter, queue and Workers."""

    name: str
    share: float = 1.0  # of all arrivals, in proportion
    skill: str = "calls"
    priority: int = 0
    patience_s: int | None = None  # mean; the Task's Timeout is drawn from it. None: it waits for ever
    strict: bool = True  # its order is checked; not where Tasks change queues on their way


class Crew(Struct, frozen=True, kw_only=True):
    """Workers who are alike."""

    count: int
    skills: tuple[str, ...] = ("calls",)
    capacity: int = 1
    handle_ms: float = 100.0  # mean work on a Task
    from_s: float = 0.0  # begin of the shift, from the start of the load
    until_s: float | None = None  # its end; None: to the end of the run


class Phase(Struct, frozen=True, kw_only=True):
    """From this second on the rate is so many times the plan's."""

    from_s: float
    times: float


class Plan(Struct, frozen=True, kw_only=True):
    """One run. The same plan gives the same arrivals, kinds, handle times and patience."""

    scenario: str
    rate_per_s: float | None = 100.0  # open loop
    closed: int | None = None  # or so many posters, each waiting for its answer
    duration_s: float = 20.0
    warm_up_s: float = 2.0
    kinds: tuple[Kind, ...] = (Kind(name="calls"),)
    crews: tuple[Crew, ...] = ()
    phases: tuple[Phase, ...] = ()
    escalate_after_s: int | None = None  # a second step for everybody, to Workers with any skill
    from_offer: bool = (
        False  # work counts from the Reservation, so that learning of it late does not lengthen it
    )
    fixed_work: bool = False  # every Task takes the mean; otherwise exponential
    backlog: int = 0  # Tasks that wait before the first Worker comes
    generators: int = 1
    connections: int = 64  # of each generator, kept alive
    poll_s: float = 0.02  # between two looks for offers, a generator
    drain_s: float = 30.0  # after the load, for what is open
    lag_limit_s: float = LAG_LIMIT_S
    events_read: int = 200_000  # of the log, the newest; a Task's life has about eight
    seed: int = 1

    @property
    def workers(self) -> int:
        return sum(crew.count for crew in self.crews)

    @property
    def highest_times(self) -> float:
        return max([1.0, *(phase.times for phase in self.phases)])

    def times_at(self, at_s: float) -> float:
        """How many times the plan's rate holds at a second."""
        return next((phase.times for phase in reversed(self.phases) if phase.from_s <= at_s), 1.0)


class Agent(Struct, frozen=True, kw_only=True):
    """One Worker."""

    sid: str
    crew: int
    capacity: int
    handle_s: float
    from_s: float = 0.0
    until_s: float | None = None


class Site(Struct, frozen=True, kw_only=True):
    """What was set up for a run."""

    url: str
    account_sid: str
    token: str
    workspace: str
    workflow: str
    available: str  # Activity SID
    offline: str
    agents: list[Agent]
    began_ms: int  # by the deployment's clock, before the first Task


class Job(Struct, frozen=True, kw_only=True):
    """What one generator process does."""

    plan: Plan
    site: Site
    number: int  # of this generator, from 0
    agents: list[Agent]
    starts_at: float  # wall clock, seconds since the epoch

    def random(self, what: str) -> Random:
        """A stream of random numbers for one purpose."""
        return Random(f"{self.plan.seed} {self.number} {what}")


def jobs(plan: Plan, site: Site, starts_at: float) -> list[Job]:
    """The run, divided: Workers in turn, arrivals by their own streams."""
    return [
        Job(
            plan=plan,
            site=site,
            number=number,
            agents=site.agents[number :: plan.generators],
            starts_at=starts_at,
        )
        for number in range(plan.generators)
    ]
