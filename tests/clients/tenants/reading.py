"""Which parameters an operation reads, found by watching it read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FunctionType
from typing import Any, Final
from unittest import mock

from msgspec import Struct

from api.forms import Form

SIDS: Final = ("sid", "sid_or_empty")
NEVER_SIDS: Final = ("integer", "boolean", "truthy", "one_of", "instant_ms")  # methods that take no free text


class Parameter(Struct, frozen=True):
    """`prefix` is that of the SID it has to be; empty for text."""

    place: str
    name: str
    prefix: str

    @property
    def in_query(self) -> bool:
        return self.place == "query"


@contextmanager
def reading() -> Iterator[set[Parameter]]:
    """Collects what is read of forms and queries until the end of the block."""
    read: set[Parameter] = set()
    patches = [
        mock.patch.object(Form, name, _noted(read, name, method))
        for name, method in vars(Form).items()
        if isinstance(method, FunctionType) and not name.startswith("_")
    ]
    for patch in patches:
        patch.start()
    try:
        yield read
    finally:
        for patch in patches:
            patch.stop()


def _noted(read: set[Parameter], method: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def note(form: Form, name: str, *given: Any, **named: Any) -> Any:
        if method in SIDS:
            read.add(Parameter(form.place, name, given[0] if given else named["prefix"]))
        elif method not in NEVER_SIDS:
            read.add(Parameter(form.place, name, ""))
        return inner(form, name, *given, **named)

    return note
