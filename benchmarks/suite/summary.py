"""From what is known of a run to its report."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from benchmarks.suite import report
from benchmarks.suite.aftermath import waits_s
from benchmarks.suite.arrivals import DAY
from benchmarks.suite.checks import judge
from benchmarks.suite.evidence import Evidence
from benchmarks.suite.latency import Times, latency, percentile_us
from benchmarks.suite.ledger import Second
from benchmarks.suite.plan import Plan
from benchmarks.suite.report import Check, Counts, Exact, Figure, Kill, Latency, Part, Report, verdict_of
from benchmarks.suite.run import began
from benchmarks.suite.target import Access, machine, versions

MEANINGS = {
    "create": "POST of a Task, from the moment it was meant to be sent to its answer",
    "lag": "how late the generator sent creates: its own fault, and part of `create`",
    "notice": "from the Reservation, by the deployment's clock, until an agent learned of it from the log of events",
    "accept": "from the moment an agent learned of an offer until the accept was answered",
    "complete": "from the moment the work was done until the completion was answered",
}


def reported(
    run: Evidence,
    access: Access,
    command: str,
    *,
    more: Sequence[Check] = (),
    theory: Sequence[Exact] = (),
    kills: Sequence[Kill] = (),
    parts: Sequence[Part] = (),
    figures: Sequence[Figure] = (),
    interrupted: bool = False,
) -> Report:
    """The report of a run, with the checks that a scenario adds."""
    checks = [*judge(run), *more]
    latencies = _latencies(run)
    return Report(
        began=began(run.starts_at),
        command=command,
        versions=versions(),
        machine=machine(),
        target=access.shown,
        settings=_settings(run),
        verdict=verdict_of(checks),
        checks=checks,
        counts=_counts(run),
        figures=[*figures, *_figures(run, latencies, interrupted=interrupted)],
        latencies=latencies,
        series=_series(run),
        theory=list(theory),
        kills=list(kills),
        parts=list(parts),
        interrupted=interrupted,
    )


def _settings(run: Evidence) -> report.Settings:
    plan = run.plan
    handles = [crew.handle_ms * crew.count for crew in plan.crews]
    return report.Settings(
        scenario=plan.scenario,
        duration_s=plan.duration_s,
        warm_up_s=plan.warm_up_s,
        rate_per_s=plan.rate_per_s if plan.closed is None else None,
        closed=plan.closed,
        arrivals=plan.arrivals,
        day=list(DAY) if plan.arrivals == "day" else [],
        workers=plan.workers,
        handle_ms=sum(handles) / plan.workers if plan.workers else 0.0,
        generators=plan.generators,
        seed=plan.seed,
    )


def _counts(run: Evidence) -> Counts:
    canceled = sum(status == "canceled" for status in run.statuses.values())
    completed = len(run.completed)
    return Counts(
        sent=run.counts["sent"],
        created=run.counts["created"],
        refused=run.counts["refused"] + run.counts["wrong"],
        unanswered=run.counts["unanswered"],
        offers=run.counts["offers"],
        accepted=run.counts["accepted"],
        completed=completed,
        canceled=canceled,
        rejected=run.counts["gone"],
        open_at_end=max(0, len(run.created) - completed - canceled),
    )


def _latencies(run: Evidence) -> list[Latency]:
    found = [
        latency(name, meaning, (share.latencies[name] for share in run.shares))
        for name, meaning in MEANINGS.items()
    ]
    from_s = run.starts_at + run.plan.warm_up_s
    counted = {sid: one for sid, one in run.created.items() if one.meant_s >= from_s}
    wait = Times()
    for seconds in waits_s(run.history, counted):
        wait.add(seconds)
    offer = Times()
    first: dict[str, float] = {}
    for share in run.shares:
        for one in share.offered:
            first[one.task] = min(one.learned_s, first.get(one.task, one.learned_s))
    for sid, one_created in counted.items():
        if sid in first:
            offer.add(max(0.0, first[sid] - one_created.meant_s))
    found.append(
        latency("wait", "from create to first Reservation, both by the deployment's clock", [wait.encoded()])
    )
    meaning = "from the moment the create was meant to be sent until an agent learned of the offer"
    found.append(latency("offer", meaning, [offer.encoded()]))
    return [one for one in found if one.count]


def _figures(run: Evidence, latencies: Sequence[Latency], *, interrupted: bool) -> list[Figure]:
    plan, seconds = run.plan, _seconds(run)
    from_s, until_s = ceil(plan.warm_up_s), int(plan.duration_s)
    if interrupted:  # by the last second in which all was sent that was to be
        until_s = min(until_s, max((at_s for at_s, second in seconds.items() if second.sent), default=0))
    whole = [second for at_s, second in seconds.items() if from_s <= at_s < until_s]
    figures = []
    if whole and not plan.backlog:
        span_s = until_s - from_s
        created = sum(second.created for second in whole) / span_s
        figures.append(Figure(name="created", value=round(created, 2), unit="a second", better="higher"))
        if plan.workers:
            completed = sum(second.completed for second in whole) / span_s
            figures.append(
                Figure(name="completed", value=round(completed, 2), unit="a second", better="higher")
            )
    if plan.backlog and (ends := [at_s for share in run.shares for _, _, at_s in share.completed]):
        drained = len(ends) / max(1e-3, (max(ends) - min(ends)) * plan.working)
        figures.append(Figure(name="drained", value=round(drained, 2), unit="a second", better="higher"))
    for one in latencies:
        for percent in ("50", "99"):
            value = one.percentiles_us[percent] / 1000
            figures.append(Figure(name=f"{one.name} p{percent}", value=value, unit="ms", better="lower"))
    return figures


def _seconds(run: Evidence) -> dict[int, Second]:
    sums: dict[int, Second] = {}
    for share in run.shares:
        for at_s, one in share.seconds.items():
            total = sums.setdefault(at_s, Second())
            total.sent += one.sent
            total.created += one.created
            total.offers += one.offers
            total.completed += one.completed
            total.failed += one.failed
            total.create_us += one.create_us
    return dict(sorted(sums.items()))


def _series(run: Evidence) -> list[report.Second]:
    sums = _seconds(run)
    looks = {
        int(look.answered_s - run.starts_at): look for look in run.samples if look.answered_s > run.starts_at
    }
    rows = []
    for at_s in range(max([*sums, *looks], default=-1) + 1):
        second, look = sums.get(at_s, Second()), looks.get(at_s)
        rows.append(
            report.Second(
                at_s=at_s,
                sent=second.sent,
                created=second.created,
                offers=second.offers,
                completed=second.completed,
                failed=second.failed,
                asked_per_s=_asked_per_s(run.plan, at_s + 0.5),
                create_p50_us=percentile_us(second.create_us, 50),
                create_p99_us=percentile_us(second.create_us, 99),
                waiting=None if look is None else look.waiting,
                reserved=None if look is None else look.reserved,
                assigned=None if look is None else look.assigned,
                wrapping=None if look is None else look.wrapping,
            )
        )
    return rows


def _asked_per_s(plan: Plan, at_s: float) -> float | None:
    """The rate of arrivals that the plan means to have at a second; None for posters in a loop, and after the load."""
    if plan.closed is not None or plan.rate_per_s is None or at_s >= plan.duration_s:
        return None
    return round(plan.rate_per_s * plan.times_at(at_s), 3)
