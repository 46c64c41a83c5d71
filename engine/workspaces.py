"""Workspaces: the container of everything else, and what a new one begins with."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from engine import checks
from engine.config import FIRST_FREE_CHANNEL, ConfigCache, asked
from engine.config_pages import Place, after_of, place_of
from engine.config_records import Change, Snapshot, encode, revised
from engine.errors import IllegalState, Invalid, KeyReused, NotFound
from engine.idempotency import KEY_CHARACTERS, again, once
from engine.keys import ShardKeys, WorkspaceKeys, shard_of
from engine.model import Activity, Found, Page, Workspace
from engine.new_workspace import TEMPLATES, FirstRecords, blank, first_records
from engine.scan import Entry, Start, page_by_scan
from engine.scripts import Status
from engine.sids import Mint, mint


class Workspaces:
    """The Workspaces of all accounts. Names need not be unique. Every method raises Unavailable."""

    def __init__(self, config: ConfigCache, *, mint: Mint = mint) -> None:
        self._config, self._mint = config, mint

    async def create(
        self,
        account: str,
        *,
        friendly_name: str,
        event_callback_url: str | UnsetType = UNSET,
        events_filter: str | UnsetType = UNSET,
        multi_task_enabled: bool | UnsetType = UNSET,
        template: str = "NONE",
        prioritize_queue_order: str | UnsetType = UNSET,
        media_adapter_url: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> Found[Workspace]:
        """Make a Workspace with three Activities (four for single-tasking) and five Task Channels; template FIFO adds
        a TaskQueue and a Workflow.

        Raises Invalid, KeyReused, Vanished. Two round trips.
        """
        content = {
            "friendly_name": friendly_name,
            "event_callback_url": event_callback_url,
            "events_filter": events_filter,
            "multi_task_enabled": multi_task_enabled,
            "template": template,
            "prioritize_queue_order": prioritize_queue_order,
            "media_adapter_url": media_adapter_url,
        }
        key = once(idempotency_key, f"Workspace {account}", content)
        if template not in TEMPLATES:
            raise Invalid("template", f"must be one of {', '.join(TEMPLATES)}")
        own = _own_values(
            blank(self._sid(key), account),
            friendly_name,
            event_callback_url,
            events_filter,
            multi_task_enabled,
            prioritize_queue_order,
        )
        own = _with_media_adapter(own, media_adapter_url)
        return await self._create(own, template, key)

    async def _create(self, own: Workspace, template: str, key: str) -> Found[Workspace]:
        sid, account = own.sid, own.account_sid
        shard = shard_of(sid, self._config.shards)
        number, *time = await self._config.together(("INCR", ShardKeys(shard).numbers), ("TIME",))
        now_ms = self._config.instant_ms(time)
        first = first_records(own, number=number, now_ms=now_ms, template=template, mint=self._mint)
        made = await self._write(shard, now_ms, first, key)
        if made != sid:
            return await again(lambda of, _, sid: self.fetch(of, sid), account, made, made)
        config = revised(None, shard, 1, (first.workspace, *first.others), ())
        self._config.keep(config)
        return Found(config=config, value=first.workspace, now_ms=now_ms)

    async def fetch(self, account: str, sid: str) -> Found[Workspace]:
        """One Workspace. Raises NotFound."""
        return _found(await self._config.read(account, sid))

    async def list(
        self,
        account: str,
        *,
        friendly_name: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Found[Workspace]]:
        """The account's Workspaces in order of creation, of exactly this name where given. Raises Invalid.

        Reads each Workspace that a page looks at: a round trip for 200 that are here already.
        """
        places = await _owned(self._config, account)

        async def read(start: Start, count: int) -> list[Entry[Found[Workspace]]]:
            chosen = _along(places, start)[:count]
            found = {one.value.sid: one for one in await self._load(account, [sid for _, sid in chosen])}
            return [(after_of(place), found.get(place[1])) for place in chosen]

        def keep(found: Found[Workspace]) -> bool:
            return friendly_name is None or found.value.friendly_name == friendly_name

        return await page_by_scan(read, keep, after=after, limit=limit)

    async def update(
        self,
        account: str,
        sid: str,
        *,
        friendly_name: str | UnsetType = UNSET,
        event_callback_url: str | UnsetType = UNSET,
        events_filter: str | UnsetType = UNSET,
        multi_task_enabled: bool | UnsetType = UNSET,
        prioritize_queue_order: str | UnsetType = UNSET,
        default_activity_sid: str | UnsetType = UNSET,
        timeout_activity_sid: str | UnsetType = UNSET,
        media_adapter_url: str | UnsetType = UNSET,
    ) -> Found[Workspace]:
        """Change what was sent. Raises NotFound, Invalid, IllegalState when multi-tasking would be turned off."""

        def plan(now: Snapshot) -> Change | None:
            before = now.config.workspace
            after = _own_values(
                before,
                friendly_name,
                event_callback_url,
                events_filter,
                multi_task_enabled,
                prioritize_queue_order,
            )
            after = _with_media_adapter(after, media_adapter_url)
            if before.multi_task_enabled and not after.multi_task_enabled:
                raise IllegalState("multi_task_enabled cannot be turned off again")
            activities = now.config.activities
            if default_activity_sid is not UNSET:
                checked = checks.member("default_activity_sid", default_activity_sid, activities, "Activity")
                after = replace(after, default_activity_sid=checked)
            if timeout_activity_sid is not UNSET:
                checked = checks.member("timeout_activity_sid", timeout_activity_sid, activities, "Activity")
                after = replace(after, timeout_activity_sid=checked)
            if after == before:
                return None
            timeout = activities[after.timeout_activity_sid]
            after = replace(after, updated_ms=now.now_ms)
            return Change(
                event="workspace.updated",
                subject=sid,
                put=(after,),
                fields=_hot_fields(after, timeout),
                # What waits for a Worker's only slot waits for one of a channel's from now on.
                replace=("m", sid) if after.multi_task_enabled != before.multi_task_enabled else None,
            )

        return _found(await self._config.change(account, sid, plan))

    async def delete(self, account: str, sid: str) -> None:
        """Make a Workspace and all in it unreachable at once; matchers remove the data. Raises NotFound."""
        config = await self._config.get(account, sid)
        shard, number = config.shard, config.workspace.number
        keys = [WorkspaceKeys(shard, number).root, ShardKeys(shard).prefix]
        now_ms = "" if self._config.now_ms is None else self._config.now_ms()
        reply = await asked(
            self._config.scripts.run("delete_workspace", keys, [account, sid, now_ms]), writes=True
        )
        self._config.forget(sid)
        if reply == [Status.NOT_FOUND]:
            raise NotFound(sid)
        assert reply == [Status.OK], f"delete_workspace replied {reply!r}"

    def _sid(self, once: str) -> str:
        """A fresh SID. What was created with a key is remembered in the shard that the key belongs to, so the Workspace
        has to live there: that takes as many tries as there are shards, about 1 us each.
        """
        sid, shards = self._mint("WS"), self._config.shards
        while once and shard_of(sid, shards) != shard_of(once[:KEY_CHARACTERS], shards):
            sid = self._mint("WS")
        return sid

    async def _write(self, shard: int, now_ms: int, first: FirstRecords, once: str) -> str:
        """The SID of the Workspace that then exists: an earlier one where the key was used before. Raises KeyReused."""
        workspace, number = first.workspace, first.workspace.number
        fields = {**_hot_fields(workspace, first.timeout), "channels": FIRST_FREE_CHANNEL}
        args: list[str | bytes | int] = [workspace.account_sid, workspace.sid, now_ms, once, len(fields)]
        for name, value in fields.items():
            args += (name, value)
        args.append(1 + len(first.others))
        for record in (workspace, *first.others):
            args += (record.sid, encode(record))
        keys = [WorkspaceKeys(shard, number).root, ShardKeys(shard).prefix]
        reply = await asked(self._config.scripts.run("create_workspace", keys, args), writes=True)
        match reply:
            case [Status.OK, int(made)] if made == number:
                return workspace.sid
            case [Status.MADE, bytes(earlier)]:
                return earlier.decode()
            case [Status.KEY_USED]:
                raise KeyReused
        raise AssertionError(f"create_workspace replied {reply!r}")

    async def _load(self, account: str, sids: Iterable[str]) -> Sequence[Found[Workspace]]:
        """The Workspaces that are still there."""
        reads = await asyncio.gather(*(self.fetch(account, sid) for sid in sids), return_exceptions=True)
        found = []
        for read in reads:
            if isinstance(read, NotFound):
                continue
            if isinstance(read, BaseException):
                raise read
            found.append(read)
        return found


async def _owned(config: ConfigCache, account: str) -> list[Place]:
    """When and as what each Workspace of the account was created, oldest first. O(its Workspaces)."""
    prefixes = [ShardKeys(shard) for shard in range(config.shards)]
    replies = await config.together(
        *(("ZRANGE", keys.owned_by(account), 0, -1, "WITHSCORES") for keys in prefixes)
    )
    return sorted(
        (int(score), sid.decode())
        for reply in replies
        for sid, score in zip(reply[::2], reply[1::2], strict=True)
    )


def _along(places: list[Place], start: Start) -> list[Place]:
    """The places on the way from `start`, nearest first. O(places)."""
    mark = None if start.place is None else place_of(start.place)
    if start.back:
        return [p for p in reversed(places) if mark is None or p < mark or (start.including and p == mark)]
    return [p for p in places if mark is None or p > mark]


def _own_values(
    record: Workspace,
    friendly_name: str | UnsetType,
    event_callback_url: str | UnsetType,
    events_filter: str | UnsetType,
    multi_task_enabled: bool | UnsetType,
    prioritize_queue_order: str | UnsetType,
) -> Workspace:
    """`record` with the values that can be checked without the rest of the Workspace."""
    if friendly_name is not UNSET:
        record = replace(record, friendly_name=checks.name("friendly_name", friendly_name, checks.SHORT_NAME))
    if event_callback_url is not UNSET:
        record = replace(record, event_callback_url=checks.text("event_callback_url", event_callback_url))
    if events_filter is not UNSET:
        record = replace(record, events_filter=checks.events_filter("events_filter", events_filter))
    if multi_task_enabled is not UNSET:
        record = replace(record, multi_task_enabled=multi_task_enabled)
    if prioritize_queue_order is not UNSET:
        preferred = checks.order("prioritize_queue_order", prioritize_queue_order)
        record = replace(record, prioritize_queue_order=preferred)
    return record


def _with_media_adapter(record: Workspace, url: str | UnsetType) -> Workspace:
    """`record` with another media adapter. Whenever a URL is given, its secret is a new one: so it is rotated."""
    if url is UNSET:
        return record
    secret = secrets.token_hex(32) if url else ""
    return replace(
        record, media_adapter_url=checks.text("media_adapter_url", url), media_adapter_secret=secret
    )


def _hot_fields(workspace: Workspace, timeout_activity: Activity) -> dict[str, str | int]:
    """The fields of the `ws` hash that scripts read, so that they decode no JSON."""
    return {
        "order": workspace.prioritize_queue_order.value,
        "default_activity": workspace.default_activity_sid,
        "timeout_activity": workspace.timeout_activity_sid,
        "timeout_available": int(timeout_activity.available),
    }


def _found(now: Snapshot) -> Found[Workspace]:
    return Found(config=now.config, value=now.config.workspace, now_ms=now.now_ms)
