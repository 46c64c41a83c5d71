"""Watches which methods of the client library a test calls, and with which parameters: from outside, by wrapping."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final
from unittest import mock

from twilio.base import values

from tests.clients.methods import library
from tests.clients.methods.library import Method

_inside: Final = ContextVar("inside", default=False)  # calls that the library makes itself do not count


class Watch:
    """What was called so far."""

    def __init__(self) -> None:
        self.calls: dict[Method, set[str]] = {}

    def note(self, method: Method, signature: inspect.Signature, given: tuple[Any, ...], named: Any) -> None:
        sent = signature.bind(*given, **named).arguments
        used = {name for name, value in sent.items() if value is not values.unset and value is not None}
        self.calls.setdefault(method, set()).update(used - {"self"})

    def unused(self, module: str) -> list[str]:
        """Methods of a module that were not called, and parameters that were not sent."""
        left = []
        for method, parameters in library.required(module).items():
            sent = self.calls.get(method)
            if sent is None:
                left.append(".".join(method))
            else:
                left += [f"{'.'.join(method)}({name}=)" for name in sorted(parameters - sent)]
        return left


@contextmanager
def watching(module: str) -> Iterator[Watch]:
    """Records the calls of a module's classes until the end of the block."""
    watch = Watch()
    patches = [
        mock.patch.object(kind, name, _watched(watch, (kind.__name__, name), method))
        for kind in library.classes_of(module)
        for name, method in library.methods_of(kind)
    ] + [
        mock.patch.object(kind, name, property(_watched(watch, (kind.__name__, name), vars(kind)[name].fget)))
        for kind in library.classes_of(module)
        for name in library.properties_of(kind)
    ]
    for patch in patches:
        patch.start()
    try:
        yield watch
    finally:
        for patch in patches:
            patch.stop()


def _watched(watch: Watch, name: Method, method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @wraps(method)
    def call(*given: Any, **named: Any) -> Any:
        if _inside.get():
            return method(*given, **named)
        watch.note(name, signature, given, named)
        token = _inside.set(True)
        try:
            return method(*given, **named)
        finally:
            _inside.reset(token)

    @wraps(method)
    async def call_async(*given: Any, **named: Any) -> Any:
        if _inside.get():
            return await method(*given, **named)
        watch.note(name, signature, given, named)
        token = _inside.set(True)
        try:
            return await method(*given, **named)
        finally:
            _inside.reset(token)

    return call_async if inspect.iscoroutinefunction(method) else call
