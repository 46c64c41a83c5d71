"""The order a step gives its Workers: `worker.level DESC, worker.cost ASC`."""

import re
from enum import Enum
from typing import Any, Final, TypeAlias

from engine.rules.bind import worker_key
from engine.rules.compile import Getter, Scope, getter
from engine.rules.errors import RuleError, clip
from engine.rules.facts import WorkerFacts
from engine.rules.parse import segments
from engine.rules.tree import SPECIAL_KEYS, Operand, Ref, show_operand

MEMORY: Final = 8_192  # values a clause remembers the digits of, some 1 MB; Workers have few distinct ones
MAX_CLAUSES: Final = 16  # a prefix is 16 characters a clause, kept with every idle Worker
_LIMIT: Final = 2**63 - 1  # values are clamped to +-this, so that one code is free for "missing"
_MISSING: Final = "f" * 16
_PLAIN: Final = {int, type(None)}
_CLAUSE = re.compile(r"\s*(\S+)(?:\s+(asc|desc))?\s*", re.IGNORECASE)


class Invalid(Enum):
    """The value of a clause that is there but is no integer."""

    INVALID = "invalid"


Value: TypeAlias = int | Invalid | None


class OrderBy:
    """A parsed order; `key` is its canonical text, equal for orders that differ in spaces or case only."""

    __slots__ = ("_clauses", "_digits", "_names", "_signs", "key")

    def __init__(self, clauses: list[tuple[Ref, bool]]) -> None:
        """Of pairs: what to read, and whether it descends."""
        keys = [worker_key(ref.path, channels=False) for ref, _ in clauses]
        self._clauses: list[Getter] = [getter(key) for key in keys]
        self._names = [_attribute(key) for key in keys]  # reading these needs no scope
        self._signs = [-1 if descending else 1 for _, descending in clauses]
        self._digits: list[dict[Value, str]] = [{None: _MISSING} for _ in clauses]
        self.key = ", ".join(f"{show_operand(ref)} {'DESC' if down else 'ASC'}" for ref, down in clauses)

    def __len__(self) -> int:
        return len(self._clauses)

    def __repr__(self) -> str:
        return f"OrderBy({self.key!r})"

    def values(self, w: WorkerFacts) -> tuple[Value, ...]:
        """A Worker's value for each clause: None where missing or null, INVALID where it is no integer.

        5.0 is the integer 5; booleans, texts, arrays and objects are no integers; integers are clamped to
        +-(2**63 - 1). A Worker's identity and Activity are texts, so they are INVALID. Numbers of channels
        count as missing: they change with every Reservation, the order of a pool must not.
        """
        scope = Scope(w)
        return tuple([_integer(get(scope)) for get in self._clauses])

    def prefix(self, values: tuple[Value, ...], ignored: int = 0) -> str:
        """A text whose order among Workers is the order wanted; best first, missing values last.

        16 hexadecimal digits a clause; bit i of `ignored` leaves clause i out, which must be the same for
        all texts compared. A value that is INVALID and not ignored counts as missing.
        """
        parts = enumerate(values)
        return "".join([self._text(i, value) for i, value in parts if not ignored >> i & 1])

    def prefixes(self, members: list[WorkerFacts]) -> tuple[int, list[str]]:
        """The clauses that count for nobody, as bits, and each member's prefix without them; about 1 us each.

        A clause counts for nobody when some member has a value there that is no integer (semantics 6.7).
        """
        ignored, columns = 0, []
        for clause, known in enumerate(self._digits):
            values = self._column(clause, members)
            if Invalid.INVALID in values:
                ignored |= 1 << clause
            else:
                columns.append([known.get(value) or self._text(clause, value) for value in values])
        return ignored, list(map("".join, zip(*columns, strict=True))) or [""] * len(members)

    def _column(self, clause: int, members: list[WorkerFacts]) -> list[Any]:
        """What every member has for a clause, as `values` gives it but for integers beyond the limit."""
        name = self._names[clause]
        found: list[Any]
        if name is not None:
            found = [w.attributes.get(name) for w in members]
        else:
            read, scope, found = self._clauses[clause], Scope(), []
            for w in members:
                scope.turn_to(w)
                found.append(read(scope))
        return found if set(map(type, found)) <= _PLAIN else list(map(_integer, found))

    def _text(self, clause: int, value: Value) -> str:
        """The digits of a value in a clause, remembered while they fit."""
        known = self._digits[clause]
        text = known.get(value)
        if text is None:
            number = _integer(value)
            if not isinstance(number, int):
                return _MISSING
            text = f"{_LIMIT + self._signs[clause] * number:016x}"
            if len(known) < MEMORY and number == value:
                known[value] = text
        return text


def _attribute(operand: Operand) -> str | None:
    """The name, if the operand is an attribute of the Worker and nothing below one."""
    if not isinstance(operand, Ref) or len(operand.path) != 1 or operand.path[0] in SPECIAL_KEYS:
        return None
    return operand.path[0] if isinstance(operand.path[0], str) else None


def _integer(value: Any) -> Value:
    if value is None or (type(value) is int and -_LIMIT <= value <= _LIMIT):
        return value
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        return Invalid.INVALID
    return max(-_LIMIT, min(_LIMIT, value))


def parse_order_by(text: str) -> OrderBy:
    """Parse `worker.<path> [ASC|DESC], …`; a direction not given is ASC.

    Raises RuleError with the position of the clause that is wrong. At most 16 clauses.
    """
    clauses: list[tuple[Ref, bool]] = []
    at = 0
    for part in text.split(",", MAX_CLAUSES):
        if len(clauses) == MAX_CLAUSES:
            raise RuleError(f"an order has at most {MAX_CLAUSES} clauses", position=at)
        clauses.append(_clause(part, at))
        at += len(part) + 1
    return OrderBy(clauses)


def _clause(part: str, at: int) -> tuple[Ref, bool]:
    start = at + len(part) - len(part.lstrip())
    match = _CLAUSE.fullmatch(part)
    path = segments(match.group(1)) if match is not None else None
    if match is None or path is None or path[0] != "worker" or len(path) < 2:
        raise RuleError(
            f"expected worker.<attribute> ASC or DESC, found {clip(part.strip())}", position=start
        )
    descending = (match.group(2) or "asc").lower() == "desc"
    return Ref("worker", path[1:]), descending
