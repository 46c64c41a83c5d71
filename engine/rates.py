"""Rates: how many requests of a kind an Account may make in a second, over all API processes together.

Counted in Redis under a key for each Account, rate and second, which lives 2 s. Windows are whole seconds of the clock,
so about the border between two of them twice the rate may pass. Nothing else is stored, and nothing depends on when
the key goes: a second never comes again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from engine.config import ConfigCache
from engine.keys import rate_key

KEPT_S: Final = 2  # longer than the second that is counted, whatever the clocks of two API machines say

Clock = Callable[[], int]


class Rate(Struct, frozen=True):
    """A limit: at most `per_second` requests, above 0, for each Account."""

    name: str
    per_second: int


class Counted(Struct, frozen=True):
    """What a request was counted as, under the rate that has least left."""

    rate: Rate
    remaining: int  # requests left in this second
    over: bool


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Rates:
    """Counts requests. `now_ms` gives ms since the epoch; API machines should agree on it within a second."""

    def __init__(self, config: ConfigCache, now_ms: Clock | None = None) -> None:
        self._config, self._now_ms = config, now_ms or wall_ms

    async def count(self, account: str, rates: Sequence[Rate]) -> Counted:
        """Count one request under each of `rates`, of which there is one or more. One round trip. Raises Unavailable.

        A request that is over one of them counts under the others all the same.
        """
        second = self._now_ms() // 1_000
        keys = [rate_key(account, rate.name, second) for rate in rates]
        commands: list[tuple[str | int, ...]] = []
        for key in keys:
            commands += [("INCR", key), ("EXPIRE", key, KEPT_S)]
        replies = await self._config.together(*commands)
        counted = [_counted(rate, made) for rate, made in zip(rates, replies[::2], strict=True)]
        return min(counted, key=lambda one: (not one.over, one.remaining))


def _counted(rate: Rate, made: int) -> Counted:
    return Counted(rate, max(0, rate.per_second - made), made > rate.per_second)
