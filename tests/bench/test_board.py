"""What a person sees: how far a run is, rates over the last seconds, and a verdict with nothing left out."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console

from benchmarks.suite.board import Board
from benchmarks.suite.journal import Sample
from benchmarks.suite.ledger import Totals
from benchmarks.suite.plan import Plan
from benchmarks.suite.report import Figure, Part, State
from benchmarks.suite.tables import show
from tests.bench import made_up


class Run:
    """A load of 10 s that began at 100, seen by a board at any second of it."""

    def __init__(self, plan: Plan) -> None:
        self.now_s, self.sums = 100.0, Totals()
        self.looks: list[Sample] = []
        self.board = Board(Console(), plan, 100.0, lambda: self.sums, self.looks, lambda: self.now_s)

    def line(self, at_s: float, **sums: int) -> str:
        self.now_s, self.sums = 100.0 + at_s, structs.replace(self.sums, **sums)
        return " ".join(self.board.line().split())


def drawn(board: Board) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as found:
        console.print(board.table())
    return found.get()


def test_a_line_says_how_far_it_is_and_what_the_last_two_seconds_had() -> None:
    run = Run(Plan(scenario="lives", duration_s=10))
    assert run.line(-1.0).startswith("0 of 10 s created 0 (0 a second)")
    run.line(1.0, created=50)
    run.line(3.0, created=150, completed=40)
    run.looks.append(Sample(104.0, 104.0, waiting=12, reserved=3, assigned=7, wrapping=1))
    said = run.line(5.0, created=350, completed=60, unanswered=2, refused=1)
    assert said == (
        "5 of 10 s created 350 (100 a second) completed 60 (10 a second) waiting 12 in work 11 failed 3"
    )
    assert "12" in drawn(run.board)
    assert "5 of 10 s" in drawn(run.board)
    assert "waiting ? in work ? failed" in run.line(8.0)  # nobody has answered for 4 s


def test_after_the_load_it_waits_for_what_is_open() -> None:
    run = Run(Plan(scenario="lives", duration_s=10))
    assert run.line(14.0, posting=False).startswith("for open Tasks, 14 s")


def test_a_backlog_is_as_far_as_it_is_posted() -> None:
    run = Run(Plan(scenario="backlog", duration_s=0, backlog=2_000))
    assert run.line(3.0, created=500).startswith("500 of 2,000 Tasks")
    assert "━━━━━━━━━━━━" in drawn(run.board)


def test_percentiles_of_parts_are_left_to_the_page() -> None:
    figures = [
        Figure(name="completed", value=40.0, unit="a second"),
        Figure(name="offer p99", value=77.0, unit="ms"),
    ]
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as found:
        show(console, structs.replace(made_up.report(), parts=[Part(name="2 of each", figures=figures)]))
    assert "2 of each: completed" in found.get()
    assert "offer p99" not in found.get()


@pytest.mark.parametrize("state", list(State))
def test_the_verdict_comes_last_with_all_its_reasons_as_they_are(state: State) -> None:
    said = "already in state [completed] and cannot be updated to [red]completed[/red], " + "long " * 40
    report = made_up.report(state=state, said=said)
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as found:
        show(console, report, written=[Path("r.json")])
    lines = found.get().splitlines()
    assert lines[-1] == "written: r.json"
    verdict = next(place for place, line in enumerate(lines) if line.startswith(f"{state.value}: "))
    assert lines[verdict + 1 : -1] == ([] if state is State.VALID else [f"  loss: {said}"])
