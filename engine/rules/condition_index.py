"""Conditions by what a Worker must have to satisfy them, so that a changed Worker is asked about few."""

from typing import Any, Final, TypeAlias

from engine.rules import values
from engine.rules.compile import Getter, Scope, getter
from engine.rules.condition import Condition
from engine.rules.facts import WorkerFacts
from engine.rules.identity import SELVES
from engine.rules.residual import Partial, compile_partial
from engine.rules.tree import TRUE, And, Compare, Lit, Node, Not, Operand, Or, Ref, is_channel

MAX_ANCHORS: Final = 64  # one IN list or OR; beyond this a condition is simply always asked about
Anchor: TypeAlias = tuple[Ref, bool, Any]  # a reference, whether an element of an array there, a token


class _Entry:
    """One condition, the pools that have it, and where it is filed (None: among those always asked).

    `given` is the part of the condition that holds for every Worker found there, so nobody is asked about it.
    """

    __slots__ = ("_rest", "anchors", "condition", "given", "pools")

    def __init__(self, condition: Condition, anchors: list[Anchor] | None, given: Node) -> None:
        self.condition = condition
        self.anchors = anchors
        self.given = given
        self.pools: set[str] = set()
        self._rest: Partial | None = None

    def may_hold(self, scope: Scope) -> bool:
        """Whether a Worker that was found where this is filed can satisfy it under some load."""
        if self._rest is None:
            node = self.condition.node
            items = node.items if isinstance(node, And) else (node,)
            self._rest = compile_partial(And(tuple(item for item in items if item is not self.given)))
        return self._rest(scope) is not False


class _Shelf:
    """The entries filed under one reference: by the value there, and by an element of the array there."""

    __slots__ = ("elements", "read", "scalars")

    def __init__(self, read: Getter) -> None:
        self.read = read
        self.scalars: dict[Any, dict[str, _Entry]] = {}
        self.elements: dict[Any, dict[str, _Entry]] = {}

    def side(self, element: bool) -> dict[Any, dict[str, _Entry]]:
        return self.elements if element else self.scalars


class ConditionIndex:
    """Pools by condition. A condition is filed under values without which it cannot hold.

    Of the comparisons that all must hold, one with a SID or a friendly name is taken, else the one with the
    emptiest shelves, so a value that every condition asks for (`vip == true`) does not collect them all.
    """

    def __init__(self) -> None:
        self._pools: dict[str, str] = {}  # pool -> key of its condition
        self._entries: dict[str, _Entry] = {}
        self._shelves: dict[Ref, _Shelf] = {}
        self._always: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._pools)

    def put(self, pool_id: str, c: Condition) -> None:
        """Add a pool, or give it another condition."""
        self.remove(pool_id)
        self._pools[pool_id] = c.key
        entry = self._entries.get(c.key)
        if entry is None:
            part = self._best_part(c.node)
            anchors = self._anchors(part)
            exact = anchors is not None and _is_plain(part) and all(map(_is_exact, anchors))
            entry = self._entries[c.key] = _Entry(c, anchors, part if exact else TRUE)
            self._file(entry)
        entry.pools.add(pool_id)

    def remove(self, pool_id: str) -> None:
        """Forget a pool; one that is not there is no error."""
        key = self._pools.pop(pool_id, None)
        if key is None:
            return
        entry = self._entries[key]
        entry.pools.discard(pool_id)
        if not entry.pools:
            del self._entries[key]
            self._unfile(entry)

    def matching(self, w: WorkerFacts) -> list[str]:
        """The pools this Worker can belong to under some load (`residual` is not None), in no order.

        Cost: one lookup for each reference filed under, one evaluation for each condition found there.
        """
        found = dict(self._always)
        scope = Scope(w)
        for shelf in self._shelves.values():
            value = shelf.read(scope)
            if type(value) is list:
                for element in value:
                    _collect(shelf.elements, element, found)
            else:
                _collect(shelf.scalars, value, found)
        return [pool for entry in found.values() if entry.may_hold(scope) for pool in entry.pools]

    def _file(self, entry: _Entry) -> None:
        if entry.anchors is None:
            self._always[entry.condition.key] = entry
            return
        for ref, element, token in entry.anchors:
            shelf = self._shelves.get(ref)
            if shelf is None:
                shelf = self._shelves[ref] = _Shelf(getter(ref))
            shelf.side(element).setdefault(token, {})[entry.condition.key] = entry

    def _unfile(self, entry: _Entry) -> None:
        if entry.anchors is None:
            del self._always[entry.condition.key]
            return
        for ref, element, token in entry.anchors:
            shelf = self._shelves[ref]
            filed = shelf.side(element)
            filed[token].pop(entry.condition.key, None)
            if not filed[token]:
                del filed[token]
        for ref in {anchor[0] for anchor in entry.anchors}:
            if not self._shelves[ref].scalars and not self._shelves[ref].elements:
                del self._shelves[ref]

    def _best_part(self, node: Node) -> Node:
        """The item of an AND to file it under, or the tree itself."""
        if not isinstance(node, And):
            return node
        named = [(anchors, item) for item in node.items if (anchors := self._anchors(item)) is not None]
        return min(named, key=lambda pair: self._load(pair[0]))[1] if named else node

    def _anchors(self, node: Node) -> list[Anchor] | None:
        """Values of which a Worker must have one for the tree to hold; None if none can be named."""
        if isinstance(node, Compare):
            return _of_comparison(node)
        if isinstance(node, Not):
            return None
        if isinstance(node, And):
            named = [found for item in node.items if (found := self._anchors(item)) is not None]
            return min(named, key=self._load) if named else None
        together: list[Anchor] = []
        for item in node.items:
            choice = self._anchors(item)
            if choice is None:
                return None
            together.extend(choice)
        return together if len(together) <= MAX_ANCHORS else None

    def _load(self, anchors: list[Anchor]) -> int:
        if all(ref in SELVES for ref, _, _ in anchors):
            return -1
        load = 0
        for ref, element, token in anchors:
            shelf = self._shelves.get(ref)
            load += len(shelf.side(element).get(token, ())) if shelf is not None else 0
        return load


def _collect(filed: dict[Any, dict[str, _Entry]], value: Any, found: dict[str, _Entry]) -> None:
    for token in _tokens(value):
        entries = filed.get(token)
        if entries is not None:
            found.update(entries)


def _tokens(value: Any) -> tuple[Any, ...]:
    """What a value is filed and found under: itself, and the number it spells. Equal values share a token."""
    kind = type(value)
    if kind is str:
        number = values.number_of(value)
        return (value,) if number is None else (value, number)
    if kind is bool or value is None:
        return ((kind, value),)  # True is not 1 here
    return (value,) if kind is int or kind is float else ()


def _is_plain(part: Node) -> bool:
    """Whether its anchors are all it asks for: not so for an AND inside of an OR, which has those of one item."""
    return isinstance(part, Compare) or (
        isinstance(part, Or) and all(isinstance(item, Compare) for item in part.items)
    )


def _is_exact(anchor: Anchor) -> bool:
    """Whether finding this value means that the comparison holds: a number may have been spelled otherwise."""
    token = anchor[2]
    return type(token) is tuple or (type(token) is str and values.number_of(token) is None)


def _of_comparison(node: Compare) -> list[Anchor] | None:
    if node.op == "==" and isinstance(node.right, Lit):
        return _filed(node.left, element=False, constants=(node.right.value,))
    if node.op != "IN":
        return None
    if isinstance(node.right, Lit):
        assert isinstance(node.right.value, tuple)
        return _filed(node.left, element=False, constants=node.right.value)
    if isinstance(node.left, Lit):
        return _filed(node.right, element=True, constants=(node.left.value,))
    return None


def _filed(operand: Operand, *, element: bool, constants: tuple[Any, ...]) -> list[Anchor] | None:
    if not isinstance(operand, Ref) or is_channel(operand):
        return None
    anchors = [(operand, element, token) for constant in constants for token in _tokens(constant)]
    return anchors if len(anchors) <= MAX_ANCHORS else None
