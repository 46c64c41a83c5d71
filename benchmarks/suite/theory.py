"""The scenario `theory`: systems whose waits are known exactly, measured over HTTP.

Waits and how long a Worker was held are by the log of events, to the ms: what was reserved in the ms of its creation
did not wait. A hold is the work that was drawn and what HTTP and looking for offers add to it, so the exact figures are
those of such holds; what they still miss is the router's own. How far chance moves a figure is known from plays of
the same plan by an ideal router in memory, with the holds that were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, hypot, inf
from random import Random
from statistics import fmean
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.suite.cases import Case, in_seconds
from benchmarks.suite.checks import FEWEST
from benchmarks.suite.evidence import Evidence
from benchmarks.suite.report import Check, Exact, Figure, State
from benchmarks.theory import formulas
from benchmarks.theory.chance import Controls, Holds, controls, estimate, fit
from benchmarks.theory.ideal import Played, Span, nothing, play, pooled
from benchmarks.theory.systems import System

LIMIT: Final = 3.0  # sd
NOISE: Final = 0.5  # LIMIT sd may be so much of a figure: wider, and half of it or twice as much would pass
SPARE: Final = (
    0.5  # of the Workers' idle time is left by what holds have beyond the work: else it is another system
)
RUNS: Final = (40, 200)  # of the ideal router, least and most: their spread is known to 11 and to 5 %
PLAYED_TASKS: Final = 500_000  # in between so many Tasks in all, some 6 s of CPU time
DRAWN: Final = 5_000  # measured holds that the ideal router draws from


class Hold(Struct, frozen=True):
    """How long a Task held its Worker, in seconds, and what of that was work."""

    work_s: float
    mean_work_s: float  # of that Worker
    hold_s: float


class Measured(Struct):
    """All replications of a case, and the holds in them."""

    played: list[Played]
    holds: list[Hold]

    @property
    def tasks(self) -> int:
        return sum(one.tasks for one in self.played)

    @property
    def overhead_s(self) -> float:
        """What a hold has beyond the work, on average."""
        return fmean(one.hold_s - one.work_s for one in self.holds) if self.holds else 0.0


class Verdict(Struct, frozen=True):
    """What is said of a case."""

    exacts: list[Exact]
    check: Check
    figures: list[Figure]


def measured(case: Case, run: Evidence, span: Span) -> Measured:
    """What the log says of each replication."""
    lives = {} if run.history is None else run.history.lives
    works = {task: work_s for share in run.shares for task, work_s in share.worked}
    mean_s = {agent.sid: agent.handle_s for agent in run.site.agents}
    holds = {
        sid: Hold(works[sid], mean_s[life.worker], life.hold_ms / 1000)
        for sid, life in lives.items()
        if life.hold_ms is not None and sid in works
    }
    found = Measured([nothing(case.system) for _ in range(case.replications)], list(holds.values()))
    overhead_s, size = found.overhead_s, len(case.system.kinds)
    for sid, one in sorted(run.created.items(), key=lambda item: item[1].meant_s):
        life = lives.get(sid)
        if life is None:
            continue
        number, kind = divmod(life.kind, size)
        played, at_s, hold = found.played[number], one.meant_s - run.starts_at, holds.get(sid)
        played.came.append((at_s, None if hold is None else hold.hold_s / (hold.mean_work_s + overhead_s)))
        until_ms = life.ended_ms if life.reserved_ms is None else life.reserved_ms
        if at_s >= span.from_s and until_ms is not None:
            played.waits[kind].append((until_ms - life.created_ms) / 1000)
            played.left[kind] += life.reserved_ms is None
    return found


def judged(case: Case, span: Span, found: Measured, seed: int, *, tasks: int = PLAYED_TASKS) -> Verdict:
    """Each figure against theory. Invalid beyond LIMIT sd; unknown with too little to go by.

    The ideal router is played for about so many `tasks`, which is some 12 us of CPU time each.
    """
    name = f"theory, {case.system.name}"

    def unknown(said: str) -> Verdict:
        check = Check(name=name, state=State.UNKNOWN, said=said, looked_at=found.tasks)
        return Verdict([], check, [])

    if found.tasks < FEWEST or not found.holds:
        return unknown(f"only {found.tasks} Tasks")
    held, meant = in_seconds(case.system, found.overhead_s), case.system.load
    too_long = (
        f"a hold takes {found.overhead_s * 1000:.0f} ms more than the work; the load is {held.load:.3f}"
    )
    if not held.patience_rate and 1 - held.load < (1 - meant) * SPARE:
        return unknown(f"{too_long} instead of {meant:.3f}")
    try:
        exact = case.known.exact(held)
    except ValueError:  # some Workers cannot keep up with what only they can do, and no queue has a mean
        return unknown(f"{too_long}, and some Workers cannot keep up")
    exacts = _measured_figures(case, span, found, exact, seed, tasks)
    return Verdict(exacts, _check(name, case, exacts), _figures(case, exacts, found))


def both(case: Case, first: Verdict, second: Verdict) -> Verdict:
    """The verdict on two runs with a seed each: the means of their figures, by the same LIMIT.

    There are so many figures that by chance one of a right router is beyond LIMIT every so often. A second run is
    played when one is, and what is wrong with the router is wrong again.
    """
    if not first.exacts or not second.exacts:
        return first
    exacts = [
        replace(
            one,
            exact=(one.exact + other.exact) / 2,
            measured=(one.measured + other.measured) / 2,
            sd=hypot(one.sd, other.sd) / 2,
            samples=one.samples + other.samples,
        )
        for one, other in zip(first.exacts, second.exacts, strict=True)
    ]
    check = _check(first.check.name, case, exacts)
    said = f"{check.said} (two runs; in the first {first.check.said})"
    return Verdict(exacts, replace(check, said=said), second.figures)


def _measured_figures(
    case: Case, span: Span, found: Measured, exact: Sequence[float], seed: int, tasks: int
) -> list[Exact]:
    random, system = Random(f"{seed} ideal"), case.system
    holds = _holds(case, found, random)
    drawn = holds_of(holds)

    def known(replications: Sequence[Played]) -> Controls:
        return controls(system, span, replications, drawn, random)

    own, pool = known(found.played), pooled(found.played)
    ideal, pools = list[Controls](), list[Played]()
    for _ in range(_runs(case, span, tasks)):
        run = [play(system, span, holds, random) for _ in range(case.replications)]
        ideal.append(known(run))
        pools.append(pooled(run))
    figures = []
    for measure, value in zip(case.known.measures, exact, strict=True):
        fitted = fit(ideal, [measure.of(one) for one in pools])
        middle, sd = estimate(fitted, value, own, measure.of(pool))
        figures.append(
            Exact(
                case=system.name, name=measure.name, exact=value, measured=middle, sd=sd, samples=found.tasks
            )
        )
    return figures


def _runs(case: Case, span: Span, tasks: int) -> int:
    least, most = RUNS
    return min(most, max(least, round(tasks / (case.replications * case.rate_per_s * span.until_s))))


def _holds(case: Case, found: Measured, random: Random) -> list[list[float]]:
    """For each agent the holds that it might have had: works as they were drawn, put right to their mean, and all
    that was measured beyond them."""
    some = found.holds if len(found.holds) <= DRAWN else random.sample(found.holds, DRAWN)
    drawn = fmean(one.work_s / one.mean_work_s for one in some)
    by_rate = {
        agent: [
            case.work_s(agent) * one.work_s / one.mean_work_s / drawn + one.hold_s - one.work_s
            for one in some
        ]
        for agent in dict.fromkeys(case.system.agents)
    }
    return [by_rate[agent] for agent in case.system.agents]


def holds_of(agents: Sequence[Sequence[float]]) -> Holds:
    """What is to be known of the holds of all agents, who get equally many Tasks."""
    means = [fmean(one) for one in agents]
    squares = [fmean(hold * hold for hold in one) / mean**2 for one, mean in zip(agents, means, strict=True)]
    return Holds(fmean(means), fmean(squares))


def _check(name: str, case: Case, exacts: Sequence[Exact]) -> Check:
    """Off is proved wrong, however wide the noise; within it, only what is narrow enough to have been off holds."""
    exact = {one.name: one.exact for one in exacts}
    size = {one.name: exact[one.small or one.name] for one in case.known.measures}
    tasks = exacts[0].samples
    off = [f"{one.name} is {one.measured:.4g}, not {one.exact:.4g}" for one in exacts if abs(z(one)) > LIMIT]
    if off:
        return Check(name=name, state=State.INVALID, said="; ".join(off), looked_at=tasks)
    if noisy := [one for one in exacts if LIMIT * one.sd > NOISE * abs(size[one.name])]:
        first = max(noisy, key=lambda one: one.sd / abs(size[one.name]))
        said = f"bound by noise: {first.name} has an sd of {first.sd:.2g}; a longer --duration tells"
        return Check(name=name, state=State.UNKNOWN, said=said, looked_at=tasks)
    worst = max(exacts, key=lambda one: abs(z(one)))
    said = f"{len(exacts)} figures hold; {worst.name} is {z(worst):+.1f} sd off"
    return Check(name=name, state=State.VALID, said=said, looked_at=tasks)


def z(figure: Exact) -> float:
    """How many sd it is off."""
    off = figure.measured - figure.exact
    return off / figure.sd if figure.sd else copysign(inf, off) if off else 0.0


def _figures(case: Case, exacts: Sequence[Exact], found: Measured) -> list[Figure]:
    figures = [_ms(f"{case.system.name}: mean hold beyond the work", found.overhead_s)]
    p_wait = next((one for one in exacts if one.name == "P(wait)"), None)
    if p_wait is None or len(case.system.kinds) > 1 or case.system.patience_rate:
        return figures
    system = in_seconds(case.system, found.overhead_s)
    delay_s = delay_of(p_wait.measured, system)
    sd_s = (delay_of(p_wait.measured + p_wait.sd, system) - delay_of(p_wait.measured - p_wait.sd, system)) / 2
    return [
        *figures,
        _ms(f"{case.system.name}: router's delay inferred from P(wait)", delay_s),
        _ms(f"{case.system.name}: its sd", sd_s),
    ]


def _ms(name: str, seconds: float) -> Figure:
    return Figure(name=name, value=round(seconds * 1000, 3), unit="ms", better="lower")


def delay_of(p_wait: float, system: System) -> float:
    """The delay between a completion and the same Worker's next offer that would explain P(wait), in the system's unit.

    By inversion of Erlang C: a delay d makes the load rate x (hold + d). Negative where less waits than should.
    """
    servers, hold = len(system.agents), 1 / system.agents[0].rate
    low, high = -hold, servers / system.rate - hold
    for _ in range(60):
        middle = (low + high) / 2
        if formulas.erlang_c(system.rate * (hold + middle), servers) < p_wait:
            low = middle
        else:
            high = middle
    return low
