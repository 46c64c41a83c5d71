"""What is left of a condition when only the load is open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import ALICE
from rule_strategies import CALM, load_trees, workers

from engine.rules import (
    ChannelFacts,
    Condition,
    Place,
    WorkerFacts,
    parse_expression,
    run_residual,
    specialise,
)
from engine.rules.canonical import canonical
from engine.rules.tree import Node

EVERYONE = parse_expression("1 == 1", Place.TARGET_WORKERS)


def step_condition(text: str) -> Condition:
    return specialise(EVERYONE, parse_expression(text, Place.STEP), {})


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


@given(load_trees, st.lists(workers, min_size=1, max_size=6))
@CALM
def test_residual_run_on_the_load_is_the_whole_truth(node: Node, facts: list[WorkerFacts]) -> None:
    condition = Condition(canonical(node))
    for w in facts:
        program = condition.residual(w)
        assert (program is not None and run_residual(program, w.channels)) is condition.matches(w)
        if not condition.uses_channels:
            assert program in (None, "")


@given(load_trees, st.lists(workers, min_size=1, max_size=6))
@CALM
def test_programs_of_those_who_satisfy_the_rest_are_their_residuals(
    node: Node, facts: list[WorkerFacts]
) -> None:
    condition = Condition(canonical(node))
    members = [w for w in facts if condition.residual(w) is not None]
    assert condition.programs(members) == [condition.residual(w) for w in members]


def test_programs_look_at_the_load_only() -> None:
    condition = step_condition("worker.level > 5 AND worker.channel.voice.assigned_tasks < 1")
    novice = WorkerFacts("WK1", "w", "WA1", "Idle", {"level": 1}, ALICE.channels)
    absent = WorkerFacts("WK2", "w", "WA1", "Idle", {"level": 9})
    assert condition.programs([ALICE, novice, absent]) == ["a:voice #1 <", "a:voice #1 <", None]
    assert condition.residual(novice) is None


def test_workers_with_the_same_channels_may_have_different_programs() -> None:
    condition = step_condition("worker.channel.voice.assigned_tasks < worker.level")
    members = [WorkerFacts("WK1", "w", "WA1", "Idle", {"level": n}, ALICE.channels) for n in (5, 7)]
    assert condition.programs(members) == ["a:voice #5 <", "a:voice #7 <"]
