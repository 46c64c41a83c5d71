"""The media streams: what relays are to tell media adapters.

Written by lua/hold_reservation.lua and lua/lib/task.lua. Kinds of entry: "setup", an instruction whose Reservation is
held; "send", one that holds nothing; "withdrawn", a setup that ended before the adapter had reported. Fields: t Task,
r Reservation; u setup, j instruction (send); s status, i stored instruction (withdrawn).
"""

from __future__ import annotations

from typing import Final

from engine.redis import Pipeline
from engine.stream import MAX_DELIVERIES, Entry, Streams

GROUP: Final = "media"

__all__ = ["GROUP", "MAX_DELIVERIES", "Entry", "media_streams"]


def media_streams(pipeline: Pipeline, name: str, shards: int) -> Streams:
    """The media streams of all shards for the relay `name`."""
    return Streams(pipeline, name, shards, lambda keys: keys.media, GROUP)
