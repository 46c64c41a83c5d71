"""Texts made to hurt: refused quickly or evaluated cheaply, and never a recursion error.

The bounds of time are of CPU and some 20 times what an idle machine needs; quadratic work would pass them
by far.
"""

import json
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
from rule_cases import ALICE

from engine.rules import Place, RuleError, parse_expression, parse_order_by, parse_workflow, specialise
from engine.rules.compile import LONG_ARRAY
from engine.rules.tokens import MAX_DEPTH, MAX_WEIGHT
from engine.rules.values import Members

MEGABYTE = 1_000_000
PATIENCE_SECONDS = 10.0

REFUSED: list[tuple[str, str, str]] = [
    ("open brackets", "(" * MEGABYTE, "brackets are more than 64 deep"),
    ("NOT", "NOT " * (MEGABYTE // 4), "too much to evaluate"),
    ("ANDs", " AND ".join(["a==1"] * 10_000), "too much to evaluate"),
    ("searches", " OR ".join(["a CONTAINS 'x'"] * 42), "too much to evaluate"),
    ("deep nesting", "(" * 65 + "a==1" + ")" * 65, "brackets are more than 64 deep"),
    ("quotes", "'" * MEGABYTE, "too much to evaluate"),
    ("open string of escapes", '"' + '\\"' * (MEGABYTE // 2), "expected a closing"),
    ("escapes outside strings", "\\" * MEGABYTE, "expected a value"),
    ("open array", "a IN [" + "'a'," * (MEGABYTE // 4), "expected a constant"),
    ("nested arrays", "a IN " + "[" * MEGABYTE, "expected a constant"),
    ("endless path", "a" + ".b" * (MEGABYTE // 2) + " == 1", "a path has at most 32 parts"),
    ("endless index", "a[" + "9" * MEGABYTE + "] == 1", "an index has at most 9 digits"),
    ("endless number", "a == " + "9" * MEGABYTE, "a number has at most 64 characters"),
    ("endless number in an array", "a IN [" + "9" * MEGABYTE + "]", "a number has at most 64 characters"),
    ("blanks", " " * MEGABYTE, "expected a value"),
    ("blanks in an array", "a IN [1" + " " * MEGABYTE + "2]", "expected , or ]"),
    ("hyphens", "-" * MEGABYTE, "a hyphen"),
    ("letters", "a" * MEGABYTE, "expected an operator"),
    ("too long", "a" * 1_038_577, "at most 1038576 characters"),
    ("regex that would backtrack", "a ~ '(x+x+)+y'", "found '~'"),
]


@pytest.mark.parametrize(("text", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_hostile_text_is_refused_quickly(text: str, message: str) -> None:
    start = process_time()
    with pytest.raises(RuleError) as refusal:
        parse_expression(text, Place.TASK_FILTER)
    assert process_time() - start < PATIENCE_SECONDS
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("place", [Place.TARGET_WORKERS, Place.WORKER_LIST, Place.TASK_LIST])
def test_short_places_take_4096_characters(place: Place) -> None:
    parse_expression("a == '" + "x" * 4_089 + "'", place)
    with pytest.raises(RuleError, match="at most 4096 characters here, this one 4097"):
        parse_expression("a == '" + "x" * 4_090 + "'", place)
    parse_expression("a == '" + "x" * 4_090 + "'", Place.SKIP_IF)


def test_limits_are_reached_exactly() -> None:
    comparisons = MAX_WEIGHT // 5  # a reference counts two, `==`, the number and the AND behind it one each
    parse_expression(" AND ".join(["a==1"] * comparisons), Place.TASK_FILTER)
    with pytest.raises(RuleError):
        parse_expression(" AND ".join(["a==1"] * (comparisons + 1)), Place.TASK_FILTER)
    deepest = "NOT (" * MAX_DEPTH + "a == 1" + ")" * MAX_DEPTH
    assert parse_expression(deepest, Place.TARGET_WORKERS).matches_worker(ALICE) is False
    assert specialise(parse_expression(deepest, Place.TARGET_WORKERS), None, {}).key == "worker.a == 1"


def test_brackets_that_close_again_are_not_deep() -> None:
    text = " AND ".join(["(level == 7)"] * (MAX_DEPTH + 1))
    assert parse_expression(text, Place.TARGET_WORKERS).matches_worker(ALICE)


def test_deepest_and_widest_accepted_condition_survives_the_round_trip() -> None:
    text = "a == 1"
    for i in range(MAX_DEPTH):
        text = f"(b == {i} {('AND', 'OR')[i % 2]} {text})" if i % 2 else f"NOT (c == {i} AND {text})"
    condition = specialise(parse_expression(text, Place.TARGET_WORKERS), None, {})
    assert condition.matches(ALICE) is parse_expression(text, Place.TARGET_WORKERS).matches_worker(ALICE)


def test_array_of_a_megabyte_is_parsed_in_linear_time_and_hashed() -> None:
    start = process_time()
    filter_ = parse_expression("a IN [" + "1," * 500_000 + "2]", Place.TASK_FILTER)
    assert process_time() - start < PATIENCE_SECONDS
    assert filter_.matches_task({"a": 2})
    assert not filter_.matches_task({"a": 3})


def test_long_attribute_array_is_hashed_once_an_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    class CountedMembers(Members):
        def __init__(self, elements: list[Any]) -> None:
            built.append(len(elements))
            super().__init__(elements)

    text = " OR ".join(f"skills HAS 'x{i}'" for i in range(100))
    expression = parse_expression(text, Place.TASK_FILTER)
    monkeypatch.setattr("engine.rules.compile.values.Members", CountedMembers)
    skills = [f"s{i}" for i in range(LONG_ARRAY)]
    assert not expression.matches_task({"skills": skills})
    assert expression.matches_task({"skills": [*skills, "x99"]})
    assert not expression.matches_task({"skills": skills[1:]})
    assert built == [LONG_ARRAY, LONG_ARRAY + 1]


def nested(depth: int) -> str:
    """A document whose brackets are `depth` deep: two by its shape, the rest under an ignored key."""
    inside = "[" * (depth - 1) + "]" * (depth - 1)
    return '{"x": ' + inside + ', "task_routing": {"default_filter": {"queue": "WQ1"}}}'


def load(document: str) -> Callable[[], object]:
    return lambda: parse_workflow(document, queue_exists=lambda _: True)


def test_document_may_be_32_deep() -> None:
    load(nested(32))()
    with pytest.raises(RuleError, match="nested more than 32 deep"):
        load(nested(33))()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("[" * MEGABYTE, "nested more than 32 deep"),
        ('{"a":' * 200_000, "nested more than 32 deep"),
        ('"' + '\\"' * (MEGABYTE // 2), "not JSON"),
        ('"' * MEGABYTE, "not JSON"),
        (" " * MEGABYTE, "not JSON"),
        ('{"é": "' + "é" * 519_290 + '"}', "at most 1038576 bytes"),
    ],
    ids=["arrays", "objects", "escapes", "quotes", "blanks", "bytes not characters"],
)
def test_hostile_document_is_refused_quickly(document: str, message: str) -> None:
    start = process_time()
    with pytest.raises(RuleError, match=message):
        load(document)()
    assert process_time() - start < PATIENCE_SECONDS


def test_largest_document_of_tiny_filters_is_parsed() -> None:
    filters = [
        {"expression": f"a=={i}", "targets": [{"queue": "WQ1", "skip_if": "1==1"}]} for i in range(14_500)
    ]
    document = json.dumps({"task_routing": {"filters": filters}}, separators=(",", ":"))
    assert 900_000 < len(document) <= 1_038_576
    start = process_time()
    workflow = parse_workflow(document, queue_exists=lambda _: True)
    assert process_time() - start < 2 * PATIENCE_SECONDS
    assert workflow.match({"a": 14_499}) == 14_499


def test_long_order_is_refused_quickly() -> None:
    start = process_time()
    for text in ("worker.a," * 100_000, "worker.a" + " " * MEGABYTE + "x", " " * MEGABYTE, "a" * MEGABYTE):
        with pytest.raises(RuleError):
            parse_order_by(text)
    assert process_time() - start < PATIENCE_SECONDS
