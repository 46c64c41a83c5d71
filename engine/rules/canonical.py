"""One normal form for conditions that are the same but for the way they are written.

Negation is pushed down to the comparisons (never into them: `NOT a == 1` holds for an array, `a != 1` does
not), AND and OR are flattened, sorted and freed of repeats, constants are folded and moved to the right,
whole floats become integers, and equalities with one reference joined by OR become one IN.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from engine.rules import values
from engine.rules.tree import (
    FALSE,
    TASK,
    TRUE,
    And,
    Compare,
    Lit,
    Node,
    Not,
    Operand,
    Or,
    Ref,
    Scalar,
    show,
    show_operand,
    show_scalar,
)

Reader: TypeAlias = Callable[[Ref], Any]
_MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NULL: Final = Lit(None)


def canonical(node: Node, task: Reader | None = None) -> Node:
    """The normal form of a tree, its task references replaced by what `task` reads.

    It holds for exactly the same facts, and canonical(canonical(x)) is canonical(x). Cost: n log n.
    """
    return _canonical(node, task, negated=False)


def conjunction(*nodes: Node) -> Node:
    """The normal form of canonical trees joined by AND."""
    return _join(nodes, all_of=True)


def _canonical(node: Node, task: Reader | None, *, negated: bool) -> Node:
    if isinstance(node, Not):
        return _canonical(node.item, task, negated=not negated)
    if isinstance(node, Compare):
        folded = _comparison(node.op, _operand(node.left, task), _operand(node.right, task))
        if not negated:
            return folded
        return Not(folded) if isinstance(folded, Compare) else (FALSE if folded == TRUE else TRUE)
    parts = [_canonical(item, task, negated=negated) for item in node.items]
    return _join(parts, all_of=isinstance(node, And) != negated)


def _join(parts: Iterable[Node], *, all_of: bool) -> Node:
    kind, neutral, absorbing = (And, TRUE, FALSE) if all_of else (Or, FALSE, TRUE)
    flat: list[Node] = []
    for part in parts:
        if part == absorbing:
            return absorbing
        flat.extend(part.items if isinstance(part, kind) else (part,))
    if not all_of:
        flat = _merged_equalities(flat)
    by_text = {show(part): part for part in flat}
    if any(isinstance(part, Not) and show(part.item) in by_text for part in by_text.values()):
        return absorbing
    if len(by_text) == 1:
        return next(iter(by_text.values()))
    return kind(tuple(by_text[text] for text in sorted(by_text))) if by_text else neutral


def _merged_equalities(parts: list[Node]) -> list[Node]:
    """`a == 1 OR a IN [2, 3]` as `a IN [1, 2, 3]`: hashed when compiled, however many there are."""
    others: list[Node] = []
    wanted: dict[Ref, list[Scalar]] = {}
    for part in parts:
        if isinstance(part, Compare) and isinstance(part.left, Ref) and isinstance(part.right, Lit):
            value = part.right.value
            if part.op == "IN" and isinstance(value, tuple):
                wanted.setdefault(part.left, []).extend(value)
                continue
            if part.op == "==" and not isinstance(value, tuple):
                wanted.setdefault(part.left, []).append(value)
                continue
        others.append(part)
    return others + [_one_of(ref, found) for ref, found in wanted.items()]


def _one_of(ref: Ref, found: Iterable[Scalar]) -> Node:
    distinct = _distinct(found)
    if len(distinct) == 1:
        return Compare("==", ref, Lit(distinct[0]))
    return Compare("IN", ref, Lit(distinct)) if distinct else FALSE


def _distinct(found: Iterable[Scalar]) -> tuple[Scalar, ...]:
    by_text = {show_scalar(value): value for value in found}
    return tuple(by_text[text] for text in sorted(by_text))


def _operand(operand: Operand, task: Reader | None) -> Operand | dict[str, Any]:
    """The operand with a task's value in its place; an object stays as it is, it folds away at once."""
    value: Any
    if isinstance(operand, Lit):
        value = list(operand.value) if isinstance(operand.value, tuple) else operand.value
    elif task is not None and operand.root == TASK:
        value = task(operand)
    else:
        return operand
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return Lit(tuple(_plain(element) for element in value if values.is_scalar(element)))
    return Lit(_plain(value))


def _plain(value: Any) -> Any:
    """A scalar in its one spelling: whole floats within 53 bits as integers, NaN as NULL."""
    if type(value) is not float:
        return value
    if value != value:
        return None
    return int(value) if abs(value) < 2**53 and value == int(value) else value


def _comparison(op: str, left: Operand | dict[str, Any], right: Operand | dict[str, Any]) -> Node:
    if not isinstance(left, Ref) and not isinstance(right, Ref):
        return TRUE if values.OPERATIONS[op](_value(left), _value(right)) else FALSE
    if op in ("IN", "NOT IN"):
        return _membership(op, left, right)
    if op == "CONTAINS":
        return _containment(left, right)
    if not isinstance(left, Ref) or (isinstance(right, Ref) and show_operand(right) < show_operand(left)):
        op, left, right = _MIRRORED[op], right, left
    assert isinstance(left, Ref)
    if isinstance(right, Ref):
        return Compare(op, left, right)
    return _with_constant(op, left, _value(right))


def _value(operand: Operand | dict[str, Any]) -> Any:
    if not isinstance(operand, Lit):
        return operand
    return list(operand.value) if isinstance(operand.value, tuple) else operand.value


def _with_constant(op: str, ref: Ref, value: Any) -> Node:
    if not values.is_scalar(value):  # only "!=" can hold, and only where the reference is NULL
        return Compare("==", ref, _NULL) if op == "!=" else FALSE
    if op not in ("==", "!=") and (value is None or isinstance(value, bool)):
        return FALSE
    return Compare(op, ref, Lit(value))


def _containment(left: Operand | dict[str, Any], right: Operand | dict[str, Any]) -> Node:
    sides: list[Operand] = []
    for side in (left, right):
        if isinstance(side, Ref):
            sides.append(side)
            continue
        spelled = values.text(_value(side))
        if spelled is None:
            return FALSE
        sides.append(Lit(spelled))
    return Compare("CONTAINS", sides[0], sides[1])


def _membership(op: str, left: Operand | dict[str, Any], right: Operand | dict[str, Any]) -> Node:
    if isinstance(right, Ref):
        if isinstance(left, Ref) or (isinstance(left, Lit) and not isinstance(left.value, tuple)):
            return Compare(op, left, right)
        return FALSE  # an array or object in an array
    assert isinstance(left, Ref)
    if not isinstance(right, Lit) or not isinstance(right.value, tuple):
        return FALSE
    if op == "IN":
        return _one_of(left, right.value)
    distinct = _distinct(right.value)
    if len(distinct) == 1 and distinct[0] is not None:
        return Compare("!=", left, Lit(distinct[0]))
    return Compare(op, left, Lit(distinct))
