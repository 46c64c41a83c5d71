"""Task Channels: kinds of work (voice, chat, ...) with a capacity of their own for each Worker."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from engine import checks
from engine.config import FIRST_FREE_CHANNEL, ConfigCache
from engine.config_pages import page_of
from engine.config_records import Change, Guard, Snapshot
from engine.errors import IllegalState, Invalid, NotFound
from engine.idempotency import created, once
from engine.model import Found, Page, TaskChannel, WorkspaceConfig
from engine.sids import Mint, mint

MOST: Final = 100  # Task Channels of one Workspace; each adds fields to every Worker


class TaskChannels:
    """The Task Channels of all Workspaces, each addressable by SID or unique name (ignoring case).

    Every method raises NotFound and Unavailable; reads cost one round trip.
    """

    def __init__(self, config: ConfigCache, *, mint: Mint = mint) -> None:
        self._config, self._mint = config, mint

    async def create(
        self,
        account: str,
        workspace: str,
        *,
        friendly_name: str,
        unique_name: str,
        channel_optimized_routing: bool = False,
        idempotency_key: str | None = None,
    ) -> Found[TaskChannel]:
        """Add a Task Channel; every Worker has it at once. Raises Invalid, KeyReused, Vanished; IllegalState at 100 of
        them.
        """
        sid = self._mint("TC")
        name = checks.name("friendly_name", friendly_name, checks.SHORT_NAME)
        checks.unique_name("unique_name", unique_name)
        content = {"friendly_name": name, "unique_name": unique_name, "optimized": channel_optimized_routing}
        key = once(idempotency_key, "TaskChannel", content)

        def plan(now: Snapshot) -> Change:
            if now.config.channel(unique_name) is not None:
                raise Invalid("unique_name", f"{unique_name} is in use by another Task Channel")
            if len(now.config.channels) >= MOST:
                raise IllegalState(f"a Workspace has at most {MOST} Task Channels")
            record = TaskChannel(
                sid=sid,
                number=now.next_channel,
                unique_name=unique_name,
                friendly_name=name,
                channel_optimized_routing=channel_optimized_routing,
                created_ms=now.now_ms,
                updated_ms=now.now_ms,
            )
            fields: dict[str, str | int] = {"channels": now.next_channel + 1}
            return Change(
                event="task-channel.created", subject=sid, put=(record,), fields=fields, replace=("a", sid)
            )

        return created(await self._config.change(account, workspace, plan, key), sid, _of)

    async def fetch(self, account: str, workspace: str, sid_or_name: str) -> Found[TaskChannel]:
        """One Task Channel."""
        return _found(await self._config.read(account, workspace), sid_or_name)

    async def list(
        self, account: str, workspace: str, *, after: str | None = None, limit: int = 50
    ) -> Found[Page[TaskChannel]]:
        """Task Channels in order of creation."""
        now = await self._config.read(account, workspace)
        page = page_of(now.config.channels.values(), after=after, limit=limit)
        return Found(config=now.config, value=page, now_ms=now.now_ms)

    async def update(
        self,
        account: str,
        workspace: str,
        sid_or_name: str,
        *,
        friendly_name: str | UnsetType = UNSET,
        channel_optimized_routing: bool | UnsetType = UNSET,
    ) -> Found[TaskChannel]:
        """Change what was sent. Raises Invalid.

        Another `channel_optimized_routing` ranks Workers differently, so a matcher places the waiting Tasks anew.
        """

        def plan(now: Snapshot) -> Change | None:
            before = after = _of(now.config, sid_or_name)
            if friendly_name is not UNSET:
                name = checks.name("friendly_name", friendly_name, checks.SHORT_NAME)
                after = replace(after, friendly_name=name)
            if channel_optimized_routing is not UNSET:
                after = replace(after, channel_optimized_routing=channel_optimized_routing)
            if after == before:
                return None
            after = replace(after, updated_ms=now.now_ms)
            reranked = after.channel_optimized_routing != before.channel_optimized_routing
            return Change(
                event="task-channel.updated",
                subject=before.sid,
                put=(after,),
                replace=("c", str(before.number)) if reranked else None,
            )

        return _found(await self._config.change(account, workspace, plan), sid_or_name)

    async def delete(self, account: str, workspace: str, sid_or_name: str) -> None:
        """Remove a Task Channel. Raises IllegalState for a built-in one and while open Tasks use it."""

        def plan(now: Snapshot) -> Change:
            channel = _of(now.config, sid_or_name)
            if channel.number < FIRST_FREE_CHANNEL:
                raise IllegalState(f"Task Channel {channel.unique_name} cannot be deleted: it is built in")
            refusal = f"Task Channel {channel.sid} cannot be deleted: {{count}} open Tasks use it"
            return Change(
                event="task-channel.deleted",
                subject=channel.sid,
                delete=(channel.sid,),
                guards=(Guard(f"c:{channel.number}", refusal),),
                replace=("a", channel.sid),
            )

        await self._config.change(account, workspace, plan)


def _of(config: WorkspaceConfig, sid_or_name: str) -> TaskChannel:
    channel = config.channel(sid_or_name)
    if channel is None:
        raise NotFound(sid_or_name)
    return channel


def _found(now: Snapshot, sid_or_name: str) -> Found[TaskChannel]:
    return Found(config=now.config, value=_of(now.config, sid_or_name), now_ms=now.now_ms)
