"""A step's skip_if as a program that a Redis script can run on the counts of a queue, semantics 6.8."""

from collections.abc import Mapping

from engine.rules.bind import Place
from engine.rules.canonical import canonical
from engine.rules.compile import Scope
from engine.rules.expression import Expression
from engine.rules.residual import compile_partial, run_counts


def skip_program(expression: Expression) -> str:
    """A SKIP_IF expression in the language of residual.py and lua/lib/load.lua, never empty.

    What does not depend on the counts is folded: "T" or "F" if nothing else is left. Cost: n log n.
    """
    assert expression.place is Place.SKIP_IF, expression.place
    rest = compile_partial(canonical(expression.node))(Scope())
    if isinstance(rest, str):
        return rest
    return "T" if rest else "F"


def run_skip(program: str, counts: Mapping[str, int]) -> bool:
    """What the program says of counts: keys `+` (available), `-` (unavailable), `WA…`; a missing one is 0."""
    return run_counts(program, counts)
