"""The Workers of one Workspace in memory, found by set algebra instead of by asking each of them."""

from collections.abc import Iterator
from typing import Any, Final

from pyroaring import BitMap

from engine.rules.compile import Scope, compile_node, getter
from engine.rules.condition import Condition
from engine.rules.condition_index import ConditionIndex
from engine.rules.facts import WorkerFacts
from engine.rules.identity import SID, identities
from engine.rules.postings import Postings
from engine.rules.residual import mentions_channels
from engine.rules.tree import And, Compare, Lit, Node, Not, Ref, is_channel

__all__ = ["ConditionIndex", "WorkerIndex"]

MAX_REFERENCES: Final = 256  # postings kept; each costs 10 to 100 bytes a Worker and 1 us for each `put`
FEW: Final = 16  # Workers whose evaluation costs no more than set algebra


class WorkerIndex:
    """Workers by SID, and by the value of every reference that a condition has asked for so far.

    The first condition that names a reference costs a pass over all Workers (0.1 s for 100,000). Past 256
    references the least lately used one is dropped, so what can be named cannot fill the memory.
    """

    def __init__(self, *, references: int = MAX_REFERENCES, few: int = FEW) -> None:
        self._numbers: dict[str, int] = {}
        self._named: dict[str, tuple[int, ...]] = {}  # one each, but for moments in which names change hands
        self._workers: dict[int, WorkerFacts] = {}
        self._everyone = BitMap()
        self._postings: dict[Ref, Postings] = {}
        self._references, self._few = references, few

    def __len__(self) -> int:
        return len(self._numbers)

    def get(self, sid: str) -> WorkerFacts | None:
        """The Worker as it was last put."""
        number = self._numbers.get(sid)
        return self._workers[number] if number is not None else None

    def put(self, w: WorkerFacts) -> None:
        """Add or replace a Worker; it must not be changed afterwards. Cost: O(references named so far)."""
        number = self._numbers.get(w.sid)
        if number is None:
            number = self._numbers[w.sid] = self._unused()
            self._everyone.add(number)
            old = None
            self._named[w.friendly_name] = (*self._named.get(w.friendly_name, ()), number)
        else:
            old = Scope(self._workers[number])
            self._rename(number, self._workers[number].friendly_name, w.friendly_name)
        self._workers[number] = w
        new = Scope(w)
        for postings in self._postings.values():
            if old is not None:
                postings.change(postings.read(old), number, add=False)
            postings.change(postings.read(new), number, add=True)

    def remove(self, sid: str) -> None:
        """Forget a Worker; one that is not there is no error."""
        number = self._numbers.pop(sid, None)
        if number is None:
            return
        scope = Scope(gone := self._workers.pop(number))
        self._rename(number, gone.friendly_name, None)
        for postings in self._postings.values():
            postings.change(postings.read(scope), number, add=False)
        self._everyone.discard(number)

    def members(self, c: Condition) -> list[WorkerFacts]:
        """Every Worker that can satisfy the condition under some load (`residual` is not None), in no order.

        Cost: bitmaps where a comparison has one reference and constants, else an evaluation of each Worker
        that the rest of the condition leaves over. One that asks for a SID or a friendly name: O(1).
        """
        found = self._select(c.node, self._everyone)
        workers = list(map(self._workers.__getitem__, found.to_array()))  # half the cost of a comprehension
        if not c.uses_channels:
            return workers
        programs = c.programs(workers)
        if None not in programs:
            return workers
        return [w for w, program in zip(workers, programs, strict=True) if program is not None]

    def _rename(self, number: int, old: str, new: str | None) -> None:
        if old == new:
            return
        others = tuple(n for n in self._named[old] if n != number)
        if others:
            self._named[old] = others
        else:
            del self._named[old]
        if new is not None:
            self._named[new] = (*self._named.get(new, ()), number)

    def _unused(self) -> int:
        if len(self._everyone) == 0 or self._everyone.max() == len(self._everyone) - 1:
            return len(self._everyone)
        return int(self._everyone.flip(0, self._everyone.max() + 1).min())

    def _select(self, node: Node, within: BitMap) -> BitMap:
        """Who of `within` satisfies a canonical tree; where it depends on the load, all who may."""
        if isinstance(node, Compare | Not):
            return self._leaf(node, within)
        if isinstance(node, And):
            for item in sorted(node.items, key=_difficulty):
                within = self._select(item, within)
            return within
        found = BitMap()
        for item in sorted(node.items, key=_difficulty):
            found |= self._select(item, within - found)
        return found

    def _leaf(self, node: Node, within: BitMap) -> BitMap:
        comparison = node.item if isinstance(node, Not) else node
        assert isinstance(comparison, Compare), "a canonical tree has NOT before comparisons only"
        if mentions_channels(comparison):
            return within
        if (named := identities(node)) is not None:
            return within & self._identified(*named)
        if len(within) <= self._few:
            return self._evaluated(node, within)
        if not _in_postings(comparison) or self._effort(comparison) > len(within):
            return self._evaluated(node, within)
        found = self._looked_up(comparison)
        return within - found if isinstance(node, Not) else within & found

    def _identified(self, ref: Ref, wanted: tuple[str, ...]) -> BitMap:
        if ref == SID:
            return BitMap([number for text in wanted if (number := self._numbers.get(text)) is not None])
        return BitMap([number for text in wanted for number in self._named.get(text, ())])

    def _evaluated(self, node: Node, within: BitMap) -> BitMap:
        test, scope, workers = compile_node(node), Scope(), self._workers
        found: list[int] = []
        for number in within.to_array():  # an array is iterated three times as fast as a bitmap
            scope.turn_to(workers[number])
            if test(scope):
                found.append(number)
        return BitMap(found)

    def _effort(self, node: Compare) -> int:
        if isinstance(node.left, Ref) and isinstance(node.right, Lit):
            return self._of(node.left).effort(node.op, node.right.value)
        return 0

    def _looked_up(self, node: Compare) -> BitMap:
        if isinstance(node.left, Ref):
            assert isinstance(node.right, Lit)
            return self._of(node.left).select(node.op, node.right.value)
        assert isinstance(node.right, Ref)
        return self._of(node.right).select_element(node.op, node.left.value)

    def _read(self, postings: Postings) -> Iterator[tuple[int, Any]]:
        scope, read = Scope(), postings.read
        for number, w in self._workers.items():
            scope.turn_to(w)
            yield number, read(scope)

    def _of(self, ref: Ref) -> Postings:
        postings = self._postings.pop(ref, None)
        if postings is None:
            postings = Postings(getter(ref), self._everyone)
            postings.fill(self._read(postings))
            if len(self._postings) >= self._references:
                del self._postings[next(iter(self._postings))]
        self._postings[ref] = postings
        return postings


def _in_postings(node: Compare) -> bool:
    """Whether one reference meets a constant, in an operator that has postings."""
    if isinstance(node.left, Ref):
        return isinstance(node.right, Lit)
    return node.op in ("IN", "NOT IN")


_DIFFICULTY: Final = {"==": 0, "IN": 0, "!=": 1, "NOT IN": 1, "CONTAINS": 3}


def _difficulty(node: Node) -> int:
    """What to do first: one Worker, exact values, then ranges, searches, nested parts, and evaluation last."""
    if identities(node) is not None:
        return -1
    comparison = node.item if isinstance(node, Not) else node
    if not isinstance(comparison, Compare):
        return 4
    if any(is_channel(side) for side in (comparison.left, comparison.right)):
        return 6
    return _DIFFICULTY.get(comparison.op, 2) if _in_postings(comparison) else 5
