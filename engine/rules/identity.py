"""The one Worker that a step wants, by SID or by friendly name (semantics 6.6)."""

import re
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import Struct

from engine.rules.compile import walk
from engine.rules.parse import segments
from engine.rules.tree import FALSE, WORKER, Compare, Lit, Node, Ref
from engine.rules.workflow import Step

Identity: TypeAlias = tuple[str, str]  # ("sid", text), ("friendly_name", text) or NOBODY
NOBODY: Final[Identity] = ("nobody", "")

SID: Final = Ref(WORKER, ("sid",))
NAME: Final = Ref(WORKER, ("friendly_name",))
SELVES: Final = frozenset({SID, NAME})

NO_ATTRIBUTE_OR_NAME: Final = 40154  # no text in the attribute, or a name that no Worker has
NO_SUCH_SID: Final = 40155
_SHAPE = re.compile(r"WK[0-9a-f]{32}")
_ABSENT: Final = object()


class Known(Struct, frozen=True):
    """Whom a step wants (None: anyone), and the code to warn with if nobody can be it (0: none)."""

    identity: Identity | None
    alert: int


_ANYONE: Final = Known(None, 0)
_UNREADABLE: Final = Known(NOBODY, NO_ATTRIBUTE_OR_NAME)
_NULL: Final = Known(NOBODY, 0)  # JSON null says on purpose that there is nobody


def known_worker(step: Step, task_attributes: dict[str, Any]) -> Known:
    """The Worker that a Task names in a step with a known_worker key. Texts are taken as they are."""
    kind, path = "sid", step.known_worker_sid
    if path is None:
        kind, path = "friendly_name", step.known_worker_friendly_name
        if path is None:
            return _ANYONE
    value = _found(path, task_attributes)
    if value is None:
        return _NULL
    if not isinstance(value, str):
        return _UNREADABLE
    shaped = kind == "sid" and _SHAPE.fullmatch(value) is not None
    return Known((kind, value), NO_SUCH_SID if shaped else NO_ATTRIBUTE_OR_NAME)


def is_worker(identity: Identity) -> Node:
    """The canonical condition that a Worker has this identity."""
    if identity == NOBODY:
        return FALSE
    return Compare("==", Ref(WORKER, (identity[0],)), Lit(identity[1]))


def identities(node: Node) -> tuple[Ref, tuple[str, ...]] | None:
    """The SIDs or friendly names of which a Worker must have one for a canonical comparison to hold; else None."""
    if not isinstance(node, Compare) or node.left not in SELVES or not isinstance(node.right, Lit):
        return None
    assert isinstance(node.left, Ref)
    wanted = node.right.value if isinstance(node.right.value, tuple) else (node.right.value,)
    texts = tuple(text for text in wanted if isinstance(text, str))  # a number would equal what spells it
    return (node.left, texts) if node.op in ("==", "IN") and len(texts) == len(wanted) else None


def _found(path: str, task_attributes: dict[str, Any]) -> Any:
    """What stands at the path; `_ABSENT` where a JSON null is not, but nothing at all."""
    *above, last = _parts(path)
    holder = walk(task_attributes, tuple(above))
    if isinstance(last, str):
        return holder.get(last, _ABSENT) if isinstance(holder, dict) else _ABSENT
    return holder[last] if isinstance(holder, list) and last < len(holder) else _ABSENT


@lru_cache(maxsize=1_024)
def _parts(path: str) -> tuple[str | int, ...]:
    """The parts of a reference that a Step holds; they were checked when its document was read."""
    found = segments(f"task.{path}")
    assert found is not None, path
    return found[1:]
