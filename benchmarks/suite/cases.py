"""The cases of the scenario `theory`: systems whose figures are known exactly, and how each is played.

Rates are per unit of a system's own time, and a unit lasts so long that handle times are large against what HTTP and
looking for offers add to them (some 15 ms) and the whole is about 100 Tasks a second. A case of few Workers is played
many times side by side, each with a queue and Workers of its own; one that fills the machine is played once.
"""

from __future__ import annotations

from statistics import fmean
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.suite import known
from benchmarks.suite.known import Known
from benchmarks.suite.plan import Crew, Kind, Phase, Plan
from benchmarks.suite.scenarios import Options
from benchmarks.theory import systems
from benchmarks.theory.ideal import FILL_HOLDS, FILL_TIMES, Span
from benchmarks.theory.systems import System, one_queue, skilled

LAST_HOLDS: Final = (
    12.0  # of 300 Workers, one works longer than so many means after the load once in 500 runs
)


class Case(Struct, frozen=True, kw_only=True):
    """A system, and how it is played."""

    name: str  # on the command line
    system: System
    replications: int
    known: Known
    duration_s: float = 25.0
    warm_up_s: float = 8.0
    by_name: bool = False  # too long to be played unless asked for

    @property
    def rate_per_s(self) -> float:
        """Of one replication."""
        return self.system.rate / self.system.unit_s

    def work_s(self, agent: systems.Agent) -> float:
        """The mean work of an agent on a Task."""
        return self.system.unit_s / agent.rate


def in_seconds(system: System, overhead_s: float) -> System:
    """With a unit of a second, and with holds that are so much longer than the work."""
    unit_s = system.unit_s
    return replace(
        system,
        kinds=tuple(replace(kind, rate=kind.rate / unit_s) for kind in system.kinds),
        agents=tuple(replace(agent, rate=1 / (unit_s / agent.rate + overhead_s)) for agent in system.agents),
        unit_s=1.0,
        patience_rate=system.patience_rate / unit_s,
    )


_PRIORITIES: Final = System(
    "two priorities",
    (systems.Kind("high", 0.8, priority=10), systems.Kind("low", 1.2)),
    one_queue("", 2.0, 1.0, 3, 0.5).agents,
    0.5,
)
_W3: Final = skilled("W3", {"a": (1.0, (0, 1)), "b": (0.8, (1, 2))}, (0.8, 0.8, 0.8), 0.4)
_M4: Final = skilled(
    "M4",
    {"en": (1.2, (0, 1, 2, 3)), "fr": (0.5, (1, 2)), "de": (0.5, (2, 3))},
    (1.0, 1.0, 0.6, 0.6),
    0.4,
)

CASES: Final = (
    Case(
        name="m-m-3",
        system=one_queue("M/M/3", 2.0, 1.0, 3, 0.5),
        replications=30,
        known=known.queue(0.25),
    ),
    Case(name="priorities", system=_PRIORITIES, replications=30, known=known.priorities()),
    Case(name="w3", system=_W3, replications=24, known=known.skills(_W3)),
    Case(name="m4", system=_M4, replications=20, known=known.skills(_M4)),
    Case(
        name="patience",
        system=one_queue("patience, 3 Workers at 100 %", 3.0, 1.0, 3, 5.0, 1.0),
        replications=100,
        known=known.patience(5.0),
    ),
    Case(
        name="calls",
        system=one_queue("100 calls in half an hour, 13 Workers", 1 / 18, 180.0, 13, 1 / 180),
        replications=11,
        known=known.queue(20 / 180),
        duration_s=36.0,
    ),
    Case(
        name="100-workers",
        system=one_queue("100 Workers at 90 %", 1000.0, 0.09, 100, 10.0),
        replications=1,
        known=known.large_queue(),
        duration_s=50.0,
    ),
    Case(
        name="1000-workers",
        system=one_queue("1,000 Workers at 97 %", 968.4, 1.0, 1000, 9.684),
        replications=1,
        known=known.large_queue(),
        duration_s=400.0,
        warm_up_s=30.0,
        by_name=True,
    ),
)
BY_NAME: Final = {case.name: case for case in CASES}


def chosen(options: Options) -> list[Case]:
    """Those that were asked for, in that order; else all that are not played by name only. Raises ValueError."""
    if unknown := [name for name in options.cases if name not in BY_NAME]:
        raise ValueError(f"no case {unknown[0]!r}; there are {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in options.cases] or [case for case in CASES if not case.by_name]


def span_of(case: Case, options: Options) -> Span:
    """When it is played: empty at first, then with twice the arrivals until the Workers are as busy as they will be."""
    duration_s = options.duration_s or case.duration_s
    work_s = fmean(map(case.work_s, case.system.agents))
    return Span(
        fill_s=min(FILL_HOLDS * work_s, duration_s / 4),
        from_s=min(case.warm_up_s, duration_s / 3),
        until_s=duration_s,
    )


def plan_of(case: Case, options: Options) -> Plan:
    """The case as a load: each replication has skills, and so queues and Workers, of its own."""
    system, span, kinds, crews = case.system, span_of(case, options), list[Kind](), list[Crew]()
    patience_s = round(system.unit_s / system.patience_rate) if system.patience_rate else None
    for number in range(case.replications):
        kinds += [
            Kind(
                name=f"r{number} {one.name}",
                share=one.rate,
                skill=f"r{number} {one.skill}",
                priority=one.priority,
                patience_s=patience_s,
            )
            for one in system.kinds
        ]
        for agent in dict.fromkeys(system.agents):
            skills = tuple(f"r{number} {skill}" for skill in sorted(agent.skills))
            handle_ms = case.work_s(agent) * systems.MS
            crews.append(Crew(count=system.agents.count(agent), skills=skills, handle_ms=handle_ms))
    rate_per_s = case.replications * case.rate_per_s
    return Plan(
        scenario=f"theory: {system.name}",
        rate_per_s=rate_per_s,
        duration_s=span.until_s,
        warm_up_s=span.from_s,
        kinds=tuple(kinds),
        crews=tuple(crews),
        phases=(Phase(from_s=0.0, times=FILL_TIMES), Phase(from_s=span.fill_s, times=1.0)),
        from_offer=True,
        drain_s=30.0 + LAST_HOLDS * max(map(case.work_s, system.agents)),
        generators=options.generators,
        seed=options.seed,
    )
