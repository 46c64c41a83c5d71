"""The order a step gives its Workers: `worker.level DESC, worker.cost ASC`."""

import re
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, TypeAlias

from engine.rules.bind import worker_key
from engine.rules.compile import Getter, Scope, getter
from engine.rules.errors import RuleError, clip
from engine.rules.facts import WorkerFacts
from engine.rules.parse import segments
from engine.rules.tree import Ref, show_operand

MAX_CLAUSES: Final = 16  # a prefix is 16 characters a clause, kept with every idle Worker
_LIMIT: Final = 2**63 - 1  # values are clamped to +-this, so that one code is free for "missing"
_MISSING: Final = "f" * 16
_CLAUSE = re.compile(r"\s*(\S+)(?:\s+(asc|desc))?\s*", re.IGNORECASE)


class Invalid(Enum):
    """The value of a clause that is there but is no integer."""

    INVALID = "invalid"


Value: TypeAlias = int | Invalid | None


class OrderBy:
    """A parsed order; `key` is its canonical text, equal for orders that differ in spaces or case only."""

    __slots__ = ("_clauses", "key")

    def __init__(self, clauses: list[tuple[Ref, bool]]) -> None:
        """Of pairs: what to read, and whether it descends."""
        self._clauses: list[tuple[Getter, bool]] = []
        for ref, descending in clauses:
            read = getter(worker_key(ref.path, channels=False))
            self._clauses.append((read, descending))
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
        return tuple([_integer(read(scope)) for read, _ in self._clauses])

    def prefix(self, values: Iterable[Value], ignored: int = 0) -> str:
        """A text whose order among Workers is the order wanted; best first, missing values last.

        16 hexadecimal digits a clause; bit i of `ignored` leaves clause i out, which must be the same for
        all texts compared. A value that is INVALID and not ignored counts as missing.
        """
        digits = [
            _MISSING
            if not isinstance(value, int)
            else f"{(_LIMIT - value if descending else _LIMIT + value):016x}"
            for i, (value, (_, descending)) in enumerate(zip(values, self._clauses, strict=True))
            if not ignored >> i & 1
        ]
        return "".join(digits)


def _integer(value: Any) -> Value:
    if value is None:
        return None
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
