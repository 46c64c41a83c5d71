"""What docs/benchmarks.md and the README say of the results of the last `make bench`, as Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.budgets import Document, judged

Rows = Callable[[dict[str, Any]], list[tuple[str, str]]]  # of a result: what was measured, and the figures
INTRODUCTION: Final = """\
# Benchmarks

Written by `make bench`; do not edit. Budgets and verdicts come first, then every other figure. What a benchmark does,
and what it does not show, stands on top of its file in `benchmarks/`.

A verdict is computed: *met*; *missed by* so many percent of the budget; or *unknown*, where the run cannot tell, with
the reason. Ratios are of figures of one run, taken in turns, so they hold where absolute figures depend on the machine.
"""


def read_results(folder: Path) -> dict[str, Document]:
    """The documents of a folder by the name of their benchmark."""
    documents = [json.loads(path.read_text()) for path in sorted(folder.glob("bench_*.json"))]
    return {document["benchmark"]: document for document in documents}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def budgets(documents: dict[str, Document]) -> str:
    """The budgets and what they were measured on, as Markdown."""
    rows = judged(documents)
    table = markdown(("What", "Budget", "Measured", "Verdict"), rows)
    return f"{table}\n{measured_on(documents.values())}\n"


def measured_on(documents: Iterable[Document]) -> str:
    """One sentence: machine, versions, commits, and whether the machine was free."""

    def all_of(name: str) -> str:
        return ", ".join(sorted({str(document[name]) for document in documents}))

    servers = ", ".join(sorted({document["result"]["server"] for document in documents}))
    busy = [
        document["others_percent"] for document in documents if document.get("others_percent") is not None
    ]
    others = f" Other programs took up to {max(busy):.0f} % of the machine meanwhile." if busy else ""
    return f"On {all_of('machine')}, Python {all_of('python')}, {servers}, commit {all_of('commit')}.{others}"


def full(documents: dict[str, Document], rows: Mapping[str, Rows]) -> str:
    """docs/benchmarks.md: all of it. `rows` has a function for each benchmark."""
    parts = [INTRODUCTION, "## Budgets\n", budgets(documents)]
    for name, document in sorted(documents.items()):
        parts.append(
            f"## {name.removeprefix('bench_').replace('_', ' ').capitalize().replace('Http', 'HTTP')}\n"
        )
        parts.append(markdown(("Measured", "Result"), rows[name](document["result"])))
        parts.append(f"`{document['command']}`\n")
    return "\n".join(parts)
