"""Worker Channels: how much of each kind of work a Worker may have at a time. They exist with the Worker."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType

from engine import checks
from engine.config_pages import Place, created, sorted_page_of
from engine.errors import NotFound
from engine.live import Live
from engine.model import Found, Page, WorkerChannel, WorkspaceConfig
from engine.records import worker_channels
from engine.scripts import Status

Channels = list[WorkerChannel]

MAX_CAPACITY: Final = 50_000  # semantics 4.5


class WorkerChannels:
    """The Worker Channels of all Workspaces, each addressable by its SID, the Task Channel's or the unique name.

    Every method raises NotFound and Unavailable.
    """

    def __init__(self, live: Live) -> None:
        self._live = live

    async def fetch(
        self, account: str, workspace: str, worker: str, sid_or_name: str
    ) -> Found[WorkerChannel]:
        """One channel of a Worker. One round trip."""
        found = await self._all(account, workspace, worker)
        return Found(config=found.config, value=_pick(found, sid_or_name), now_ms=found.now_ms)

    async def list(
        self, account: str, workspace: str, worker: str, *, after: str | None = None, limit: int = 50
    ) -> Found[Page[WorkerChannel]]:
        """A Worker's channels, in order of the Task Channels' creation. One round trip."""
        found = await self._all(account, workspace, worker)

        def place(channel: WorkerChannel) -> Place:
            return created(found.config.channels[channel.task_channel_sid])

        page = sorted_page_of(found.value, place, descending=False, after=after, limit=limit)
        return Found(config=found.config, value=page, now_ms=found.now_ms)

    async def update(
        self,
        account: str,
        workspace: str,
        worker: str,
        sid_or_name: str,
        *,
        capacity: int | UnsetType = UNSET,
        available: bool | UnsetType = UNSET,
    ) -> Found[WorkerChannel]:
        """Change capacity or availability; Reservations beyond a lower capacity stay. Raises Invalid."""
        if capacity is not UNSET:
            checks.integer("capacity", capacity, 0, MAX_CAPACITY)
        found = await self._all(account, workspace, worker)
        channel = found.config.channels[_pick(found, sid_or_name).task_channel_sid]
        reply = await self._live.script(
            "update_worker_channel",
            found.config,
            (
                worker,
                channel.number,
                "" if capacity is UNSET else capacity,
                "" if available is UNSET else str(int(available)),
            ),
        )
        if reply[0] == Status.NOT_FOUND:
            raise NotFound(worker)
        return await self.fetch(account, workspace, worker, channel.sid)

    async def _all(self, account: str, workspace: str, worker: str) -> Found[Channels]:
        record = await self._live.record(account, workspace, "k", worker)
        channels = worker_channels(worker, record.fields, record.config)
        return Found(config=record.config, value=channels, now_ms=record.now_ms)


def _pick(found: Found[Channels], sid_or_name: str) -> WorkerChannel:
    config: WorkspaceConfig = found.config
    named = config.channel(sid_or_name)
    for channel in found.value:
        if channel.sid == sid_or_name or (named is not None and channel.task_channel_sid == named.sid):
            return channel
    raise NotFound(sid_or_name)
