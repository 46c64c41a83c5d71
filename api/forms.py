"""Typed access to the parameters of a request, from a form or a query alike.

Every method returns None for a parameter that was not sent and raises ParameterError, which names it, for a
value of the wrong form. A parameter sent several times counts with its last value, except where all of them
are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from fast_query_parsers import parse_query_string
from msgspec import UNSET, UnsetType

from api.errors import ParameterError, RequestError
from engine.sids import is_sid

T = TypeVar("T")
Pairs = list[tuple[str, str]]

MAX_PARAMETERS: Final = 1_000  # the widest operation has 56; parsing stays under 1 ms
MAX_ATTRIBUTES: Final = 4_096  # characters, white space included
MAX_DEPTH: Final = 32  # levels of objects and arrays in attributes
MAX_TEXT: Final = 4_096  # characters, for texts without a limit of their own

# An escaped "=" before the real one: the fast parser would split the pair there.
_ENCODED_NAME: Final = re.compile(rb"(?:^|&)[^=&]*%3[Dd]")
MAX_DIGITS: Final = 18  # of an integer, so that it fits 64 bits
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})
_object: Final = msgspec.json.Decoder(dict[str, Any]).decode


def given(value: T | None) -> T | UnsetType:
    """UNSET for what was not sent, so that an update leaves it as it is."""
    return UNSET if value is None else value


def parse_pairs(raw: bytes, place: str) -> Pairs:
    """The parameters of an urlencoded text in order; `place` is what an error calls it.

    Raises RequestError (400) for more than 1,000 of them and for anything that is not UTF-8, percent-encoded
    or not.
    """
    if raw.count(b"&") >= MAX_PARAMETERS:
        raise RequestError(400, 20001, f"The {place} has more than {MAX_PARAMETERS} parameters")
    try:
        if not raw.isascii():
            raw.decode("utf-8")
        if (b"%3D" in raw or b"%3d" in raw) and _ENCODED_NAME.search(raw) is not None:
            return _strictly(raw)
        pairs: Pairs = parse_query_string(raw, "&")
        for name, _ in pairs:
            # The fast parser hands a pair that it cannot decode through as a name: look again, strictly.
            if "%" in name or "=" in name:
                return _strictly(raw)
    except UnicodeDecodeError:
        raise RequestError(400, 20001, f"The {place} is not valid UTF-8") from None
    return pairs


def _strictly(raw: bytes) -> Pairs:
    return parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict")


class Form:
    """The parameters of one request."""

    __slots__ = ("_last", "pairs", "place")

    def __init__(self, pairs: Pairs, place: str = "post body") -> None:
        self.pairs, self.place = pairs, place
        self._last = dict(pairs)

    def raw(self, name: str) -> str | None:
        """The value as sent."""
        return self._last.get(name)

    def all(self, name: str) -> list[str]:
        """All values of a repeated parameter, in order."""
        return [value for key, value in self.pairs if key == name]

    def text(self, name: str, low: int = 0, high: int = MAX_TEXT) -> str | None:
        """A text of `low` to `high` characters."""
        value = self._last.get(name)
        if value is not None and not low <= len(value) <= high:
            raise ParameterError(name, f"must have {low} to {high} characters")
        return value

    def required(self, name: str, low: int = 1, high: int = MAX_TEXT) -> str:
        """A text that must have been sent."""
        value = self.text(name, low, high)
        if value is None:
            raise RequestError(400, 20001, f"Missing required parameter {name} in the {self.place}")
        return value

    def filter(self, name: str) -> str | None:
        """A text that narrows a list; one sent empty narrows nothing."""
        return self.text(name) or None

    def integer(self, name: str, low: int, high: int) -> int | None:
        """A decimal integer from `low`, which is not negative, to `high`; no sign is accepted."""
        value = self._last.get(name)
        if value is None:
            return None
        number = int(value) if value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS else -1
        if not low <= number <= high:
            raise ParameterError(name, f"must be an integer from {low} to {high}")
        return number

    def boolean(self, name: str) -> bool | None:
        """`true`, `1`, `yes` or `false`, `0`, `no`, in any case; anything else is an error."""
        value = self._last.get(name)
        if value is None:
            return None
        word = value.lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise ParameterError(name, "must be true or false")

    def truthy(self, name: str) -> bool | None:
        """As `boolean`, for the parameters where every other value means false."""
        value = self._last.get(name)
        return None if value is None else value.lower() in _TRUE

    def sid(self, name: str, prefix: str) -> str | None:
        """A SID of this kind. Whether it exists is for the engine to say."""
        value = self._last.get(name)
        if value is not None and not is_sid(value, prefix):
            raise ParameterError(name, f"must be a SID: {prefix} and 32 hexadecimal digits")
        return value

    def sid_or_empty(self, name: str, prefix: str) -> str | None:
        """As `sid`, for an optional reference: one sent empty takes it away."""
        value = self._last.get(name)
        return value if value == "" else self.sid(name, prefix)

    def one_of(self, name: str, values: Collection[str]) -> str | None:
        """One of a closed set of words, case-sensitive."""
        value = self._last.get(name)
        if value is not None and value not in values:
            raise ParameterError(name, f"must be one of {', '.join(values)}")
        return value

    def instant_ms(self, name: str) -> int | None:
        """An ISO 8601 date-time as ms since the epoch, negative before 1970.

        A fraction (cut to ms), an offset and a bare date are accepted; without a zone it is UTC.
        """
        value = self._last.get(name)
        if value is None:
            return None
        try:
            if _INSTANT.fullmatch(value) is None:
                raise ValueError(value)
            moment = datetime.fromisoformat(value.upper())
            return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS
        except (ValueError, OverflowError):
            raise ParameterError(name, "must be a date-time such as 2008-01-02T00:00:00Z") from None

    def attributes(self, name: str) -> str | None:
        """The text of a JSON object, exactly as sent: at most 4,096 characters, 32 levels, strict JSON."""
        value = self._last.get(name)
        if value is None:
            return None
        if len(value) > MAX_ATTRIBUTES:
            raise ParameterError(name, f"must have at most {MAX_ATTRIBUTES} characters, not {len(value)}")
        if depth_exceeds(value, MAX_DEPTH):
            raise ParameterError(name, f"must not be nested deeper than {MAX_DEPTH} levels")
        try:
            _object(value)
        except msgspec.ValidationError as wrong:
            raise ParameterError(name, f"must be a JSON object: {wrong}") from None
        except msgspec.DecodeError as wrong:
            raise ParameterError(name, f"is not valid JSON: {wrong}") from None
        return value


def depth_exceeds(text: str, limit: int) -> bool:
    """Whether JSON text may nest deeper than `limit`. Linear; texts with few brackets are not scanned."""
    if text.count("{") + text.count("[") <= limit:
        return False
    depth = 0
    for mark in _STRING.sub("", text):
        if mark in "{[":
            depth += 1
            if depth > limit:
                return True
        elif mark in "}]":
            depth -= 1
    return False


EMPTY: Final = Form([])
EMPTY_QUERY: Final = Form([], "query")
