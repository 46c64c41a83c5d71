"""Event callbacks: the URL of a Workspace is told of every event that its filter lets through.

At least once, each event with a SID that stays, and in the order of their commits for each Task and for each Worker. So
that this holds with any number of relays, the entries of a shard are in the hands of one at a time
(engine/callback_stream.py), which knows what an event is about before it puts it in the lane of its Workspace.

What is not taken in its one try is dropped, and so is the oldest of a slow lane that grows too long; how many is
logged. Where a deployment keeps such events, they are told again (engine/event_retries.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final

from engine.callback_letters import Events, Outcome, Post, Reply, event_letter
from engine.callback_stream import EVENT, OrderedCallStreams
from engine.errors import NotFound, Unavailable
from engine.event_retries import Known, Retries
from engine.lanes import Lanes, Overflow
from engine.live import Live
from engine.owners import Owners
from engine.redis import Pipeline
from engine.relay import AGAIN_S, BLOCK_MS, READ, Relay, Stopped
from engine.scripts import Scripts
from engine.stream import Entry
from engine.unsent import Unsent

AT_ONCE: Final = 400  # calls under way in one relay
LANE: Final = 50  # of them, for one Workspace
LONGEST: Final = 1_000  # events that wait for one Workspace
ROUNDS: Final = 50  # Workspaces whose kept events are told at a time
NOBODY: Final = Reply(Outcome.ANSWERED)  # who is not there need not be told
BUSY_S: Final = 0.1  # before a look whether the relay that has a shard is done

log = logging.getLogger("trunkline.relay")


class EventRelay(Relay):
    """One relay. `post` posts a letter; it has its own time limit and raises nothing.

    Events that are not taken are told again for `hours`, 0 for never.
    """

    _streams: OrderedCallStreams

    def __init__(
        self,
        live: Live,
        events: Events,
        owners: Owners,
        pipeline: Pipeline,
        scripts: Scripts,
        post: Post,
        *,
        name: str,
        shards: int = 1,
        reader: Pipeline | None = None,
        hours: int = 0,
    ) -> None:
        streams = OrderedCallStreams(pipeline, scripts, name, shards, EVENT)
        super().__init__(live, streams, Lanes(LANE, AT_ONCE, LONGEST), reader=reader or pipeline)
        self._events, self._owners, self._post = events, owners, post
        self._known: dict[bytes, Known] = {}  # by entry, from reading it until it is settled
        self._dropped: Counter[str] = Counter()  # by Workspace, since the log told of it
        self._order = asyncio.Lock()  # what was claimed comes before what is read after it
        self._rounds: set[asyncio.Task[None]] = set()  # of events that are told again
        self._retries = (
            Retries(
                Unsent(live, scripts),
                hours=hours,
                learn=self._learn,
                post=self._try,
                stopping=self._stopping,
            )
            if hours
            else None
        )

    async def _take(self, jobs: asyncio.TaskGroup) -> None:
        places, count, busy = await self._streams.newest(), 0, False
        for keys in self._streams.shards:
            async with self._order:
                await self._make_room()
                entries, held = await self._streams.take(keys, READ)
                await self._begin_known(jobs, entries)
            count, busy = count + len(entries), busy or held
        if not count and busy:
            await self._pause(BUSY_S)
        elif not count:
            await self._streams.wait(places, self._reader, BLOCK_MS)

    async def _upkeep(self, jobs: asyncio.TaskGroup) -> None:
        for keys in self._streams.shards:
            async with self._order:
                fit, worn = await self._streams.claim(keys, self._mine[keys.shard])
                await self._begin_known(jobs, fit)
            for entry in worn:
                await self._give_up(entry)
        self._tell_dropped()
        await self._tell_again(jobs)

    async def retry_once(self) -> int:
        """Do the rounds that are due, one after the other. Returns how many there were."""
        count = 0
        for keys in self._streams.shards:
            while self._retries is not None and (number := await self._retries.take(keys)) is not None:
                await self._retries.round(keys.shard, number)
                count += 1
        return count

    async def _tell_again(self, jobs: asyncio.TaskGroup) -> None:
        """Begin a round for each Workspace whose kept events are due."""
        if self._retries is None:
            return
        for keys in self._streams.shards:
            while len(self._rounds) < ROUNDS and (number := await self._retries.take(keys)) is not None:
                begun = jobs.create_task(self._retries.round(keys.shard, number))
                self._rounds.add(begun)
                begun.add_done_callback(self._rounds.discard)

    async def _begin_known(self, jobs: asyncio.TaskGroup, entries: Sequence[Entry]) -> None:
        """Put entries into their lanes, in their order, once it is known what they are about."""
        for entry in entries:
            self._mine[entry.shard].add(entry.id)  # so that they are renewed meanwhile
        try:
            found = await self._learned(entries)
        except BaseException:
            for entry in entries:
                self._mine[entry.shard].discard(entry.id)
            raise
        for entry, known in zip(entries, found, strict=True):
            if known is not None:
                self._known[entry.id] = known
            self._begin(jobs, entry)

    async def _learned(self, entries: Sequence[Entry]) -> list[Known | None]:
        """The events of entries, however long it takes to reach the server. Raises Stopped."""
        while True:
            try:
                return await asyncio.gather(*(self._learn(entry) for entry in entries))
            except Unavailable as error:
                log.warning("events wait to be read: %s", error)
                await self._pause(AGAIN_S)

    async def _learn(self, entry: Entry) -> Known | None:
        """The event of an entry; None once it or its Workspace is gone."""
        try:
            config = await self._config(entry)
            account, workspace = config.workspace.account_sid, config.workspace.sid
            found = await self._events.fetch(account, workspace, entry.fields.get("v", ""))
        except NotFound:
            return None
        return Known(config, found.value, found.now_ms)

    async def _do(self, entry: Entry) -> None:
        known = self._known.pop(entry.id, None) or await self._learn(entry)
        if known is None:
            return
        try:
            async with self._lanes.turn((entry.shard, entry.number), known.subjects):
                if self._stopping.is_set():
                    raise Stopped
                await self._tell(known)
        except Overflow:
            if self._retries is None or not await self._retries.keep(known, failed=True):
                self._dropped[known.config.workspace.sid] += 1

    async def _tell(self, known: Known) -> None:
        """One try, unless events before it wait for another; they are told first then."""
        if self._retries is not None and await self._retries.keep(known, failed=False):
            return
        if (await self._try(known)).outcome is not Outcome.ANSWERED and self._retries is not None:
            await self._retries.keep(known, failed=True)

    async def _try(self, known: Known) -> Reply:
        """Post it, with the URL and the token of this moment."""
        workspace = known.config.workspace
        try:
            newest = (await self._live.config.get(workspace.account_sid, workspace.sid)).workspace
        except NotFound:
            return NOBODY
        owner = await self._owners.get(workspace.account_sid)
        if not newest.event_callback_url or owner is None:
            return NOBODY
        reply = await self._post(event_letter(newest.event_callback_url, owner, known.event))
        if reply.outcome is not Outcome.ANSWERED:
            log.warning(
                "event %s (%s) of Workspace %s was not delivered: %s",
                known.event.sid,
                known.event.type,
                workspace.sid,
                reply.reason,
            )
        return reply

    async def _gave_up(self, entry: Entry) -> None:
        """Nothing waits for an event that cannot be told."""

    def _tell_dropped(self) -> None:
        for workspace, count in self._dropped.items():
            log.warning(
                "%d events of Workspace %s were not delivered: over %d waited", count, workspace, LONGEST
            )
        self._dropped.clear()
