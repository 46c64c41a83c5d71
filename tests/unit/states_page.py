"""Reads docs/states.md: the arrows of its diagrams and of its tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

PAGE: Final = Path(__file__).parents[2] / "docs" / "states.md"
GROUPS: Final = {"OFFER": ("pending", "reserved"), "WITHDRAW": ("reserved", "pending")}


class Arrow(Struct, frozen=True):
    """One script, or a word for several, on one way; "" is the state of what does not exist."""

    before: str
    after: str
    script: str


def section(title: str) -> str:
    """The text under a heading."""
    text = PAGE.read_text()
    assert f"\n## {title}\n" in text
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def drawn(title: str) -> set[Arrow]:
    """The arrows of a section's diagram."""
    found = set()
    for before, after, label in re.findall(r"^ +(\S+) --> (\S+) : (.+)$", section(title), re.MULTILINE):
        for script in re.split(r",(?:<br/>| )", label):
            found.add(Arrow(before.replace("[*]", ""), after.replace("[*]", ""), script))
    return found


def rows(title: str) -> Iterator[list[str]]:
    """The rows of a section's table, without its heading."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def listed(title: str) -> set[Arrow]:
    """The arrows of a section's table."""
    found = set()
    for before, after, scripts, _ in rows(title):
        for script in scripts.split():
            found.add(Arrow(before.replace("(none)", ""), after.replace("(none)", ""), script.strip("`")))
    return found


@cache
def group(word: str) -> set[str]:
    """The scripts that a word of the page stands for: those of one arrow of a Task."""
    before, after = GROUPS[word]
    return {arrow.script for arrow in drawn("Task") if (arrow.before, arrow.after) == (before, after)}


def scripts_of(arrow: Arrow) -> set[str]:
    """The scripts that may go along an arrow."""
    return group(arrow.script) if arrow.script in GROUPS else {arrow.script}


def way(arrows: Iterable[Arrow], before: str, after: str, script: str) -> list[Arrow]:
    """The shortest way of one script from state to state, at least one arrow long; [] if there is none.

    Arrows that name the script go before those that name it among several.
    """
    mine = sorted(
        (arrow for arrow in arrows if script in scripts_of(arrow)), key=lambda a: (a.script in GROUPS, str(a))
    )
    ways, reached = [[arrow] for arrow in mine if arrow.before == before], set[str]()
    for steps in ways:  # grows while it is gone through, once for every state
        here = steps[-1].after
        if here == after:
            return steps
        if here not in reached:
            reached.add(here)
            ways += [[*steps, arrow] for arrow in mine if arrow.before == here]
    return []
