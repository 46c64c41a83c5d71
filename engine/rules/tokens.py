"""From characters to tokens, in linear time, with every limit checked before the parser runs.

The limits are there so that whatever is accepted evaluates in about 50 microseconds. A constant or an
operator weighs one, a reference, which has to be read, two: `a == 1 AND` weighs five and takes 0.2
microseconds, so 1,000 allow 200 comparisons and 40 microseconds; up to twice that where each of them has
two references of different types. CONTAINS reads its whole text and weighs twenty; a text of 4,096
characters made to be slow to search costs it 10 to 20 microseconds, an ordinary one 0.3. The constants of
an array are free: they are hashed when the expression is compiled.
"""

import re
from collections.abc import Iterator
from typing import Final

from lark import Token
from msgspec import Struct

from engine.rules.constants import NUMBER, STRING, WORDS, array_end, check_constant
from engine.rules.errors import RuleError, clip

MAX_WEIGHT: Final = 1_000
MAX_DEPTH: Final = 64  # of brackets; every walk of a tree is recursive, and Python allows 1,000 frames
_WEIGHTS: Final = {"REFERENCE": 2, "CONTAINS": 20}
PATH_SEGMENTS: Final = 32  # attributes are at most 32 deep, so a longer path is never there


class Limits(Struct, frozen=True):
    """How much is accepted. A canonical key may also write exponents, and paths and numbers of any length."""

    weight: int = MAX_WEIGHT
    depth: int = MAX_DEPTH
    canonical: bool = False


OF_USERS: Final = Limits()
OF_KEYS: Final = Limits(
    weight=4 * MAX_WEIGHT, depth=2 * MAX_DEPTH, canonical=True
)  # a key joins two expressions


_IDENT = r"[^\W\d][\w$]*|\$[\w$]*"
_TOKEN = re.compile(
    rf"""(?P<SPACE>\s+)
    |(?P<STRING>{STRING})
    |(?P<NUMBER>{NUMBER})
    |(?P<NOT_IN>not\s++in\b(?![\w$.\[]))
    |(?P<REFERENCE>(?:{_IDENT})(?:\.(?:{_IDENT})|\[[0-9]++\])*+)
    |(?P<OPERATOR>>-|<-|==|!=|<>|<=|>=|=|<|>)
    |(?P<OPEN>\()|(?P<CLOSE>\))|(?P<BRACKET>\[)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_WORDS = {
    "and": "_AND",
    "or": "_OR",
    "not": "_NOT",
    "in": "OPERATOR",
    "has": "OPERATOR",
    "contains": "OPERATOR",
    **dict.fromkeys(WORDS, "CONSTANT"),
}
_SYMBOLS = {">-": "HAS", "<-": "IN", "=": "==", "<>": "!="}
_INDEX = re.compile(r"\[([0-9]{10,})\]")
_SEGMENT = re.compile(r"[.\[]")


def tokens(text: str, limits: Limits) -> list[Token]:
    """The tokens of an expression; RuleError names the character that starts none, or the limit passed.

    Operators come in their plain spelling.
    """
    found: list[Token] = []
    weight = depth = 0
    for kind, value, start in _scan(text, limits.canonical):
        if kind == "_LPAR":
            depth += 1
        elif kind == "_RPAR":
            depth -= 1
        else:
            weight += _WEIGHTS.get(value if kind == "OPERATOR" else kind, 1)
        if depth > limits.depth:
            raise RuleError(f"brackets are more than {limits.depth} deep", position=start)
        if weight > limits.weight:
            message = f"too much to evaluate (more than {limits.weight} steps); write long lists as IN [...]"
            raise RuleError(message, position=start)
        found.append(Token(kind, value, start_pos=start))
    return found


def _scan(text: str, canonical: bool) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _stray(text, at)
        kind, value, start = str(match.lastgroup), match.group(), at
        at = match.end()
        if kind == "BRACKET":
            at = array_end(text, start, exponents=canonical)
            yield "ARRAY", text[start:at], start
        elif kind != "SPACE":
            yield _classified(kind, value, start, canonical)


def _classified(kind: str, value: str, start: int, canonical: bool) -> tuple[str, str, int]:
    if kind == "REFERENCE":
        word = _WORDS.get(value.lower())
        if word is not None:
            return word, value.upper(), start
        if not canonical:
            _check_path(value, start)
    elif kind == "OPERATOR":
        value = _SYMBOLS.get(value, value)
    elif kind == "NOT_IN":
        return "OPERATOR", "NOT IN", start
    elif kind == "OPEN" or kind == "CLOSE":
        return ("_LPAR" if kind == "OPEN" else "_RPAR"), value, start
    else:
        check_constant(kind, value, start, exponents=canonical)
    return kind, value, start


def _check_path(value: str, start: int) -> None:
    if len(_SEGMENT.findall(value)) >= PATH_SEGMENTS:
        raise RuleError(f"a path has at most {PATH_SEGMENTS} parts", position=start)
    index = _INDEX.search(value)
    if index is not None:
        raise RuleError("an index has at most 9 digits", position=start + index.start(1))


def _stray(text: str, at: int) -> RuleError:
    if text[at] == "-":
        return RuleError("a hyphen is only allowed in a string or before a number", position=at)
    return RuleError(f"expected a value or an operator, found {clip(text[at])}", position=at)
