"""The tree every rule language is parsed into, and its text.

`a HAS b` is stored as `b IN a`, `=` as `==`, `<>` as `!=`. And(()) is true and Or(()) is false.
Literals compare with Python's ==, for which 1, 1.0 and True are the same: compare trees by `show()`.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from msgspec import Struct

Scalar: TypeAlias = str | int | float | bool | None

WORKER: Final = "worker"  # an attribute or special key of the Worker
WORKER_OR_SELF: Final = "worker_or_self"  # below an attribute named `worker` if there is one, else as WORKER
TASK: Final = "task"
TASK_OR_SELF: Final = "task_or_self"
COUNTS: Final = "workers"  # the counts of a queue, for skip_if
ROOTS: Final = frozenset({WORKER, WORKER_OR_SELF, TASK, TASK_OR_SELF, COUNTS})

SPECIAL_KEYS: Final = frozenset({"sid", "friendly_name", "activity_sid", "activity_name"})
ACTIVITY_KEYS: Final = frozenset({"activity_sid", "activity_name"})
CHANNEL_FIELDS: Final = frozenset({"configured_capacity", "assigned_tasks", "available_capacity_percentage"})


class Lit(Struct, frozen=True):
    """A constant; an array is a tuple of scalars."""

    value: Scalar | tuple[Scalar, ...]


class Ref(Struct, frozen=True):
    """A path below a root; a segment is a key or an index."""

    root: str
    path: tuple[str | int, ...]


Operand: TypeAlias = Lit | Ref


class Compare(Struct, frozen=True):
    op: str  # a key of values.OPERATIONS
    left: Operand
    right: Operand


class And(Struct, frozen=True):
    items: "tuple[Node, ...]"


class Or(Struct, frozen=True):
    items: "tuple[Node, ...]"


class Not(Struct, frozen=True):
    item: "Node"


Node: TypeAlias = Compare | And | Or | Not

TRUE: Final = And(())
FALSE: Final = Or(())


def is_channel(operand: Operand) -> bool:
    """Whether an operand is a number of a Worker Channel (`worker.channel.voice.assigned_tasks`)."""
    return isinstance(operand, Ref) and operand.root == WORKER and _names_channel(operand.path)


def _names_channel(path: tuple[str | int, ...]) -> bool:
    return len(path) == 3 and path[0] == "channel" and path[2] in CHANNEL_FIELDS


def references(node: Node) -> Iterator[Ref]:
    """Every reference of a tree, repeats included."""
    if isinstance(node, Compare):
        yield from (side for side in (node.left, node.right) if isinstance(side, Ref))
    elif isinstance(node, Not):
        yield from references(node.item)
    else:
        for item in node.items:
            yield from references(item)


def show(node: Node) -> str:
    """The text of a tree with every reference below its root; parsing it as a key gives the tree back."""
    if isinstance(node, Compare):
        return f"{show_operand(node.left)} {node.op} {show_operand(node.right)}"
    if isinstance(node, Not):
        return f"NOT {_bracketed(node.item, Not, And, Or)}"
    if not node.items:
        return "1 == 1" if isinstance(node, And) else "1 == 0"
    if isinstance(node, And):
        return " AND ".join(_bracketed(item, And, Or) for item in node.items)
    return " OR ".join(_bracketed(item, Or) for item in node.items)


def _bracketed(node: Node, *kinds: type) -> str:
    weak = isinstance(node, kinds) and not (isinstance(node, And | Or) and not node.items)
    return f"({show(node)})" if weak else show(node)


def show_operand(operand: Operand) -> str:
    """The text of a constant or a reference."""
    if isinstance(operand, Ref):
        return operand.root + "".join(
            f"[{segment}]" if isinstance(segment, int) else f".{segment}" for segment in operand.path
        )
    if isinstance(operand.value, tuple):
        return f"[{', '.join(map(show_scalar, operand.value))}]"
    return show_scalar(operand.value)


def show_scalar(value: Any) -> str:
    """The text of a constant that is no array."""
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, float):
        return repr(value).replace("inf", "1e999")  # the only spelling a number parser takes for it
    return json.dumps(value)
