"""Verdicts on budgets are computed from the results, and the pages are made from them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console

from benchmarks import table
from benchmarks.budgets import BUDGETS, Document, Reading, judged, verdict
from benchmarks.page import markdown, read_results
from benchmarks.run import RUNS, Run, measure

README: Final = "before\n<!-- benchmarks: begin -->\nold\n<!-- benchmarks: end -->\nafter\n"


def document(name: str, result: dict[str, Any], **changed: Any) -> Document:
    return {
        "benchmark": name,
        "result": {"server": "valkey 9", **result},
        "machine": "4 cores",
        "cores": 4,
        "others_percent": 1.0,
        "python": "3.11",
        "commit": "abc",
        "command": f"python -m benchmarks.{name}",
        **changed,
    }


def verdicts(*documents: Document) -> dict[str, str]:
    rows = judged({one["benchmark"]: one for one in documents})
    return {budget.benchmark + " " + budget.budget: row[3] for budget, row in zip(BUDGETS, rows, strict=True)}


def growth(waiting: float, *, tasks: int = 1_000_000, memory: int = 900) -> Document:
    sides = {side: {"server_us": {"p10": 90.0, "p50": 100.0, "p90": 120.0}} for side in ("small", "large")}
    return document(
        "bench_growth",
        {
            "waiting": {"ratio": waiting, "tasks": tasks, "pools": 10_000, **sides},
            "workers": {"ratio": 1.0, "workers": 100_000, **sides},
            "bytes_per_waiting_task": memory,
        },
    )


def matchers(ratio: float, **changed: Any) -> Document:
    result = {"two_to_one": ratio, "one": {"per_s": 100.0}, "two": {"per_s": 100 * ratio}}
    return document("bench_matchers", result, **changed)


def test_creates_are_judged_by_cpu_however_many_a_crowded_machine_let_through() -> None:
    servers = {kind: {"cpu_us": us} for kind, us in (("ours", 100.0), ("bare", 75.0), ("idiomatic", 390.0))}
    result = {
        "servers": servers,
        "cpu_bare_to_ours": 0.75,
        "cpu_idiomatic_to_ours": 3.9,
        "requests_per_s_ours_to_bare": 0.5,
        "requests_per_s_ours_to_idiomatic": 4.5,
    }
    found = verdicts(document("bench_http_create", result, others_percent=80.0))
    assert found["bench_http_create at least 0.7 x"] == "met"
    assert found["bench_http_create at least 4 x"] == "missed by 3 %"


@pytest.mark.parametrize(
    ("beyond", "expected"),
    [
        (-0.5, "met"),
        (0.0, "met"),
        (0.004, "missed by 0.4 %"),
        (0.06, "missed by 6 %"),
        (1.25, "missed by 125 %"),
    ],
)
def test_a_verdict_says_how_far_beyond_the_budget(beyond: float, expected: str) -> None:
    assert verdict(Reading(shown="", beyond=beyond)) == expected


def test_a_doubt_excuses_what_is_missed_and_never_what_is_met() -> None:
    assert verdict(Reading(shown="", beyond=0.5, doubt="busy")) == "unknown: busy"
    assert verdict(Reading(shown="", beyond=-0.5, doubt="busy")) == "met"
    assert verdict(Reading(shown="", beyond=-0.5, small="few")) == "unknown: few"


def test_a_ratio_is_judged_by_its_own_budget() -> None:
    assert verdicts(growth(1.5))["bench_growth at most 1.5 x"] == "met"
    found = [
        row[3] for row in judged({"bench_growth": growth(1.8, memory=1_100)}) if row[3] != "not measured"
    ]
    assert found == ["missed by 20 %", "met", "missed by 10 %"]


def test_a_smaller_run_than_the_budget_asks_for_settles_nothing() -> None:
    found = judged({"bench_growth": growth(1.0, tasks=50_000)})
    assert [row[3] for row in found if "waiting" in row[0]] == [
        "unknown: measured with 50,000 of 1,000,000 Tasks",
        "unknown: measured with 50,000 of 100,000 Tasks",
    ]


def test_two_matchers_need_a_core_each_and_one_for_the_server() -> None:
    row = "bench_matchers at least 1.8 x"
    assert verdicts(matchers(0.9))[row] == "missed by 50 %"
    assert verdicts(matchers(0.9, cores=2))[row].startswith("unknown: no free core")
    assert verdicts(matchers(1.9, cores=2))[row] == "met"
    assert (
        verdicts(matchers(0.9, others_percent=40.0))[row]
        == "unknown: other programs took 40 % of the machine"
    )
    shown = next(found[2] for found in judged({"bench_matchers": matchers(0.9, cores=2)}) if found[2])
    assert shown == "0.9 x (90 to 100 new pools a second)"


def test_times_are_not_judged_on_a_busy_machine() -> None:
    found = {"p50": 4.0, "p99": 20.0}
    busy = document(
        "bench_offer",
        {"accepted_to_visible_ms": found, "due_to_visible_ms": found, "rate": 500},
        others_percent=30.0,
    )
    assert verdicts(busy)["bench_offer at most 3 ms"] == "unknown: other programs took 30 % of the machine"
    assert verdicts(busy)["bench_offer at most 25 ms"] == "met"
    assert verdicts({**busy, "others_percent": None})["bench_offer at most 3 ms"] == "missed by 33 %"


def test_what_was_not_measured_is_said_to_be_so() -> None:
    assert {row[3] for row in judged({})} == {"not measured"}
    without = document("bench_peers", {"ours": {"per_s": 1_000.0}, "peers": {}})
    assert verdicts(without)["bench_peers at least 1 x"] == "not measured"


def test_a_cell_keeps_to_itself() -> None:
    assert markdown(("a", "b"), [("x | y", "z")]) == "| a | b |\n| --- | --- |\n| x \\| y | z |\n"


def test_pages_are_written_from_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench_growth.json").write_text(json.dumps(growth(1.8)))
    (tmp_path / "bench_growth.log").write_text("not a result")
    page, readme = tmp_path / "page.md", tmp_path / "README.md"
    readme.write_text(README)
    monkeypatch.setattr("sys.argv", ["table", str(tmp_path), str(page), str(readme)])
    table.main()
    assert list(read_results(tmp_path)) == ["bench_growth"]
    text = readme.read_text()
    assert text.startswith("before\n<!-- benchmarks: begin -->\n| What |")
    assert text.endswith("<!-- benchmarks: end -->\nafter\n")
    assert "| missed by 20 % |" in text
    assert "1 % of the machine" in text
    assert "old" not in text
    assert "`python -m benchmarks.bench_growth`" in page.read_text()
    assert "| missed by 20 % |" in page.read_text()


def test_without_results_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(README)
    monkeypatch.setattr("sys.argv", ["table", str(tmp_path), str(tmp_path / "page.md"), str(readme)])
    with pytest.raises(SystemExit, match="make bench"):
        table.main()
    assert readme.read_text() == README


def test_lives_are_held_against_the_jobs_of_bullmq() -> None:
    costs = {"per_s": 2_000.0, "redis_cpu_us": 200.0}
    result = {
        "ours": costs,
        "peers": {"bullmq": {"per_s": 1_000.0, "redis_cpu_us": 250.4, "version": "6.7.0"}},
        "absent": {"celery": "it cannot be installed"},
        "lives_to_bullmq_jobs": 2.0,
    }
    row = next(row for row in judged({"bench_peers": document("bench_peers", result)}) if row[2])
    assert row[2:] == ("2.0 x (2,000 lives to 1,000 jobs a second)", "met")
    slower = document("bench_peers", {**result, "lives_to_bullmq_jobs": 0.8})
    assert verdicts(slower)["bench_peers at least 1 x"] == "missed by 20 %"
    assert "% of the machine" in verdicts({**slower, "others_percent": 70.0})["bench_peers at least 1 x"]
    assert table.ROWS["bench_peers"](result) == [
        ("Trunkline, lives: create, offer, accept, complete", "2,000 a second, 200 µs of Redis CPU each"),
        ("bullmq 6.7.0, jobs: put, done", "1,000 a second, 250 µs of Redis CPU each"),
        ("celery", "left out: it cannot be installed"),
    ]


def test_every_benchmark_has_rows_and_a_share_of_the_time() -> None:
    files = {path.stem for path in Path(table.__file__).parent.glob("bench_*.py")}
    assert files <= table.ROWS.keys()
    assert files == {run.name for run in RUNS}
    assert {budget.benchmark for budget in BUDGETS} <= files


def test_what_takes_too_long_or_fails_is_ended_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.run.RESULTS", tmp_path)
    monkeypatch.setattr("benchmarks.run.ROOT", tmp_path)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    (tmp_path / "benchmarks" / "endless.py").write_text("import signal; signal.pause()")
    (tmp_path / "benchmarks" / "broken.py").write_text("raise SystemExit('no server')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said = StringIO()
    console = Console(file=said, width=200)
    assert not measure(Run("endless", 1.0), "", 60.0, console)
    assert not measure(Run("broken", 60.0), "", 60.0, console)
    assert "ended after 1 s" in said.getvalue()
    assert "failed: no server" in said.getvalue()
