"""The tables of docs/theory.md, and the same in the terminal."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.theory.judge import Verdict

PLACE: Final = re.compile(r"(<!-- theory: begin -->\n).*?(<!-- theory: end -->)", re.DOTALL)


class CaseResult(Struct):
    """What came of one system on the engine."""

    system: str
    known_from: str
    tasks: int  # measured
    routed: int  # with those of the warm-up, and those who came after the last one measured
    verdicts: list[Verdict]
    differs: str

    @property
    def holds(self) -> bool:
        return not self.differs and all(verdict.holds for verdict in self.verdicts)


class WayResult(Struct):
    """The figure that a wrong router got most wrong."""

    way: str
    system: str
    worst: Verdict


def measured(results: Sequence[CaseResult]) -> str:
    rows = [("System", "Figure", "Exact", "Measured", "sd", "z", "")]
    for result in results:
        title = f"{result.system} ({result.known_from}; {result.tasks:,} Tasks)"
        for verdict in result.verdicts:
            rows.append((title, *_cells(verdict), "holds" if verdict.holds else "FAILS"))
            title = ""
    return _table(rows)


def caught(results: Sequence[WayResult]) -> str:
    rows = [("Wrong router", "System", "Figure", "Exact", "Measured", "sd", "z")]
    rows += [(result.way, result.system, *_cells(result.worst)) for result in results]
    return _table(rows)


def agreement(results: Sequence[CaseResult]) -> str:
    """Whether the engine did to the last offer what the plain router does."""
    found = [f"{result.system}: {result.differs}" for result in results if result.differs]
    routed = sum(result.routed for result in results)
    if found:
        return "\n".join(["The engine and the plain router differ.", *found])
    return f"All {routed:,} Reservations, warm-up included, are those of the plain router: same Task, Worker and ms."


def document(results: Sequence[CaseResult], wrong: Sequence[WayResult], command: str, cpu_s: float) -> str:
    """All there is to say. `cpu_s` is the CPU time of the run, its servers included."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True
    ).stdout.strip()
    machine = f"Python {platform.python_version()}, commit {commit}"
    return "\n".join(
        [
            measured(results),
            agreement(results),
            "",
            "The same judge and as many Tasks, on routers in memory that differ in one thing: the figure furthest off.",
            "",
            caught(wrong),
            f"`{command}`: {cpu_s / 60:.0f} minutes of CPU time on two cores. {machine}.",
            "",
        ]
    )


def write(target: Path, text: str) -> None:
    """Put the text into its place in a document. Raises ValueError where there is none."""
    page = target.read_text()
    if not PLACE.search(page):
        raise ValueError(f"{target} has no place for the table")
    target.write_text(PLACE.sub(lambda match: match[1] + text + match[2], page))


def _cells(verdict: Verdict) -> tuple[str, str, str, str, str]:
    return (
        verdict.name,
        f"{verdict.exact:.5g}",
        f"{verdict.measured:.5g}",
        f"{verdict.sd:.2g}",
        f"{verdict.z:+.1f}",
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns in line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:], ""])
