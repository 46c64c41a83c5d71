"""Steps that want one known Worker: whom they name, and how conditions for one Worker are kept and found."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_strategies import CALM, step_trees, target_trees, tasks, workers

from engine.rules import (
    NOBODY,
    ConditionIndex,
    Expression,
    Identity,
    Known,
    Place,
    Specialiser,
    Step,
    WorkerFacts,
    WorkerIndex,
    condition_from_key,
    identified,
    known_worker,
    parse_expression,
    parse_workflow,
)
from engine.rules.compile import Scope
from engine.rules.condition_index import _Entry
from engine.rules.tree import Node

SHAPED = "WK" + "0123456789abcdef" * 2
SUPPORT = parse_expression("skills HAS 'support'", Place.TARGET_WORKERS)
EVERYONE = parse_expression("1 == 1", Place.TARGET_WORKERS)


def worker(number: int, name: str = "", **attributes: Any) -> WorkerFacts:
    return WorkerFacts(f"WK{number}", name or f"w{number}", "WA1", "Idle", attributes)


def step(**known: str) -> Step:
    document = {"task_routing": {"default_filter": {"queue": "WQ1", **known}}}
    parsed = parse_workflow(json.dumps(document), queue_exists=lambda _: True).default
    assert parsed is not None
    return parsed


BY_SID, BY_NAME = step(known_worker_sid="task.agent"), step(known_worker_friendly_name="task.agent")
NAMED: list[tuple[str, Step, dict[str, Any], Known]] = [
    ("no known worker", step(), {"agent": "x"}, Known(None, 0)),
    ("sid", BY_SID, {"agent": SHAPED}, Known(("sid", SHAPED), 40155)),
    ("sid in capitals", BY_SID, {"agent": SHAPED.upper()}, Known(("sid", SHAPED.upper()), 40154)),
    ("text that is no sid", BY_SID, {"agent": "bob"}, Known(("sid", "bob"), 40154)),
    ("empty text", BY_SID, {"agent": ""}, Known(("sid", ""), 40154)),
    ("name", BY_NAME, {"agent": "bob"}, Known(("friendly_name", "bob"), 40154)),
    ("name shaped like a sid", BY_NAME, {"agent": SHAPED}, Known(("friendly_name", SHAPED), 40154)),
    ("name of digits", BY_NAME, {"agent": "5"}, Known(("friendly_name", "5"), 40154)),
    ("missing", BY_SID, {}, Known(NOBODY, 40154)),
    ("null", BY_SID, {"agent": None}, Known(NOBODY, 0)),
    ("null in quotes", BY_NAME, {"agent": "null"}, Known(("friendly_name", "null"), 40154)),
    ("number", BY_NAME, {"agent": 5}, Known(NOBODY, 40154)),
    ("boolean", BY_SID, {"agent": True}, Known(NOBODY, 40154)),
    ("array", BY_SID, {"agent": [SHAPED]}, Known(NOBODY, 40154)),
    ("object", BY_NAME, {"agent": {"sid": SHAPED}}, Known(NOBODY, 40154)),
]
NESTED: list[tuple[str, Any, Known]] = [
    ("a.b[1]", {"a": {"b": ["x", "bob"]}}, Known(("friendly_name", "bob"), 40154)),
    ("a.b[1]", {"a": {"b": ["x", None]}}, Known(NOBODY, 0)),
    ("a.b[1]", {"a": {"b": ["x"]}}, Known(NOBODY, 40154)),
    ("a.b[1]", {"a": {"b": "xbob"}}, Known(NOBODY, 40154)),
    ("a.b", {"a": {"b": None}}, Known(NOBODY, 0)),
    ("a.b", {"a": {}}, Known(NOBODY, 40154)),
    ("a.b", {"a": None}, Known(NOBODY, 40154)),
    ("in", {"in": "bob"}, Known(("friendly_name", "bob"), 40154)),
]


@pytest.mark.parametrize(
    ("wanted", "task", "found"), [row[1:] for row in NAMED], ids=[row[0] for row in NAMED]
)
def test_step_names_a_worker_or_says_why_not(wanted: Step, task: dict[str, Any], found: Known) -> None:
    """Semantics 6.6: which of the two codes, and none for null."""
    assert known_worker(wanted, task) == found


@pytest.mark.parametrize(("path", "task", "found"), NESTED)
def test_path_may_go_below_an_attribute(path: str, task: dict[str, Any], found: Known) -> None:
    assert known_worker(step(known_worker_friendly_name=f"task.{path}"), task) == found


CONDITIONS: list[tuple[str | None, Identity, str]] = [
    (None, ("sid", "WK1"), "worker.sid == 'WK1'"),
    (None, ("friendly_name", "it's"), "worker.friendly_name == 'it\\'s'"),
    ("1 == 1", ("sid", "WK1"), "worker.sid == 'WK1'"),
    ("1 == 0", ("sid", "WK1"), "1 == 0"),
    ("level > 5", ("sid", "WK1"), "worker.level > 5 AND worker.sid == 'WK1'"),
    ("a == 1 OR b == 1", ("sid", "5"), "(worker.a == 1 OR worker.b == 1) AND worker.sid == '5'"),
    ("sid == 'WK1'", ("sid", "WK1"), "worker.sid == 'WK1'"),
    ("level > 5", NOBODY, "1 == 0"),
    (None, NOBODY, "1 == 0"),
]


@pytest.mark.parametrize(("target", "identity", "key"), CONDITIONS)
def test_condition_for_one_worker(target: str | None, identity: Identity, key: str) -> None:
    expression = parse_expression(target, Place.TARGET_WORKERS) if target is not None else None
    condition = identified(expression, identity)
    assert condition.key == key
    assert condition_from_key(key) == condition
    assert Specialiser(expression or EVERYONE).of({}, identity) == condition


def test_friendly_name_is_the_exact_text() -> None:
    five = identified(None, ("friendly_name", "5"))
    index = WorkerIndex(few=0)
    for number, name in enumerate(["5", "5.0", "05", "FIVE"]):
        index.put(worker(number, name))
    assert [w.friendly_name for w in index.members(five)] == ["5"]
    assert not five.matches(worker(9, "5.0"))


class TestSpecialiser:
    PAIR = parse_expression("worker.language == task.language", Place.STEP)

    def test_identity_is_part_of_what_is_kept(self) -> None:
        specialiser = Specialiser(SUPPORT, self.PAIR)
        anyone = specialiser.of({"language": "en"})
        one = specialiser.of({"language": "en"}, ("sid", "WK1"))
        assert specialiser.of({"language": "en", "other": 1}, ("sid", "WK1")) is one
        assert specialiser.of({"language": "en"}) is anyone
        keys = {
            condition.key
            for condition in (
                anyone,
                one,
                specialiser.of({"language": "fr"}, ("sid", "WK1")),
                specialiser.of({"language": "en"}, ("sid", "WK2")),
                specialiser.of({"language": "en"}, ("friendly_name", "WK1")),
                specialiser.of({"language": "en"}, NOBODY),
            )
        }
        assert len(keys) == 6

    def test_identity_without_task_references(self) -> None:
        specialiser = Specialiser(SUPPORT)
        one = specialiser.of({"a": 1}, ("sid", "WK1"))
        assert one.key == "'support' IN worker.skills AND worker.sid == 'WK1'"
        assert specialiser.of({"a": 2}, ("sid", "WK1")) is one
        assert specialiser.of({}).key == "'support' IN worker.skills"

    def test_identities_are_forgotten_like_values(self) -> None:
        specialiser = Specialiser(SUPPORT, cached=2)
        first = specialiser.of({}, ("sid", "WK1"))
        specialiser.of({}, ("sid", "WK2"))
        assert specialiser.of({}, ("sid", "WK1")) is first
        specialiser.of({}, ("sid", "WK3"))
        specialiser.of({}, ("sid", "WK4"))
        assert specialiser.of({}, ("sid", "WK1")) is not first


@given(target_trees, step_trees, tasks, st.sampled_from(["WK1", "WK2", "5"]), st.lists(workers, max_size=4))
@CALM
def test_condition_for_one_is_the_condition_for_all_and_the_one(
    target: Node, pair: Node, task: dict[str, Any], sid: str, facts: list[WorkerFacts]
) -> None:
    specialiser = Specialiser(Expression("", Place.TARGET_WORKERS, target), Expression("", Place.STEP, pair))
    anyone, one = specialiser.of(task), specialiser.of(task, ("sid", sid))
    assert condition_from_key(one.key) == one
    for w in facts:
        assert one.matches(w) is (anyone.matches(w) and w.sid == sid)


ONE_OF = [
    ("sid == 'WK7'", [7]),
    ("friendly_name == 'w7'", [7]),
    ("sid IN ['WK7', 'WK8', 'gone']", [7, 8]),
    ("friendly_name IN ['w7', 'w8', 'gone']", [7, 8]),
    ("sid == 'WK7' AND level == 7", [7]),
    ("sid == 'WK7' AND level == 6", []),
    ("sid == 'WK7' AND other CONTAINS '7' AND level > 6", [7]),
    ("sid == 'gone'", []),
    ("sid == 'WK7' OR friendly_name == 'w8'", [7, 8]),
]


@pytest.mark.parametrize(("text", "found"), ONE_OF)
def test_one_worker_is_found_without_looking_at_the_others(text: str, found: list[int]) -> None:
    index = WorkerIndex()
    for number in range(100):
        index.put(worker(number, level=number, other=str(number)))
    condition = Specialiser(parse_expression(text, Place.TARGET_WORKERS)).of({})
    assert sorted(w.sid for w in index.members(condition)) == [f"WK{number}" for number in found]
    assert not index._postings  # no pass over all Workers was needed


def test_number_in_place_of_a_name_still_equals_what_spells_it() -> None:
    index = WorkerIndex()
    for number, name in enumerate(["5", "5.0", "x"]):
        index.put(worker(number, name))
    for text in ("friendly_name == 5", "friendly_name IN [5, 'y']"):
        condition = Specialiser(parse_expression(text, Place.TARGET_WORKERS)).of({})
        assert sorted(w.sid for w in index.members(condition)) == ["WK0", "WK1"]


def test_names_that_change_hands_are_followed() -> None:
    index = WorkerIndex()
    named = identified(None, ("friendly_name", "x"))
    index.put(worker(1, "x"))
    index.put(worker(2, "x"))
    assert sorted(w.sid for w in index.members(named)) == ["WK1", "WK2"]
    index.put(worker(1, "y"))
    assert [w.sid for w in index.members(named)] == ["WK2"]
    index.remove("WK2")
    assert index.members(named) == []
    index.remove("WK1")
    assert not index._named


def test_pools_of_known_workers_are_only_asked_for_their_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    pools = ConditionIndex()
    specialiser = Specialiser(SUPPORT, parse_expression("worker.vip == true", Place.STEP))
    for number in range(1_000):
        pools.put(f"s{number}", specialiser.of({}, ("sid", f"WK{number}")))
        pools.put(f"n{number}", specialiser.of({}, ("friendly_name", f"w{number}")))
    asked: list[str] = []
    original = _Entry.may_hold

    def counting(self: _Entry, scope: Scope) -> bool:
        asked.append(self.condition.key)
        return original(self, scope)

    monkeypatch.setattr(_Entry, "may_hold", counting)
    w = worker(7, skills=["support"], vip=True)
    assert sorted(pools.matching(w)) == ["n7", "s7"]
    assert len(asked) == 2
