"""The report: how a verdict comes about, and that what was written is read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.suite.report import (
    Check,
    Counts,
    Machine,
    Report,
    Settings,
    State,
    Target,
    Verdict,
    Versions,
    read,
    verdict_of,
    write,
)

VALID, INVALID, UNKNOWN = State.VALID, State.INVALID, State.UNKNOWN


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ([], UNKNOWN),
        ([VALID], VALID),
        ([VALID, VALID], VALID),
        ([VALID, UNKNOWN], UNKNOWN),
        ([UNKNOWN, INVALID, VALID], INVALID),
    ],
)
def test_the_worst_check_decides(states: list[State], verdict: State) -> None:
    checks = [Check(name=f"c{place}", state=state, said="so") for place, state in enumerate(states)]
    found = verdict_of(checks)
    assert found.state is verdict
    assert bool(found.reasons) == (verdict is not VALID)


def test_reasons_name_only_the_checks_that_decided() -> None:
    checks = [
        Check(name="loss", state=INVALID, said="2 Tasks are gone"),
        Check(name="order", state=UNKNOWN, said="too few"),
    ]
    assert verdict_of(checks).reasons == ["loss: 2 Tasks are gone"]


def report() -> Report:
    return Report(
        began="2026-01-01T00:00:00Z",
        command="trunkline bench create",
        versions=Versions(trunkline="1", python="3.11"),
        machine=Machine(cores=2, architecture="x86_64", system="Linux"),
        target=Target(url="http://127.0.0.1:1", embedded=True),
        settings=Settings(scenario="create", duration_s=1, warm_up_s=0, rate_per_s=10),
        verdict=Verdict(state=VALID),
        checks=[Check(name="loss", state=VALID, said="none", looked_at=10)],
        counts=Counts(sent=10, created=10),
    )


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write(report(), tmp_path / "report.json")
    assert read(tmp_path / "report.json") == report()


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write(report(), path)
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(ValueError, match="schema 2"):
        read(path)
