"""engine/linker.py: what the server gets of a script and its fragments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.linker import link
from engine.redis import Script
from engine.scripts import LUA, load_scripts
from tests.unit.lua_text import compiled, lua51, names_made

LIBRARY = """--[[
  library: something to include.
]]
local BASE = 100  -- where to begin
local calls, last = 0
local root = KEYS[1]

local function leaf(n)
  calls = calls + 1
  return BASE + n
end

-- Nothing calls this one.
local function unused(n)
  return leaf(n) * 2
end

local function shared(n)
  return leaf(n) + calls
end
"""
SERVER = """
  redis = {register_function = function(name, called) redis[name] = called end}
  return redis
"""


def linked(body: str) -> Script:
    head = "--[[\n  script: for a test.\n]]\n--@include lib/library.lua\n\n"
    (script,) = link({"test": f"{head}{body}\n"}, {"lib/library.lua": LIBRARY})
    return script


def code_of(script: Script) -> str:
    """The library without its first line, which is not Lua."""
    return script.library.text.split("\n", 1)[1]


def results_of(script: Script, *argv: int, key: str = "root", times: int = 2) -> list[Any]:
    """What the calls give, of the function in a server; EVAL must give the same."""
    lua = lua51.LuaRuntime()
    redis = lua.execute(SERVER)
    lua.execute(code_of(script))
    keys, args = lua.table(key), lua.table(*argv)
    found = [redis[script.function](keys, args) for _ in range(times)]
    alone = lua51.LuaRuntime()
    alone.globals()["KEYS"], alone.globals()["ARGV"] = alone.table(key), alone.table(*argv)
    assert found == [alone.execute(script.text) for _ in range(times)]
    return found


def test_included_text_takes_the_place_of_its_line_without_comments() -> None:
    script = linked("return BASE -- text\n-- whole line")
    assert script.text.startswith("local BASE = 100\n")
    for word in ("library", "Nothing calls", "@include", "whole line", "text", "where to begin"):
        assert word not in script.text
    assert results_of(script) == [100, 100]


def test_a_script_by_itself_has_only_what_it_reaches() -> None:
    assert names_made(linked("return BASE").text) == []
    assert names_made(linked("return leaf(1)").text) == ["leaf"]
    assert names_made(linked("return shared(1)").text) == ["leaf", "shared"]


def test_functions_and_constants_are_made_once_and_what_belongs_to_a_call_is_set_at_each() -> None:
    script = linked("local n = shared(ARGV[1])\nreturn n")
    assert script.text.endswith("end\ncalls, last = 0\nroot = KEYS[1]\nlocal n = shared(ARGV[1])\nreturn n\n")
    assert results_of(script, 1) == [102, 102]  # with a count that went on, the second call would give 103


def test_what_a_call_did_not_set_is_not_there_at_the_next_one() -> None:
    assert results_of(linked("local before = last\nlast = 7\nleaf(1)\nreturn before")) == [None, None]


def test_locals_of_a_script_are_shared_with_its_own_functions() -> None:
    body = "local n, more = ARGV[1], 1\nlocal function add()\n  n = n + more\nend\n\nadd()\nadd()\nreturn n"
    assert results_of(linked(body), 5) == [7, 7]


def test_a_scripts_functions_see_keys_and_arguments() -> None:
    body = "local function second()\n  return KEYS[1] .. ARGV[2] .. root\nend\n\nreturn second()"
    assert results_of(linked(body), 1, 2, key="k") == ["k2k", "k2k"]


def test_a_local_of_a_script_hides_that_of_a_fragment_from_the_script_alone() -> None:
    assert results_of(linked("local calls = 50\nreturn shared(calls)")) == [151, 151]


def test_functions_that_call_each_other_are_kept_together() -> None:
    body = (
        "local odd\nlocal function even(n)\n  return n == 0 or odd(n - 1)\nend\n\n"
        "local function set_odd()\n  odd = function(n) return n ~= 0 and even(n - 1) end\nend\n\n"
        "set_odd()\nreturn even(4)"
    )
    assert results_of(linked(body)) == [True, True]


def test_scripts_of_a_library_share_its_functions_and_nothing_of_their_calls() -> None:
    own = "local count = 1\nlocal function more()\n  count = count + 1\nend\n\nmore()\nreturn count + shared(0)\n"
    other = "local count = 5\nlocal function more()\n  count = count + 10\nend\n\nmore()\nreturn count\n"
    head = "--@include lib/library.lua\n"
    scripts = link({"own": head + own, "other": head + other}, {"lib/library.lua": LIBRARY})
    assert [results_of(script) for script in scripts] == [[103, 103], [15, 15]]
    assert len({script.library for script in scripts}) == 1
    assert scripts[0].library.text.count("function shared(") == 1


def test_a_fragment_stands_behind_those_that_any_script_includes_before_it() -> None:
    fragments = {
        f"lib/{n}.lua": f"local function {n}()\n  return {b}\nend\n" for n, b in (("z", "1"), ("a", "z()"))
    }
    texts = {
        "first": "--@include lib/z.lua\n--@include lib/a.lua\nreturn a()\n",
        "last": "--@include lib/a.lua\n",
    }
    assert results_of(link(texts, fragments)[0]) == [1, 1]


def test_missing_fragment_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "script.lua").write_text("--@include lib/nowhere.lua\nreturn 1\n")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.lua"):
        load_scripts(tmp_path)


def test_folder_without_scripts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="incomplete"):
        load_scripts(tmp_path)


def test_every_file_is_a_script_named_after_it() -> None:
    assert {name: script.name for name, script in load_scripts().items()} == {
        path.stem: path.stem for path in LUA.glob("*.lua")
    }


@pytest.mark.parametrize("name", sorted(load_scripts()))
def test_no_script_has_a_function_that_it_does_not_name(name: str) -> None:
    text = load_scripts()[name].text
    for function in names_made(text):
        assert text.count(function) > 1, f"{function} is made and never named"


def test_no_call_of_a_life_makes_a_function() -> None:
    scripts = load_scripts()
    lines = code_of(scripts["create_task"]).splitlines()
    called = {
        match[1]: function
        for function in compiled("\n".join(lines)).inner
        if (match := re.search(r"tl_[0-9a-f]{16}_(\w+)', function", lines[function.line - 1]))
    }
    assert called.keys() == scripts.keys()
    for name in ("create_task", "accept_reservation", "complete_task"):
        assert called[name].inner == []
