"""The Workers of an index by what stands at one path: bitmaps for every value, exact for every operator."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from pyroaring import BitMap

from engine.rules import values

Grouped: TypeAlias = dict[str, int | list[int]]  # texts to the Worker or Workers that have them
RANGES: Final = {"<", "<=", ">", ">="}


class _Sorted:
    """Keys of one kind to the Workers that have them: a number where it is one Worker, a bitmap where several.

    The order of the keys is made when first asked for, and kept from then on.
    """

    __slots__ = ("_everyone", "_order", "bits")

    def __init__(self) -> None:
        self.bits: dict[Any, BitMap | int] = {}
        self._everyone = BitMap()
        self._order: list[Any] | None = None

    def add(self, key: Any, worker: int) -> None:
        found = self.bits.get(key)
        if found is None:
            self.bits[key] = worker
            if self._order is not None:
                insort(self._order, key)  # moves 8 bytes a key: 30 us among 100,000, against 20 ms to sort
        elif isinstance(found, int):
            self.bits[key] = BitMap((found, worker))
        else:
            found.add(worker)
        self._everyone.add(worker)

    def fill(self, found: Grouped) -> None:
        """Add new keys, before the order was made."""
        assert self._order is None
        for key, workers in found.items():
            if isinstance(workers, int):
                self.bits[key] = workers
                self._everyone.add(workers)
            else:
                self.bits[key] = bits = BitMap(workers)
                self._everyone |= bits

    def discard(self, key: Any, worker: int) -> None:
        found = self.bits.get(key)
        if found is None:  # an array may hold one element twice
            return
        self._everyone.discard(worker)
        if isinstance(found, BitMap):
            found.discard(worker)
            if found:
                return
        del self.bits[key]
        if self._order is not None:
            del self._order[bisect_left(self._order, key)]

    def at(self, key: Any) -> BitMap:
        found = self.bits.get(key)
        return found if isinstance(found, BitMap) else BitMap(() if found is None else (found,))

    def keys_between(self, op: str, bound: Any) -> int:
        """How many distinct keys a range has."""
        wanted = self._range(op, bound)
        return int(wanted.stop - wanted.start)

    def between(self, op: str, bound: Any) -> BitMap:
        """The Workers, of one key each, whose key stands in relation `op` to the bound.

        Cost: the distinct keys in the range or outside it, whichever are fewer.
        """
        order, wanted = self._ordered(), self._range(op, bound)
        inside = order[wanted]
        if 2 * len(inside) <= len(order):
            return self._union(inside)
        return self._everyone - self._union(order[: wanted.start] + order[wanted.stop :])

    def _union(self, keys: list[Any]) -> BitMap:
        return _together([self.bits[key] for key in keys])

    def _ordered(self) -> list[Any]:
        if self._order is None:
            self._order = sorted(self.bits)
        return self._order

    def _range(self, op: str, bound: Any) -> slice:
        order = self._ordered()
        cut = (bisect_left if op in ("<", ">=") else bisect_right)(order, bound)
        return slice(0, cut) if op in ("<", "<=") else slice(cut, len(order))


_EMPTY: Final = BitMap()


def _together(found: list[BitMap | int]) -> BitMap:
    several = [workers for workers in found if isinstance(workers, BitMap)]
    alone = BitMap([worker for worker in found if isinstance(worker, int)])
    return BitMap.union(alone, *several)


class Values:
    """A bag of scalars by Worker: the values at a path, or the elements of the arrays there."""

    __slots__ = ("false", "null", "numbers", "spelled", "texts", "true")

    def __init__(self) -> None:
        self.texts = _Sorted()
        self.numbers = _Sorted()
        self.spelled = _Sorted()  # numbers written as text; under their number
        self.true, self.false, self.null = BitMap(), BitMap(), BitMap()

    def change(self, value: Any, worker: int, *, add: bool) -> None:
        """Add or take away a scalar of a Worker; arrays and objects are nobody's scalar."""
        kind = type(value)
        if kind is str:
            _change(self.texts, value, worker, add)
            number = values.number_of(value)
            if number is not None:
                _change(self.spelled, number, worker, add)
        elif kind is int or kind is float:
            _change(self.numbers, value, worker, add)
        elif kind is bool or value is None:
            bits = self.null if value is None else (self.true if value else self.false)
            (bits.add if add else bits.discard)(worker)

    def fill(self, found: Grouped) -> None:
        """Add texts to an empty bag."""
        self.texts.fill(found)
        for text, workers in found.items():
            number = values.number_of(text)
            if number is not None:
                for worker in [workers] if isinstance(workers, int) else workers:
                    self.spelled.add(number, worker)

    def equal(self, value: Any) -> BitMap:
        """Who has a value that `==` finds equal; a new bitmap."""
        if isinstance(value, str):
            number = values.number_of(value)
            return self.texts.at(value) | (self.numbers.at(number) if number is not None else _EMPTY)
        if value is None or isinstance(value, bool):
            return (self.null if value is None else (self.true if value else self.false)).copy()
        return self.numbers.at(value) | self.spelled.at(value)

    def ordered(self, op: str, bound: Any) -> BitMap:
        """Who has a value in that relation to a text or number."""
        if isinstance(bound, str):
            number = values.number_of(bound)
            texts = self.texts.between(op, bound)
            return texts | self.numbers.between(op, number) if number is not None else texts
        return self.numbers.between(op, bound) | self.spelled.between(op, bound)

    def keys_ordered(self, op: str, bound: Any) -> int:
        """How many distinct values `ordered` would have to join."""
        number = values.number_of(bound) if isinstance(bound, str) else bound
        other = self.texts if isinstance(bound, str) else self.spelled
        return other.keys_between(op, bound) + (
            self.numbers.keys_between(op, number) if number is not None else 0
        )

    def containing(self, part: str) -> BitMap:
        """Who has a text or number with this part. Cost: one look at each distinct value."""
        found = [bits for key, bits in self.texts.bits.items() if part in key]
        found += [bits for key, bits in self.numbers.bits.items() if values.contains(key, part)]
        return _together(found)

    def distinct(self) -> int:
        """How many texts and numbers there are."""
        return len(self.texts.bits) + len(self.numbers.bits)


def _change(bag: _Sorted, key: Any, worker: int, add: bool) -> None:
    if add:
        bag.add(key, worker)
    else:
        bag.discard(key, worker)


def _group(groups: Grouped, text: str, worker: int) -> None:
    found = groups.get(text)
    if found is None:
        groups[text] = worker  # no list yet: a hundred thousand of them would set off the garbage collector
    elif isinstance(found, int):
        groups[text] = [found, worker]
    else:
        found.append(worker)


class Postings:
    """All Workers of an index by the value of one reference. `everyone` is shared with the index."""

    __slots__ = ("_arrays", "_elements", "_everyone", "_objects", "_present", "_scalars", "read")

    def __init__(self, read: Callable[[Any], Any], everyone: BitMap) -> None:
        self.read = read
        self._everyone = everyone
        self._scalars, self._elements = Values(), Values()
        self._arrays, self._objects, self._present = BitMap(), BitMap(), BitMap()

    def change(self, value: Any, worker: int, *, add: bool) -> None:
        """Add or take away a Worker that has this value. Cost: O(1), or one step an element."""
        if value is None:
            return  # NULL is having no posting: most Workers lack most attributes
        (self._present.add if add else self._present.discard)(worker)
        if type(value) is list:
            (self._arrays.add if add else self._arrays.discard)(worker)
            for element in value:
                self._elements.change(element, worker, add=add)
        elif type(value) is dict:
            (self._objects.add if add else self._objects.discard)(worker)
        else:
            self._scalars.change(value, worker, add=add)

    def fill(self, found: Iterable[tuple[int, Any]]) -> None:
        """What `change` does for many Workers, before anything else was added: 0.3 us each and element."""
        scalars: Grouped = {}
        elements: Grouped = {}
        present: list[int] = []
        arrays: list[int] = []
        for worker, value in found:
            if value is None:
                continue
            kind = type(value)
            if kind is str:
                present.append(worker)
                _group(scalars, value, worker)
            elif kind is list:
                arrays.append(worker)
                for element in value:
                    if type(element) is str:
                        _group(elements, element, worker)
                    else:
                        self._elements.change(element, worker, add=True)
            else:
                self.change(value, worker, add=True)
        self._arrays.update(arrays)
        self._present.update(present + arrays)
        self._scalars.fill(scalars)
        self._elements.fill(elements)

    def effort(self, op: str, constant: Any) -> int:
        """How many bitmaps `select` would join for an operator that looks at many values, else 0."""
        if op in RANGES:
            return self._scalars.keys_ordered(op, constant)
        return self._scalars.distinct() if op == "CONTAINS" else 0

    def select(self, op: str, constant: Any) -> BitMap:
        """Who satisfies `reference op constant`; a new bitmap. An array is a tuple."""
        if op in RANGES:
            return self._scalars.ordered(op, constant)
        if op == "CONTAINS":
            return self._scalars.containing(constant)
        if op == "==":
            return self._equal(constant)
        if op == "!=":
            if constant is None:
                return self._present.copy()
            return self._scalar_holders() - self._equal(constant)
        one_of = BitMap.union(*[self._equal(value) for value in constant]) if constant else BitMap()
        return one_of if op == "IN" else self._scalar_holders() - one_of

    def select_element(self, op: str, constant: Any) -> BitMap:
        """Who satisfies `constant IN reference`, or NOT IN; a new bitmap."""
        found = self._elements.equal(constant)
        return found if op == "IN" else self._arrays - found

    def _equal(self, constant: Any) -> BitMap:
        return self._scalars.equal(constant) if constant is not None else self._everyone - self._present

    def _scalar_holders(self) -> BitMap:
        return self._everyone - self._arrays - self._objects
