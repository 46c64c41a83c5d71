"""Conditions about Workers only: TargetWorkers and a step's expression, with one Task's values put in."""

from collections import OrderedDict
from typing import Any, Final

from engine.rules.bind import Place, bind, rooted
from engine.rules.canonical import canonical, conjunction
from engine.rules.compile import Scope, Test, compile_node, walk
from engine.rules.errors import RuleError
from engine.rules.expression import Expression
from engine.rules.facts import WorkerFacts
from engine.rules.identity import NOBODY, Identity, is_worker
from engine.rules.parse import parse
from engine.rules.residual import Partial, compile_partial, mentions_channels
from engine.rules.tokens import OF_KEYS
from engine.rules.tree import (
    ACTIVITY_KEYS,
    FALSE,
    TASK,
    TRUE,
    WORKER,
    WORKER_OR_SELF,
    And,
    Node,
    Ref,
    is_channel,
    references,
    show,
)

CACHED_CONDITIONS: Final = 4_096  # a Specialiser; with 1 kB of values and key each about 8 MB when full


class Condition:
    """A condition about a Worker, known by its canonical text. Conditions with equal keys are equal."""

    __slots__ = ("_open", "_partial", "_test", "key", "node", "uses_activity", "uses_channels")

    def __init__(self, node: Node) -> None:
        """Of a canonical tree without task references; see `Specialiser` and `condition_from_key`."""
        self.node = node
        self.key = show(node)
        self.uses_activity = any(_reads_activity(ref) for ref in references(node))
        self.uses_channels = mentions_channels(node)
        self._test: Test | None = None  # compiled when first asked: most processes only pass the key on
        self._partial: Partial | None = None
        self._open: Node | None = None  # what reads the load

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Condition({self.key!r})"

    def matches(self, w: WorkerFacts) -> bool:
        """The full truth about a Worker, its load included."""
        if self._test is None:
            self._test = compile_node(self.node)
        return self._test(Scope(w))

    def residual(self, w: WorkerFacts) -> str | None:
        """None if this Worker cannot match under any load, "" if it does under every one, else a program.

        The program (residual.py) is about the channels the Worker has now: compute it again when one
        comes or goes. Its length is one comparison for each in the condition, and for each element of an
        array that a channel number is looked for in.
        """
        rest = self.rest(Scope(w))
        if isinstance(rest, str):
            return rest
        return "" if rest else None

    def programs(self, members: list[WorkerFacts]) -> list[str | None]:
        """`residual` of each of these Workers, who all satisfy what does not read the load: up to 1 us each."""
        if self._open is None:
            items = self.node.items if isinstance(self.node, And) else (self.node,)
            self._open = And(tuple(filter(mentions_channels, items)))
        rest = compile_partial(self._open)
        alike = all(map(is_channel, references(self._open)))  # who has the same channels has the same program
        kinds = [id(w.channels) for w in members] if alike else list(map(id, members))
        programs: dict[int, str | None] = {}
        for kind, w in dict(zip(kinds, members, strict=True)).items():
            program = rest(Scope(w))
            programs[kind] = program if isinstance(program, str) else ("" if program else None)
        return [programs[kind] for kind in kinds]

    def rest(self, scope: Scope) -> bool | str:
        """`residual` for a scope that several conditions share: False, True or the program."""
        if self._partial is None:
            self._partial = compile_partial(self.node)
        return self._partial(scope)


def _reads_activity(ref: Ref) -> bool:
    return ref.path[0] in ACTIVITY_KEYS and ref.root in (WORKER, WORKER_OR_SELF)


class Specialiser:
    """Makes the Condition of each Task for one pair of TargetWorkers and step expression. Keep one per pair.

    Tasks with the same values behind the step's `task.` references share one Condition, from a cache of
    `cached` entries that forgets the least recently used.
    """

    def __init__(
        self, target: Expression, step: Expression | None = None, *, cached: int = CACHED_CONDITIONS
    ) -> None:
        assert target.place in (Place.TARGET_WORKERS, Place.WORKER_LIST), target.place
        assert step is None or step.place is Place.STEP, step
        self._target = canonical(target.node)
        self._step = step.node if step is not None else TRUE
        self._paths = sorted({ref.path for ref in references(self._step) if ref.root == TASK}, key=repr)
        self._names = [path[0] for path in self._paths if len(path) == 1 and isinstance(path[0], str)]
        self._cache: OrderedDict[tuple[Any, ...], Condition] = OrderedDict()
        self._cached = cached
        self._only = None if self._paths else self._condition({})

    def of(self, task_attributes: dict[str, Any], identity: Identity | None = None) -> Condition:
        """The condition a Task with these attributes sets; with an identity, for that Worker alone.

        Cost: 0.1 microseconds without task references, about 1 for values seen before, else 50 to 200; some
        20 more for an identity not seen before.
        """
        if identity is not None:
            return self._of_one(task_attributes, identity)
        if self._only is not None:
            return self._only
        key = self._values(task_attributes)
        found = self._cache.get(key)
        if found is not None:
            self._cache.move_to_end(key)
            return found
        return self._remember(key, self._condition(task_attributes))

    def _of_one(self, task_attributes: dict[str, Any], identity: Identity) -> Condition:
        if identity == NOBODY:
            return _NOBODY
        key = (identity, self._values(task_attributes))  # like no plain key: none begins with two texts
        found = self._cache.get(key)
        if found is not None:
            self._cache.move_to_end(key)
            return found
        anyone = self.of(task_attributes).node
        return self._remember(key, Condition(conjunction(anyone, is_worker(identity))))

    def _remember(self, key: tuple[Any, ...], condition: Condition) -> Condition:
        self._cache[key] = condition
        if len(self._cache) > self._cached:
            self._cache.popitem(last=False)
        return condition

    def _values(self, task_attributes: dict[str, Any]) -> tuple[Any, ...]:
        """What the condition depends on of a Task, hashable."""
        if len(self._names) == len(self._paths):
            return tuple([_token(task_attributes.get(name)) for name in self._names])
        return tuple([_token(walk(task_attributes, path)) for path in self._paths])

    def _condition(self, task_attributes: dict[str, Any]) -> Condition:
        step = canonical(self._step, lambda ref: walk(task_attributes, ref.path))
        return Condition(conjunction(self._target, step))


_NOBODY: Final = Condition(FALSE)


def _token(value: Any) -> Any:
    """A hashable stand-in that differs wherever the values do, True and 1 included. Objects are all alike."""
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is dict:
        return ("object",)
    return (kind, repr(value))


def specialise(target: Expression, step: Expression | None, task_attributes: dict[str, Any]) -> Condition:
    """The condition one Task sets; without the cache of a `Specialiser`, so 50 to 200 microseconds."""
    return Specialiser(target, step).of(task_attributes)


def identified(target: Expression | None, identity: Identity) -> Condition:
    """The condition that one Worker alone satisfies, if TargetWorkers let it (None: they let everybody)."""
    if identity == NOBODY:
        return _NOBODY
    anyone = canonical(target.node) if target is not None else TRUE
    return Condition(conjunction(anyone, is_worker(identity)))


def condition_from_key(key: str) -> Condition:
    """The condition whose `key` this is; RuleError for a text that is no canonical condition."""
    condition = Condition(canonical(bind(parse(key, OF_KEYS), rooted)))
    if any(ref.root not in (WORKER, WORKER_OR_SELF) for ref in references(condition.node)):
        raise RuleError("a condition refers to Workers only")
    return condition
