"""The meaning of every operator on JSON values. Nothing here raises: a mismatch of types is just false.

Numbers meet numbers written as text numerically, but two texts are compared as texts, so equality is not
transitive ('6' = 6 = '6.0', yet '6' is not '6.0'). `Members` keeps that in a hashed form.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

NUMBER_CHARACTERS: Final = 64  # the longest text read as a number; keeps int() and float() cheap
_NUMERIC = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_FIRST: Final = "-0123456789"  # most texts are ruled out by how they begin
_MAX_TEXT_BITS = 1024  # an integer beyond any float has no text form, so CONTAINS cannot cost a long str()


def number_of(text: str) -> int | float | None:
    """The number a text spells (`-12`, `3.50`), or None. No sign but `-`, no exponent, no blanks."""
    return _number_of(text) if text[:1] in _FIRST and len(text) <= NUMBER_CHARACTERS else None


@lru_cache(maxsize=16_384)  # 3 x cheaper than matching again; at most about 3 MB of short texts
def _number_of(text: str) -> int | float | None:
    if _NUMERIC.fullmatch(text) is None:
        return None
    return float(text) if "." in text else int(text)


def number(value: Any) -> int | float | None:
    """The number a JSON value stands for in a comparison with a number, or None."""
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    return number_of(value) if kind is str else None


def text(value: Any) -> str | None:
    """The shortest text form of a text or number (5.0 is `5`), None for anything else."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is float:
        return str(int(value)) if abs(value) < 2**53 and value == int(value) else repr(value)
    return str(value) if kind is int and value.bit_length() <= _MAX_TEXT_BITS else None


def equal(left: Any, right: Any) -> bool:
    """`==`: also the test of an element in HAS, IN and NOT IN."""
    kind, other = type(left), type(right)
    if kind is other:
        return left == right if kind is not list and kind is not dict else False
    if left is None or right is None or kind is bool or other is bool:
        return False
    first, second = number(left), number(right)
    return first is not None and second is not None and first == second


def unequal(left: Any, right: Any) -> bool:
    """`!=`: with NULL a test of existence for every type, otherwise false for arrays and objects."""
    if left is None or right is None:
        return left is not right
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return False
    return not equal(left, right)


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 where the two have an order, else None."""
    if type(left) is str and type(right) is str:
        return (left > right) - (left < right)
    first, second = number(left), number(right)
    if first is None or second is None or first != first or second != second:
        return None
    return (first > second) - (first < second)


def less(left: Any, right: Any) -> bool:
    """`<`."""
    return compare(left, right) == -1


def less_equal(left: Any, right: Any) -> bool:
    """`<=`."""
    return compare(left, right) in (-1, 0)


def greater(left: Any, right: Any) -> bool:
    """`>`."""
    return compare(left, right) == 1


def greater_equal(left: Any, right: Any) -> bool:
    """`>=`."""
    return compare(left, right) in (0, 1)


def contains(left: Any, right: Any) -> bool:
    """`CONTAINS`: the left text has the right one in it. Cost: the product of their lengths at worst."""
    whole, part = text(left), text(right)
    return whole is not None and part is not None and part in whole


def is_scalar(value: Any) -> bool:
    """Neither an array nor an object. NULL is a scalar."""
    return not isinstance(value, list | dict)


def member(value: Any, array: Sequence[Any]) -> bool:
    """Whether an array holds a scalar. Cost: one pass."""
    kind = type(value)
    if kind is str:
        if value in array:
            return True
        spelled = number_of(value)
        return spelled is not None and any(
            element == spelled for element in array if type(element) is int or type(element) is float
        )
    if kind is int or kind is float:
        return any(equal(value, element) for element in array)
    if kind is bool or value is None:
        return any(element is value for element in array)
    return False


def is_in(value: Any, array: Any) -> bool:
    """`IN`, and HAS with its sides exchanged."""
    return type(array) is list and member(value, array)


def not_in(value: Any, array: Any) -> bool:
    """`NOT IN`: false unless a scalar meets an array."""
    return type(array) is list and is_scalar(value) and not member(value, array)


class Members:
    """The elements of an array, hashed: one pass to build, O(1) a test. Nested elements are left out."""

    __slots__ = ("_spelled", "false", "null", "numbers", "texts", "true")

    def __init__(self, elements: Iterable[Any]) -> None:
        elements = tuple(elements)
        others = [e for e in elements if type(e) is not str]
        self.texts = frozenset([e for e in elements if type(e) is str])
        self.numbers = frozenset([e for e in others if type(e) is int or type(e) is float])
        self.null = any(e is None for e in others)
        self.true = any(e is True for e in others)
        self.false = any(e is False for e in others)
        self._spelled: frozenset[int | float] | None = None  # only a number asks; five times the rest's cost

    def _spells(self, value: int | float) -> bool:
        if self._spelled is None:
            self._spelled = frozenset([n for e in self.texts if (n := number_of(e)) is not None])
        return value in self._spelled

    def has(self, value: Any) -> bool:
        """Whether a value equals an element; False for arrays and objects."""
        kind = type(value)
        if kind is str:
            if value in self.texts:
                return True
            return bool(self.numbers) and number_of(value) in self.numbers
        if kind is int or kind is float:
            return value in self.numbers or self._spells(value)
        if kind is bool:
            return self.true if value else self.false
        return self.null if value is None else False


OPERATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": equal,
    "!=": unequal,
    "<": less,
    "<=": less_equal,
    ">": greater,
    ">=": greater_equal,
    "CONTAINS": contains,
    "IN": is_in,
    "NOT IN": not_in,
}
