"""The verdict's rules, one table a check: what is right, what is proved wrong, and what nothing can be said of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from benchmarks.suite import checks
from benchmarks.suite.evidence import Evidence, gathered
from benchmarks.suite.history import History
from benchmarks.suite.journal import Sample, Totals
from benchmarks.suite.latency import Times
from benchmarks.suite.ledger import Created, Offered, Share
from benchmarks.suite.ledger import Totals as Counted
from benchmarks.suite.plan import Agent, Crew, Plan
from benchmarks.suite.report import Check, State
from tests.bench.made_up import SITE

VALID, INVALID, UNKNOWN = State.VALID, State.INVALID, State.UNKNOWN
TASKS = 200
WORKERS = 4
Change = Callable[[Evidence], None]


def evidence() -> Evidence:
    """A run of 200 Tasks in 20 s by four Workers, all right."""
    lag = Times()
    for _ in range(TASKS):
        lag.add(0.001)
    created = [Created(f"WT{n}", 0, 10 + n / 10, 10 + n / 10, 10.01 + n / 10) for n in range(TASKS)]
    share = Share(
        totals=Counted(
            sent=TASKS, created=TASKS, offers=TASKS, accepted=TASKS, completed=TASKS, posting=False
        ),
        created=created,
        offered=[Offered(f"WR{n}", f"WT{n}", f"WK{n % WORKERS}", 0, 10 + n / 10) for n in range(TASKS)],
        accepted=[(f"WT{n}", f"WR{n}") for n in range(TASKS)],
        completed=[(f"WT{n}", f"WR{n}", 11 + n / 10) for n in range(TASKS)],
        overruns=[],
        said=[],
        latencies={"lag": lag.encoded()},
        seconds={},
    )
    agents = [Agent(sid=f"WK{n}", crew=0, capacity=1, handle_s=0.1) for n in range(WORKERS)]
    by_sid, counts = gathered([share])
    return Evidence(
        plan=Plan(scenario="lives", duration_s=20, warm_up_s=1, crews=(Crew(count=WORKERS),)),
        site=replace(SITE, agents=agents),
        starts_at=10,
        shares=[share],
        created=by_sid,
        counts=counts,
        last=Sample(40, 40, 0, 0, 0, 0),
        totals=Totals(TASKS, TASKS, 0, 0, TASKS, TASKS),
        history=History(
            ordered=TASKS, compared=TASKS, offers=Counter(), queue=[(9_000, 0), (12_000, 3), (14_000, 0)]
        ),
        whole=True,
        samples=[
            Sample(at_s, at_s + 0.01, 3 if 12 < at_s < 14 else 0, 0, 0, 0) for at_s in (10, 11, 13, 15, 17)
        ],
        statuses={f"WT{n}": "completed" for n in range(TASKS)},
    )


def test_a_right_run_is_valid_in_everything() -> None:
    found = {check.name: check.state for check in checks.judge(evidence())}
    assert set(found.values()) == {VALID}, found
    assert len(found) == 11


def put(**fields: Any) -> Change:
    def change(run: Evidence) -> None:
        for name, value in fields.items():
            setattr(run, name, value)

    return change


def count(**numbers: int) -> Change:
    return lambda run: run.counts.update(numbers)


def status(sid: str, text: str) -> Change:
    return lambda run: run.statuses.update({sid: text})


def forget_completion(run: Evidence) -> None:
    run.shares[0].completed.pop()


def busy(run: Evidence) -> None:
    """The last Task is not completed, and the deployment says that it is being worked on."""
    forget_completion(run)
    status(f"WT{TASKS - 1}", "assigned")(run)
    run.last = Sample(40, 40, 1, 0, 1, 0)


def stuck(run: Evidence) -> None:
    busy(run)
    run.last = Sample(40, 40, 1, 0, 0, 0)


def late(run: Evidence) -> None:
    lag = Times()
    for _ in range(TASKS):
        lag.add(0.1)
    run.shares[0].latencies["lag"] = lag.encoded()


def all_to_one(run: Evidence) -> None:
    run.shares[0].offered[:] = [Offered(f"WR{n}", f"WT{n}", "WK0", 0, 10.0) for n in range(TASKS)]


def few_offers(run: Evidence) -> None:
    del run.shares[0].offered[12:]


def history(**fields: Any) -> Change:
    def change(run: Evidence) -> None:
        assert run.history is not None
        run.history = replace(run.history, **fields)

    return change


def both(*changes: Change) -> Change:
    def change(run: Evidence) -> None:
        for one in changes:
            one(run)

    return change


def backlog(run: Evidence) -> None:
    """All Tasks waited before the load."""
    run.plan = replace(run.plan, backlog=TASKS)


@pytest.mark.parametrize(
    ("name", "change", "state"),
    [
        ("samples", lambda run: run.created.pop("WT50") and run.created.clear(), UNKNOWN),
        ("generator", late, UNKNOWN),
        ("generator", count(not_sent=1), UNKNOWN),
        ("answers", count(refused=1), UNKNOWN),
        ("answers", count(unanswered=1), UNKNOWN),
        ("loss", status("WT3", ""), INVALID),
        ("loss", status("WT3", "assigned"), INVALID),
        ("loss", forget_completion, INVALID),
        ("loss", busy, UNKNOWN),
        ("loss", both(busy, backlog), VALID),
        ("loss", both(busy, backlog, status("WT3", "")), INVALID),
        ("loss", both(busy, backlog, status("WT3", "pending")), INVALID),
        ("samples", both(backlog, lambda run: run.created.clear()), UNKNOWN),
        ("samples", both(backlog, put(starts_at=1e9)), VALID),
        ("loss", stuck, INVALID),
        ("once", lambda run: run.shares[0].accepted.append(("WT1", "WR900")), INVALID),
        ("once", lambda run: run.shares[0].completed.append(("WT1", "WR1", 20.0)), INVALID),
        ("once", history(twice=["WT1"]), INVALID),
        ("capacity", lambda run: run.shares[0].overruns.append("WR1"), INVALID),
        ("capacity", history(overruns=["WR1"]), INVALID),
        ("flow", put(totals=None), UNKNOWN),
        ("flow", put(whole=False), UNKNOWN),
        ("flow", put(totals=Totals(TASKS, TASKS - 1, 0, 0, TASKS, TASKS)), INVALID),
        ("flow", put(totals=Totals(TASKS - 1, TASKS - 1, 0, 0, TASKS, TASKS)), INVALID),
        ("flow", put(last=Sample(40, 40, 1, 0, 0, 0)), INVALID),
        ("order", history(overtaken=["WT1"]), INVALID),
        ("order", history(ordered=0), UNKNOWN),
        ("idle order", history(unfair=["WR1"]), INVALID),
        ("equal shares", all_to_one, INVALID),
        ("equal shares", few_offers, UNKNOWN),
        ("Little", history(queue=[(9_000, 0), (12_000, 9), (14_000, 0)]), INVALID),
        ("Little", put(samples=[]), UNKNOWN),
        (
            "Little",
            both(history(queue=[(9_000, 0), (12_000, 3), (14_000, 9)]), put(read_to_ms=14_000)),
            UNKNOWN,
        ),
    ],
)
def test_each_check_says_what_is_wrong(name: str, change: Change, state: State) -> None:
    run = evidence()
    change(run)
    found = {check.name: check for check in checks.judge(run)}
    assert found[name].state is state, found[name]
    assert found[name].said


def test_a_create_of_unknown_outcome_may_have_happened() -> None:
    run = evidence()
    run.disturbed = True
    run.counts["unanswered_creates"] = 1
    run.totals = Totals(TASKS + 1, TASKS, 1, 0, TASKS, TASKS)
    assert checks.flow(run).state is VALID
    assert checks.answers(run).state is VALID


def test_a_completion_that_was_under_way_at_the_end_may_have_happened() -> None:
    for happened in (True, False):
        run = evidence()
        busy(run)
        run.shares[0].in_doubt.append(f"WT{TASKS - 1}")
        if happened:
            status(f"WT{TASKS - 1}", "completed")(run)
            run.last = Sample(40, 40, 0, 0, 0, 0)
        else:
            run.last = Sample(40, 40, 0, 0, 1, 0)
            run.totals = Totals(TASKS, TASKS - 1, 0, 0, TASKS, TASKS)
        assert checks.flow(run).state is VALID
        assert checks.loss(run).state is (VALID if happened else UNKNOWN)
        status(f"WT{TASKS - 1}", "")(run)
        assert checks.loss(run).state is INVALID


def test_with_a_generator_lost_nothing_else_is_said() -> None:
    run = evidence()
    run.generators_failed = ["generator 0 died"]
    found: list[Check] = checks.judge(run)
    assert [(check.name, check.state) for check in found] == [("generator", UNKNOWN)]


def test_a_wrong_answer_is_quoted() -> None:
    run = evidence()
    run.counts["wrong"] = 1
    run.shares[0].said.append("a create was answered 500: oh")
    found = checks.answers(run)
    assert found.state is INVALID
    assert "answered 500: oh" in found.said
