"""The scenario `theory`: systems whose waits are known exactly, measured over HTTP.

A system is played several times side by side, each time with a queue and Workers of its own: replications, which say
how much chance there is in a figure. Waits and how long a Worker was held are by the log of events, to the ms:
what was reserved in the ms of its creation did not wait. A hold is the work
and what HTTP adds to it, so the exact figures are those of the mean hold; what they still miss is the router's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import copysign, inf, sqrt
from statistics import fmean, linear_regression
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.suite.evidence import Evidence
from benchmarks.suite.plan import Crew, Kind, Plan
from benchmarks.suite.report import Check, Exact, Figure, State
from benchmarks.suite.scenarios import Options
from benchmarks.theory import formulas, systems
from benchmarks.theory.skills import longest_idle
from benchmarks.theory.systems import System, one_queue, skilled

FEWEST_TASKS: Final = 500  # of all replications
FEWEST_REPLICATIONS: Final = 4
LIMIT: Final = 3.0  # sd


class Replication(Struct, kw_only=True):
    """One of the systems side by side: what its Tasks met. Times in seconds."""

    waits: list[list[float]]  # by kind
    waited: list[int]
    holds: list[float]
    span_s: float

    @property
    def tasks(self) -> int:
        return sum(map(len, self.waits))


class Measure(Struct, frozen=True, kw_only=True):
    """A figure: how to read it off a replication, and what it is exactly if a mean hold is so many seconds."""

    name: str
    of: Callable[[Replication], float]
    exact: Callable[[float], float]


class Case(Struct, frozen=True, kw_only=True):
    """A system; its rates are per unit of time, and a unit is made as long as a mean hold says."""

    system: System
    replications: int
    measures: tuple[Measure, ...]


def p_wait(found: Replication, kind: int = 0) -> float:
    return found.waited[kind] / len(found.waits[kind]) if found.waits[kind] else 0.0


def mean_wait(found: Replication, kind: int = 0) -> float:
    return fmean(found.waits[kind]) if found.waits[kind] else 0.0


def within(found: Replication, limit_s: float) -> float:
    waits = found.waits[0]
    return sum(wait <= limit_s for wait in waits) / len(waits) if waits else 0.0


# ---- the cases. `rate` below is arrivals a second of one replication; a mean handle time of HANDLE_S makes it.

HANDLE_S: Final = 0.25
SL_S: Final = 0.1


def _queue(rate: float, servers: int) -> tuple[Measure, ...]:
    def exact(hold_s: float) -> formulas.Waits:
        return formulas.waits(rate, hold_s, servers)

    return (
        Measure(name="P(wait)", of=p_wait, exact=lambda hold_s: exact(hold_s).p_wait),
        Measure(name="mean wait, s", of=mean_wait, exact=lambda hold_s: exact(hold_s).mean),
        Measure(
            name=f"SL({SL_S:g} s)",
            of=partial(within, limit_s=SL_S),
            exact=lambda hold_s: exact(hold_s).within(SL_S),
        ),
    )


def _priorities(rates: tuple[float, float], servers: int) -> tuple[Measure, ...]:
    return tuple(
        Measure(
            name=f"mean wait, {name}, s",
            of=partial(mean_wait, kind=kind),
            exact=lambda hold_s, kind=kind: formulas.cobham(rates, hold_s, servers)[kind],  # type: ignore[misc]
        )
        for kind, name in enumerate(("high", "low"))
    )


def _skills(system: System) -> tuple[Measure, ...]:
    def exact(hold_s: float, kind: int, *, mean: bool) -> float:
        rate = 1 / hold_s
        unit_s = HANDLE_S * system.agents[0].rate
        agents = tuple(replace(agent, rate=rate) for agent in system.agents)
        kinds = tuple(replace(one, rate=one.rate / unit_s) for one in system.kinds)
        waits = longest_idle(replace(system, kinds=kinds, agents=agents))[kind]
        return waits.mean if mean else waits.p_wait

    found = []
    for kind, one in enumerate(system.kinds):
        of, at = partial(p_wait, kind=kind), partial(exact, kind=kind, mean=False)
        found.append(Measure(name=f"P(wait), {one.name}", of=of, exact=at))
        of, at = partial(mean_wait, kind=kind), partial(exact, kind=kind, mean=True)
        found.append(Measure(name=f"mean wait, {one.name}, s", of=of, exact=at))
    return tuple(found)


THREE: Final = one_queue("M/M/3", 2.0, 1.0, 3, HANDLE_S)
TWO_CLASSES: Final = System(
    "two priorities",
    (systems.Kind("high", 0.8, priority=10), systems.Kind("low", 1.2)),
    one_queue("", 2.0, 1.0, 3, HANDLE_S).agents,
    HANDLE_S,
)
W3: Final = skilled("W3", {"a": (1.0, (0, 1)), "b": (0.8, (1, 2))}, (0.8, 0.8, 0.8), HANDLE_S * 0.8)
CASES: Final = (
    Case(system=THREE, replications=12, measures=_queue(2.0 / HANDLE_S, 3)),
    Case(system=TWO_CLASSES, replications=12, measures=_priorities((0.8 / HANDLE_S, 1.2 / HANDLE_S), 3)),
    Case(system=W3, replications=12, measures=_skills(W3)),
)


def plan_of(case: Case, options: Options) -> Plan:
    """The case as a load: each replication has skills, and so queues and Workers, of its own."""
    system, kinds, crews = case.system, [], []
    for number in range(case.replications):
        kinds += [
            Kind(
                name=f"r{number} {one.name}",
                share=one.rate,
                skill=f"r{number} {one.skill}",
                priority=one.priority,
            )
            for one in system.kinds
        ]
        for agent in dict.fromkeys(system.agents):
            skills = tuple(f"r{number} {skill}" for skill in sorted(agent.skills))
            handle_ms = system.unit_ms / agent.rate
            crews.append(Crew(count=system.agents.count(agent), skills=skills, handle_ms=handle_ms))
    return Plan(
        scenario=f"theory: {system.name}",
        rate_per_s=case.replications * system.rate / system.unit_s,
        duration_s=options.duration_s or 20.0,
        warm_up_s=min(4.0, (options.duration_s or 20.0) / 4),
        kinds=tuple(kinds),
        crews=tuple(crews),
        from_offer=True,
        generators=options.generators,
        seed=options.seed,
    )


def replications(case: Case, run: Evidence) -> list[Replication]:
    """What the log says of each of them, without the warm-up."""
    size = len(case.system.kinds)
    span_s = run.plan.duration_s - run.plan.warm_up_s
    found = [
        Replication(waits=[[] for _ in range(size)], waited=[0] * size, holds=[], span_s=span_s)
        for _ in range(case.replications)
    ]
    lives = {} if run.history is None else run.history.lives
    for sid, one in run.created.items():
        life = lives.get(sid)
        if life is None or life.reserved_ms is None or one.meant_s < run.starts_at + run.plan.warm_up_s:
            continue
        number, kind = divmod(life.kind, size)
        found[number].waits[kind].append((life.reserved_ms - life.created_ms) / 1000)
        found[number].waited[kind] += life.reserved_ms > life.created_ms
        if life.hold_ms is not None:
            found[number].holds.append(life.hold_ms / 1000)
    return found


def judged(case: Case, found: Sequence[Replication]) -> tuple[list[Exact], Check, list[Figure]]:
    """Each figure against theory. Invalid beyond LIMIT sd; unknown with too little to go by."""
    name, tasks = f"theory, {case.system.name}", sum(one.tasks for one in found)
    if len(found) < FEWEST_REPLICATIONS or tasks < FEWEST_TASKS or not all(one.holds for one in found):
        return [], Check(name=name, state=State.UNKNOWN, said=f"only {tasks} Tasks", looked_at=tasks), []
    hold_s = fmean(hold for one in found for hold in one.holds)
    rate = case.system.rate / case.system.unit_s
    excess = [len(one.holds) * fmean(one.holds) / (rate * one.span_s * hold_s) - 1 for one in found]
    figures = []
    for measure in case.measures:
        try:
            exact = measure.exact(hold_s)
        except ValueError:  # with such holds the Workers cannot keep up, and no queue has a mean
            said = f"a hold takes {hold_s * 1000:.0f} ms, too long for the rate"
            return [], Check(name=name, state=State.UNKNOWN, said=said, looked_at=tasks), []
        measured, sd = _estimate(excess, [measure.of(one) for one in found])
        figures.append(
            Exact(
                case=case.system.name, name=measure.name, exact=exact, measured=measured, sd=sd, samples=tasks
            )
        )
    off = [f"{one.name} is {one.measured:.4g}, not {one.exact:.4g}" for one in figures if abs(z(one)) > LIMIT]
    worst = max(figures, key=lambda one: abs(z(one)))
    said = "; ".join(off) or f"{len(figures)} figures hold; {worst.name} is {z(worst):+.1f} sd off"
    state = State.INVALID if off else State.VALID
    overhead = Figure(
        name=f"{case.system.name}: mean hold beyond the work",
        value=round((hold_s - case.system.unit_s / case.system.agents[0].rate) * 1000, 3),
        unit="ms",
        better="lower",
    )
    return (
        figures,
        Check(name=name, state=state, said=said, looked_at=tasks),
        [overhead, *_inferred(case, figures, hold_s)],
    )


def z(figure: Exact) -> float:
    """How many sd it is off."""
    off = figure.measured - figure.exact
    return off / figure.sd if figure.sd else copysign(inf, off) if off else 0.0


def _inferred(case: Case, figures: Sequence[Exact], hold_s: float) -> list[Figure]:
    """The delay between a completion and the next offer that would explain P(wait), where one queue tells it."""
    servers, rate = len(case.system.agents), case.system.rate / case.system.unit_s
    measured = next((one.measured for one in figures if one.name == "P(wait)"), None)
    if measured is None:
        return []
    value = round(delay_s(measured, rate, hold_s, servers) * 1000, 3)
    name = f"{case.system.name}: router's delay inferred from P(wait)"
    return [Figure(name=name, value=value, unit="ms", better="lower")]


def delay_s(measured: float, rate: float, hold_s: float, servers: int) -> float:
    """By inversion of Erlang C: a delay d makes the load rate x (hold + d). Negative where less waits than should."""
    low, high = -hold_s, servers / rate - hold_s
    for _ in range(60):
        middle = (low + high) / 2
        if formulas.erlang_c(rate * (hold_s + middle), servers) < measured:
            low = middle
        else:
            high = middle
    return low


def _estimate(excess: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """The figure where there is no excess load, and its standard deviation, from a line through the replications.

    Few replications do not know their own spread well; the sd is widened as Student's t says, so that 3 of it are
    exceeded as rarely as 3 sd of a normal distribution.
    """
    line, count, middle = linear_regression(excess, values), len(values), fmean(excess)
    off = sum((value - line.intercept - line.slope * x) ** 2 for x, value in zip(excess, values, strict=True))
    spread = sum((x - middle) ** 2 for x in excess)
    free = count - 2
    wider = 1 + (7.5 / free + 17.25 / free**2 + 30.2 / free**3) / LIMIT  # Cornish-Fisher at 3 sd
    return line.intercept, wider * sqrt(off / free * (1 / count + middle**2 / spread))
