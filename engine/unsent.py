"""Events that the URL of their Workspace did not take, kept to be told again: where a deployment has that switched on.

A Workspace has a sorted set of the SIDs of its events that wait; they sort in the order of their commits. While any
waits, those that come later join them. The events themselves are in the log.
"""

from __future__ import annotations

from typing import Final

from engine.config import asked
from engine.errors import NotFound
from engine.keys import ShardKeys, WorkspaceKeys, root_of
from engine.live import Live
from engine.model import WorkspaceConfig
from engine.scripts import Scripts, Status

FIRST_PAUSE_MS: Final = 1_000
LONGEST_PAUSE_MS: Final = 300_000
KEPT: Final = 100_000  # events of a Workspace, 60 B each; the log keeps no more by default
HOLD_MS: Final = 60_000  # for which a Workspace is one relay's, see ROUND_S of engine/event_retries.py


class Unsent:
    """The events of all Workspaces that wait. Every method raises Unavailable."""

    def __init__(self, live: Live, scripts: Scripts) -> None:
        self._live, self._scripts = live, scripts

    async def keep(self, config: WorkspaceConfig, sid: str, *, failed: bool) -> tuple[bool, int]:
        """Whether the event waits now, and how many went since too many did; one that has not `failed` only joins."""
        args = (sid, "1" if failed else "", FIRST_PAUSE_MS, KEPT)
        match await self._live.script("keep_event", config, args):
            case [Status.OK, int(waits), int(gone)]:
                return bool(waits), gone
            case [Status.NOT_FOUND]:
                raise NotFound(config.workspace.sid)
            case reply:
                raise AssertionError(f"keep_event replied {reply!r}")

    async def take(self, keys: ShardKeys) -> int | None:
        """The number of a Workspace that is to be tried again, for this relay alone."""
        run = self._scripts.run("take_unsent", (keys.prefix, keys.prefix), (self._live.now(), HOLD_MS))
        _, number = await asked(run, writes=True)
        return int(number) if number else None

    async def oldest(self, shard: int, number: int, count: int) -> list[str]:
        """The events that wait first."""
        found = await self._live.ask("ZRANGE", WorkspaceKeys(shard, number).unsent, 0, count - 1)
        return [sid.decode() for sid in found]

    async def settle(self, shard: int, number: int, sids: list[str], *, pause_ms: int) -> int:
        """These wait no more; the others for so long. Returns how many those are."""
        keys = (root_of(shard, number), ShardKeys(shard).prefix)
        run = self._scripts.run("settle_unsent", keys, (self._live.now(), pause_ms, *sids))
        _, left = await asked(run, writes=True)
        return int(left)
