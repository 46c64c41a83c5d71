"""An expression as users write it, parsed for the place where it stands and ready to be evaluated."""

from typing import Any, Final

from engine.rules.bind import BINDERS, Place, bind
from engine.rules.compile import Scope, compile_node
from engine.rules.errors import RuleError
from engine.rules.facts import WorkerFacts
from engine.rules.parse import parse
from engine.rules.tokens import OF_USERS
from engine.rules.tree import FALSE, Node

MAX_SHORT_TEXT: Final = 4_096  # characters of an expression that is a field or a query parameter
MAX_DOCUMENT: Final = 1_038_576  # bytes of a workflow document, so the most an expression in it can have
_SHORT: Final = frozenset({Place.TARGET_WORKERS, Place.WORKER_LIST, Place.TASK_LIST})
_OF_WORKERS: Final = frozenset({Place.TARGET_WORKERS, Place.WORKER_LIST})
_OF_TASKS: Final = frozenset({Place.TASK_FILTER, Place.TASK_LIST})


class Expression:
    """A parsed expression. Evaluation never raises: whatever does not fit together is false.

    Each `matches_…` belongs to certain places; asking the wrong one is an AssertionError.
    """

    __slots__ = ("_test", "node", "place", "text")

    def __init__(self, text: str, place: Place, node: Node) -> None:
        self.text, self.place, self.node = text, place, node
        self._test = compile_node(node)

    def __repr__(self) -> str:
        return f"Expression({self.text!r}, {self.place})"

    def matches_worker(self, w: WorkerFacts) -> bool:
        """Whether a Worker satisfies it (TARGET_WORKERS, WORKER_LIST)."""
        assert self.place in _OF_WORKERS, self.place
        return self._test(Scope(w))

    def matches_task(self, attributes: dict[str, Any]) -> bool:
        """Whether a Task with these attributes satisfies it (TASK_FILTER, TASK_LIST)."""
        assert self.place in _OF_TASKS, self.place
        return self._test(Scope(None, attributes))

    def holds(self, scope: Scope) -> bool:
        """Whether what is looked at satisfies it: for loops over expressions of one place, which share the scope."""
        return self._test(scope)

    def matches_pair(self, task_attributes: dict[str, Any], w: WorkerFacts) -> bool:
        """Whether a Task and a Worker satisfy it together (STEP)."""
        assert self.place is Place.STEP, self.place
        return self._test(Scope(w, task_attributes))

    def matches_counts(self, counts: dict[str, int]) -> bool:
        """Whether a queue's counts satisfy it (SKIP_IF); keys `available`, `unavailable`, `WA…`, else 0."""
        assert self.place is Place.SKIP_IF, self.place
        return self._test(Scope(None, None, counts))


def parse_expression(text: str, place: Place) -> Expression:
    """Parse an expression for a place; RuleError says where it is wrong and what was expected.

    Limits: 4,096 characters for TARGET_WORKERS, WORKER_LIST and TASK_LIST, else 1,038,576; some 200
    comparisons (tokens.py); brackets 64 deep. Blank TARGET_WORKERS text matches nobody. Cost: linear.
    """
    most = MAX_SHORT_TEXT if place in _SHORT else MAX_DOCUMENT
    if len(text) > most:
        raise RuleError(f"an expression has at most {most} characters here, this one {len(text)}")
    if place is Place.TARGET_WORKERS and not text.strip():
        return Expression(text, place, FALSE)
    return Expression(text, place, bind(parse(text, OF_USERS), BINDERS[place]))
