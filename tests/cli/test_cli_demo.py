"""The demo: its rules and figures as plain functions, and a small one played to the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from cli_support import Program, environment

from api.demo.audit import judge
from api.demo.center import LANGUAGES, QUEUES, skills_of, workflow_document
from api.demo.tally import Tally, percentile
from engine.rules import parse_workflow


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("workers", [1, 2, 50])
def test_somebody_can_do_every_task_however_few_agents_there_are(workers: int) -> None:
    agents = [skills_of(number) for number in range(workers)]
    for queue, language in product(QUEUES, LANGUAGES):
        assert any(queue in agent["skills"] and language in agent["languages"] for agent in agents)


@pytest.mark.parametrize(
    ("attributes", "queue", "priority"),
    [
        ({"topic": "technical", "outage": True, "customer": "gold"}, "technical", 100),
        ({"topic": "technical", "outage": False, "customer": "gold"}, "technical", 50),
        ({"topic": "billing", "outage": False, "customer": "gold"}, "billing", 50),
        ({"topic": "support", "outage": False, "customer": "gold"}, "support", 50),
        ({"topic": "technical", "outage": False, "customer": "standard"}, "technical", 10),
        ({"topic": "billing", "outage": False, "customer": "standard"}, "billing", 5),
        ({"topic": "support", "outage": False, "customer": "standard"}, "support", 0),
    ],
)
def test_callers_go_where_the_workflow_sends_them(
    attributes: dict[str, Any], queue: str, priority: int
) -> None:
    sids = {name: f"WQ{place:032}" for place, name in enumerate(QUEUES)}
    workflow = parse_workflow(workflow_document(sids), queue_exists=lambda sid: sid in sids.values())
    place = workflow.match(attributes)
    step = workflow.default if place is None else workflow.filters[place].steps[0]
    assert step is not None
    assert (step.queue, step.priority) == (sids[queue], priority)


def task(status: str) -> dict[str, str]:
    return {"sid": "WT1", "assignment_status": status}


def reservations(*states: str) -> list[dict[str, str]]:
    return [{"reservation_status": state} for state in states]


@pytest.mark.parametrize(
    ("status", "states", "wrong"),
    [
        ("completed", ("completed",), []),
        ("completed", ("rejected", "timeout", "completed"), []),
        ("completed", (), ["WT1 has 0 completed Reservations"]),
        ("completed", ("completed", "completed"), ["WT1 has 2 completed Reservations"]),
        ("completed", ("completed", "accepted"), ["WT1 has 1 open Reservations"]),
        ("canceled", ("completed",), ["WT1 is canceled"]),
        (
            "reserved",
            ("pending",),
            ["WT1 is reserved", "WT1 has 0 completed Reservations", "WT1 has 1 open Reservations"],
        ),
    ],
)
def test_the_audit_takes_nothing_but_one_completion(
    status: str, states: tuple[str, ...], wrong: list[str]
) -> None:
    assert judge(task(status), reservations(*states)) == wrong


def test_the_tally_follows_a_task_from_state_to_state() -> None:
    clock = Clock()
    tally = Tally(clock)
    steps: list[tuple[Callable[[], None], str]] = [
        (lambda: tally.posted("WT1", "WQ1"), "waiting"),
        (lambda: tally.offered("WT1"), "reserved"),
        (lambda: tally.rejected("WT1"), "waiting"),
        (lambda: tally.offered("WT1"), "reserved"),
        (lambda: tally.accepted("WT1"), "assigned"),
        (lambda: tally.completed("WT1"), "done"),
    ]
    for step, state in steps:
        clock.now_s += 0.5
        step()
        (row,) = tally.rows({"WQ1": "billing"})
        counts = {name: getattr(row, name) for name in ("waiting", "reserved", "assigned", "done")}
        assert counts == {name: int(name == state) for name in counts}
    assert row.longest_wait_s == 0.5
    assert tally.waits_s(["WT1"]) == [0.5]
    assert (tally.offers, tally.rejects, tally.most_in_a_second()) == (2, 1, 1)


def test_an_offer_seen_before_the_answer_to_the_create_waited_for_nothing() -> None:
    clock = Clock()
    tally = Tally(clock)
    tally.offered("WT1")
    clock.now_s = 1.0
    tally.posted("WT1", "WQ1")
    assert tally.rows({"WQ1": "billing"})[0].reserved == 1
    assert tally.waits_s(["WT1"]) == [0.0]


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, 0.0),
        ([7.0], 99, 7.0),
        ([1.0, 2.0], 50, 1.0),
        ([1.0, 2.0, 3.0], 50, 2.0),
        ([1.0, 2.0], 99, 2.0),
    ],
)
def test_percentiles(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_a_small_demo_accounts_for_every_task_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Program("demo", "--tasks", "120", "--workers", "20", env=environment(TMPDIR=str(tmp_path))) as demo:
        assert demo.end() == 0, demo.said
    said = "\n".join(demo.said)
    assert "All 120 Tasks were completed exactly once" in said
    assert re.search(r"create to offer, agents free +p50 +\d+ ms +p99 +\d+ ms +\(6 Tasks\)", said)
    assert re.search(r"create to offer, rush .*\(114 Tasks\)", said)
    assert list(tmp_path.iterdir()) == []
