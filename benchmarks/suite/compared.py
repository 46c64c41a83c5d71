"""A comparison in the terminal: `trunkline bench compare A.json B.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from msgspec import MsgspecError
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from benchmarks.suite.compare import Comparison, Row, compare
from benchmarks.suite.page import write_page
from benchmarks.suite.report import Report, read

STYLES: Final = {"better": "green", "worse": "bold red", "changed": "yellow"}


def run_compare(a: Path, b: Path) -> None:
    """Print how B compares with A. Raises OSError, and UsageError for what is no report."""
    show(compare(load(a), load(b)), f"A: {a}", f"B: {b}", Console())


def run_page(report: Path, target: Path) -> None:
    """Write a report as a page. Raises OSError, and UsageError for what is no report."""
    write_page(load(report), target)


def load(path: Path) -> Report:
    """A report. Raises OSError, and UsageError that names the file."""
    try:
        return read(path)
    except (ValueError, MsgspecError) as error:
        raise click.UsageError(f"{path} is no report of a load run: {error}") from error


def show(found: Comparison, a: str, b: str, console: Console) -> None:
    console.print(Text(a))
    console.print(Text(b))
    for warning in found.warnings:
        console.print(Text(f"Note: {warning}", style="yellow"))
    if not found.rows:
        console.print("They have no figure in common.")
        return
    figures = [Column(name, justify="right") for name in ("A", "B", "B to A", "99 % between")]
    table = Table("Figure", *figures, "")
    for row in found.rows:
        name = Text(f"{row.name}, {row.unit}")
        ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
        said = Text(row.said, style=STYLES.get(row.said, ""))
        table.add_row(name, f"{row.a:,.4g}", f"{row.b:,.4g}", ratio, _bounds(row), said)
    console.print(table)


def _bounds(row: Row) -> str:
    return "" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}"
