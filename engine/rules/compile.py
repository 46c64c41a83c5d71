"""From a tree to closures: each node becomes one Python function, made once and called per evaluation."""

import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from engine.rules import values
from engine.rules.facts import WorkerFacts
from engine.rules.tree import (
    COUNTS,
    SPECIAL_KEYS,
    TASK,
    TASK_OR_SELF,
    WORKER_OR_SELF,
    Compare,
    Lit,
    Node,
    Not,
    Operand,
    Or,
    Ref,
    is_channel,
)

LONG_ARRAY: Final = 64  # from here on hashing an array once beats reading it for every comparison of it


class Scope:
    """What one evaluation may look at. Lives no longer than the facts stay as they are."""

    __slots__ = ("_hashed", "attributes", "counts", "task", "worker")

    def __init__(
        self,
        worker: WorkerFacts | None = None,
        task: dict[str, Any] | None = None,
        counts: dict[str, int] | None = None,
    ) -> None:
        self.worker = worker
        self.attributes = worker.attributes if worker is not None else _NOTHING
        self.task = task if task is not None else _NOTHING
        self.counts = counts if counts is not None else _NOTHING
        self._hashed: dict[int, values.Members] | None = None

    def turn_to(self, worker: WorkerFacts) -> None:
        """Look at another Worker: half the cost of a new scope, for loops over thousands."""
        self.worker, self.attributes, self._hashed = worker, worker.attributes, None

    def holds(self, array: list[Any], value: Any) -> bool:
        """Whether an array of the facts holds a scalar; a long array is hashed once an evaluation."""
        if len(array) < LONG_ARRAY:
            return values.member(value, array)
        if self._hashed is None:
            self._hashed = {}
        members = self._hashed.get(id(array))  # the facts keep the array alive, so its id stays its own
        if members is None:
            members = self._hashed[id(array)] = values.Members(array)
        return members.has(value)


_NOTHING: dict[str, Any] = {}
Test: TypeAlias = Callable[[Scope], bool]
Getter: TypeAlias = Callable[[Scope], Any]


def walk(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a path of a JSON value; None where it does not resolve."""
    for segment in path:
        if isinstance(segment, str):
            if type(value) is not dict:
                return None
            value = value.get(segment)
        elif type(value) is list and segment < len(value):
            value = value[segment]
        else:
            return None
    return value


def compile_node(node: Node) -> Test:
    """The closure of a tree. Cost: about one microsecond a node."""
    if isinstance(node, Compare):
        return _comparison(node)
    if isinstance(node, Not):
        inner = compile_node(node.item)
        return lambda s: not inner(s)
    if len(node.items) == 1:
        return compile_node(node.items[0])
    tests = tuple(compile_node(item) for item in node.items)
    return _any_of(tests) if isinstance(node, Or) else _all_of(tests)


def _all_of(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda s: first(s) and second(s)

    def all_of(s: Scope) -> bool:
        for test in tests:  # noqa: SIM110  # a generator would cost a third more
            if not test(s):
                return False
        return True

    return all_of


def _any_of(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda s: first(s) or second(s)

    def any_of(s: Scope) -> bool:
        for test in tests:  # noqa: SIM110
            if test(s):
                return True
        return False

    return any_of


def getter(operand: Operand) -> Getter:
    """The function that reads an operand."""
    if isinstance(operand, Lit):
        value = list(operand.value) if isinstance(operand.value, tuple) else operand.value
        return lambda s: value
    path = operand.path
    if operand.root in (TASK, TASK_OR_SELF):
        return _task_getter(operand)
    if operand.root == COUNTS:
        name = str(path[0])
        return lambda s: s.counts.get(name, 0)
    if operand.root == WORKER_OR_SELF:
        literal, stripped = ("worker", *path), _stripped(path)
        return lambda s: walk(s.attributes, literal) if "worker" in s.attributes else stripped(s)
    if is_channel(operand):
        return _channel_getter(str(path[1]), str(path[2]))
    return _worker_getter(path)


def _task_getter(ref: Ref) -> Getter:
    path = ref.path
    if ref.root == TASK_OR_SELF:
        literal = ("task", *path)
        return lambda s: walk(s.task, literal if "task" in s.task else path)
    if len(path) == 1 and isinstance(path[0], str):
        name = path[0]
        return lambda s: s.task.get(name)
    return lambda s: walk(s.task, path)


def _stripped(path: tuple[str | int, ...]) -> Getter:
    if len(path) > 1 and (path[0] in SPECIAL_KEYS or (path[0] == "channel" and isinstance(path[1], str))):
        return lambda s: None
    return _worker_getter(path)


def _worker_getter(path: tuple[str | int, ...]) -> Getter:
    if len(path) > 1 or isinstance(path[0], int):
        return lambda s: walk(s.attributes, path)
    name = path[0]
    if name in SPECIAL_KEYS:
        return operator.attrgetter(f"worker.{name}")
    return lambda s: s.attributes.get(name)


def _channel_getter(channel: str, field: str) -> Getter:
    def read(s: Scope) -> int | None:
        facts = s.worker.channels.get(channel) if s.worker is not None else None
        return getattr(facts, field) if facts is not None else None

    return read


def _comparison(node: Compare) -> Test:
    left, right = node.left, node.right
    read, other = getter(left), getter(right)
    if isinstance(right, Lit) and isinstance(left, Ref):
        special = _against_constant(node.op, read, right.value)
        if special is not None:
            return special
    if node.op in ("IN", "NOT IN") and isinstance(right, Ref):
        return _in_facts(node.op, left, read, other)
    operation = values.OPERATIONS[node.op]
    return lambda s: operation(read(s), other(s))


def _against_constant(op: str, read: Getter, constant: Any) -> Test | None:
    """The quick forms of the commonest comparisons; None where only the general one will do."""
    if isinstance(constant, tuple):
        return _against_array(op, read, values.Members(constant))
    if isinstance(constant, bool) or constant is None:
        if op == "==":
            return lambda s: read(s) is constant
        return (lambda s: read(s) is not None) if op == "!=" and constant is None else None
    if isinstance(constant, str):
        return _against_text(op, read, constant) if values.number_of(constant) is None else None
    return _against_number(op, read, constant) if op in _NUMERIC else None


def _against_array(op: str, read: Getter, members: values.Members) -> Test | None:
    if op == "IN":
        return lambda s: members.has(read(s))
    if op == "NOT IN":
        return lambda s: values.is_scalar(v := read(s)) and not members.has(v)
    return None


def _against_text(op: str, read: Getter, constant: str) -> Test | None:
    if op == "==":
        return lambda s: bool(read(s) == constant)
    if op == "!=":
        return lambda s: (v := read(s)) != constant and type(v) is not list and type(v) is not dict
    return None


_NUMERIC: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _against_number(op: str, read: Getter, constant: int | float) -> Test:
    quick, general = _NUMERIC[op], values.OPERATIONS[op]

    def against_number(s: Scope) -> bool:
        value = read(s)
        if type(value) is int or type(value) is float:
            return quick(value, constant)
        if type(value) is str and (spelled := values.number_of(value)) is not None:
            return quick(spelled, constant)
        return general(value, constant)

    return against_number


def _in_facts(op: str, left: Operand, read: Getter, array: Getter) -> Test:
    if op == "NOT IN":
        return lambda s: type(a := array(s)) is list and values.is_scalar(v := read(s)) and not s.holds(a, v)
    if isinstance(left, Lit) and isinstance(left.value, str) and values.number_of(left.value) is None:
        wanted = left.value

        def has_text(s: Scope) -> bool:
            found = array(s)
            if type(found) is not list:
                return False
            return wanted in found if len(found) < LONG_ARRAY else s.holds(found, wanted)

        return has_text
    return lambda s: type(a := array(s)) is list and s.holds(a, read(s))
