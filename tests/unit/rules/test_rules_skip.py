"""skip_if as a program on counts: what is folded, what is left, and that it says what the expression says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_strategies import CALM, scalars, trees

from engine.rules import Expression, Place, parse_expression, run_skip, skip_program
from engine.rules.tree import COUNTS, Lit, Node, Ref

PROGRAMS = [
    ("workers.available == 0", "w:+ #0 =="),
    ("workers.unavailable > 2.5", "w:- #2.5 >"),
    ("workers.WA9 < 2", "w:WA9 #2 <"),
    ("5 > workers.available", "w:+ #5 <"),
    ("workers.available >= '3'", "w:+ #3 >="),
    ("workers.available == 0 AND workers.unavailable != 0", "w:+ #0 == w:- #0 != &"),
    ("workers.available == 0 OR 1 == 2", "w:+ #0 =="),
    ("workers.available == 0 OR 1 == 1", "T"),
    ("NOT (workers.available == 0 OR workers.WA9 > 1)", "w:WA9 #1 > ! w:+ #0 == ! &"),
    ("workers.available < workers.unavailable", "w:+ w:- <"),
    ("workers.available CONTAINS 1", "w:+ $1 ~"),
    ("'7a01' CONTAINS workers.available", "$01 w:+ ~ $7 w:+ ~ |"),
    ("workers.available IN [2, '1', 'x']", "w:+ #1 == w:+ #2 == |"),
    ("1==1", "T"),
    ("1 == 2", "F"),
    ("workers.available > -1", "T"),
    ("workers.available == 'none'", "F"),
    ("workers.available == null", "F"),
    ("workers.available != true", "T"),
    ("workers.available NOT IN workers.unavailable", "F"),
    ("workers.foo == 0", "T"),
    ("workers.foo > 0", "F"),
    ("workers.foo > 0 OR workers.available > 0", "w:+ #0 >"),
    ("workers == 0", "T"),
    ("nobody.available == 0", "T"),
    ("workers.available.x == 0", "T"),
]


@pytest.mark.parametrize(("text", "program"), PROGRAMS)
def test_program_is_what_depends_on_the_counts(text: str, program: str) -> None:
    """Semantics 6.8 and 7.7, with the coercions of 7.4 done beforehand."""
    assert skip_program(parse_expression(text, Place.SKIP_IF)) == program


@pytest.mark.parametrize(
    ("program", "counts", "result"),
    [
        ("w:+ #0 ==", {}, True),
        ("w:+ #0 ==", {"+": 1}, False),
        ("w:- #2 >=", {"+": 1, "-": 2}, True),
        ("w:WA9 #1 <", {"+": 1, "WA8": 4}, True),
        ("w:WA9 #1 <", {"WA9": 1}, False),
        ("T", {}, True),
        ("F", {"+": 1}, False),
    ],
)
def test_absent_count_is_nobody(program: str, counts: dict[str, int], result: bool) -> None:
    assert run_skip(program, counts) is result


_counts = st.sampled_from(["available", "unavailable", "WA1", "WA2"]).map(lambda name: Ref(COUNTS, (name,)))
_literals = st.one_of(scalars, st.lists(scalars, max_size=4).map(tuple)).map(Lit)
skip_trees = trees(st.one_of(_literals, _counts))
_number = st.integers(0, 20)


@given(skip_trees, st.lists(st.tuples(_number, _number, _number), min_size=1, max_size=6))
@CALM
def test_program_says_what_the_expression_says(node: Node, several: list[tuple[int, int, int]]) -> None:
    expression = Expression("", Place.SKIP_IF, node)
    program = skip_program(expression)
    for available, unavailable, one in several:
        said = expression.matches_counts({"available": available, "unavailable": unavailable, "WA1": one})
        assert run_skip(program, {"+": available, "-": unavailable, "WA1": one}) is said, program
