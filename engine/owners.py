"""The Accounts in whose names callbacks are made: their tokens sign.

They are read through the pipelining connection: the client behind `Accounts` opens a connection for each of the
hundreds of callbacks that are under way at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from engine.keys import ACCOUNTS
from engine.live import Live
from engine.model import Account

FRESH_S: Final = 2.0  # a token that was rotated signs no longer than that
KEPT: Final = 10_000  # Accounts, some 0.5 kB each

_decode: Final = msgspec.json.Decoder(Account).decode


class Owners:
    """Accounts by SID, as they were at most 2 s ago. `clock` is in seconds, and may begin anywhere."""

    def __init__(self, live: Live, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._live, self._clock = live, clock
        self._known: dict[str, tuple[float, Account | None]] = {}

    async def get(self, sid: str) -> Account | None:
        """The Account, suspended or not; None if there is none. A round trip at most. Raises Unavailable."""
        now_s = self._clock()
        known = self._known.get(sid)
        if known is not None and now_s - known[0] < FRESH_S:
            return known[1]
        text = await self._live.ask("HGET", ACCOUNTS, sid)
        if len(self._known) >= KEPT:
            self._known.clear()
        account = None if text is None else _decode(text)
        self._known[sid] = (now_s, account)
        return account
