"""Workflow documents: which queue a Task goes to, by which filter, in which steps."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec import Struct

from engine.rules.bind import Place
from engine.rules.compile import Scope, walk
from engine.rules.document import Object, decode
from engine.rules.errors import RuleError, clip
from engine.rules.expression import Expression, parse_expression
from engine.rules.order import OrderBy, parse_order_by
from engine.rules.parse import segments

MAX_PRIORITY: Final = 2**31 - 1
MAX_TIMEOUT: Final = 2**31 - 1  # seconds, 68 years
_DIGITS = re.compile(r"[0-9]{1,10}")
_JSON_NAMES: Final[dict[Any, str]] = {
    dict: "an object",
    Object: "an object",
    list: "an array",
    str: "a string",
}
_T = TypeVar("_T")


class Step(Struct, frozen=True, kw_only=True):
    """One target. The known Worker is the path of the task attribute that names it (`agent_sid`)."""

    queue: str
    expression: Expression | None = None
    priority: int | None = None
    timeout: int | None = None  # seconds; None is for ever
    order_by: OrderBy | None = None
    skip_if: Expression | None = None
    known_worker_sid: str | None = None
    known_worker_friendly_name: str | None = None


class Filter(Struct, frozen=True, kw_only=True):
    """A filter of a Workflow and its steps, at least one."""

    friendly_name: str | None
    expression: Expression
    steps: tuple[Step, ...]


class Workflow(Struct, frozen=True, kw_only=True):
    """A parsed document; `queues` holds every queue it names, the default's included."""

    filters: tuple[Filter, ...]
    default: Step | None
    queues: frozenset[str]

    def match(self, task_attributes: dict[str, Any], start: int = 0) -> int | None:
        """The index of the first filter from `start` on that a Task satisfies. Cost: one evaluation each."""
        scope = Scope(None, task_attributes)
        for index in range(start, len(self.filters)):
            if self.filters[index].expression.holds(scope):
                return index
        return None

    def deadline_s(self, filter_index: int, step_index: int) -> int | None:
        """Seconds from entering the filter to the deadline of one of its steps: its timeout and all before it.

        None for a step without a timeout of its own, and for the default filter (index below 0). Cost: linear.
        """
        if filter_index < 0:
            return None
        steps = self.filters[filter_index].steps[: step_index + 1]
        return None if steps[-1].timeout is None else sum(step.timeout or 0 for step in steps)

    def refers_to(self, queue_sid: str) -> bool:
        """Whether any step or the default names this queue."""
        return queue_sid in self.queues


def task_value(path: str, task_attributes: dict[str, Any]) -> Any:
    """What a Task has at the path of a known-Worker reference; None where it does not resolve."""
    if "." not in path and "[" not in path:
        return task_attributes.get(path)
    parts = segments(path)
    assert parts is not None, path
    return walk(task_attributes, parts)


def parse_workflow(document: str, *, queue_exists: Callable[[str], bool]) -> Workflow:
    """Parse and check a whole workflow document; unknown keys are ignored, null is an absent key.

    Raises RuleError with the JSON path of the fault. `queue_exists` is asked once for each queue. Cost:
    linear; one to two seconds for the largest document made of nothing but tiny expressions.
    """
    root = _typed(decode(document), Object, "")
    routing = _required(root, "task_routing", Object, "task_routing")
    return _Reader(queue_exists).workflow(routing, "task_routing")


class _Reader:
    """Walks one document; parses each distinct text once, since generated documents repeat them."""

    def __init__(self, queue_exists: Callable[[str], bool]) -> None:
        self._queue_exists = queue_exists
        self._queues: dict[str, bool] = {}
        self._expressions: dict[tuple[str, Place], Expression] = {}

    def workflow(self, routing: Object, path: str) -> Workflow:
        if routing.get("filters") is None and routing.get("default_filter") is None:
            raise RuleError("expected filters or default_filter", path=path)
        filters = _optional(routing, "filters", list, f"{path}.filters") or []
        parsed = tuple(
            self._filter(_typed(item, Object, f"{path}.filters[{i}]"), f"{path}.filters[{i}]")
            for i, item in enumerate(filters)
        )
        default = self._default(routing, f"{path}.default_filter")
        return Workflow(filters=parsed, default=default, queues=frozenset(self._queues))

    def _default(self, routing: Object, path: str) -> Step | None:
        item = _optional(routing, "default_filter", Object, path)
        if item is None:
            return None
        if item.get("timeout") is not None:
            raise RuleError("the default filter has no timeout", path=f"{path}.timeout")
        return self._step(item, path, inherited=None)

    def _filter(self, item: Object, path: str) -> Filter:
        name = _optional(item, "filter_friendly_name", str, f"{path}.filter_friendly_name")
        if name is None:
            name = _optional(item, "friendly_name", str, f"{path}.friendly_name")
        text = _required(item, "expression", str, f"{path}.expression")
        expression = self._parsed(text, Place.TASK_FILTER, f"{path}.expression")
        targets = _required(item, "targets", list, f"{path}.targets")
        if not targets:
            raise RuleError("expected at least one target", path=f"{path}.targets")
        steps: list[Step] = []
        for i, target in enumerate(targets):
            at = f"{path}.targets[{i}]"
            inherited = steps[-1].queue if steps else None
            steps.append(self._step(_typed(target, Object, at), at, inherited=inherited))
        return Filter(friendly_name=name, expression=expression, steps=tuple(steps))

    def _step(self, item: Object, path: str, *, inherited: str | None) -> Step:
        sid = _task_reference(item, "known_worker_sid", path)
        friendly_name = _task_reference(item, "known_worker_friendly_name", path)
        if sid is not None and friendly_name is not None:
            fault = "expected known_worker_sid or known_worker_friendly_name, not both"
            raise RuleError(fault, path=path)
        order = _optional(item, "order_by", str, f"{path}.order_by")
        return Step(
            queue=self._queue(item, f"{path}.queue", inherited),
            expression=self._optional_expression(item, "expression", Place.STEP, path),
            priority=_integer(item, "priority", path, least=0, most=MAX_PRIORITY),
            timeout=_integer(item, "timeout", path, least=1, most=MAX_TIMEOUT),
            order_by=_placed(parse_order_by, order, f"{path}.order_by") if order is not None else None,
            skip_if=self._optional_expression(item, "skip_if", Place.SKIP_IF, path),
            known_worker_sid=sid,
            known_worker_friendly_name=friendly_name,
        )

    def _queue(self, item: Object, path: str, inherited: str | None) -> str:
        queue = _optional(item, "queue", str, path)
        if queue is None:
            if inherited is None:
                raise RuleError("expected the SID of a TaskQueue", path=path)
            return inherited
        if queue not in self._queues:
            self._queues[queue] = self._queue_exists(queue)
        if not self._queues[queue]:
            raise RuleError(f"no TaskQueue {clip(queue)} in this Workspace", path=path)
        return queue

    def _optional_expression(self, item: Object, key: str, place: Place, path: str) -> Expression | None:
        text = _optional(item, key, str, f"{path}.{key}")
        return self._parsed(text, place, f"{path}.{key}") if text is not None else None

    def _parsed(self, text: str, place: Place, path: str) -> Expression:
        found = self._expressions.get((text, place))
        if found is None:
            found = _placed(lambda t: parse_expression(t, place), text, path)
            self._expressions[text, place] = found
        return found


def _placed(parse: Callable[[str], _T], text: str, path: str) -> _T:
    try:
        return parse(text)
    except RuleError as error:
        raise error.within(path) from None


def _typed(value: Any, kind: type[_T], path: str) -> _T:
    if not isinstance(value, kind):
        raise RuleError(f"expected {_JSON_NAMES[kind]}, found {_described(value)}", path=path or None)
    if isinstance(value, Object) and value.repeated is not None:
        raise RuleError(f"the key {clip(value.repeated)} is there twice", path=path or None)
    return value


def _described(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    return _JSON_NAMES.get(type(value)) or ("null" if value is None else "a number")


def _optional(item: Object, key: str, kind: type[_T], path: str) -> _T | None:
    value = item.get(key)
    return _typed(value, kind, path) if value is not None else None


def _required(item: Object, key: str, kind: type[_T], path: str) -> _T:
    if key not in item:
        raise RuleError(f"expected {_JSON_NAMES[kind]} under the key {key!r}", path=path)
    return _typed(item[key], kind, path)


def _integer(item: Object, key: str, path: str, *, least: int, most: int) -> int | None:
    value = item.get(key)
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is not int or not least <= value <= most:
        raise RuleError(f"expected an integer from {least} to {most}", path=f"{path}.{key}")
    return value


def _task_reference(item: Object, key: str, path: str) -> str | None:
    text = _optional(item, key, str, f"{path}.{key}")
    if text is None:
        return None
    parts = segments(text)
    if parts is None or parts[0] != "task" or len(parts) < 2 or not isinstance(parts[1], str):
        raise RuleError(f"expected task.<attribute>, found {clip(text)}", path=f"{path}.{key}")
    return text.removeprefix("task.")
