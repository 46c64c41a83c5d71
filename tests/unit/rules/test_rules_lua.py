"""lua/lib/load.lua says of a program what the plain reading in engine/rules says."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_strategies import CALM, channel_facts, load_trees, workers
from test_rules_skip import skip_trees

from engine.rules import (
    ChannelFacts,
    Condition,
    Expression,
    Place,
    WorkerFacts,
    run_residual,
    run_skip,
    skip_program,
)
from engine.rules.canonical import canonical
from engine.rules.tree import Node

lua51: Final[Any] = import_module("lupa.lua51")  # has no type stubs
TEXT: Final = (Path(__file__).parents[3] / "lua/lib/load.lua").read_text()
NUMBERS: Final = {"voice": "1", "chat": "2", "fax": "3"}
_COLLECT: Final = "local function call(_, key, ...) return read(key, {...}) end\nlocal root = ''\n"


class Load:
    """The fragment on a store of hashes; counts what it reads."""

    def __init__(self) -> None:
        lua = lua51.LuaRuntime(unpack_returned_tuples=True)
        self._lua = lua
        self.hashes: dict[str, dict[str, str]] = {}
        self.reads = 0
        lua.globals().read = self._read
        self.worker_holds, self.census_holds = lua.execute(
            _COLLECT + TEXT + "\nreturn worker_holds, census_holds"
        )

    def _read(self, key: str, fields: Any) -> Any:
        self.reads += 1
        found = self.hashes.get(key, {})
        return self._lua.table(*(found.get(field, False) for field in fields.values()))


LOAD: Final = Load()


def numbered(program: str) -> str:
    """Channel numbers for unique names, as engine/market.py does."""
    for name, number in NUMBERS.items():
        program = program.replace(f":{name}", f":{number}")
    return program


def stored(channels: dict[str, ChannelFacts]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, facts in channels.items():
        n = NUMBERS[name]
        fields |= {f"asg{n}": str(facts.assigned_tasks), f"cap{n}": str(facts.configured_capacity)}
        fields[f"c{n}"] = f"{open_of(facts)}|1||"
    return fields


def open_of(facts: ChannelFacts) -> int:
    """A number of open Reservations; the free share follows from it."""
    return facts.configured_capacity - facts.configured_capacity * facts.available_capacity_percentage // 100


def consistent(facts: ChannelFacts) -> ChannelFacts:
    capacity = facts.configured_capacity
    share = (capacity - open_of(facts)) * 100 // capacity if capacity else 0
    return ChannelFacts(capacity, facts.assigned_tasks, share)


@given(load_trees, st.lists(workers, min_size=1, max_size=4), channel_facts)
@CALM
def test_load_program_in_lua_says_the_same(node: Node, facts: list[WorkerFacts], chat: ChannelFacts) -> None:
    condition = Condition(canonical(node))
    for w in facts:
        w.channels = {name: consistent(found) for name, found in {**w.channels, "chat": chat}.items()}
        program = condition.residual(w)
        if program is not None:
            LOAD.hashes = {"k:WK1": stored(w.channels)}
            assert LOAD.worker_holds(numbered(program), "WK1") is run_residual(program, w.channels), program


@given(skip_trees, st.dictionaries(st.sampled_from(["+", "-", "WA1"]), st.integers(0, 20)))
@CALM
def test_skip_program_in_lua_says_the_same(node: Node, counts: dict[str, int]) -> None:
    program = skip_program(Expression("", Place.SKIP_IF, node))
    LOAD.hashes = {"n:7": {name: str(count) for name, count in counts.items()}}
    LOAD.reads = 0
    assert LOAD.census_holds(program, "7") is run_skip(program, counts), program
    assert LOAD.reads == ("w:" in program)


@pytest.mark.parametrize(
    ("program", "counts", "result"),
    [
        ("T", {}, True),
        ("F", {}, False),
        ("w:+ #0 ==", {}, True),
        ("w:+ #0 ==", {"+": "0"}, True),
        ("w:+ #0 == w:- #0 != &", {"-": "3"}, True),
        ("w:+ #0 == w:- #0 != &", {"+": "1", "-": "3"}, False),
        ("w:+ #2.5 >", {"+": "3"}, True),
        ("$01 w:+ ~", {"+": "0"}, True),
        ("$01 w:+ ~", {"+": "10"}, False),
        ("$12345678901234567890 w:+ ~", {"+": "67"}, True),
        ("w:+ $1 ~", {"+": "212"}, True),
        ("w:+ w:- ~", {"+": "212", "-": "21"}, True),
        ("w:+ #100000 >=", {"+": "100000"}, True),
    ],
)
def test_census_in_lua(program: str, counts: dict[str, str], result: bool) -> None:
    LOAD.hashes = {"n:7": counts}
    assert LOAD.census_holds(program, "7") is result
    assert run_skip(program, {name: int(count) for name, count in counts.items()}) is result
