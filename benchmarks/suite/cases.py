"""The cases of the scenario `theory`: systems whose figures are known exactly, and how each is played.

Rates are per unit of a system's own time, and a unit lasts so long that handle times are large against what HTTP and
looking for offers add to them (some 15 ms) and the whole is about 100 Tasks a second. A case of few Workers is played
many times side by side, each with a queue and Workers of its own; one that fills the machine is played once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import fmean
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.suite.plan import Crew, Kind, Phase, Plan
from benchmarks.suite.scenarios import Options
from benchmarks.theory import formulas, systems
from benchmarks.theory.chain import reserved_longest_ago
from benchmarks.theory.ideal import FILL_HOLDS, FILL_TIMES, Played, Span
from benchmarks.theory.systems import System, one_queue, skilled

EVENTS_A_LIFE: Final = 10  # and Workers have some: the whole log is read
REST: Final = 1e-2  # of the chain: the figures of M4 within 1e-3, in 3 s


class Measure(Struct, frozen=True):
    """A figure, and how to read it off a play."""

    name: str
    of: Callable[[Played], float]
    small: str = ""  # for one that is near 0: the figure that it is small against


class Case(Struct, frozen=True, kw_only=True):
    """`exact` has the figures of `measures`, for a System in seconds."""

    name: str  # on the command line
    system: System
    replications: int
    measures: tuple[Measure, ...]
    exact: Callable[[System], tuple[float, ...]]
    duration_s: float = 28.0
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


def _queue(
    limit_s: float, *, mean: bool
) -> tuple[tuple[Measure, ...], Callable[[System], tuple[float, ...]]]:
    """Erlang C. The mean is left out where a run of bounded length cannot tell it from half or twice as much."""

    def exact(system: System) -> tuple[float, ...]:
        waits = formulas.waits(system.rate, 1 / system.agents[0].rate, len(system.agents))
        return (waits.p_wait, 1 - waits.within(limit_s), *((waits.mean,) if mean else ()))

    measures = (
        Measure("P(wait)", p_wait),
        Measure(f"1 - SL({limit_s:.2g} s)", partial(longer, limit_s=limit_s)),
    )
    return (*measures, *((Measure("mean wait, s", mean_wait),) if mean else ())), exact


def _p_wait_only(system: System) -> tuple[float, ...]:
    return (formulas.waits(system.rate, 1 / system.agents[0].rate, len(system.agents)).p_wait,)


PRIORITY_MEASURES: Final = (
    Measure("P(wait), high", p_wait),
    Measure("P(wait), low", partial(p_wait, kind=1)),
    Measure("mean wait, high, s", mean_wait),
    Measure("mean wait, low, s", partial(mean_wait, kind=1)),
    Measure("mean wait, both, s", blend),  # as if there were no priorities: work is conserved
)


def _cobham(system: System) -> tuple[float, ...]:
    hold_s, servers = 1 / system.agents[0].rate, len(system.agents)
    high, low = formulas.cobham((system.kinds[0].rate, system.kinds[1].rate), hold_s, servers)
    both = formulas.waits(system.rate, hold_s, servers)
    return (both.p_wait, both.p_wait, high, low, both.mean)


def _skill_measures(system: System) -> tuple[Measure, ...]:
    found = []
    for number, kind in enumerate(system.kinds):
        found.append(Measure(f"P(wait), {kind.name}", partial(p_wait, kind=number)))
        found.append(Measure(f"mean wait, {kind.name}, s", partial(mean_wait, kind=number)))
    return tuple(found)


def _skills(system: System) -> tuple[float, ...]:
    waits = reserved_longest_ago(system, REST)
    return tuple(figure for kind in waits for figure in (kind.p_wait, kind.mean))


def _patience(
    mean_patience_s: float,
) -> tuple[tuple[Measure, ...], Callable[[System], tuple[float, ...]]]:
    """Erlang A, with patience in whole seconds as a Timeout has it."""

    def exact(system: System) -> tuple[float, ...]:
        hold_s = 1 / system.agents[0].rate
        found = formulas.whole_seconds(system.rate, hold_s, len(system.agents), mean_patience_s)
        mean = found.mean_queue / system.rate
        return (found.p_wait, found.p_abandon, mean, found.p_abandon - mean / mean_patience_s)

    def identity(found: Played) -> float:
        return p_abandon(found) - mean_wait(found) / mean_patience_s

    measures = (
        Measure("P(wait)", p_wait),
        Measure("P(abandon)", p_abandon),
        Measure("mean wait, s", mean_wait),
        Measure("P(abandon) less mean wait / patience", identity, small="P(abandon)"),
    )
    return measures, exact


# ---- the cases

_THREE: Final = one_queue("M/M/3", 2.0, 1.0, 3, 0.5)
_THREE_FIGURES: Final = _queue(0.25, mean=True)
_CALLS: Final = one_queue("100 calls in half an hour, 13 Workers", 1 / 18, 180.0, 13, 1.0 / 180)
_CALLS_FIGURES: Final = _queue(1.0 / 9, mean=True)
_PATIENCE: Final = one_queue("patience, 3 Workers at 100 %", 3.0, 1.0, 3, 10.0, 1.0)
_PATIENCE_FIGURES: Final = _patience(10.0)
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
    Case(name="m-m-3", system=_THREE, replications=30, measures=_THREE_FIGURES[0], exact=_THREE_FIGURES[1]),
    Case(name="priorities", system=_PRIORITIES, replications=30, measures=PRIORITY_MEASURES, exact=_cobham),
    Case(name="w3", system=_W3, replications=24, measures=_skill_measures(_W3), exact=_skills),
    Case(name="m4", system=_M4, replications=20, measures=_skill_measures(_M4), exact=_skills),
    Case(
        name="patience",
        system=_PATIENCE,
        replications=100,
        measures=_PATIENCE_FIGURES[0],
        exact=_PATIENCE_FIGURES[1],
        duration_s=45.0,
        warm_up_s=12.0,
    ),
    Case(name="calls", system=_CALLS, replications=11, measures=_CALLS_FIGURES[0], exact=_CALLS_FIGURES[1]),
    Case(
        name="100-workers",
        system=one_queue("100 Workers at 90 %", 1000.0, 0.09, 100, 0.6 / 0.09),
        replications=1,
        measures=(Measure("P(wait)", p_wait),),
        exact=_p_wait_only,
        duration_s=50.0,
    ),
    Case(
        name="1000-workers",
        system=one_queue("1,000 Workers at 97 %", 968.4, 1.0, 1000, 968.4 / 145),
        replications=1,
        measures=(Measure("P(wait)", p_wait),),
        exact=_p_wait_only,
        duration_s=300.0,
        warm_up_s=20.0,
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
        events_read=200_000 + round(EVENTS_A_LIFE * rate_per_s * span.until_s),
        generators=options.generators,
        seed=options.seed,
    )
