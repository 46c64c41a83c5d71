"""Constants as they are written: strings, numbers, words and arrays of them."""

import re
from typing import Final

from engine.rules.errors import RuleError
from engine.rules.tree import Scalar
from engine.rules.values import NUMBER_CHARACTERS

STRING: Final = (
    r"'(?:[^'\\]++|\\.)*+'?|\"(?:[^\"\\]++|\\.)*+\"?"  # an open end matches too: no second attempt
)
NUMBER: Final = r"-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
WORDS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BAD_ESCAPE = re.compile(r"(?:[^\\]++|\\[\\'\"])*+(\\)", re.DOTALL)
_BLANK = re.compile(r"\s*")
_ELEMENT = re.compile(rf"(?P<STRING>{STRING})|(?P<NUMBER>{NUMBER})|(?P<CONSTANT>[^\W\d]+)", re.DOTALL)


def _array_pattern(number: str) -> re.Pattern[str]:
    """A whole valid array. Possessive throughout, so it is tried once and in linear time."""
    string = r"'(?:[^'\\]++|\\[\\'\"])*+'|\"(?:[^\"\\]++|\\[\\'\"])*+\""
    constant = rf"(?:{string}|{number}(?![\w.])|(?:true|false|null)\b)\s*+"
    return re.compile(rf"\[\s*+(?:{constant}(?:,\s*+{constant})*+)?+\]", re.IGNORECASE)


_ARRAY = _array_pattern(rf"(?![-0-9.]{{{NUMBER_CHARACTERS + 1}}})-?[0-9]++(?:\.[0-9]++)?+")
_ARRAY_OF_KEY = _array_pattern(NUMBER)


def array_end(text: str, start: int, *, exponents: bool) -> int:
    """Where the array that opens at `start` ends; RuleError at its first fault. Cost: linear."""
    match = (_ARRAY_OF_KEY if exponents else _ARRAY).match(text, start)
    if match is not None:
        return match.end()
    raise _array_fault(text, start, exponents)


def array(text: str) -> tuple[Scalar, ...]:
    """The constants of an array that `array_end` has accepted."""
    return tuple(constant(str(match.lastgroup), match.group()) for match in _ELEMENT.finditer(text, 1))


def constant(kind: str, text: str) -> Scalar:
    """The value of a STRING, NUMBER or CONSTANT."""
    if kind == "STRING":
        return _ESCAPE.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1]
    if kind == "NUMBER":
        return int(text) if text.lstrip("-").isdigit() else float(text)
    return WORDS[text.lower()]


def check_constant(kind: str, text: str, start: int, *, exponents: bool) -> None:
    """RuleError for an open string, an unknown escape, or a number that this language does not write."""
    if kind == "STRING":
        _check_string(text, start)
    elif kind == "NUMBER" and not exponents:
        exponent = text.lower().find("e")
        if exponent >= 0:
            raise RuleError("expected a number without exponent", position=start + exponent)
        if len(text) > NUMBER_CHARACTERS:
            raise RuleError(f"a number has at most {NUMBER_CHARACTERS} characters", position=start)


def _check_string(text: str, start: int) -> None:
    body = _ESCAPE.sub("..", text)  # an escaped quote at the end does not close
    if len(body) < 2 or body[-1] != body[0]:
        raise RuleError(f"expected a closing {text[0]} for the string that starts here", position=start)
    bad = _BAD_ESCAPE.match(text)
    if bad is not None:
        raise RuleError("expected \\\\, \\' or \\\" after a backslash", position=start + bad.start(1))


def _array_fault(text: str, start: int, exponents: bool) -> RuleError:
    at = _skip(text, start + 1)
    while True:
        match = _ELEMENT.match(text, at)
        if match is None or (match.lastgroup == "CONSTANT" and match.group().lower() not in WORDS):
            return RuleError("expected a constant in the array", position=at)
        try:
            check_constant(str(match.lastgroup), match.group(), at, exponents=exponents)
        except RuleError as fault:
            return fault
        at = _skip(text, match.end())
        if text[at : at + 1] != ",":
            return RuleError("expected , or ] in the array", position=at)
        at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank is not None else at
