"""From tokens to the tree: one LALR grammar for every place an expression may stand."""

from collections.abc import Iterator
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedToken
from lark.lexer import Lexer

from engine.rules.constants import array, constant
from engine.rules.errors import RuleError, clip
from engine.rules.tokens import Limits, tokens
from engine.rules.tree import And, Compare, Lit, Node, Not, Operand, Or, Ref

_NAMES: Final = {
    "REFERENCE": "a value or an attribute",
    "STRING": "a value or an attribute",
    "NUMBER": "a value or an attribute",
    "CONSTANT": "a value or an attribute",
    "ARRAY": "a value or an attribute",
    "OPERATOR": "an operator (== != < <= > >= CONTAINS HAS IN NOT IN)",
    "_AND": "AND",
    "_OR": "OR",
    "_NOT": "NOT",
    "_LPAR": "(",
    "_RPAR": ")",
    "$END": "the end",
}


class _Tokens(Lexer):
    """Hands the parser the tokens that tokens.py has made and checked."""

    def __init__(self, conf: Any) -> None:
        del conf  # lark's wish; the terminals are declared, not defined

    def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]  # lark's plain custom interface
        return iter(data)


class _Builder(Transformer[Token, Any]):
    """Builds the tree while the parser reduces, so no parse tree is ever held."""

    def any_of(self, items: list[Node]) -> Node:
        return Or(tuple(items))

    def all_of(self, items: list[Node]) -> Node:
        return And(tuple(items))

    def negated(self, items: list[Node]) -> Node:
        return Not(items[0])

    def comparison(self, items: list[Token]) -> Node:
        left, right = _operand(items[0]), _operand(items[2])
        op = str(items[1])
        return Compare("IN", right, left) if op == "HAS" else Compare(op, left, right)


def _operand(token: Token) -> Operand:
    match token.type:
        case "REFERENCE":
            return Ref("", _segments(token))
        case "ARRAY":
            return Lit(array(token))
        case kind:
            return Lit(constant(kind, token))


def _segments(path: str) -> tuple[str | int, ...]:
    parts = path.replace("[", ".[").split(".")
    return tuple(int(part[1:-1]) if part[0] == "[" else part for part in parts)


def segments(path: str) -> tuple[str | int, ...] | None:
    """The parts of a path such as `address.zips[1]`; None if the text is no path."""
    try:
        found = tokens(path, Limits(weight=2))
    except RuleError:
        return None
    whole = len(found) == 1 and found[0].type == "REFERENCE" and found[0] == path
    return _segments(path) if whole else None


_PARSER = Lark.open(
    "grammar.lark",
    rel_to=__file__,
    parser="lalr",
    lexer=_Tokens,
    transformer=_Builder(),
    maybe_placeholders=False,
)


def parse(text: str, limits: Limits) -> Node:
    """The tree of an expression, its references without a root yet (the first part is still in the path).

    Raises RuleError with the position and what was expected. Cost: linear in the text.
    """
    found = tokens(text, limits)
    try:
        return _PARSER.parse(found)  # type: ignore[return-value]  # typed for text and trees
    except UnexpectedToken as error:
        raise _refusal(error, text) from None


def _refusal(error: UnexpectedToken, text: str) -> RuleError:
    token = error.token
    at_end = token.type == "$END"
    names = sorted({_NAMES[name] for name in error.accepts or error.expected}, key=len, reverse=True)
    expected = " or ".join(names)
    found = "the end" if at_end else clip(str(token))
    position = len(text) if at_end else token.start_pos
    return RuleError(f"expected {expected}, found {found}", position=position)
