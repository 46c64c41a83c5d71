"""The Lua scripts: loads lua/, and calls a script by its name.

A script may begin lines with `--@include lib/x.lua`; the fragment's text takes the line's place, once. The server
knows a script by the SHA-1 of the whole text, so two versions of this program can run side by side.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from engine.redis import Pipeline, Script

LUA: Final = Path(__file__).resolve().parent.parent / "lua"
_INCLUDE: Final = re.compile(r"^--@include (\S+)$", re.MULTILINE)
_BLOCK_COMMENT: Final = re.compile(r"^--\[\[.*?\]\]\n", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"^ *-- .*\n", re.MULTILINE)
_FUNCTION: Final = re.compile(r"^local function (\w+)\(.*?^end\n", re.MULTILINE | re.DOTALL)
_LAZY: Final = re.compile(r"general$|rare_")  # functions that few runs call
_NAME: Final = re.compile(r"\w+")


class Status(IntEnum):
    """What a script answers with first; lua/lib/keys.lua has the same numbers."""

    OK = 1
    MADE = 2  # an earlier call with the same Idempotency-Key made it
    STALE = -1  # the decision rested on a version that is not the present one; decide anew
    NOT_FOUND = -2
    REVISION = -3  # the caller expected another revision
    ILLEGAL = -4  # not allowed in the present state
    GONE = -5  # the Reservation ended before the answer came
    IN_USE = -6
    EXISTS = -7  # another one has the name
    KEY_USED = -8  # the Idempotency-Key, for other content


class Scripts:
    """Every script of `lua/`, callable through one pipeline. A missing file or include fails here, at start."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._scripts = load_scripts()

    def run(
        self, name: str, keys: Sequence[str | bytes | int], args: Sequence[str | bytes | int]
    ) -> Coroutine[Any, Any, Any]:
        """Call a script; its reply is a list that begins with a Status. Awaiting it raises PipelineError."""
        return self._pipeline.script(self._scripts[name], keys, args)


def load_scripts(folder: Path = LUA) -> dict[str, Script]:
    """All scripts of a folder by name, includes expanded, comments left out (a third of the text)."""
    scripts = {
        path.stem: Script(path.stem, expand(path.read_text(), folder))
        for path in sorted(folder.glob("*.lua"))
    }
    if not scripts:
        raise FileNotFoundError(f"no Lua scripts in {folder}: the installation is incomplete")
    return scripts


def expand(text: str, folder: Path = LUA) -> str:
    """A script's text as the server gets it: includes in place, without comments and unreachable definitions.

    A run makes a closure of every function that the text defines, 0.1 us each, and the server keeps each script's
    constants; so what a fragment offers and this script does not use is left out.
    """
    source = _INCLUDE.sub(lambda match: (folder / match[1]).read_text().rstrip("\n"), text)
    return _linked(_COMMENT.sub("", _BLOCK_COMMENT.sub("", source)))


def _linked(source: str) -> str:
    """The text without the top-level local functions that nothing reaches; a name counts wherever it stands.

    Those that only `general` (lib/market.lua) or a function called `rare_...` reaches move into it, so that a run that
    does not call it does not make them either; what several of them reach, each of them has.
    """
    functions = {match[1]: match[0] for match in _FUNCTION.finditer(source)}
    main = _FUNCTION.sub("", source)
    needed = _reached(main, functions)
    lazy = {name for name in needed if _LAZY.match(name)}
    now = _reached(main, {name: text for name, text in functions.items() if name not in lazy}) | lazy
    linked = dict(functions)
    for name in lazy:
        # What runs at once may call them too, but not what is inside them.
        inside = _reached(functions[name], functions) - now
        later = [text for other, text in functions.items() if other in inside]
        head, _, body = functions[name].partition("\n")
        linked[name] = f"{head}\n{''.join(later)}{body}"
    return _FUNCTION.sub(lambda match: linked[match[1]] if match[1] in now else "", source)


def _reached(text: str, functions: dict[str, str]) -> set[str]:
    """The functions that a text calls, and those that they call."""
    reached: set[str] = set()
    fresh = set(_NAME.findall(text)) & functions.keys()
    while fresh:
        reached |= fresh
        named = {name for function in fresh for name in _NAME.findall(functions[function])}
        fresh = (named & functions.keys()) - reached
    return reached
