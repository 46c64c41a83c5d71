"""docs/states.md says what is: every script, no other one, and every state of the model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from engine.model import ReservationStatus, TaskStatus
from engine.scripts import LUA, load_scripts
from tests.unit.states_page import GROUPS, Arrow, drawn, group, listed, rows, section, way

ROOT: Final = Path(__file__).parents[2]
DIAGRAMS: Final = ("Task", "Pending", "Reservation", "Worker", "Workspace and pool")
SCRIPTS: Final = {path.stem for path in LUA.glob("*.lua")}
OFFERLESS: Final = {
    "delete_worker"
}  # has the text that offers, since it may let Tasks skip, but frees nobody


@pytest.mark.parametrize("title", DIAGRAMS)
def test_table_and_diagram_of_a_section_say_the_same(title: str) -> None:
    assert drawn(title)
    assert listed(title) == drawn(title)


def test_arrows_name_every_script_and_none_that_does_not_exist() -> None:
    named = {arrow.script for title in DIAGRAMS for arrow in drawn(title)}
    assert named - GROUPS.keys() == SCRIPTS
    assert named >= GROUPS.keys()


def test_states_are_those_of_the_model() -> None:
    assert {arrow.after for arrow in drawn("Task")} == {"", *TaskStatus}
    assert {arrow.after for arrow in drawn("Reservation")} == {"", "held", *ReservationStatus}
    assert "*Held* is `pending` to clients" in section("Reservation")


def test_offers_are_made_by_the_scripts_that_can_make_one() -> None:
    offering = {name for name, script in load_scripts().items() if "'reservation.created'" in script.text}
    assert group("OFFER") == offering - OFFERLESS
    assert {arrow.script for arrow in drawn("Reservation") if arrow.after == "pending"} == {"OFFER"}


def test_tasks_come_back_by_the_scripts_that_can_withdraw_an_offer() -> None:
    withdrawing = {
        name for name, script in load_scripts().items() if "local function withdraw(" in script.text
    }
    assert group("WITHDRAW") == withdrawing
    rescinding = {name for name, script in load_scripts().items() if "'rescinded'" in script.text}
    assert {arrow.script for arrow in drawn("Reservation") if arrow.after == "rescinded"} == rescinding


@pytest.mark.parametrize(
    ("column", "folder", "pattern"), [(2, "engine", "*.py"), (3, "lua", "*.lua"), (4, "api", "*.py")]
)
def test_glossary_words_stand_in_the_code_of_their_column(column: int, folder: str, pattern: str) -> None:
    code = "\n".join(path.read_text() for path in (ROOT / folder).rglob(pattern))
    known = set(re.findall(r"\w+", code)) | {"ETag", "If", "Match"}
    words = {
        word for row in rows("Glossary") for quoted in re.findall(r"`([^`]+)`", row[column])
        for word in re.findall(r"[A-Za-z_]{3,}", quoted) if word != "pool"
    }  # fmt: skip
    assert words
    assert sorted(words - known) == []


def test_glossary_has_each_word_once_in_order() -> None:
    words = [row[0].lower() for row in rows("Glossary")]
    assert words == sorted(set(words))


def test_ways_are_found_over_several_arrows_of_one_script() -> None:
    arrows = {Arrow("", "a", "x"), Arrow("a", "b", "x"), Arrow("b", "a", "x"), Arrow("b", "c", "y")}
    assert [arrow.after for arrow in way(arrows, "", "b", "x")] == ["a", "b"]
    assert [arrow.after for arrow in way(arrows, "a", "a", "x")] == ["b", "a"]
    assert way(arrows, "", "c", "x") == []
    assert way(arrows, "c", "c", "y") == []


def test_a_script_goes_the_ways_of_a_word_it_belongs_to_but_its_own_first() -> None:
    arrows = {Arrow("a", "b", "OFFER"), Arrow("a", "b", "settle")}
    assert [way(arrows, "a", "b", name) for name in ("settle", "wrap_task", "add_members")] == [
        [Arrow("a", "b", "settle")],
        [Arrow("a", "b", "OFFER")],
        [],
    ]
