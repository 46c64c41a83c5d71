"""The mistakes of table.txt, and how one is made."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from engine.scripts import LUA

TABLE: Final = Path(__file__).with_name("table.txt")
NOTHING: Final = "nothing"  # in place of the other text: the text is left out
_HEAD: Final = re.compile(r"^\[(?P<file>[\w/.]+)(?:: (?P<function>\w+))?\]$")
_LINE: Final = re.compile(r"^(?P<subject>[^:]+?)(?P<hangs> \(hangs\))?: (?P<old>.+) => (?P<new>.+)$")


class Mutation(Struct, frozen=True):
    """One mistake: a text of a file that stands there once, and what stands there instead."""

    number: int  # its place in the table, from 1
    subject: str
    file: str  # below lua/
    function: str  # the only one in which to look, "" for the whole file
    old: str
    new: str
    hangs: bool  # the tests notice by never coming to an end

    def __str__(self) -> str:
        place = f"{self.file}: {self.function}" if self.function else self.file
        return f"[{place}] {self.subject}: {self.old} => {self.new or NOTHING}"

    def applied(self, text: str) -> str:
        """The text of the file with the mistake. Raises ValueError where it does not fit exactly once."""
        begin, end = _function(text, self.function) if self.function else (0, len(text))
        found = text.count(self.old, begin, end)
        if found != 1:
            raise ValueError(f"{self}: the text is there {found} times")
        return text[:begin] + text[begin:end].replace(self.old, self.new) + text[end:]

    def make(self, folder: Path, source: Path = LUA) -> None:
        """A copy of the scripts at `folder`, which is not there yet, with this mistake."""
        shutil.copytree(source, folder)
        path = folder / self.file
        path.write_text(self.applied(path.read_text()))


def mutations(text: str | None = None) -> list[Mutation]:
    """All of the table, in its order. Raises ValueError for a line that is not of its form."""
    return list(_read(TABLE.read_text() if text is None else text))


def _read(text: str) -> Iterator[Mutation]:
    file = function = ""
    number = 0
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if head := _HEAD.match(line):
            file, function = head["file"], head["function"] or ""
        elif (found := _LINE.match(line)) and file:
            number += 1
            new = "" if found["new"] == NOTHING else found["new"]
            yield Mutation(number, found["subject"], file, function, found["old"], new, bool(found["hangs"]))
        else:
            raise ValueError(f"neither a heading nor a mistake: {line}")


def _function(text: str, name: str) -> tuple[int, int]:
    """Where a function begins and ends, found by the blanks before both."""
    begin = rf"^( *)(?:local )?function (?:\w+\.)?{name}\("
    found = re.findall(begin, text, re.MULTILINE)
    whole = re.search(rf"{begin}.*?^\1end$", text, re.MULTILINE | re.DOTALL)
    if len(found) != 1 or not whole:
        raise ValueError(f"{len(found)} functions are called {name}")
    return whole.span()
