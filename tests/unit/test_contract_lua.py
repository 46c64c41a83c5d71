"""What lua/ promises: headers that tell the truth, one set of words and keys with Python, nothing undefined."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from engine.keys import ShardKeys, WorkspaceKeys
from engine.linker import link
from engine.scripts import LUA, Status, files, load_scripts
from tests.unit.lua_text import OFFERED, code_of, globals_of, header_of, section_of

SCRIPTS: Final = sorted(LUA.glob("*.lua"))
FRAGMENTS: Final = sorted((LUA / "lib").glob("*.lua"))
LINKED: Final = {name: script.text for name, script in load_scripts().items()}
STATUS: Final = re.compile(rf"\b({'|'.join(Status.__members__)})\b")
_LAYOUT: Final = r"(?<![\w'])([a-z_]+(?::<\w+>)?)\s+(?:hash|zset|stream|set)\b"
PYTHON_ONLY: Final = {"shard numbers", "shard dead"}  # taken with INCR and written with XADD, by no script

each_script = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
each_file = pytest.mark.parametrize("path", [*SCRIPTS, *FRAGMENTS], ids=lambda path: path.stem)


@each_file
def test_header_begins_with_the_name_and_what_it_is(path: Path) -> None:
    assert re.match(rf"  {path.stem}: \w.*\S", header_of(path.read_text()))


@each_script
def test_header_names_keys_result_status_and_cost(path: Path) -> None:
    header = header_of(path.read_text())
    for label in (r"KEYS\[1\]", r"Returns", r"Status", r"Cost"):
        assert section_of(header, label), f"{label} is missing"


def documented_arguments(header: str) -> tuple[list[int], int | None, bool]:
    """Numbers of single ARGV, the first of an open-ended row ("ARGV[4]..."), and whether there is an "ARGV[..]"."""
    single = [int(n) for n in re.findall(r"^  ARGV\[(\d+)\] ", header, re.MULTILINE)]
    row = re.search(r"^  ARGV\[(\d+)\]\.\.\. ", header, re.MULTILINE)
    return single, int(row[1]) if row else None, "ARGV[..]" in header


@each_script
def test_header_states_every_argument_and_no_other(path: Path) -> None:
    text = path.read_text()
    header, code = header_of(text), code_of(text)
    single, row, rest = documented_arguments(header)
    used = {int(n) for n in re.findall(r"ARGV\[(\d+)\]", code)}
    computed = re.findall(r"ARGV\[[^\d\]][^\]]*\]", code)
    assert single == list(range(1, len(single) + 1))
    if rest:  # behind the last one read by its number, a position is counted on
        assert computed
        assert used == set(range(1, max(used) + 1))
        assert used <= set(single)
        return
    assert used == set(single)
    assert bool(computed) == (row is not None)
    if row is not None:
        assert row == len(single) + 1
        assert all(int(n) == row for n in re.findall(r"for i = (\d+), #ARGV", code))
        assert f"for i = {row}, #ARGV" in code


@each_script
def test_header_states_every_status_it_answers_with_and_no_other(path: Path) -> None:
    answered = set(re.findall(rf"\{{({'|'.join(Status.__members__)})\b", LINKED[path.stem]))
    section = section_of(header_of(path.read_text()), "Status")
    assert set(STATUS.findall(section)) == answered
    for number, name in re.findall(rf"(-?\d+) ({'|'.join(Status.__members__)})\b", section):
        assert int(number) == Status[name]


def test_fragments_take_no_arguments_of_their_own() -> None:
    assert [path.stem for path in FRAGMENTS if "ARGV" in code_of(path.read_text())] == []


def test_status_words_have_the_same_numbers_in_lua_and_python() -> None:
    line = re.search(r"^local (OK, .*) = (.*)$", (LUA / "lib" / "keys.lua").read_text(), re.MULTILINE)
    assert line
    names, numbers = line[1].split(", "), [int(number) for number in line[2].split(", ")]
    assert dict(zip(names, numbers, strict=True)) == {status.name: status.value for status in Status}


@each_file
def test_included_fragments_exist_and_come_before_their_use(path: Path) -> None:
    text = path.read_text()
    names = re.findall(r"^--@include (.*)$", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert all((LUA / name).is_file() for name in names)
    if path.parent == LUA:
        assert names[0] == "lib/keys.lua"
    else:
        assert names == []  # one level only, so that a script's text says all that it is made of


def test_every_fragment_and_every_function_of_one_is_used() -> None:
    together = "\n".join(LINKED.values())
    for path in FRAGMENTS:
        for name in re.findall(r"^local function (\w+)\(", path.read_text(), re.MULTILINE):
            assert f"local function {name}(" in together, f"{path.name}: nothing reaches {name}"
    included = {name for path in SCRIPTS for name in re.findall(r"@include (\S+)", path.read_text())}
    assert included == {f"lib/{path.name}" for path in FRAGMENTS}


@each_file
def test_functions_have_the_form_the_linker_finds(path: Path) -> None:
    """A function on one line would take what follows with it, up to the next `end` in the first column."""
    text = path.read_text()
    assert text.endswith("\n")
    assert not re.search(r"^local function .*\bend$", text, re.MULTILINE)
    assert not re.search(r"^function ", text, re.MULTILINE)


@each_script
def test_no_two_functions_of_a_script_share_a_name(path: Path) -> None:
    text = path.read_text()
    texts = [
        text,
        *((LUA / name).read_text() for name in re.findall(r"^--@include (.*)$", text, re.MULTILINE)),
    ]
    names = [name for part in texts for name in re.findall(r"^local function (\w+)\(", part, re.MULTILINE)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", LINKED)
def test_script_compiles_and_uses_no_undefined_name(name: str) -> None:
    reads, writes = globals_of(LINKED[name])
    assert reads <= OFFERED
    assert writes == set()


def cancel_with(text: str) -> str:
    """The linked script of this name with another text."""
    texts, fragments = files()
    return next(s.text for s in link({**texts, "cancel_task": text}, fragments) if s.name == "cancel_task")


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("load_task(ARGV[2], '')", "laod_task(ARGV[2], '')", "laod_task"),
        ("return {NOT_FOUND}", "return {NOTFOUND}", "NOTFOUND"),
        ("set_clock(ARGV[1])", "set_clock(now_ms)", "now_ms"),
        ("--@include lib/task.lua\n", "", "release_slot"),
    ],
)
def test_misspelt_name_is_found(right: str, wrong: str, name: str) -> None:
    text = (LUA / "cancel_task.lua").read_text()
    assert right in text
    reads, _ = globals_of(cancel_with(text.replace(right, wrong, 1)))
    assert name in reads - OFFERED


def test_forgotten_local_is_found() -> None:
    text = (LUA / "cancel_task.lua").read_text().replace("local t = load_task", "t = load_task")
    assert globals_of(cancel_with(text))[1] == {"t"}


def keys_of_python() -> set[str]:
    """Every key of engine/keys.py without what is particular to one thing: "root t:", "shard timers"."""
    workspace, shard = WorkspaceKeys(7, 3), ShardKeys(7)
    found = set()
    for keys, begin, where in ((workspace, workspace.root, "root"), (shard, shard.prefix, "shard")):
        plain = [
            getattr(keys, slot) for slot in type(keys).__slots__ if slot not in {"root", "prefix", "shard"}
        ]
        methods = [name for name, value in vars(type(keys)).items() if callable(value) and name[0] != "_"]
        made = [getattr(keys, name)("X").removesuffix("X") for name in methods]
        assert all(key.startswith(begin) for key in plain + made)
        found |= {f"{where} {key.removeprefix(begin)}" for key in plain + made}
    return found


def keys_of_lua() -> set[str]:
    """Every key that the code of a script or fragment builds."""
    found = set()
    for path in [*SCRIPTS, *FRAGMENTS]:
        code = code_of(path.read_text())
        found |= {" ".join(pair) for pair in re.findall(r"\b(root|shard) \.\. '([a-z_]+:?)'", code)}
        for names in re.findall(r"ipairs\(\{('[a-z_:', ]+')\}\)", code):  # reap_workspace goes through lists
            found |= {f"root {name}" for name in re.findall(r"[a-z_]+:?", names)}
    return found


def keys_of_layout() -> set[str]:
    """Every key that the header of lib/keys.lua describes."""
    header = header_of((LUA / "lib" / "keys.lua").read_text())
    return {name.partition("<")[0] for name in re.findall(_LAYOUT, header)}


def test_scripts_build_the_keys_of_python_and_no_other() -> None:
    assert keys_of_lua() == keys_of_python() - PYTHON_ONLY


def test_layout_in_lua_describes_every_key_that_scripts_build() -> None:
    assert keys_of_layout() == {key.partition(" ")[2] for key in keys_of_lua()}
