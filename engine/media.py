"""The media relay: tells media adapters what Reservations are to do, and takes their answers back to the engine.

How it shares the work with other relays, and what a slow adapter holds up, stands in engine/relay.py. An adapter knows
a letter that it is told again by its setup SID.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from engine.errors import Gone, IllegalState, Invalid, NotFound
from engine.lanes import Lanes
from engine.live import Live
from engine.media_letters import Deliver, Letter, Outcome, Reply, letter_of, withdrawal
from engine.media_setups import Setups
from engine.media_stream import media_streams
from engine.redis import Pipeline
from engine.relay import Relay, Stopped
from engine.stream import Entry

AT_ONCE: Final = 100  # letters under way in one relay
LANE: Final = 20  # of them, for one Workspace
PAUSES_S: Final = (1.0, 3.0, 8.0, 16.0)  # between five tries: half a minute, the restart of an adapter
NO_ADAPTER: Final = "the Workspace has no media adapter any more"
GIVEN_UP: Final = "the relays that tried to tell the media adapter failed"

log = logging.getLogger("trunkline.relay")


class MediaRelay(Relay):
    """One relay. `pipeline` is shared with others; `reader` is its own, for reads that block.

    `deliver` posts a letter; it has its own time limit and raises nothing.
    """

    def __init__(
        self,
        live: Live,
        setups: Setups,
        pipeline: Pipeline,
        deliver: Deliver,
        *,
        name: str,
        shards: int = 1,
        reader: Pipeline | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(
            live,
            media_streams(pipeline, name, shards),
            Lanes(LANE, AT_ONCE),
            reader=reader or pipeline,
            pauses_s=pauses_s,
            fraction=fraction,
        )
        self._setups, self._deliver = setups, deliver

    async def _do(self, entry: Entry) -> None:
        letter, reply = await self._told(entry)
        if letter is not None and entry.kind == "setup":
            await self._report(letter, reply)
        elif letter is not None and entry.kind == "send":
            await self._note(letter, reply)
        elif letter is not None and reply.outcome is not Outcome.CONFIRMED:
            log.warning("the adapter was not told that %s ended: %s", letter.setup_sid, reply.reason)

    async def _told(self, entry: Entry) -> tuple[Letter | None, Reply]:
        """The letter, as it was last sent, and its answer; no letter where there was nothing to tell."""
        reply = Reply(Outcome.FAILED, NO_ADAPTER)
        for attempt in range(1, len(self._pauses_s) + 2):
            # One letter about a Reservation at a time, in order.
            async with self._lanes.turn((entry.shard, entry.number), {entry.fields.get("r", "")}):
                if self._stopping.is_set():
                    raise Stopped
                letter = await letter_of(self._live, await self._config(entry), entry, attempt)
                if letter is None or not letter.url:
                    return letter, Reply(Outcome.FAILED, NO_ADAPTER)
                reply = await self._deliver(letter)
            if reply.outcome is not Outcome.BROKEN:
                break
            log.warning("try %d of %s %s: %s", attempt, entry.kind, letter.setup_sid, reply.reason)
            if attempt <= len(self._pauses_s):
                await self._pause_after(attempt)
        return letter, reply

    async def _report(self, letter: Letter, reply: Reply) -> None:
        """Take an adapter's answer to the engine. One that comes too late is told so."""
        if reply.outcome is Outcome.PENDING:
            return
        confirmed = reply.outcome is Outcome.CONFIRMED
        attributes = reply.task_attributes if confirmed else None
        try:
            try:
                await self._resolve(letter, confirmed, reply.reason, attributes)
            except Invalid as wrong:
                log.warning(
                    "the Task's attributes stay: %s %s %s", letter.setup_sid, wrong.field, wrong.message
                )
                await self._resolve(letter, confirmed, reply.reason, None)
        except (Gone, IllegalState, NotFound) as late:
            log.info("%s of %s came too late: %s", reply.outcome.name, letter.setup_sid, late.message)
            if confirmed:
                await self._deliver(withdrawal(letter, "gone"))

    async def _resolve(
        self, letter: Letter, confirmed: bool, reason: str, attributes: dict[str, Any] | None
    ) -> None:
        await self._setups.report(
            letter.account_sid,
            letter.workspace_sid,
            letter.task_sid,
            letter.reservation_sid,
            outcome="confirmed" if confirmed else "failed",
            reason=reason,
            task_attributes=attributes,
        )

    async def _note(self, letter: Letter, reply: Reply) -> None:
        delivered = reply.outcome in {Outcome.CONFIRMED, Outcome.PENDING}
        await self._setups.note(
            letter.account_sid,
            letter.workspace_sid,
            letter.task_sid,
            letter.reservation_sid,
            letter.setup_sid,
            delivered=delivered,
            reason=reply.reason,
        )

    async def _gave_up(self, entry: Entry) -> None:
        letter = await letter_of(self._live, await self._config(entry), entry, 0)
        if letter is not None and entry.kind == "setup":
            await self._report(letter, Reply(Outcome.FAILED, GIVEN_UP))
