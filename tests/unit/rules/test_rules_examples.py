"""The examples and type rules of the expression language, from tables of one case a line."""

import pytest
from rule_cases import ALICE, EVERY_TYPE, TICKET, Case, read_cases

from engine.rules import Place, RuleError, condition_from_key, parse_expression, specialise

EXAMPLES = read_cases("examples.txt")
TYPE_RULES = read_cases("type_rules.txt")
EVALUATED = [case for case in EXAMPLES + TYPE_RULES if not case.result.startswith("error")]
EVERYONE = parse_expression("1 == 1", Place.TARGET_WORKERS)


def test_the_table_has_every_example() -> None:
    assert [case.name for case in EXAMPLES] == [str(number) for number in range(1, 105)]


@pytest.mark.parametrize("case", EVALUATED, ids=lambda case: f"{case.name}: {case.text}")
def test_expression_holds_as_the_table_says(case: Case) -> None:
    assert case.holds() is (case.result == "true")


@pytest.mark.parametrize("case", [c for c in EXAMPLES if c not in EVALUATED], ids=lambda case: case.text)
def test_refused_expression_names_the_place(case: Case) -> None:
    with pytest.raises(RuleError) as refusal:
        case.parse()
    assert refusal.value.position == int(case.result.removeprefix("error@"))
    assert f"position {refusal.value.position}: " in str(refusal.value)


@pytest.mark.parametrize(
    "case",
    [c for c in EVALUATED if c.context in ("W", "X", "TW")],
    ids=lambda case: f"{case.name}: {case.text}",
)
def test_specialised_and_rebuilt_condition_agrees_with_the_table(case: Case) -> None:
    worker = EVERY_TYPE if case.context == "X" else ALICE
    if case.context == "TW":
        condition = specialise(EVERYONE, case.parse(), TICKET)
    else:
        condition = specialise(case.parse(), None, {})
    assert condition.matches(worker) is (case.result == "true")
    rebuilt = condition_from_key(condition.key)
    assert rebuilt.key == condition.key
    assert rebuilt.matches(worker) is (case.result == "true")


REFUSED = [
    ("", 0, "expected a value or an attribute or NOT or (, found the end"),
    ("level > ", 8, "expected a value or an attribute, found the end"),
    ("(level > 5", 10, "expected ), found the end"),
    ("level > 5)", 9, "expected the end, found ')'"),
    ("level 5", 6, "expected an operator"),
    ("level > 5 tier == 'x'", 10, "expected the end or AND or OR, found 'tier'"),
    ("tier == 'Gold", 8, "expected a closing ' for the string that starts here"),
    ("tier == 'Gold\\'", 8, "expected a closing ' for the string that starts here"),
    ("tier == 'a\\d'", 10, "after a backslash"),
    ("skill-level > 5", 5, "a hyphen is only allowed in a string or before a number"),
    ("level > - 5", 8, "a hyphen is only allowed"),
    ("level -5 > 1", 6, "expected an operator"),
    ("level > 5 - 1", 10, "a hyphen is only allowed"),
    ("a == 1e5", 6, "expected a number without exponent"),
    ("a == 1.", 6, "expected a value or an operator, found '.'"),
    ("a == .5", 5, "expected a value or an operator, found '.'"),
    ("a IN [1, b]", 9, "expected a constant in the array"),
    ("a IN [1, 2", 10, "expected , or ] in the array"),
    ("a IN [1,]", 8, "expected a constant in the array"),
    ("a IN [1 2]", 8, "expected , or ] in the array"),
    ("a IN ['x\\d']", 8, "after a backslash"),
    ("a IN [1e5]", 7, "expected a number without exponent"),
    ("a IN [[1]]", 6, "expected a constant in the array"),
    ("skills NOT HAS 'x'", 7, "expected an operator"),
    ("tier NOT CONTAINS 'x'", 5, "expected an operator"),
    ("level BETWEEN 1 AND 2", 6, "expected an operator"),
    ("tier =~ 'x.*'", 6, "found '~'"),
    ("upper(tier) == 'X'", 5, "expected an operator"),
    ("tier == 'x' && level > 1", 12, "found '&'"),
    ("a == b == c", 7, "expected the end or AND or OR"),
    ("NOT NOT a == 1", 4, "expected a value or an attribute or (, found 'NOT'"),
    ("(level) > 5", 6, "expected an operator"),
    ("a == 1 -- all of them", 7, "a hyphen is only allowed"),
    ("a.'b' == 1", 1, "expected a value or an operator, found '.'"),
    ("a[b] == 1", 2, "expected a constant"),
    ("a[-1] == 1", 1, "expected an operator"),
    ("a[1234567890] == 1", 2, "an index has at most 9 digits"),
    ("a" + ".b" * 32 + " == 1", 0, "a path has at most 32 parts"),
    ("a == " + "1" * 65, 5, "a number has at most 64 characters"),
    ("a == \x00", 5, "expected a value or an operator"),
]


@pytest.mark.parametrize(("text", "position", "message"), REFUSED, ids=[case[0][:30] for case in REFUSED])
def test_refusal_says_where_and_what_was_expected(text: str, position: int, message: str) -> None:
    with pytest.raises(RuleError) as refusal:
        parse_expression(text, Place.TASK_FILTER)
    assert refusal.value.position == position
    assert message in str(refusal.value)


@pytest.mark.parametrize("place", [place for place in Place if place is not Place.TARGET_WORKERS])
def test_blank_text_is_an_expression_for_target_workers_only(place: Place) -> None:
    assert not parse_expression(" \n", Place.TARGET_WORKERS).matches_worker(ALICE)
    with pytest.raises(RuleError):
        parse_expression(" \n", place)
