"""Decoding a workflow document into JSON values, with the faults that no later check could see."""

import json
import re
from collections import Counter
from typing import Any, Final, NoReturn

from engine.rules.errors import RuleError, clip
from engine.rules.expression import MAX_DOCUMENT

MAX_DEPTH: Final = 32  # of arrays and objects; also keeps the decoder's recursion shallow
_BRACKET = re.compile(r'[\[{\]}]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


class Object(dict[str, Any]):
    """A JSON object that remembers a key it was given twice."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: str | None = None
        if len(self) != len(pairs):
            self.repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]


def decode(document: str) -> Any:
    """The values of a JSON text, objects as `Object`. Cost: linear, about 0.1 s for a megabyte.

    Raises RuleError for more than 1,038,576 UTF-8 bytes, lone surrogates, depth over 32, broken JSON, NaN.
    """
    _check_size(document)
    _check_depth(document)
    try:
        return json.loads(document, object_pairs_hook=Object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise RuleError(f"not JSON: {error.msg}", position=error.pos) from None
    except RuleError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise RuleError(f"not JSON: {error}") from None


def _check_size(document: str) -> None:
    try:
        size = len(document.encode())
    except UnicodeEncodeError as error:
        raise RuleError("not JSON: half of a surrogate pair", position=error.start) from None
    if size > MAX_DOCUMENT:
        raise RuleError(f"a workflow document has at most {MAX_DOCUMENT} bytes, this one {size}")


def _check_depth(document: str) -> None:
    depth = 0
    for match in _BRACKET.finditer(document):
        character = document[match.start()]
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise RuleError(f"nested more than {MAX_DEPTH} deep", position=match.start())
        elif character in "]}":
            depth -= 1


def _refuse_constant(name: str) -> NoReturn:
    raise RuleError(f"not JSON: {clip(name)} is no JSON number")
