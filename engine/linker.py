"""Makes one library of `lua/`: what does not change is defined once, what belongs to a call is set anew at each.

A script begins with lines `--@include lib/x.lua`; it sees what those fragments define. At the top level of a text,
functions and constants (names in capitals) are defined when the library is loaded. All other locals belong to a call:
those of fragments, and those of a script that its own functions name, are declared in the library and set by each call
where they stand, so that nothing is left of the one before. Why: docs/decisions/0009-scripts-are-functions.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from graphlib import TopologicalSorter
from typing import Final

from msgspec import Struct

from engine.redis.script import Part, Script, library_of

_INCLUDE: Final = re.compile(r"^--@include (\S+)\n", re.MULTILINE)
_BLOCK_COMMENT: Final = re.compile(r"^--\[\[.*?\]\]\n", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r" *-- .*$", re.MULTILINE)
_EMPTY: Final = re.compile(r"^\n", re.MULTILINE)
_FUNCTION: Final = re.compile(r"^local function (\w+)\(.*?^end\n", re.MULTILINE | re.DOTALL)
_CONSTANT: Final = re.compile(r"^local [A-Z][A-Z0-9_, ]* = .*\n", re.MULTILINE)
_STATE: Final = re.compile(r"^local ([\w, ]+?)( = |$)", re.MULTILINE)
_NAME: Final = re.compile(r"\w+")


class _Function(Struct, frozen=True):
    body: str
    words: frozenset[str]  # the names in it, of whatever


class _Text(Struct, frozen=True):
    """A file without comments, taken apart."""

    constants: str
    declared: str  # locals that functions share and each call sets
    functions: Mapping[str, _Function]
    call: str

    @property
    def once(self) -> str:
        return self.constants + self.declared + "".join(found.body for found in self.functions.values())


def link(texts: Mapping[str, str], fragments: Mapping[str, str]) -> list[Script]:
    """The scripts of these texts by name, and fragments by path. Raises KeyError for a fragment that is not there."""
    includes = {name: _INCLUDE.findall(text) for name, text in texts.items()}
    taken = {path: _taken_apart(fragments[path], of_fragment=True) for path in _in_order(includes.values())}
    parts = []
    for name, text in texts.items():
        own = _taken_apart(_INCLUDE.sub("", text), of_fragment=False)
        included = [taken[path] for path in includes[name]]
        call = "".join(one.call for one in [*included, own])
        parts.append(Part(name, own.once, call, _alone([*included, own], call)))
    return library_of("".join(one.once for one in taken.values()), parts)


def _in_order(includes: Iterable[list[str]]) -> Iterable[str]:
    """All fragments, each behind those that any script includes before it."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for paths in includes:
        for place, path in enumerate(paths):
            order.add(path, *paths[:place])
    return order.static_order()


def _taken_apart(text: str, *, of_fragment: bool) -> _Text:
    bare = _EMPTY.sub("", _COMMENT.sub("", _BLOCK_COMMENT.sub("", text)))
    functions = {match[1]: _Function(match[0], _words(match[0])) for match in _FUNCTION.finditer(bare)}
    left = _FUNCTION.sub("", bare)
    call = _CONSTANT.sub("", left)
    used = frozenset[str]().union(*(found.words for found in functions.values()))
    shared = [
        match[1]
        for match in _STATE.finditer(call)
        if of_fragment or not used.isdisjoint(match[1].split(", "))
    ]
    declared = "".join(f"local {names}\n" for names in shared)
    return _Text(
        "".join(_CONSTANT.findall(left)), declared, functions, _STATE.sub(partial(_set, shared), call)
    )


def _set(shared: list[str], match: re.Match[str]) -> str:
    """The statement as an assignment, if what it declares is shared."""
    return match[1] + (match[2] or " = nil") if match[1] in shared else match[0]


def _alone(texts: list[_Text], call: str) -> str:
    """One script by itself, without the functions that nothing reaches: EVAL makes them at each call."""
    functions = {name: found for one in texts for name, found in one.functions.items()}
    reached: set[str] = set()
    fresh = _words(call) & functions.keys()
    while fresh:
        reached |= fresh
        named = frozenset[str]().union(*(functions[name].words for name in fresh))
        fresh = (named & functions.keys()) - reached
    first = "".join(one.constants + one.declared for one in texts)
    return first + "".join(found.body for name, found in functions.items() if name in reached) + call


def _words(text: str) -> frozenset[str]:
    return frozenset(_NAME.findall(text))
