"""Conditions: canonical keys, and specialising for a Task."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import ALICE, TICKET
from rule_strategies import CALM, load_trees, step_trees, target_trees, tasks, workers

from engine.rules import (
    Condition,
    Expression,
    Place,
    RuleError,
    Specialiser,
    WorkerFacts,
    condition_from_key,
    parse_expression,
    specialise,
)
from engine.rules.bind import bind, rooted
from engine.rules.canonical import canonical
from engine.rules.compile import Scope, compile_node
from engine.rules.parse import parse
from engine.rules.tokens import OF_KEYS
from engine.rules.tree import Node, show

EVERYONE = parse_expression("1 == 1", Place.TARGET_WORKERS)


def key_of(target: str) -> str:
    return specialise(parse_expression(target, Place.TARGET_WORKERS), None, {}).key


def step_condition(text: str, task: dict[str, Any] | None = None) -> Condition:
    return specialise(EVERYONE, parse_expression(text, Place.STEP), task or {})


SAME = [
    ("level>5", " level  >  5.0 "),
    ("tier='x'", 'tier == "x"'),
    ("tier <> 'x'", "'x' != tier"),
    ("5 < level", "level > 5"),
    ("5 >= level", "level <= 5"),
    ("5 <= level", "level >= 5"),
    ("5 > level", "level < 5"),
    ("a <= b", "b >= a"),
    ("skills HAS 'x'", "'x' in skills"),
    ("tier IN ['b','a','b']", 'tier <- ["a", "b"]'),
    ("tier IN ['b']", "tier == 'b'"),
    ("tier == 'a' OR tier == 'b'", "tier IN ['b','a']"),
    ("tier NOT IN ['b']", "tier != 'b'"),
    ("a == 1 AND b == 2", "b==2 and (a==1 and b==2.0)"),
    ("a == 1 OR (b == 2 OR c == 3)", "c = 3 OR b = 2 OR a = 1"),
    ("NOT (NOT (a == 1))", "a == 1"),
    ("NOT (a == 1 AND b == 2)", "NOT a == 1 OR NOT b == 2"),
    ("a == 1 AND 1 == 1", "a == 1"),
    ("a == 1 AND 'x' == 'y'", "1 == 2"),
    ("a == 1 OR 2 > 1", "0 < 1"),
    ("a == 1 AND NOT a == 1", "1 == 0"),
    ("a > null", "1 == 0"),
    ("a != ['x']", "a == null"),
    ("a CONTAINS 5.0", "a CONTAINS '5'"),
    ("a == b", "b == a"),
    ("a < b", "b > a"),
    ("worker.x == 1 AND 1 == 1", "worker.x == 1"),
    ("channel.voice.assigned_tasks == null", "1 == 1"),
    ("sid.x == null", "1 == 1"),
    (" ", "1 == 0"),
]
DIFFERENT = [
    ("NOT a == 1", "a != 1"),
    ("a == 5", "a == '5'"),
    ("a == 1", "a == true"),
    ("a HAS 1", "a HAS true"),
    ("a NOT IN [null]", "a != null"),
    ("worker.x == 1", "x == 1"),
    ("a CONTAINS b", "b CONTAINS a"),
    ("(a == 1 OR b == 1) AND c == 1", "a == 1 OR b == 1 AND c == 1"),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=lambda text: text)
def test_trivially_different_texts_share_a_key(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=lambda text: text)
def test_different_conditions_have_different_keys(one: str, other: str) -> None:
    assert key_of(one) != key_of(other)


def test_target_and_step_spell_the_same_worker_key() -> None:
    target = parse_expression("level > 5", Place.TARGET_WORKERS)
    step = parse_expression("worker.level > task.level", Place.STEP)
    assert specialise(target, step, {"level": 5}).key == "worker.level > 5"
    assert specialise(EVERYONE, step, {"level": 5.0}) == specialise(target, None, {})


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("", "expected"),
        ("level > 5", "below one of"),
        ("task.a == 1", "Workers only"),
        ("worker == 1", "below"),
    ],
)
def test_text_that_is_no_condition_is_refused_as_key(key: str, fault: str) -> None:
    with pytest.raises(RuleError, match=fault):
        condition_from_key(key)


def test_condition_says_what_it_depends_on() -> None:
    assert step_condition("worker.activity_name == 'x'").uses_activity
    assert step_condition("worker.level < 5 OR worker.activity_sid IN ['WA1']").uses_activity
    assert not step_condition("worker.friendly_name == 'x' AND worker.a.activity_sid == 1").uses_activity
    assert step_condition("NOT worker.channel.voice.assigned_tasks > 1").uses_channels
    assert not step_condition("worker.channel == 1 AND worker.channel.voice == null").uses_channels


class TestSpecialiser:
    def test_equal_values_share_a_condition(self) -> None:
        step = parse_expression("worker.language == task.language", Place.STEP)
        specialiser = Specialiser(EVERYONE, step)
        first = specialiser.of({"language": "en", "other": 1})
        assert specialiser.of({"language": "en", "other": 2}) is first
        assert specialiser.of({"language": "fr"}).key == "worker.language == 'fr'"

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (1, True),
            (0, False),
            ("1", 1),
            (None, "None"),
            ([1], [True]),
            (["a"], "['a']"),
            ([], {}),
            ([None], []),
        ],
    )
    def test_values_that_look_alike_are_kept_apart(self, one: object, other: object) -> None:
        for text in ("worker.x IN task.x", "worker.x == task.x", "worker.x IN task.x.y"):
            step = parse_expression(text, Place.STEP)
            specialiser = Specialiser(EVERYONE, step)
            assert specialiser.of({"x": one}).key == specialise(EVERYONE, step, {"x": one}).key
            assert specialiser.of({"x": other}).key == specialise(EVERYONE, step, {"x": other}).key

    def test_nested_values_are_told_apart(self) -> None:
        specialiser = Specialiser(EVERYONE, parse_expression("worker.x == task.a.b[1]", Place.STEP))
        assert specialiser.of({"a": {"b": [1, 2]}}).key == "worker.x == 2"
        assert specialiser.of({"a": {"b": [1, 3]}}).key == "worker.x == 3"
        assert specialiser.of({"a": "b"}).key == "worker.x == null"

    def test_condition_without_task_references_is_made_once(self) -> None:
        specialiser = Specialiser(EVERYONE, parse_expression("worker.x == 1", Place.STEP))
        assert specialiser.of({"a": 1}) is specialiser.of({"a": 2})

    def test_least_recently_used_values_are_forgotten(self) -> None:
        step = parse_expression("worker.x == task.x", Place.STEP)
        specialiser = Specialiser(EVERYONE, step, cached=2)
        first, second = specialiser.of({"x": 1}), specialiser.of({"x": 2})
        assert specialiser.of({"x": 1}) is first
        specialiser.of({"x": 3})
        assert specialiser.of({"x": 1}) is first
        assert specialiser.of({"x": 2}) is not second


def truth(node: Node, w: WorkerFacts, task: dict[str, Any] | None = None) -> bool:
    return compile_node(node)(Scope(w, task))


@given(step_trees)
@CALM
def test_printed_tree_parses_to_itself(node: Node) -> None:
    again = bind(parse(show(node), OF_KEYS), rooted)
    assert again == node
    assert repr(again) == repr(node)  # tells 1, 1.0 and True apart


@given(load_trees, st.lists(workers, min_size=1, max_size=4))
@CALM
def test_canonical_form_means_the_same_and_is_stable(node: Node, facts: list[WorkerFacts]) -> None:
    normal = canonical(node)
    assert show(canonical(normal)) == show(normal)
    rebuilt = condition_from_key(Condition(normal).key)
    assert rebuilt.key == show(normal)
    for w in facts:
        assert truth(normal, w) is truth(node, w)
        assert rebuilt.matches(w) is truth(node, w)


@given(target_trees, step_trees, tasks, st.lists(workers, min_size=1, max_size=4))
@CALM
def test_specialised_condition_is_target_and_step(
    target: Node, step: Node, task: dict[str, Any], facts: list[WorkerFacts]
) -> None:
    queue = Expression("", Place.TARGET_WORKERS, target)
    pair = Expression("", Place.STEP, step)
    condition = specialise(queue, pair, task)
    assert condition_from_key(condition.key).key == condition.key
    for w in facts:
        assert condition.matches(w) is (queue.matches_worker(w) and pair.matches_pair(task, w))


def test_whole_ticket_specialises_every_kind_of_reference() -> None:
    condition = step_condition(
        "worker.agent_id IN task.preferred_agents AND task.object.array[1] == 'b' "
        "AND worker.level > task.skill",
        TICKET,
    )
    assert condition.key == "worker.agent_id IN ['agent01', 'agent04'] AND worker.level > 5.1"
    assert condition.matches(ALICE)
