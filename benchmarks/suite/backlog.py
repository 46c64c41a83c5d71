"""The scenario `backlog` as a judge: what a waiting Task takes, and what a freed Worker's next offer costs.

The cost is compared with that in another Workspace of the same deployment, where 1,000 Tasks wait. Workers of the two
take turns of some seconds, so both meet the same machine. It is the median of what the server spends in the script that
completes a Task and makes the next Reservation: a caller's wait is mostly HTTP, and would hide a cost that has doubled.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.suite.evidence import Evidence
from benchmarks.suite.plan import Plan
from benchmarks.suite.report import Check, Figure, State

FEW: Final = 1_000  # Tasks that wait in the other Workspace
MEMORY_BYTES: Final = 1_000  # of a waiting Task with 200 B of attributes
COST_RATIO: Final = 1.5
FEWEST_WAITING: Final = 10_000  # below, what a Workspace holds anyway is a part of what is divided by Tasks
FEWEST_OFFERS: Final = 100  # of each Workspace


class Measured(Struct, kw_only=True):
    """What was seen from inside an embedded deployment; None where it could not be seen."""

    waiting: int = 0  # Tasks, in both Workspaces, when Workers came
    memory_bytes: int | None = None  # that all of them took
    fill_s: float = 0.0
    few_us: list[float] | None = None  # of the server, for each completion with its next offer
    many_us: list[float] | None = None

    @property
    def task_bytes(self) -> float | None:
        """Of one waiting Task."""
        return None if self.memory_bytes is None or not self.waiting else self.memory_bytes / self.waiting

    @property
    def ratio(self) -> float | None:
        """Of the medians, many to few."""
        if not self.few_us or not self.many_us:
            return None
        return median(self.many_us) / median(self.few_us)


def few_of(plan: Plan) -> Plan:
    """The run beside: the same Workers, and few Tasks that wait, as many all the time."""
    return replace(plan, backlog=FEW, topped_up=True, turn=0, generators=1)


def memory(found: Measured) -> Check:
    """A waiting Task takes no more than it may."""
    size = found.task_bytes
    if size is None:
        return _check("memory", State.UNKNOWN, "is not known of a deployment that runs elsewhere", 0)
    said = f"{size:,.0f} B for each waiting Task ({MEMORY_BYTES:,} allowed), its events not counted"
    if found.waiting < FEWEST_WAITING:
        few = f"{said}, but {found.waiting:,} are too few to tell, of {FEWEST_WAITING:,}"
        return _check("memory", State.UNKNOWN, few, found.waiting)
    state = State.INVALID if size > MEMORY_BYTES else State.VALID
    return _check("memory", state, said, found.waiting)


def cost(found: Measured) -> Check:
    """A freed Worker's next offer costs the server about the same, however many Tasks wait."""
    few, many = found.few_us, found.many_us
    if few is None or many is None:
        return _check("cost", State.UNKNOWN, "is not known of a deployment that runs elsewhere", 0)
    offers = min(len(few), len(many))
    if offers < FEWEST_OFFERS:
        said = f"{offers} offers were measured, too few of {FEWEST_OFFERS}"
        return _check("cost", State.UNKNOWN, said, offers)
    ratio = found.ratio
    assert ratio is not None  # both have offers
    said = (
        f"{median(many):.0f} us of the server for a completion and the next offer, {median(few):.0f} us with {FEW:,}"
        f" waiting: {ratio:.2f} x ({COST_RATIO} allowed)"
    )
    if found.waiting < FEWEST_WAITING:
        return _check("cost", State.UNKNOWN, f"{said}, but {found.waiting:,} are hardly more", offers)
    return _check("cost", State.INVALID if ratio > COST_RATIO else State.VALID, said, offers)


def figures(found: Measured, many: Evidence) -> list[Figure]:
    """What there is to compare with other runs."""
    rows: list[tuple[str, float | None, str, str]] = [
        ("filled", found.waiting / found.fill_s if found.fill_s else None, "Tasks a second", "higher"),
        ("memory of a waiting Task", found.task_bytes, "B", "lower"),
        ("offer, by the server", median(found.many_us) if found.many_us else None, "us", "lower"),
        (f"offer, to {FEW:,} waiting, by the server", found.ratio, "x", "lower"),
        ("completion to next offer p99, by the log", _freed_p99_ms(many), "ms", "lower"),
    ]
    return [
        Figure(name=name, value=round(value, 3), unit=unit, better=better)
        for name, value, unit, better in rows
        if value is not None
    ]


def _freed_p99_ms(run: Evidence) -> float | None:
    freed: Sequence[int] = sorted(run.history.freed_ms) if run.history is not None else []
    return float(freed[len(freed) * 99 // 100]) if freed else None


def _check(name: str, state: State, said: str, looked_at: int) -> Check:
    return Check(name=name, state=state, said=said, looked_at=looked_at)
