"""What must hold after a run, one function a promise. Each says valid, invalid or unknown, and on how much it rests.

Invalid needs proof; too little to go by is unknown, never valid.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from math import sqrt
from statistics import fmean
from typing import Final

from benchmarks.suite.evidence import Evidence
from benchmarks.suite.report import Check, State

VALID, INVALID, UNKNOWN = State.VALID, State.INVALID, State.UNKNOWN
FEWEST: Final = 100  # Tasks after the warm-up, without which nothing is said
FEWEST_OFFERS: Final = (
    5  # of a Worker on average, for a comparison of counts (the rule of thumb of chi-square)
)
FEWEST_SAMPLES: Final = 5  # looks at the queue
EXAMPLES: Final = 10
SD: Final = 3.0
CLOCK_MS: Final = 5  # by which the deployment's clock may run beside ours, on one machine


def judge(run: Evidence) -> list[Check]:
    """All checks that the plan allows. With a generator lost, what it saw is lost too, and nothing else can be said."""
    if run.generators_failed:
        return [generator(run)]
    checks: list[Callable[[Evidence], Check]] = [samples, generator, answers, loss, once, capacity, flow]
    if run.plan.workers:
        checks += [idle, equal]
        if not run.plan.backlog and not run.disturbed:
            checks.append(little)
        if any(kind.strict for kind in run.plan.kinds):
            checks.append(order)
    return [check(run) for check in checks]


def samples(run: Evidence) -> Check:
    from_s = 0.0 if run.plan.backlog else run.starts_at + run.plan.warm_up_s
    count = sum(one.meant_s >= from_s for one in run.created.values())
    if count < FEWEST:
        said = f"too few Tasks, {count} of {FEWEST}: a longer --duration or a higher --rate gives more"
        return Check(name="samples", state=UNKNOWN, said=said, looked_at=count)
    return Check(name="samples", state=VALID, said=f"{count} Tasks after the warm-up", looked_at=count)


def generator(run: Evidence) -> Check:
    """Whether the generator kept its own times: if not, the latencies are its own."""
    lag_ms, limit_ms = run.lag_p99_s() * 1000, run.plan.lag_limit_s * 1000
    found = ""
    if run.generators_failed:
        found = "; ".join(run.generators_failed)
    elif not_sent := run.counts["not_sent"]:
        found = f"{not_sent} arrivals were not sent: too many calls were under way"
    elif run.plan.closed is None and lag_ms > limit_ms:
        found = (
            f"generator-bound: 1 % of the calls left more than {lag_ms:.1f} ms late ({limit_ms:g} allowed)"
        )
    said = found or f"99 % of the calls left less than {lag_ms:.1f} ms late"
    return Check(name="generator", state=UNKNOWN if found else VALID, said=said, looked_at=run.counts["sent"])


def answers(run: Evidence) -> Check:
    """Every call was answered as it should be. While processes are killed, no answer is an honest answer."""
    counts, said = run.counts, [text for share in run.shares for text in share.said]
    if counts["wrong"]:
        return _check("answers", INVALID, f"{counts['wrong']} wrong answers; {said[0]}", counts["sent"])
    doubtful = counts["refused"] + counts["unanswered"]
    if doubtful and not run.disturbed:
        found = f"{counts['unanswered']} calls without an answer, {counts['refused']} creates refused for now"
        if run.last is None:
            found += "; at the end the deployment did not answer any more"
        return _check("answers", UNKNOWN, found, counts["sent"])
    return _check("answers", VALID, f"no wrong answer, {doubtful} without or busy", counts["sent"])


def loss(run: Evidence) -> Check:
    """Every Task that was acknowledged is where it should be: ended, or open and known."""
    done, in_doubt = run.completed, run.in_doubt
    wrong = []
    for sid, status in run.statuses.items():
        if sid in in_doubt and status in ("completed", "assigned"):
            continue
        if status == "" or ((status == "completed") != (sid in done) and status != "canceled"):
            wrong.append(sid)
    ends = {sid for sid, status in run.statuses.items() if status in ("completed", "canceled")} | done.keys()
    lost = [sid for sid in run.created if sid not in ends]
    if wrong:
        status = run.statuses[wrong[0]] or "not to be found"
        said = f"{len(wrong)} Tasks are not what they should be: {wrong[0]} is {status}"
        return _check("loss", INVALID, said, len(run.created), wrong)
    if run.plan.workers and lost and not run.plan.backlog:
        said = f"{len(lost)} Tasks did not come to an end within {run.plan.drain_s:g} s"
        stuck = _stuck(run) and not in_doubt.issuperset(lost)
        return _check("loss", INVALID if stuck else UNKNOWN, said, len(run.created), lost)
    said = f"all {len(run.created)} Tasks are accounted for"
    if len(run.statuses) < len(run.created):
        said = (
            f"{len(run.statuses)} of {len(run.created)} Tasks were asked for, and all are what they should be"
        )
    return _check("loss", VALID, said, len(run.statuses))


def _stuck(run: Evidence) -> bool:
    """Whether the deployment itself says that Tasks are open that nobody works on any more, or knows of none."""
    return run.last is not None and (run.last.waiting == 0 or run.last.assigned + run.last.reserved == 0)


def once(run: Evidence) -> Check:
    """No Task was accepted or completed twice, by the generators' account and by the log's."""
    accepted: Counter[str] = Counter(task for share in run.shares for task, _ in share.accepted)
    twice = {sid for sid, count in accepted.items() if count > 1}
    twice |= {sid for sid, count in run.completed.items() if count > 1}
    if run.history is not None:
        twice |= set(run.history.twice)
    return _none("once", twice, "Tasks were accepted or completed twice", sum(accepted.values()))


def capacity(run: Evidence) -> Check:
    """No Worker had more Tasks than its capacity."""
    over = {reservation for share in run.shares for reservation in share.overruns}
    if run.history is not None and run.whole:
        over |= set(run.history.overruns)
    return _none("capacity", over, "Reservations came to a Worker who was full", run.counts["offers"])


def flow(run: Evidence) -> Check:
    """Created = completed + canceled + deleted + open, by the deployment's statistics and against our own count."""
    if run.totals is None or run.last is None:
        return _check("flow", UNKNOWN, "the statistics could not be read", 0)
    if not run.whole:
        return _check("flow", UNKNOWN, "the log of events does not reach back to the start", 0)
    said, totals = [], run.totals
    gone = totals.tasks_completed + totals.tasks_canceled + totals.tasks_deleted
    if totals.tasks_created != gone + run.last.total:
        said.append(f"{totals.tasks_created} created are not {gone} ended and {run.last.total} open")
    least = len(run.created)
    most = least + run.counts["unanswered_creates"]
    if not least <= totals.tasks_created <= most:
        said.append(f"{totals.tasks_created} created, by our count {_range(least, most)}")
    least = len(run.completed)
    most = least + len(run.in_doubt)
    if not least <= totals.tasks_completed <= most:
        said.append(f"{totals.tasks_completed} completed, by our count {_range(least, most)}")
    fits = f"{totals.tasks_created} created = {gone} ended + {run.last.total} open"
    return _check("flow", INVALID if said else VALID, "; ".join(said) or fits, totals.tasks_created)


def _range(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"


def order(run: Evidence) -> Check:
    """Higher priority first, then the older one, among all Tasks that a Worker could have taken."""
    if run.history is None or not run.history.ordered:
        return _check("order", UNKNOWN, "the log of events has no offers of this run", 0)
    return _none("order", run.history.overtaken, "Tasks were overtaken", run.history.ordered)


def idle(run: Evidence) -> Check:
    """Of Workers who are alike, the one whose last Reservation is oldest comes first."""
    if run.history is None:
        return _check("idle order", UNKNOWN, "the log of events could not be read", 0)
    found, compared = run.history.unfair, run.history.compared
    if not found and compared < FEWEST:
        # A deployment under full load never chooses between idle Workers: then there is no order to be right.
        return _check("idle order", VALID, f"{compared} offers had a choice of idle Workers", compared)
    return _none("idle order", found, "offers passed by a Worker who was idle for longer", compared)


def equal(run: Evidence) -> Check:
    """Equal Workers have equal counts of offers, within the noise that chance alone would make."""
    crews: dict[int, list[int]] = {}
    counts: Counter[str] = Counter(offer.worker for share in run.shares for offer in share.offered)
    for agent in run.site.agents:
        if agent.from_s == 0 and agent.until_s is None:
            crews.setdefault(agent.crew, []).append(counts[agent.sid])
    alike = {crew: found for crew, found in crews.items() if len(found) > 1}
    if not alike:
        return _check("equal shares", VALID, "no two Workers are alike", 0)
    if all(fmean(found) < FEWEST_OFFERS for found in alike.values()):
        said = f"fewer than {FEWEST_OFFERS} offers a Worker"
        return _check("equal shares", UNKNOWN, said, sum(counts.values()))
    wrong = [text for crew, found in alike.items() if (text := _uneven(crew, found))]
    said = "; ".join(wrong) or "equal Workers got equal counts"
    return _check("equal shares", INVALID if wrong else VALID, said, sum(counts.values()))


def _uneven(crew: int, found: list[int]) -> str:
    """Chi-square against equal shares: its mean is n - 1, its variance 2 (n - 1), where chance alone decides."""
    mean = fmean(found)
    if mean < FEWEST_OFFERS:
        return ""
    free = len(found) - 1
    distance = sum((count - mean) ** 2 for count in found) / mean
    if distance <= free + 2 * SD * sqrt(2 * free):
        return ""
    return (
        f"crew {crew} has {min(found)} to {max(found)} offers a Worker, chi-square {distance:.0f} of {free}"
    )


def little(run: Evidence) -> Check:
    """The mean queue is rate times mean wait: the one by the real-time statistics, the other by the log."""
    if run.history is None or not run.whole:
        return _check("Little", UNKNOWN, "the log could not be compared", 0)
    steps, until_s = [(0, 0), *run.history.queue], run.starts_at + run.plan.duration_s
    if run.read_to_ms is not None:
        until_s = min(until_s, run.read_to_ms / 1000)
    looks = [one for one in run.samples if run.starts_at <= one.asked_s <= until_s]
    if len(looks) < FEWEST_SAMPLES:
        return _check("Little", UNKNOWN, f"{len(looks)} looks at the queue", len(looks))
    instants = [at_ms for at_ms, _ in steps]
    lows, highs = [], []
    for look in looks:
        first = max(0, bisect_left(instants, look.asked_s * 1000 - CLOCK_MS) - 1)
        last = max(first + 1, bisect_right(instants, look.answered_s * 1000 + CLOCK_MS))
        lengths = [length for _, length in steps[first:last]]
        lows.append(min(lengths))
        highs.append(max(lengths))
    mean = fmean(look.waiting for look in looks)
    said = (
        f"mean queue {mean:.2f} by the statistics, {fmean(lows):.2f} to {fmean(highs):.2f} by the log's waits"
    )
    holds = fmean(lows) <= mean <= fmean(highs)
    return _check("Little", VALID if holds else INVALID, said, len(looks))


def _none(name: str, wrong: Collection[str], what: str, looked_at: int) -> Check:
    if wrong:
        return _check(name, INVALID, f"{len(wrong)} {what}", looked_at, wrong)
    return _check(name, VALID, f"no {what}".replace("no Tasks were", "no Task was"), looked_at)


def _check(name: str, state: State, said: str, looked_at: int, examples: Iterable[str] = ()) -> Check:
    return Check(name=name, state=state, said=said, looked_at=looked_at, examples=sorted(examples)[:EXAMPLES])
