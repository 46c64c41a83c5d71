"""What is left of a condition when everything but certain numbers is known.

The rest is a postfix program, short enough to be stored and run inside a Redis script whenever a number
changes: a Worker's load, or the counts of a queue that a skip_if asks for. Tokens, separated by one space:

    a:chat c:chat p:chat   assigned_tasks, configured_capacity, available_capacity_percentage: integers >= 0
    w:+ w:- w:WA…          Workers of the queue that are available, unavailable, in an Activity: integers >= 0
    #5 #-1.5 $07           a number; a text of digits (an operand of ~ only)
    == != < <= > >=        number with number
    ~                      the left operand's text contains the right one's; either may be a $text
    T F & | !              booleans: `&` and `|` take two, `!` takes one
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from engine.rules import values
from engine.rules.compile import Scope, compile_node, getter
from engine.rules.facts import ChannelFacts, WorkerFacts
from engine.rules.tree import COUNTS, And, Compare, Lit, Node, Not, Operand, Or, Ref, is_channel, references

Rest: TypeAlias = bool | str
Partial: TypeAlias = Callable[[Scope], Rest]

_LETTERS: Final = {"assigned_tasks": "a", "configured_capacity": "c", "available_capacity_percentage": "p"}
_GROUPS: Final = {"available": "+", "unavailable": "-"}
_FIELDS: Final = {letter: name for name, letter in _LETTERS.items()}
_MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EXACT: Final = 2**53  # Lua's numbers are doubles: channel numbers stay below this, and so do constants
_DIGITS: Final = 16  # of 2**53, so no channel number has more
_RUN = re.compile(r"[0-9]+")


def mentions_channels(node: Node) -> bool:
    """Whether the truth of a tree depends on a Worker's load."""
    return any(map(is_channel, references(node)))


def _is_open(operand: Operand) -> bool:
    return is_channel(operand) or (isinstance(operand, Ref) and operand.root == COUNTS)


def _mentions_open(node: Node) -> bool:
    return any(map(_is_open, references(node)))


def compile_partial(node: Node) -> Partial:
    """A closure that gives True, False or a program, for a canonical tree."""
    if not _mentions_open(node):
        return compile_node(node)
    if isinstance(node, Compare):
        return _comparison(node)
    if isinstance(node, Not):
        return _negation(compile_partial(node.item))
    if len(node.items) == 1:
        return compile_partial(node.items[0])
    plain = tuple(item for item in node.items if not _mentions_open(item))
    loaded = tuple(compile_partial(item) for item in node.items if _mentions_open(item))
    if isinstance(node, And):
        return _joined(compile_node(And(plain)), loaded, absorbing=False, op="&")
    return _joined(compile_node(Or(plain)), loaded, absorbing=True, op="|")


def _negation(inner: Partial) -> Partial:
    def negation(s: Scope) -> Rest:
        rest = inner(s)
        return f"{rest} !" if isinstance(rest, str) else not rest

    return negation


def _joined(
    plain: Callable[[Scope], bool], loaded: tuple[Partial, ...], *, absorbing: bool, op: str
) -> Partial:
    def joined(s: Scope) -> Rest:
        if plain(s) is absorbing:
            return absorbing
        rests: list[str] = []
        for part in loaded:
            rest = part(s)
            if rest is absorbing:
                return absorbing
            if isinstance(rest, str):
                rests.append(rest)
        return _chain(rests, op) if rests else not absorbing

    return joined


def _chain(programs: list[str], op: str) -> str:
    return programs[0] + "".join(f" {program} {op}" for program in programs[1:])


def _comparison(node: Compare) -> Partial:
    op, operation = node.op, values.OPERATIONS[node.op]
    first, second = _reader(node.left), _reader(node.right)

    def comparison(s: Scope) -> Rest:
        (left, loaded), (right, also_loaded) = first(s), second(s)
        if loaded and also_loaded:
            return False if op in ("IN", "NOT IN") else f"{left} {right} {'~' if op == 'CONTAINS' else op}"
        if loaded:
            return _against(op, left, right)
        if also_loaded:
            return _of_text(left, right) if op == "CONTAINS" else _mirrored(op, left, right)
        return operation(left, right)

    loaded = [side for side in (node.left, node.right) if is_channel(side)]
    if len(loaded) == 1 and any(isinstance(side, Lit) for side in (node.left, node.right)):
        return _settled(loaded[0], comparison)
    return comparison


def _settled(operand: Operand, comparison: Partial) -> Partial:
    """A comparison of a channel number with a constant: all that is open is whether the Worker has the channel."""
    assert isinstance(operand, Ref)
    channel = str(operand.path[1])
    facts = WorkerFacts("", "", "", "", {}, {channel: ChannelFacts(0, 0, 0)})
    with_it, without = comparison(Scope(facts)), comparison(Scope())
    return lambda s: with_it if s.worker is not None and channel in s.worker.channels else without


def _reader(operand: Operand) -> Callable[[Scope], tuple[Any, bool]]:
    """Reads an operand: (token, True) for a count or a number of a channel the Worker has, else (value, False)."""
    if not _is_open(operand):
        read = getter(operand)
        return lambda s: (read(s), False)
    assert isinstance(operand, Ref)
    if operand.root == COUNTS:
        name = str(operand.path[0])
        return lambda s: (f"w:{_GROUPS.get(name, name)}", True)
    channel, token = operand.path[1], f"{_LETTERS[str(operand.path[2])]}:{operand.path[1]}"
    return lambda s: (token, True) if s.worker and channel in s.worker.channels else (None, False)


def _mirrored(op: str, value: Any, token: str) -> Rest:
    return False if op in ("IN", "NOT IN") else _against(_MIRRORED[op], token, value)


def _against(op: str, token: str, value: Any) -> Rest:
    """A channel number on the left, a known value on the right."""
    if op == "IN":
        return _one_of(token, value) if isinstance(value, list) else False
    if op == "NOT IN":
        if not isinstance(value, list):
            return False
        rest = _one_of(token, value)
        return f"{rest} !" if isinstance(rest, str) else not rest
    if op == "CONTAINS":
        return _has_digits(token, values.text(value))
    number = values.number(value)
    if number is None or not 0 <= number <= _EXACT:
        return values.OPERATIONS[op](0, value)  # the same for every channel number
    return f"{token} #{values.text(number)} {op}"


def _has_digits(token: str, part: str | None) -> Rest:
    if not part:
        return part is not None
    possible = len(part) <= _DIGITS and _RUN.fullmatch(part) is not None
    return f"{token} ${part} ~" if possible else False


def _of_text(whole: Any, token: str) -> Rest:
    """A known text contains a channel number if one of its runs of digits does."""
    runs = sorted(set(_RUN.findall(values.text(whole) or "")))
    return _chain([f"${run} {token} ~" for run in runs], "|") if runs else False


def _one_of(token: str, elements: list[Any]) -> Rest:
    most = 100 if token[0] == "p" else _EXACT
    numbers = {number for e in elements if (number := values.number(e)) is not None}
    possible = sorted(int(number) for number in numbers if 0 <= number <= most and number == int(number))
    return _chain([f"{token} #{number} ==" for number in possible], "|") if possible else False


def run_residual(program: str, channels: dict[str, ChannelFacts]) -> bool:
    """What a residual program says of a load: the plain reading of the language above. "" is true."""

    def number(token: str) -> Any:
        facts = channels.get(token[2:])
        return getattr(facts, _FIELDS[token[0]]) if facts is not None else None

    return _run(program, number)


def run_counts(program: str, counts: Mapping[str, int]) -> bool:
    """What a program says of the counts of a queue: keys `+`, `-`, `WA…`, a missing one is 0."""
    return _run(program, lambda token: counts.get(token[2:], 0))


def _run(program: str, number: Callable[[str], Any]) -> bool:
    stack: list[Any] = []
    for token in program.split():
        if token == "!":  # noqa: S105  # an operator, not a password
            stack.append(not stack.pop())
        elif token in _OPERATORS:
            right, left = stack.pop(), stack.pop()
            stack.append(_OPERATORS[token](left, right))
        else:
            stack.append(_pushed(token, number))
    return bool(stack.pop()) if stack else True


def _pushed(token: str, number: Callable[[str], Any]) -> Any:
    if token in ("T", "F"):
        return token == "T"  # noqa: S105
    if token[0] == "$":
        return token[1:]
    if token[0] == "#":
        return float(token[1:]) if "." in token or "e" in token else int(token[1:])
    return number(token)


_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    **{op: values.OPERATIONS[op] for op in _MIRRORED},
    "~": values.contains,
    "&": lambda left, right: left and right,
    "|": lambda left, right: left or right,
}
