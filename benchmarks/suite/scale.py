"""The scenario `scale`: the same loads on 1, 2 and 4 API and matcher processes, each time as many as are taken.

`creates` are calls of one script each: API processes and the server. `lives` are Tasks each of which has a condition of
its own, so that a matcher compiles it, finds its Workers and makes a pool for it: what matchers are for. As many are
open as there are posters, and work takes no time; what is completed a second is then what matchers and API processes
let through. Efficiency is throughput(n) / (n x throughput(1)), with bounds by the noise of the seconds (compare.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.suite.compare import Measure, bounds, steady
from benchmarks.suite.plan import Crew, Kind, Plan
from benchmarks.suite.report import Check, Figure, Part, Report, State, verdict_of
from benchmarks.suite.scenarios import SCENARIOS, Options

STEPS: Final = (1, 2, 4)
POSTERS: Final = 64  # of creates
OPEN: Final = (
    256  # Tasks of lives at a time: a matcher takes 64 from its stream at once, and four are to have some
)
TEAMS: Final = (
    16  # of Workers, with a skill each: a pool that holds all Workers would cost the server, not matchers
)
TEAM: Final = 8
SECONDS: Final = (
    72.0  # of load, all runs together: 10 s of each are left after its warm-up, enough for bounds
)
JUDGED: Final = 2  # the step of which a budget says something,
LEAST: Final = 0.9  # namely that two do at least 1.8 times what one does


class Step(Struct, frozen=True, kw_only=True):
    """One run."""

    load: str  # of LOADS
    count: int  # API and matcher processes, of each
    report: Report

    @property
    def name(self) -> str:
        return f"{self.load}, {self.count} of each"


class Efficiency(Struct, frozen=True, kw_only=True):
    """Of so many processes. `low` and `high` bound it; None where the runs were too short to tell."""

    load: str
    count: int
    value: float
    low: float | None
    high: float | None


def creates(options: Options) -> Plan:
    """Posters in a loop, and nobody takes their Tasks."""
    return SCENARIOS["create"](_each(options))


def lives(options: Options) -> Plan:
    """Posters in a loop, each with one Task on its way from create to completion."""
    return replace(
        SCENARIOS["lives"](_each(options, OPEN)),
        # Which of two Tasks is routed first, by two matchers, is in no order.
        kinds=tuple(Kind(name=f"team {n}", skill=f"team {n}", strict=False) for n in range(TEAMS)),
        crews=tuple(Crew(count=TEAM, skills=(f"team {n}",), handle_ms=1.0) for n in range(TEAMS)),
        whole_lives=True,
        own_condition=True,
    )


LOADS: Final[dict[str, tuple[Callable[[Options], Plan], Measure]]] = {
    "lives": (lives, lambda one: one.completed),
    "creates": (creates, lambda one: one.created),  # last: it leaves thousands of open Tasks to be deleted
}


def _each(options: Options, posters: int = POSTERS) -> Options:
    seconds = (options.duration_s or SECONDS) / (len(STEPS) * len(LOADS))
    return replace(options, closed=options.closed or posters, duration_s=seconds)


def together(steps: Sequence[Step]) -> Report:
    """One report of all runs: the series and latencies are the last one's."""
    found, last = efficiencies(steps), steps[-1].report
    checks = [*map(_held, steps), check(found, last.machine.cores, last.settings.generators)]
    return replace(
        last,
        settings=replace(last.settings, scenario="scale"),
        checks=checks,
        verdict=verdict_of(checks),
        figures=[_figure(one) for one in found],
        parts=[
            Part(name=step.name, figures=step.report.figures, load=step.load, count=step.count)
            for step in steps
        ],
    )


def efficiencies(steps: Sequence[Step]) -> list[Efficiency]:
    """Of each load and each step beyond the first."""
    found = []
    for load, (_, measure) in LOADS.items():
        runs = {step.count: steady(step.report, measure) for step in steps if step.load == load}
        one = runs.pop(STEPS[0], [])
        for count, many in runs.items():
            if sum(one) and many:
                value = (sum(many) / len(many)) / (sum(one) / len(one)) / count
                low, high = bounds(random.Random(1), one, many) or (None, None)
                found.append(
                    Efficiency(
                        load=load,
                        count=count,
                        value=value,
                        low=None if low is None else low / count,
                        high=None if high is None else high / count,
                    )
                )
    return found


def processes(count: int, generators: int) -> int:
    """Those that need a core: API and matchers, the server, a relay, generators."""
    return 2 * count + 2 + generators


def check(found: Sequence[Efficiency], cores: int, generators: int) -> Check:
    """Two of each must let through LEAST x 2 of what one does; unknown where they would have to share cores."""
    needed = processes(JUDGED, generators)
    said = ", ".join(f"{one.load} x {one.count}: {one.value:.2f}" for one in found)
    judged = next((one for one in found if one.load == "lives" and one.count == JUDGED), None)
    state = State.UNKNOWN
    if judged is None:
        said = f"ended before {JUDGED} of each were measured"
    elif needed > cores:
        said = (
            f"{needed} processes on {cores} cores take turns, which is no measure of more of them; "
            f"efficiency {said}; {needed} cores or more would show it"
        )
    elif judged.low is None or judged.high is None:
        said = f"efficiency {said}; too few seconds for bounds, a longer --duration has them"
    else:
        said = (
            f"efficiency {said}; lives x {JUDGED} is {judged.low:.2f} to {judged.high:.2f}, {LEAST:g} wanted"
        )
        state = (
            State.VALID if judged.low >= LEAST else State.INVALID if judged.high < LEAST else State.UNKNOWN
        )
    return Check(name="scale", state=state, said=said, looked_at=len(found))


def _held(step: Step) -> Check:
    """A run's verdict as one check."""
    verdict, count = step.report.verdict, len(step.report.checks)
    said = "; ".join(verdict.reasons) or f"all {count} checks hold"
    return Check(name=step.name, state=verdict.state, said=said, looked_at=step.report.counts.created)


def _figure(one: Efficiency) -> Figure:
    name = f"efficiency of {one.count}, {one.load}"
    return Figure(name=name, value=round(one.value, 3), unit="of 1", better="higher")
