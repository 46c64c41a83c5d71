"""Tells events again that were not taken, in rounds, a Workspace at a time.

The pause between two rounds is a quarter of the age of the oldest event that waits, from 1 s to 5 minutes. A round ends
with its first failure. Who tells a Workspace's events has it for HOLD_MS; a relay that dies leaves it to another then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from engine.callback_letters import Outcome, Reply
from engine.errors import Unavailable
from engine.events import Event
from engine.keys import ShardKeys
from engine.lanes import Lanes
from engine.model import WorkspaceConfig
from engine.stream import Entry
from engine.unsent import FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Unsent

ROUND: Final = 100  # events of a round
ROUND_S: Final = 30.0  # after which a round begins no more; with the 15 s of the last try less than HOLD_MS
AT_ONCE: Final = 20  # of one Workspace
HOUR_MS: Final = 3_600_000

log = logging.getLogger("trunkline.relay")


class Known(Struct, frozen=True):
    """An event, the Workspace that it is of, and when that was read."""

    config: WorkspaceConfig
    event: Event
    now_ms: int

    @property
    def subjects(self) -> set[str]:
        """What must be told of in order."""
        data = self.event.data
        return {data[name] for name in ("task_sid", "worker_sid") if name in data} or {
            self.event.resource_sid
        }


class Retries:
    """One relay's part. `learn` finds the event of an entry, None once it is gone; `post` tells it once.

    What is older than `hours` is given up. `stopping` ends a round early.
    """

    def __init__(
        self,
        unsent: Unsent,
        *,
        hours: int,
        learn: Callable[[Entry], Awaitable[Known | None]],
        post: Callable[[Known], Awaitable[Reply]],
        stopping: asyncio.Event,
    ) -> None:
        self._unsent, self._hours_ms = unsent, hours * HOUR_MS
        self._learn, self._post, self._stopping = learn, post, stopping

    async def keep(self, known: Known, *, failed: bool) -> bool:
        """Whether an event waits now, because it has `failed` or because others wait."""
        workspace = known.config.workspace.sid
        waits, gone = await self._unsent.keep(known.config, known.event.sid, failed=failed)
        if gone:
            log.warning("%d events of Workspace %s are given up: too many wait", gone, workspace)
        return waits

    async def take(self, keys: ShardKeys) -> int | None:
        """The number of a Workspace that is due."""
        return await self._unsent.take(keys)

    async def round(self, shard: int, number: int) -> None:
        """Tell what waits in a Workspace. One that cannot be asked about is due again after HOLD_MS."""
        try:
            await self._round(shard, number)
        except Unavailable as error:
            log.warning("events wait for another round: %s", error)
        except Exception:
            log.exception("events of Workspace %d of shard %d could not be told again", number, shard)

    async def _round(self, shard: int, number: int) -> None:
        sids = await self._unsent.oldest(shard, number, ROUND)
        found = await asyncio.gather(*(self._learn(_entry(shard, number, sid)) for sid in sids))
        known = [one for one in found if one is not None]
        young = [one for one in known if one.now_ms - one.event.at_ms < self._hours_ms]
        told, failed = await self._tell(young)
        wait = {one.event.sid for one in young} - told
        pause_ms = 0
        if failed:
            age_ms = max(one.now_ms - one.event.at_ms for one in young if one.event.sid in wait)
            pause_ms = min(max(age_ms // 4, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
        left = await self._unsent.settle(
            shard, number, [sid for sid in sids if sid not in wait], pause_ms=pause_ms
        )
        self._report(known, len(known) - len(young), left if failed else 0, pause_ms)

    async def _tell(self, known: list[Known]) -> tuple[set[str], bool]:
        """The SIDs of those that were taken, and whether one was not: after that nothing is begun."""
        lanes, told, over = Lanes(AT_ONCE, AT_ONCE), set[str](), asyncio.Event()
        end_s = asyncio.get_running_loop().time() + ROUND_S

        async def one(known: Known) -> None:
            async with lanes.turn("", known.subjects):
                late = asyncio.get_running_loop().time() > end_s
                if late or over.is_set() or self._stopping.is_set():
                    return
                if (await self._post(known)).outcome is Outcome.ANSWERED:
                    told.add(known.event.sid)
                else:
                    over.set()

        await asyncio.gather(*(one(event) for event in known))
        return told, over.is_set()

    def _report(self, known: list[Known], old: int, left: int, pause_ms: int) -> None:
        workspace = known[0].config.workspace.sid if known else ""
        if old:
            log.warning("%d events of Workspace %s are given up: too old", old, workspace)
        if left:
            log.warning(
                "%d events of Workspace %s wait to be told, for %g s now", left, workspace, pause_ms / 1_000
            )


def _entry(shard: int, number: int, sid: str) -> Entry:
    return Entry(shard=shard, id=b"", kind="event", number=number, fields={"v": sid})
