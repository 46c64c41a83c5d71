"""The Lua scripts: loads lua/, and calls a script by its name. In the server each is a function of its own.

A script begins with lines `--@include lib/x.lua`; the fragments' text takes their place, once.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Sequence
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from engine.redis import Pipeline, Script

LUA: Final = Path(__file__).resolve().parent.parent / "lua"
_INCLUDE: Final = re.compile(r"^--@include (\S+)\n", re.MULTILINE)
_BLOCK_COMMENT: Final = re.compile(r"^--\[\[.*?\]\]\n", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r" *-- .*$", re.MULTILINE)
_EMPTY: Final = re.compile(r"^\n", re.MULTILINE)
_FUNCTION: Final = re.compile(r"^local function (\w+)\(.*?^end\n", re.MULTILINE | re.DOTALL)
_CONSTANT: Final = re.compile(r"^local [A-Z][A-Z0-9_, ]* = .*\n", re.MULTILINE)
_STATE: Final = re.compile(r"^local ([\w, ]+?)( = |$)", re.MULTILINE)
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
    """All scripts of a folder by name. Raises FileNotFoundError for a folder without any, and for a missing include."""
    scripts = {path.stem: link(path.stem, path.read_text(), folder) for path in sorted(folder.glob("*.lua"))}
    if not scripts:
        raise FileNotFoundError(f"no Lua scripts in {folder}: the installation is incomplete")
    return scripts


async def drop_old(redis: Redis) -> list[str]:
    """Delete the functions that other versions of this program left in the server; their names.

    Where such a version still runs, it loads its own again at its next call. One round trip, and one for each.
    """
    current = {script.function for script in load_scripts().values()}
    listed = await redis.function_list("tl_*")
    found = {
        name.decode() if isinstance(name, bytes) else name for library in listed for name in library[1:2]
    }
    old = sorted(found - current)
    for name in old:
        try:
            await redis.function_delete(name)
        except ResponseError:  # another process that starts deleted it first
            continue
    return old


def link(name: str, text: str, folder: Path = LUA) -> Script:
    """A script with its fragments, without comments and without functions that nothing reaches.

    A function costs 0.1 us each time it is made, and a script's own text would make some thirty at each call. So what
    does not change, functions and constants (names in capitals), goes into the prelude, which the server runs once. All
    other top-level locals belong to a call: the functions share them, and each call sets them anew where they stand.
    """
    included = "".join((folder / path).read_text() for path in _INCLUDE.findall(text))
    fragments, own = _bare(included), _bare(_INCLUDE.sub("", text))
    whole = fragments + own
    calls = _FUNCTION.sub("", _CONSTANT.sub("", whole))
    used = _words("".join(match[0] for match in _FUNCTION.finditer(own)))
    shared = [match[1] for match in _STATE.finditer(_FUNCTION.sub("", _CONSTANT.sub("", fragments)))]
    shared += [match[1] for match in _STATE.finditer(calls) if not used.isdisjoint(match[1].split(", "))]
    reached = _reached(calls, {match[1]: match[0] for match in _FUNCTION.finditer(whole)})
    functions = "".join(match[0] for match in _FUNCTION.finditer(whole) if match[1] in reached)
    constants = "".join(_CONSTANT.findall(_FUNCTION.sub("", whole)))
    declared = "".join(f"local {names}\n" for names in shared)
    return Script(name, _STATE.sub(partial(_assigned, shared), calls), constants + declared + functions)


def _bare(text: str) -> str:
    return _EMPTY.sub("", _COMMENT.sub("", _BLOCK_COMMENT.sub("", text)))


def _words(text: str) -> set[str]:
    return set(_NAME.findall(text))


def _assigned(shared: list[str], match: re.Match[str]) -> str:
    """The statement as an assignment, if functions share what it declares."""
    return match[1] + (match[2] or " = nil") if match[1] in shared else match[0]


def _reached(text: str, functions: dict[str, str]) -> set[str]:
    """The functions that a text calls, and those that they call; a name counts wherever it stands."""
    reached: set[str] = set()
    fresh = _words(text) & functions.keys()
    while fresh:
        reached |= fresh
        fresh = (_words("".join(functions[name] for name in fresh)) & functions.keys()) - reached
    return reached
