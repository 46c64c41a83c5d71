"""The scenarios: what is asked on the command line, made into a plan. Each says in a line what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.suite.arrivals import DAY, Arrivals
from benchmarks.suite.plan import MAX_RATE, MAX_WORKERS, Crew, Kind, Phase, Plan


class Options(Struct, frozen=True, kw_only=True):
    """What was asked for; None leaves it to the scenario."""

    rate_per_s: float | None = None
    closed: int | None = None
    duration_s: float | None = None
    workers: int | None = None
    handle_ms: float | None = None
    tasks: int | None = None  # of a backlog
    arrivals: Arrivals | None = None
    generators: int = 1
    seed: int = 1
    cases: tuple[str, ...] = ()  # of `theory`

    def checked(self, scenario: str) -> Options:
        """Itself. Raises ValueError for what cannot be, and for what the scenario has no use for."""
        for name in OPTIONAL:
            if getattr(self, name) is not None and name not in TAKES[scenario]:
                able = ", ".join(_option(one) for one in OPTIONAL if one in TAKES[scenario])
                raise ValueError(f"{scenario} takes no {_option(name)}; of its load it takes {able}")
        if self.closed is not None:
            for name in ("rate_per_s", "arrivals"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{_option(name)} and --closed exclude each other")
        for name, value, highest in (
            ("rate", self.rate_per_s, MAX_RATE),
            ("closed", self.closed, 10_000),
            ("duration", self.duration_s, 86_400),
            ("workers", self.workers, MAX_WORKERS),
            ("handle-ms", self.handle_ms, 3_600_000),
            ("tasks", self.tasks, 10_000_000),
            ("generators", self.generators, 64),
        ):
            if value is not None and not 0 < value <= highest:
                raise ValueError(f"--{name} must be above 0 and at most {highest:g}, not {value:g}")
        return self


# What of a load can be asked for, and of which scenario. `generators` and `seed` are for all of them.
OPTIONAL: Final = ("rate_per_s", "closed", "arrivals", "duration_s", "workers", "handle_ms", "tasks")
_OPEN: Final = ("rate_per_s", "duration_s", "workers", "handle_ms")
TAKES: Final[dict[str, tuple[str, ...]]] = {
    "create": ("rate_per_s", "closed", "arrivals", "duration_s"),
    "lives": (*_OPEN, "closed", "arrivals"),
    "fairness": (*_OPEN, "closed"),
    "contact-centre": (*_OPEN, "closed", "arrivals"),
    "burst": _OPEN,
    "mass-login": (*_OPEN, "closed"),
    "backlog": ("tasks", "duration_s", "workers", "handle_ms"),
    "scale": ("closed", "duration_s"),
    "theory": ("duration_s",),
    "chaos": _OPEN,
}


def _option(name: str) -> str:
    """A field of Options as it is spelled on the command line."""
    return "--" + {"rate_per_s": "rate", "duration_s": "duration"}.get(name, name.replace("_", "-"))


def create(options: Options) -> Plan:
    """Tasks are posted and nobody takes them: the cost of one door."""
    return _plan("create", options, rate=500.0)


def lives(options: Options) -> Plan:
    """Tasks are posted, offered, accepted and completed by agents over HTTP."""
    handle_ms = options.handle_ms or 200.0
    rate = options.rate_per_s or 60.0
    highest = max(DAY) if options.arrivals == "day" else 1.0
    workers = options.workers or max(4, round(rate * highest * handle_ms / 1000 / 0.8))
    crews = (Crew(count=workers, handle_ms=handle_ms),)
    return _plan("lives", options, rate=60.0, crews=crews)


def fairness(options: Options) -> Plan:
    """Equal Workers and little load: each offer has a choice, and the choices must add up to equal shares."""
    crews = (Crew(count=options.workers or 20, handle_ms=options.handle_ms or 60.0),)
    return _plan("fairness", options, rate=80.0, crews=crews)


def contact_centre(options: Options) -> Plan:
    """Skills, priorities, escalation, callers who hang up, shifts that begin and end."""
    kinds = (
        Kind(name="billing", share=4, skill="billing", strict=False),
        Kind(name="support", share=4, skill="support", strict=False),
        Kind(name="gold", share=1, skill="support", priority=50, strict=False),
        Kind(name="hurried", share=2, skill="billing", patience_s=2, strict=False),
    )
    if options.arrivals == "day":
        rate, seconds = 40.0, options.duration_s or 60.0  # its peak is 84 a second
        crews = _day_crews(options, rate, seconds)
    else:
        rate, seconds = 90.0, options.duration_s or 20.0
        crews = _crews(options, seconds)
    return _plan(
        "contact-centre", options, rate=rate, seconds=seconds, kinds=kinds, crews=crews, escalate_after_s=2
    )


def _crews(options: Options, seconds: float) -> tuple[Crew, ...]:
    """Enough for the default rate; a sixth of them, with one skill, is there for the middle half only."""
    handle_ms, some = options.handle_ms or 300.0, max(1, (options.workers or 24) // 6)
    begin_s, end_s = seconds / 4, seconds * 3 / 4
    return (
        Crew(count=2 * some, skills=("billing",), handle_ms=handle_ms),
        Crew(count=2 * some, skills=("support",), handle_ms=handle_ms),
        Crew(count=some, skills=("billing", "support"), handle_ms=handle_ms, capacity=2),
        Crew(count=some, skills=("billing",), handle_ms=handle_ms, from_s=begin_s, until_s=end_s),
    )


# Shifts for a day's curve: from, until (hours; None: to the end), share of all Workers. With HIRED of them no half hour
# keeps more than 0.9 of those on duty busy, and the night a fifth.
SHIFTS: Final = ((0, None, 0.14), (6, 14, 0.22), (7.5, 18, 0.36), (13, 23, 0.28))
TEAMS: Final = ((("billing",), 4 / 9, 1), (("support",), 4 / 9, 1), (("billing", "support"), 1 / 9, 2))
HIRED: Final = 3.0  # Workers for each one that the mean rate would keep busy


def _day_crews(options: Options, rate: float, seconds: float) -> tuple[Crew, ...]:
    """Shifts that follow the day: a night shift that stays, an early, a day and a late one, each of all teams."""
    handle_ms = options.handle_ms or 300.0
    workers = options.workers or round((options.rate_per_s or rate) * handle_ms / 1000 * HIRED)
    hour_s = seconds / 24
    return tuple(
        Crew(
            count=max(1, round(workers * shift * team)),
            skills=skills,
            capacity=capacity,
            handle_ms=handle_ms,
            from_s=begin * hour_s,
            until_s=None if end is None else end * hour_s,
        )
        for begin, end, shift in SHIFTS
        for skills, team, capacity in TEAMS
    )


def burst(options: Options) -> Plan:
    """Ten times the rate for a quarter of the time, 30 s at most, and then what it takes to be rid of it."""
    seconds = options.duration_s or 40.0
    handle_ms, rate = options.handle_ms or 100.0, options.rate_per_s or 20.0
    crews = (Crew(count=options.workers or max(4, round(rate * handle_ms / 250)), handle_ms=handle_ms),)
    begin_s = seconds / 4
    phases = (Phase(from_s=begin_s, times=10), Phase(from_s=begin_s + min(30.0, seconds / 4), times=1))
    return _plan("burst", options, rate=20.0, seconds=seconds, crews=crews, phases=phases, drain_s=60.0)


def mass_login(options: Options) -> Plan:
    """All Workers become available in the same moment while Tasks wait and more arrive."""
    seconds = options.duration_s or 20.0
    crews = (Crew(count=options.workers or 200, handle_ms=options.handle_ms or 1_000.0, from_s=seconds / 4),)
    return _plan("mass-login", options, rate=60.0, crews=crews)


def backlog(options: Options) -> Plan:
    """Tasks pile up, then Workers come and take some; no Task arrives meanwhile. The load is to take them."""
    tasks = options.tasks or 1_000_000
    crews = (Crew(count=options.workers or 50, handle_ms=options.handle_ms or 1.0, from_s=1e-3),)
    plan = _plan("backlog", options, rate=1.0, seconds=60.0, crews=crews, backlog=tasks)
    return replace(plan, rate_per_s=None, closed=None, warm_up_s=0.0, turn=1, turns=2)


def _plan(
    scenario: str,
    options: Options,
    *,
    rate: float,
    seconds: float = 20.0,
    kinds: tuple[Kind, ...] = (Kind(name="calls"),),
    crews: tuple[Crew, ...] = (),
    phases: tuple[Phase, ...] = (),
    escalate_after_s: int | None = None,
    backlog: int = 0,
    drain_s: float = 30.0,
) -> Plan:
    duration_s = options.duration_s or seconds
    return Plan(
        scenario=scenario,
        rate_per_s=None if options.closed is not None else options.rate_per_s or rate,
        closed=options.closed,
        duration_s=duration_s,
        warm_up_s=min(2.0, duration_s / 5),
        kinds=kinds,
        crews=crews,
        phases=phases,
        arrivals=options.arrivals or "poisson",
        escalate_after_s=escalate_after_s,
        backlog=backlog,
        generators=options.generators,
        drain_s=drain_s,
        seed=options.seed,
    )


SCENARIOS: Final[dict[str, Callable[[Options], Plan]]] = {
    "create": create,
    "lives": lives,
    "fairness": fairness,
    "contact-centre": contact_centre,
    "burst": burst,
    "mass-login": mass_login,
    "backlog": backlog,
}
