"""Reads Lua: headers, code without comments, and what a compiled text looks up and makes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from msgspec import Struct

lua51: Final[Any] = import_module("lupa.lua51")  # has no type stubs

# What Redis and Valkey offer a script, as far as scripts here use it.
OFFERED: Final = frozenset(
    ["redis", "KEYS", "ARGV", "string", "table", "math", "tonumber", "tostring", "ipairs", "pairs", "unpack"]
)
_GETGLOBAL, _SETGLOBAL = 5, 7  # lopcodes.h of Lua 5.1


def header_of(text: str) -> str:
    """The block comment that a file begins with, without its brackets."""
    found = re.match(r"--\[\[\n(.*?)\n\]\]\n", text, re.DOTALL)
    assert found, f"no header: {text[:60]!r}"
    return found[1]


def section_of(header: str, label: str) -> str:
    """What stands behind a label of a header, on its line and the further indented ones below; "" without it."""
    found = re.search(rf"^  {label} (.*(?:\n   +.*)*)", header, re.MULTILINE)
    return found[1] if found else ""


def code_of(text: str) -> str:
    """The text without comments, and with its strings."""
    body = re.sub(r"^--\[\[.*?\]\]\n", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(_without_comment(line) for line in body.splitlines())


def _without_comment(line: str) -> str:
    """Cuts at the first `--` outside of quotes."""
    for found in re.finditer(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|--""", line):
        if found[0] == "--":
            return line[: found.start()].rstrip()
    return line


class Function(Struct):
    """One compiled function: what it looks up itself, and the functions it makes."""

    line: int  # where it begins, 0 for the whole text
    reads: set[str]  # globals
    writes: set[str]
    inner: list[Function]

    def walk(self) -> Iterator[Function]:
        yield self
        for function in self.inner:
            yield from function.walk()


def compiled(source: str) -> Function:
    """A text as Lua 5.1 compiles it. Raises lua51.LuaError when it does not."""
    lua = lua51.LuaRuntime(encoding=None, unpack_returned_tuples=True)
    lua.globals()[b"source"] = source.encode()
    return _Chunk(lua.execute(b"return string.dump(assert(loadstring(source)))")).read()


def globals_of(source: str) -> tuple[set[str], set[str]]:
    """The globals a text reads and those it sets."""
    functions = list(compiled(source).walk())
    return {name for f in functions for name in f.reads}, {name for f in functions for name in f.writes}


def names_made(source: str, inside: str | None = None) -> list[str]:
    """The functions that every run of a text makes, or every call of the function `inside`; in order."""
    lines = source.splitlines()

    def name(function: Function) -> str:
        found = re.search(r"function ([\w.]+)", lines[function.line - 1])
        return found[1] if found else "?"

    whole = compiled(source)
    if inside is not None:
        whole = next(function for function in whole.inner if name(function) == inside)
    return [name(function) for function in whole.inner]


class _Chunk:
    """The output of string.dump as ldump.c of Lua 5.1 writes it: little-endian, 64 bits."""

    def __init__(self, data: bytes) -> None:
        assert data[:12] == b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00", "another Lua than expected"
        self._data, self._at = data, 12

    def read(self) -> Function:
        function = self._function()
        assert self._at == len(self._data)
        return function

    def _take(self, layout: str) -> Any:
        values = struct.unpack_from("<" + layout, self._data, self._at)
        self._at += struct.calcsize("<" + layout)
        return values[0]

    def _string(self) -> str:
        size = self._take("Q")
        self._at += size
        return self._data[self._at - size : self._at - 1].decode() if size else ""

    def _constant(self) -> Any:
        match self._take("B"):
            case 0:
                return None
            case 1:
                return self._take("B")
            case 3:
                return self._take("d")
            case 4:
                return self._string()
        raise AssertionError("no such kind of constant")

    def _function(self) -> Function:
        self._string()  # its source
        line = self._take("i")
        for layout in ("i", "B", "B", "B", "B"):  # last line, upvalues, parameters, varargs, stack
            self._take(layout)
        code = [self._take("I") for _ in range(self._take("i"))]
        constants = [self._constant() for _ in range(self._take("i"))]
        reads = {constants[word >> 14] for word in code if word & 0x3F == _GETGLOBAL}
        writes = {constants[word >> 14] for word in code if word & 0x3F == _SETGLOBAL}
        inner = [self._function() for _ in range(self._take("i"))]
        self._debug()
        return Function(line, reads, writes, inner)

    def _debug(self) -> None:
        for _ in range(self._take("i")):
            self._take("i")  # line of an instruction
        for _ in range(self._take("i")):
            self._string()  # a local
            self._take("i")
            self._take("i")
        for _ in range(self._take("i")):
            self._string()  # an upvalue
