"""Activities: what a Worker can be doing, and whether it is available for Tasks while it does."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from engine import checks
from engine.config import ConfigCache
from engine.config_pages import page_of
from engine.config_records import Change, Guard, Snapshot
from engine.errors import IllegalState, NotFound
from engine.idempotency import created, once
from engine.model import Activity, Found, Page, WorkspaceConfig
from engine.sids import Mint, mint

MOST: Final = 100  # Activities of one Workspace


class Activities:
    """The Activities of all Workspaces. Names need not be unique; `available` is fixed at creation.

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
        available: bool = False,
        idempotency_key: str | None = None,
    ) -> Found[Activity]:
        """Add an Activity. Raises Invalid, KeyReused, Vanished; IllegalState when there are 100 already."""
        sid = self._mint("WA")
        name = checks.name("friendly_name", friendly_name, checks.SHORT_NAME)
        key = once(idempotency_key, "Activity", {"friendly_name": name, "available": available})

        def plan(now: Snapshot) -> Change:
            if len(now.config.activities) >= MOST:
                raise IllegalState(f"a Workspace has at most {MOST} Activities")
            record = Activity(
                sid=sid,
                friendly_name=name,
                available=available,
                created_ms=now.now_ms,
                updated_ms=now.now_ms,
            )
            return Change(event="activity.created", subject=sid, put=(record,))

        return created(await self._config.change(account, workspace, plan, key), sid, _of)

    async def fetch(self, account: str, workspace: str, sid: str) -> Found[Activity]:
        """One Activity."""
        return _found(await self._config.read(account, workspace), sid)

    async def list(
        self,
        account: str,
        workspace: str,
        *,
        friendly_name: str | None = None,
        available: bool | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[Activity]]:
        """Activities in order of creation, of exactly this name and availability where given."""
        now = await self._config.read(account, workspace)
        chosen = (
            activity
            for activity in now.config.activities.values()
            if (friendly_name is None or activity.friendly_name == friendly_name)
            and (available is None or activity.available is available)
        )
        page = page_of(chosen, after=after, limit=limit)
        return Found(config=now.config, value=page, now_ms=now.now_ms)

    async def update(
        self, account: str, workspace: str, sid: str, *, friendly_name: str | UnsetType = UNSET
    ) -> Found[Activity]:
        """Rename an Activity. Raises Invalid. Rules may read the name, so a matcher looks at all Workers again."""

        def plan(now: Snapshot) -> Change | None:
            before = _of(now.config, sid)
            if friendly_name is UNSET or friendly_name == before.friendly_name:
                return None
            name = checks.name("friendly_name", friendly_name, checks.SHORT_NAME)
            after = replace(before, friendly_name=name, updated_ms=now.now_ms)
            return Change(event="activity.updated", subject=sid, put=(after,), replace=("a", sid))

        return _found(await self._config.change(account, workspace, plan), sid)

    async def delete(self, account: str, workspace: str, sid: str) -> None:
        """Remove an Activity. Raises IllegalState while a Worker, the Workspace or a TaskQueue uses it."""

        def plan(now: Snapshot) -> Change:
            _of(now.config, sid)
            _refuse_if_used(now.config, sid)
            guard = Guard(f"a:{sid}", f"Activity {sid} cannot be deleted: {{count}} Workers are in it")
            return Change(event="activity.deleted", subject=sid, delete=(sid,), guards=(guard,))

        await self._config.change(account, workspace, plan)


def _refuse_if_used(config: WorkspaceConfig, sid: str) -> None:
    workspace = config.workspace
    if sid == workspace.default_activity_sid:
        raise IllegalState(f"Activity {sid} cannot be deleted: it is the Workspace's default Activity")
    if sid == workspace.timeout_activity_sid:
        raise IllegalState(f"Activity {sid} cannot be deleted: it is the Workspace's timeout Activity")
    for queue in config.queues.values():
        if sid in (queue.reservation_activity_sid, queue.assignment_activity_sid):
            raise IllegalState(f"Activity {sid} cannot be deleted: TaskQueue {queue.sid} uses it")


def _of(config: WorkspaceConfig, sid: str) -> Activity:
    activity = config.activities.get(sid)
    if activity is None:
        raise NotFound(sid)
    return activity


def _found(now: Snapshot, sid: str) -> Found[Activity]:
    return Found(config=now.config, value=_of(now.config, sid), now_ms=now.now_ms)
