"""order_by: parsing, values, and prefixes that sort as the values do."""

from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import ALICE
from rule_strategies import CALM

from engine.rules import Invalid, RuleError, WorkerFacts, parse_order_by

TOP = 2**63 - 1


def worker(**attributes: Any) -> WorkerFacts:
    return WorkerFacts("WK1", "w", "WA1", "Idle", attributes, ALICE.channels)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("worker.level", "worker.level ASC"),
        (" worker.level   desc ", "worker.level DESC"),
        ("worker.level DESC,worker.cost asc", "worker.level DESC, worker.cost ASC"),
        ("worker.a.b[0] Desc", "worker.a.b[0] DESC"),
        ("worker.level\tASC", "worker.level ASC"),
    ],
)
def test_orders_written_alike_share_a_key(text: str, key: str) -> None:
    assert parse_order_by(text).key == key
    assert parse_order_by(key).key == key


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("level DESC", 0),
        ("worker.level DESC,", 18),
        ("worker.level DESC, cost", 19),
        ("worker.level DOWN", 0),
        ("worker.level DESC ASC", 0),
        ("worker", 0),
        ("task.level", 0),
        ("worker.a-b", 0),
        ("worker.level == 5", 0),
        (",".join(["worker.a"] * 17), 144),
    ],
)
def test_broken_order_is_refused_where_it_breaks(text: str, position: int) -> None:
    with pytest.raises(RuleError) as refusal:
        parse_order_by(text)
    assert refusal.value.position == position


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (5.0, 5),
        (-0.0, 0),
        (2**70, TOP),
        (-(2**70), -TOP),
        (1e30, TOP),
        (None, None),
        (5.5, Invalid.INVALID),
        (1e999, Invalid.INVALID),
        (True, Invalid.INVALID),
        ("5", Invalid.INVALID),
        ([5], Invalid.INVALID),
        ({}, Invalid.INVALID),
    ],
)
def test_value_of_a_clause_is_an_integer_or_missing_or_invalid(value: Any, expected: Any) -> None:
    assert parse_order_by("worker.level").values(worker(level=value)) == (expected,)


def test_special_keys_are_texts_and_channels_are_missing() -> None:
    order = parse_order_by(
        "worker.sid, worker.channel.voice.assigned_tasks, worker.channel, worker.gone[1].x"
    )
    assert order.values(worker(channel=3)) == (Invalid.INVALID, None, 3, None)
    assert len(order) == 4


def test_ignored_clauses_are_left_out_and_the_rest_keeps_its_width() -> None:
    order = parse_order_by("worker.a, worker.b DESC, worker.c")
    values = (1, Invalid.INVALID, None)
    whole = order.prefix(values)
    assert len(whole) == 48
    assert whole[16:32] == order.prefix((None, None, None))[16:32] == "f" * 16
    assert order.prefix(values, 0b010) == whole[:16] + whole[32:]
    assert order.prefix(values, 0b111) == ""


numbers = st.one_of(st.none(), st.integers(-3, 3), st.integers(-TOP, TOP), st.sampled_from([TOP, -TOP]))


@given(
    st.lists(st.booleans(), min_size=1, max_size=3).flatmap(
        lambda down: st.tuples(
            st.just(down),
            st.lists(st.tuples(*[numbers] * len(down)), min_size=2, max_size=6),
            st.integers(0, 2 ** len(down) - 1),
        )
    )
)
@CALM
def test_prefixes_sort_as_the_values_do(case: tuple[list[bool], list[tuple[Any, ...]], int]) -> None:
    down, rows, ignored = case
    order = parse_order_by(", ".join(f"worker.k{i} {'DESC' if d else 'ASC'}" for i, d in enumerate(down)))

    def compare(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
        for i, (first, second) in enumerate(zip(one, other, strict=True)):
            if ignored >> i & 1 or first == second:
                continue
            if first is None or second is None:
                return 1 if first is None else -1
            return (-1 if first < second else 1) * (-1 if down[i] else 1)
        return 0

    by_value = sorted(rows, key=cmp_to_key(compare))
    by_prefix = sorted(rows, key=lambda row: order.prefix(row, ignored))
    assert by_prefix == by_value
    kept = [i for i in range(len(down)) if not ignored >> i & 1]
    assert {len(order.prefix(row, ignored)) for row in rows} == {16 * len(kept)}


values = st.one_of(numbers, st.sampled_from([True, 1, 1.0, 2.5, "1", [1], 2**70, -(2**70), 1e30]))


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), values), max_size=6))
@CALM
def test_prefixes_of_all_members_are_the_prefixes_of_each(several: list[dict[str, Any]]) -> None:
    """Semantics 6.7: a clause that meets a value that is no integer counts for nobody."""
    order = parse_order_by("worker.a DESC, worker.b, worker.c.d, worker.activity_sid")
    members = [worker(**attributes) for attributes in several]
    mask = 0
    for w in members:
        mask |= sum(1 << i for i, value in enumerate(order.values(w)) if value is Invalid.INVALID)
    for _ in range(2):  # the second time from memory
        assert order.prefixes(members) == (mask, [order.prefix(order.values(w), mask) for w in members])


def test_order_remembers_a_bounded_number_of_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.rules.order.MEMORY", 3)
    order = parse_order_by("worker.a")
    members = [worker(a=number) for number in range(10)]
    prefixes = order.prefixes(members)[1]
    assert prefixes == sorted(prefixes)
    assert prefixes == order.prefixes(members)[1]
    assert len(order._digits[0]) == 3
