"""Flights: one computation for everybody who asks for the same thing at the same time.

Not a cache. Whoever asks while a computation runs waits for the next one, which begins when that has ended; so an
answer never leaves out what had happened when it was asked for. However many ask, one computation of a kind runs at
a time and one waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Computations by what they are about."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, asyncio.Task[T]] = {}
        self._boarding: dict[Hashable, asyncio.Task[T]] = {}

    async def join(self, key: Hashable, fly: Callable[[], Awaitable[T]]) -> T:
        """The result of the next computation for `key`. Raises what it raises.

        A caller that gives up does not stop it: others may wait for it.
        """
        task = self._boarding.get(key)
        if task is None:
            task = asyncio.create_task(self._fly(key, fly, self._flying.get(key)))
            self._boarding[key] = task
            task.add_done_callback(_seen)
        return await asyncio.shield(task)

    async def _fly(self, key: Hashable, fly: Callable[[], Awaitable[T]], ahead: asyncio.Task[T] | None) -> T:
        if ahead is not None:
            await asyncio.wait([ahead])
        task = self._flying[key] = self._boarding.pop(key)
        try:
            return await fly()
        finally:
            if self._flying.get(key) is task:
                del self._flying[key]


def _seen(task: asyncio.Task[T]) -> None:
    """An error that nobody waited for any more is no news to the event loop."""
    if not task.cancelled():
        task.exception()
