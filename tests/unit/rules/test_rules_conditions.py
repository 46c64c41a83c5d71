"""Conditions: canonical keys, specialising for a Task, and what is left when only the load is open."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import ALICE, TICKET
from rule_strategies import CALM, load_trees, step_trees, target_trees, tasks, workers

from engine.rules import (
    ChannelFacts,
    Condition,
    Expression,
    Place,
    RuleError,
    Specialiser,
    WorkerFacts,
    condition_from_key,
    parse_expression,
    run_residual,
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


RESIDUALS = [
    ("worker.channel.voice.assigned_tasks == 0", "a:voice #0 =="),
    ("5.50 > worker.channel.chat.configured_capacity", "c:chat #5.5 <"),
    ("worker.channel.chat.available_capacity_percentage >= '50'", "p:chat #50 >="),
    ("worker.level > 5 AND worker.channel.voice.assigned_tasks < 1", "a:voice #1 <"),
    ("worker.level > 9 AND worker.channel.voice.assigned_tasks < 1", None),
    ("worker.level > 5 OR worker.channel.voice.assigned_tasks < 1", ""),
    ("worker.level > 9 OR worker.channel.voice.assigned_tasks < 1", "a:voice #1 <"),
    ("NOT worker.channel.voice.assigned_tasks < 1", "a:voice #1 < !"),
    ("worker.channel.voice.assigned_tasks != 1", "a:voice #1 !="),
    ("worker.channel.fax.assigned_tasks == 0", None),
    ("worker.channel.fax.assigned_tasks != 0", ""),
    ("worker.channel.voice.assigned_tasks > -1.5", ""),
    ("worker.channel.voice.assigned_tasks < 99999999999999999999", ""),
    ("worker.channel.voice.assigned_tasks == 'many'", None),
    ("worker.channel.voice.assigned_tasks != true", ""),
    ("worker.channel.voice.assigned_tasks != worker.skills", None),
    ("worker.channel.voice.assigned_tasks CONTAINS 1.0", "a:voice $1 ~"),
    ("worker.channel.voice.assigned_tasks CONTAINS '0.5'", None),
    ("worker.channel.voice.assigned_tasks CONTAINS ''", ""),
    ("worker.agent_id CONTAINS worker.channel.chat.assigned_tasks", "$01 a:chat ~"),
    ("'7a12' CONTAINS worker.channel.chat.assigned_tasks", "$12 a:chat ~ $7 a:chat ~ |"),
    ("worker.a1 < worker.channel.chat.assigned_tasks", None),
    ("worker.tier CONTAINS worker.channel.chat.assigned_tasks", None),
    (
        "worker.channel.voice.assigned_tasks CONTAINS worker.channel.chat.assigned_tasks",
        "a:voice a:chat ~",
    ),
    ("worker.channel.voice.assigned_tasks IN [2, '1', 0.5, 'x', -1]", "a:voice #1 == a:voice #2 == |"),
    ("worker.channel.voice.assigned_tasks NOT IN [1]", "a:voice #1 !="),
    ("worker.channel.voice.assigned_tasks NOT IN ['x', 1]", "a:voice #1 == !"),
    ("worker.channel.voice.assigned_tasks IN worker.skills", None),
    ("worker.channel.voice.assigned_tasks NOT IN worker.skills", ""),
    ("worker.channel.voice.assigned_tasks NOT IN worker.level", None),
    ("worker.skills HAS worker.channel.voice.assigned_tasks", None),
    ("worker.channel.voice.assigned_tasks NOT IN worker.channel.chat.assigned_tasks", None),
]


@pytest.mark.parametrize(("text", "program"), RESIDUALS, ids=[text for text, _ in RESIDUALS])
def test_residual_is_the_part_that_depends_on_the_load(text: str, program: str | None) -> None:
    assert step_condition(text).residual(ALICE) == program


def test_residual_of_several_channels_is_postfix() -> None:
    text = (
        "worker.level > 5 AND worker.channel.voice.assigned_tasks < 1 AND "
        "(worker.channel.chat.assigned_tasks == 0 OR worker.channel.chat.configured_capacity > 9)"
    )
    program = step_condition(text).residual(ALICE)
    assert program == "a:chat #0 == c:chat #9 > | a:voice #1 < &"
    assert not run_residual(program, ALICE.channels)
    assert run_residual(program, {**ALICE.channels, "chat": ChannelFacts(10, 5, 50)})
    assert not run_residual(program, {"voice": ChannelFacts(1, 1, 0), "chat": ChannelFacts(10, 5, 50)})


@pytest.mark.parametrize(
    ("op", "mirrored"), [("<", ">"), ("<=", ">="), (">", "<"), (">=", "<="), ("==", "=="), ("!=", "!=")]
)
def test_attribute_on_the_left_of_a_channel_number_is_mirrored(op: str, mirrored: str) -> None:
    w = WorkerFacts("WK1", "w", "WA1", "Idle", {"a": "2"}, ALICE.channels)  # sorts before `channel`
    condition = step_condition(f"worker.a {op} worker.channel.chat.assigned_tasks")
    assert condition.residual(w) == f"a:chat #2 {mirrored}"


def test_program_of_constants_and_missing_channels_runs() -> None:
    assert run_residual("", {})
    assert run_residual("T F | F ! &", {})
    assert not run_residual("a:gone #0 ==", {})
    assert run_residual("#-1.5 #0 <", {})


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


@given(load_trees, st.lists(workers, min_size=1, max_size=6))
@CALM
def test_residual_run_on_the_load_is_the_whole_truth(node: Node, facts: list[WorkerFacts]) -> None:
    condition = Condition(canonical(node))
    for w in facts:
        program = condition.residual(w)
        assert (program is not None and run_residual(program, w.channels)) is condition.matches(w)
        if not condition.uses_channels:
            assert program in (None, "")


def test_whole_ticket_specialises_every_kind_of_reference() -> None:
    condition = step_condition(
        "worker.agent_id IN task.preferred_agents AND task.object.array[1] == 'b' "
        "AND worker.level > task.skill",
        TICKET,
    )
    assert condition.key == "worker.agent_id IN ['agent01', 'agent04'] AND worker.level > 5.1"
    assert condition.matches(ALICE)
