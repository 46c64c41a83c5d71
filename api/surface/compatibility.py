"""docs/compatibility.md, made from the surface: `python -m api.surface.compatibility --write`.

Without --write it only says whether the page is as it should be, by its exit status.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from api.surface import GROUPS
from api.surface.choices import TOPICS
from api.surface.common import PAGING
from api.surface.model import Operation, Parameter
from api.v1 import ROUTES

PAGE: Final = Path(__file__).parents[2] / "docs" / "compatibility.md"
SERVED: Final = frozenset(route.name for route in ROUTES)

_INTRODUCTION: Final = """\
# Compatibility with the TaskRouter API

Every operation and parameter of TaskRouter v1, and what a program that was written for it meets here.

| Word | Meaning |
| --- | --- |
| same | as documented there |
| chosen | documented there, but for what stands beside it: that is how it is here |
| refused | taken there in a way that is answered with an error here, as it says |
| ours | not in the original |
| not yet | an operation: 404; a parameter: ignored |

Parameters that neither side knows are ignored, as there. Values of a wrong type are refused with 400 and the
parameter's name; nothing is changed then.

This page is made by `make docs` from `api/surface`; a test compares them.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Lists\n"
    yield "All of them take the same three parameters, which the tables below do not repeat.\n"
    yield from _table([_row(one) for one in PAGING])
    for group in GROUPS:
        yield f"\n## {group.title}"
        for one in group.operations:
            yield from _operation(one)
    yield "\n## Behaviour that the original leaves open"
    for topic, choices in TOPICS:
        yield f"\n### {topic}\n"
        yield "| Open there | Here |\n| --- | --- |"
        yield from (f"| {_cell(what)} | {_cell(chosen)} |" for what, chosen in choices)


def _operation(one: Operation) -> Iterator[str]:
    yield f"\n### {one.name}\n"
    notes = " ".join((*one.chosen, *one.refused))
    yield f"`{one.method} {one.path}`: {_verdict_of(one)}{'. ' + notes if notes else ''}\n"
    rows = [_row(p) for p in one.parameters if p.place != "path" and p not in PAGING]
    yield from _table(rows) if rows else ["No parameters."]


def _verdict_of(one: Operation) -> str:
    if one.name not in SERVED:
        return "not yet"
    if one.extension:
        return "ours"
    words = [word for word, notes in (("chosen", one.chosen), ("refused", one.refused)) if notes]
    return ", ".join(words) or "same"


def _table(rows: list[str]) -> Iterator[str]:
    yield "| Parameter | | |\n| --- | --- | --- |"
    yield from rows


def _row(one: Parameter) -> str:
    notes = " ".join(part for part in (one.chosen, one.refused) if part)
    if one.extension:
        notes = f"{one.note[:1].upper()}{one.note[1:]}. {notes}".strip()
    return (
        f"| `{one.name}`{' (header)' if one.place == 'header' else ''} | {_verdict(one)} | {_cell(notes)} |"
    )


def _verdict(one: Parameter) -> str:
    if one.extension:
        return "ours"
    words = [word for word, note in (("chosen", one.chosen), ("refused", one.refused)) if note]
    return ", ".join(words) or "same"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        PAGE.write_text(page())
        return 0
    if arguments:
        sys.stderr.write("usage: python -m api.surface.compatibility [--write]\n")
        return 2
    same = PAGE.exists() and PAGE.read_text() == page()
    sys.stdout.write(f"{PAGE.name} is {'as it should be' if same else 'out of date: --write renews it'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
