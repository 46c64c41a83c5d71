"""What a reference means in the place where its expression stands."""

from collections.abc import Callable
from enum import Enum
from typing import Final

from engine.rules.errors import RuleError
from engine.rules.tree import (
    COUNTS,
    ROOTS,
    SPECIAL_KEYS,
    TASK,
    TASK_OR_SELF,
    WORKER,
    WORKER_OR_SELF,
    And,
    Compare,
    Lit,
    Node,
    Not,
    Operand,
    Or,
    Ref,
    is_channel,
)


class Place(Enum):
    """Where an expression stands; decides how its references are read."""

    TARGET_WORKERS = "target_workers"
    WORKER_LIST = "worker_list"
    TASK_FILTER = "task_filter"
    TASK_LIST = "task_list"
    STEP = "step"
    SKIP_IF = "skip_if"


NULL: Final = Lit(None)


def bind(node: Node, operand: Callable[[Ref], Operand]) -> Node:
    """The tree with every reference replaced."""
    if isinstance(node, Compare):
        left, right = node.left, node.right
        return Compare(
            node.op,
            operand(left) if isinstance(left, Ref) else left,
            operand(right) if isinstance(right, Ref) else right,
        )
    if isinstance(node, Not):
        return Not(bind(node.item, operand))
    items = tuple(bind(item, operand) for item in node.items)
    return And(items) if isinstance(node, And) else Or(items)


def worker_key(path: tuple[str | int, ...], *, channels: bool) -> Operand:
    """A path below the Worker. NULL where nothing can stand: below `sid`, or no number of a channel.

    A bare `channel` is an ordinary attribute; what is below it is not, and is NULL unless `channels`.
    """
    if not path:
        return NULL
    if path[0] in SPECIAL_KEYS and len(path) > 1:
        return NULL
    ref = Ref(WORKER, path)
    if len(path) > 1 and path[0] == "channel" and isinstance(path[1], str):
        return ref if channels and is_channel(ref) else NULL
    return ref


def _plain_worker(ref: Ref) -> Operand:
    if len(ref.path) > 1 and ref.path[0] == "worker" and isinstance(ref.path[1], str):
        return Ref(WORKER_OR_SELF, ref.path[1:])
    return worker_key(ref.path, channels=False)


def _plain_task(ref: Ref) -> Operand:
    if len(ref.path) > 1 and ref.path[0] == "task" and isinstance(ref.path[1], str):
        return Ref(TASK_OR_SELF, ref.path[1:])
    return Ref(TASK, ref.path)


def _pair(ref: Ref) -> Operand:
    root, path = ref.path[0], ref.path[1:]
    if root == "worker":
        return worker_key(path, channels=True)
    return Ref(TASK, path) if root == "task" and path else NULL


def _count(ref: Ref) -> Operand:
    if len(ref.path) == 2 and ref.path[0] == "workers":
        name = ref.path[1]
        if name in ("available", "unavailable") or (isinstance(name, str) and name.startswith("WA")):
            return Ref(COUNTS, (name,))
    return Lit(0)  # an unknown variable counts nobody


def rooted(ref: Ref) -> Operand:
    """A reference of a canonical text, where the first part is the root; RuleError for any other."""
    root, path = ref.path[0], ref.path[1:]
    if root not in ROOTS or not path:
        raise RuleError(f"expected a reference below one of {', '.join(sorted(ROOTS))}")
    return Ref(str(root), path)


BINDERS: Final[dict[Place, Callable[[Ref], Operand]]] = {
    Place.TARGET_WORKERS: _plain_worker,
    Place.WORKER_LIST: _plain_worker,
    Place.TASK_FILTER: _plain_task,
    Place.TASK_LIST: _plain_task,
    Place.STEP: _pair,
    Place.SKIP_IF: _count,
}
