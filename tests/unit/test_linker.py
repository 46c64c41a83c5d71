"""The linker of engine/scripts.py: what the server gets of a script and its fragments."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.scripts import LUA, expand, load_scripts
from tests.unit.lua_text import lua51, names_made

LIBRARY = """--[[
  library: something to include.
]]
local base = 100

local function leaf(n)
  return base + n
end

-- Nothing calls this one.
local function unused(n)
  return leaf(n) * 2
end

local function shared(n)
  return leaf(n) + 1
end

local function lazily(n)
  if n > 0 then
    return shared(n) + leaf(n)
  end
  return n
end

local function general()
  local made = {}
  function made.answer(n)
    return lazily(n)
  end
  return made
end
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "library.lua").write_text(LIBRARY)
    return tmp_path


def linked(folder: Path, body: str) -> str:
    return expand(f"--[[\n  script: for a test.\n]]\n--@include lib/library.lua\n\n{body}\n", folder)


def result_of(source: str) -> object:
    return lua51.LuaRuntime().execute(source)


def test_included_text_takes_the_place_of_its_line_without_comments(folder: Path) -> None:
    source = linked(folder, "return base -- text\n-- whole line")
    assert source.startswith("local base = 100\n")
    assert "library" not in source
    assert "Nothing calls" not in source
    assert "@include" not in source
    assert "whole line" not in source
    assert result_of(source) == 100


def test_only_what_is_reached_stays(folder: Path) -> None:
    assert names_made(linked(folder, "return base")) == []
    assert names_made(linked(folder, "return leaf(1)")) == ["leaf"]
    assert names_made(linked(folder, "return shared(1)")) == ["leaf", "shared"]
    assert result_of(linked(folder, "return shared(1)")) == 102


def test_what_only_general_reaches_moves_into_it(folder: Path) -> None:
    source = linked(folder, "return general().answer(1)")
    assert names_made(source) == ["general"]
    assert names_made(source, "general") == ["leaf", "shared", "lazily", "made.answer"]
    assert "unused" not in source
    assert result_of(source) == 203


def test_what_others_reach_too_stays_outside_of_general(folder: Path) -> None:
    source = linked(folder, "return shared(0) + general().answer(1)")
    assert names_made(source) == ["leaf", "shared", "general"]
    assert names_made(source, "general") == ["lazily", "made.answer"]
    assert result_of(source) == 304


def test_a_function_that_calls_general_does_not_pull_out_what_is_inside(folder: Path) -> None:
    body = "local function serve(n)\n  return general().answer(n)\nend\n\nreturn serve(1)"
    source = linked(folder, body)
    assert names_made(source) == ["general", "serve"]
    assert result_of(source) == 203


def test_functions_that_call_each_other_are_kept_together(folder: Path) -> None:
    body = (
        "local odd\nlocal function even(n)\n  return n == 0 or odd(n - 1)\nend\n\n"
        "local function set_odd()\n  odd = function(n) return n ~= 0 and even(n - 1) end\nend\n\n"
        "set_odd()\nreturn even(4)"
    )
    assert result_of(linked(folder, body)) is True


def test_missing_fragment_is_an_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.lua"):
        expand("--@include lib/nowhere.lua\nreturn 1\n", folder)


def test_folder_without_scripts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="incomplete"):
        load_scripts(tmp_path)


def test_every_file_is_a_script_named_after_it() -> None:
    assert set(load_scripts()) == {path.stem for path in LUA.glob("*.lua")}


@pytest.mark.parametrize("name", sorted(load_scripts()))
def test_no_script_makes_a_function_it_does_not_name(name: str) -> None:
    source = load_scripts()[name].source
    for function in names_made(source):
        assert source.count(function) > 1, f"{function} is made and never named"


def test_a_life_makes_at_most_80_functions() -> None:
    """0.1 us each, so 8 of the 90 us a life may take."""
    scripts = load_scripts()
    life = ("create_task", "accept_reservation", "complete_task")
    assert sum(len(names_made(scripts[name].source)) for name in life) <= 80


def test_what_only_general_needs_is_not_made_by_runs_that_do_not_call_it() -> None:
    source = load_scripts()["create_task"].source
    made, later = names_made(source), names_made(source, "general")
    assert "general" in made
    assert {"unpark", "waiting_pop", "load_task"} <= set(later) - set(made)
    assert {"offer", "idle_head", "enter_pool"} <= set(made) - set(later)
