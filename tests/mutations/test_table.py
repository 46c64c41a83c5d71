"""The table of mistakes fits the scripts as they are now."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from engine.scripts import LUA, load_scripts
from tests.mutations.table import Mutation, mutations
from tests.unit.lua_text import compiled

TABLE: Final = mutations()
# What the mistakes have to be about, so that none of it can go missing unseen.
SUBJECTS: Final = {
    *("priority order", "LIFO", "preferred order", "longest idle", "order of Workers", "dynamic pools"),
    *(
        "park",
        "heads",
        "capacity",
        "Activity",
        "steps",
        "skip",
        "census",
        "known Worker",
        "targets",
        "rounds",
    ),
    *(
        "single-tasking",
        "refusals",
        "instructions",
        "callbacks",
        "timers",
        "TTL",
        "assignment count",
        "status",
        "revision",
    ),
    *("seq", "open counters", "Reservations", "Workers", "Workspaces", "handing on", "pools dropped"),
    *("config versions", "documents", "keys"),
}
LEAST: Final = 60


def test_the_table_is_about_everything_and_spares_no_file() -> None:
    assert len(TABLE) >= LEAST
    assert {mutation.subject for mutation in TABLE} == SUBJECTS
    files = {path.relative_to(LUA).as_posix() for path in LUA.rglob("*.lua")}
    assert {mutation.file for mutation in TABLE} == files


@cache
def linked() -> dict[str, str]:
    return {name: script.text for name, script in load_scripts().items()}


@pytest.mark.parametrize("mutation", TABLE, ids=lambda m: f"{m.number}-{m.file}")
def test_a_mistake_changes_the_code_and_leaves_it_lua(
    mutation: Mutation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("mutation") / "lua"
    mutation.make(folder)
    after = load_scripts(folder)
    for name, before in linked().items():
        if after[name].text != before:
            compiled(after[name].text)
            return
    pytest.fail("no script is another with it")
