"""Comparing two runs: the bounds hold what they should, and a difference is told from noise."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console

from api.cli import main
from benchmarks.suite.compare import Row, bounds, compare, steady
from benchmarks.suite.compared import show
from benchmarks.suite.report import Report, State, write
from tests.bench import made_up


def row(a: Report, b: Report, name: str) -> Row:
    return next(row for row in compare(a, b).rows if row.name == name)


def test_noise_alone_shows_no_difference() -> None:
    found = row(made_up.report(seed=5), made_up.report(seed=6), "created")
    assert found.said == "no difference shown"


def test_a_fifth_more_is_seen_with_its_bounds() -> None:
    found = row(made_up.report(seed=5), made_up.report(seed=6, rate=240.0), "created")
    assert found.said == "better"
    assert found.low is not None
    assert found.high is not None
    assert 1.05 < found.low < 1.2 < found.high < 1.35


def test_slower_is_worse_and_fewer_is_worse() -> None:
    before, after = made_up.report(seed=5), made_up.report(seed=6, rate=150.0, p99_ms=30.0)
    assert row(before, after, "created").said == "worse"
    assert row(before, after, "create p99, mean of seconds").said == "worse"
    assert row(after, before, "create p99, mean of seconds").said == "better"


def test_bounds_hold_the_true_ratio_about_as_often_as_they_say() -> None:
    """99 of 100, though the seconds hang together: 40 runs of noise that carries over from second to second."""
    held = 0
    for seed in range(40):
        chance = random.Random(seed)

        def run(mean: float, chance: random.Random = chance) -> list[float]:
            carried, values = 0.0, []
            for _ in range(60):
                carried = 0.5 * carried + chance.gauss(0, 5)
                values.append(mean + carried)
            return values

        found = bounds(chance, run(100.0), run(110.0))
        assert found is not None
        held += found[0] <= 1.1 <= found[1]
    assert held >= 36


def test_bounds_are_the_same_for_the_same_seed() -> None:
    a, b = made_up.report(seed=5), made_up.report(seed=6)
    assert compare(a, b) == compare(a, b)


def test_warm_up_and_what_comes_after_the_load_count_nothing() -> None:
    report = made_up.report(count=20)
    late = [structs.replace(report.series[0], at_s=at_s, created=10**6) for at_s in (0, 4, 20, 21)]
    spoilt = structs.replace(report, series=[*report.series[5:], *late])
    assert steady(spoilt, lambda one: one.created) == steady(report, lambda one: one.created)
    assert len(steady(report, lambda one: one.created)) == 15


def test_few_seconds_have_no_bounds() -> None:
    found = row(made_up.report(count=12), made_up.report(count=12, rate=400.0), "created")
    assert (found.low, found.high, found.said) == (None, None, "noise not known")
    assert found.ratio == pytest.approx(2.0, rel=0.3)


def test_figures_without_seconds_are_compared_without_bounds() -> None:
    found = row(made_up.report(), made_up.report(p99_ms=10.0), "create p99")
    assert (found.ratio, found.said) == (0.5, "noise not known")


def test_what_may_mislead_is_said() -> None:
    a = made_up.report()
    b = made_up.report(rate=100.0, state=State.INVALID, said="2 Tasks are gone")
    b = structs.replace(b, machine=structs.replace(b.machine, cores=8), interrupted=True)
    assert compare(a, b).warnings == [
        "A has rate_per_s 200, B 100",
        "they were measured on different machines",
        "B is invalid: loss: 2 Tasks are gone",
        "B was ended early",
    ]
    assert compare(a, a).warnings == []


def test_the_table_says_what_follows() -> None:
    said = io.StringIO()
    console = Console(file=said, width=140)
    show(compare(made_up.report(seed=5), made_up.report(seed=6, rate=400.0)), "A: [x]", "B: y", console)
    line = next(line for line in said.getvalue().splitlines() if "created, a second" in line)
    assert "better" in line
    assert "A: [x]" in said.getvalue()


def test_the_commands_read_reports_and_refuse_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    a, b, page, other = (tmp_path / name for name in ("a.json", "b.json", "page.html", "other.json"))
    write(made_up.report(seed=5), a)
    write(made_up.report(seed=6), b)
    other.write_text('{"schema": 7}')
    assert main(["bench", "compare", str(a), str(b)]) == 0
    assert "no difference shown" in capsys.readouterr().out
    assert main(["bench", "page", str(a), str(page)]) == 0
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert main(["bench", "compare", str(a), str(other)]) == 2
    assert "schema 7" in capsys.readouterr().err
    assert main(["bench", "compare", str(a), str(tmp_path / "missing.json")]) == 2
