"""Workers: created, read, changed and deleted. A change of what rules read takes a Worker out of the market until a
matcher has found its pools anew, a matter of milliseconds.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, UnsetType

from engine import checks
from engine.compiled import CompiledCache
from engine.errors import IllegalState, Invalid, KeyReused, NotFound
from engine.idempotency import again, made_before, once
from engine.live import Live, expected, require_done
from engine.model import Found, Worker, WorkspaceConfig
from engine.records import fields_of
from engine.records import worker as worker_of
from engine.rules import WorkerFacts
from engine.scripts import Status
from engine.sids import Mint, is_sid, mint
from engine.worker_lists import WorkerLists, facts_of

NOT_LEAVING: Final = (
    "reject_pending_reservations",
    "is only allowed when the Worker's Activity is unavailable",
)


class Workers:
    """The Workers of all Workspaces. Names are unique in a Workspace, ignoring case.

    Every method raises NotFound and Unavailable.
    """

    def __init__(self, live: Live, compiled: CompiledCache, *, mint: Mint = mint) -> None:
        self._live, self._mint = live, mint
        self.list = WorkerLists(live, compiled).list

    async def create(
        self,
        account: str,
        workspace: str,
        *,
        friendly_name: str,
        activity_sid: str | UnsetType = UNSET,
        attributes: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> Found[Worker]:
        """Add a Worker, in the Workspace's default Activity unless told otherwise. One round trip. Raises Invalid,
        KeyReused, Vanished.
        """
        checks.name("friendly_name", friendly_name, checks.SHORT_NAME)
        text = "{}" if attributes is UNSET else attributes
        checks.json_object("attributes", text)
        content = {"friendly_name": friendly_name, "activity_sid": activity_sid, "attributes": text}
        key = once(idempotency_key, "Worker", content)
        sid, names, chosen = self._mint("WK"), (friendly_name, friendly_name.casefold()), ""

        async def act(config: WorkspaceConfig) -> list[Any]:
            nonlocal chosen
            if key and (made := await made_before(self._live.config, config, key)):
                return [Status.MADE, made.encode()]
            chosen = config.workspace.default_activity_sid if activity_sid is UNSET else activity_sid
            checks.member("activity_sid", chosen, config.activities, "Activity")
            args = (config.version, sid, *names, chosen, _flag(config, chosen), text, key)
            return await self._live.script("create_worker", config, args)

        config, reply = await self._live.deciding(account, workspace, act)
        if reply[0] == Status.NOT_FOUND:
            self._live.config.forget(workspace)
            raise NotFound(workspace)
        if reply[0] == Status.MADE:
            return await again(self.fetch, account, workspace, reply[1].decode())
        if reply[0] == Status.KEY_USED:
            raise KeyReused
        _refuse_name(reply, friendly_name)
        now_ms: int = reply[1]
        created = Worker(
            sid=sid,
            friendly_name=friendly_name,
            attributes=text,
            activity_sid=chosen,
            available=config.activities[chosen].available,
            created_ms=now_ms,
            updated_ms=now_ms,
            status_changed_ms=now_ms,
            revision=0,
        )
        return Found(config=config, value=created, now_ms=now_ms)

    async def fetch(self, account: str, workspace: str, sid: str) -> Found[Worker]:
        """One Worker. One round trip."""
        record = await self._live.record(account, workspace, "k", sid)
        return Found(config=record.config, value=worker_of(sid, record.fields), now_ms=record.now_ms)

    async def update(
        self,
        account: str,
        workspace: str,
        sid: str,
        *,
        friendly_name: str | UnsetType = UNSET,
        activity_sid: str | UnsetType = UNSET,
        attributes: str | UnsetType = UNSET,
        reject_pending_reservations: bool = False,
        if_match: int | None = None,
    ) -> Found[Worker]:
        """Change what was sent; Reservations stay with the Worker. Raises Invalid, RevisionMismatch.

        With `reject_pending_reservations` and an unavailable Activity its pending ones are rejected, those beyond 32 by
        a matcher.
        """
        if friendly_name is not UNSET:
            checks.name("friendly_name", friendly_name, checks.SHORT_NAME)
        if attributes is not UNSET:
            checks.json_object("attributes", attributes)
        name = friendly_name or ""

        async def act(config: WorkspaceConfig) -> list[Any]:
            if activity_sid is not UNSET:
                checks.member("activity_sid", activity_sid, config.activities, "Activity")
                if reject_pending_reservations and config.activities[activity_sid].available:
                    raise Invalid(*NOT_LEAVING)
            return await self._live.script(
                "update_worker",
                config,
                (
                    config.version, sid, expected(if_match), name, name.casefold(),
                    activity_sid or "", _flag(config, activity_sid or ""), attributes or "",
                    "1" if reject_pending_reservations else "0",
                ),
            )  # fmt: skip

        _, reply = await self._live.deciding(account, workspace, act)
        require_done(reply, sid)
        if reply[0] == Status.ILLEGAL:
            raise Invalid(*NOT_LEAVING)
        _refuse_name(reply, name)
        read = await self._live.config.read(account, workspace)
        return Found(config=read.config, value=worker_of(sid, fields_of(reply[1])), now_ms=read.now_ms)

    async def delete(self, account: str, workspace: str, sid: str, if_match: int | None = None) -> None:
        """Remove a Worker. Raises IllegalState while it holds an open Reservation, RevisionMismatch."""
        config = await self._live.config.get(account, workspace)
        reply = await self._live.script("delete_worker", config, (sid, expected(if_match)))
        if reply[0] == Status.IN_USE:
            raise IllegalState(f"Worker {sid} cannot be deleted: it holds {reply[1]} open Reservations")
        require_done(reply, sid)

    async def facts(self, config: WorkspaceConfig, sid: str) -> WorkerFacts | None:
        """The Worker as rules of TaskQueues see it, None for an unknown SID. One round trip."""
        if not is_sid(sid, "WK"):
            return None
        (fields,) = await self._live.hashes([self._live.keys(config).worker(sid)])
        return facts_of(config, worker_of(sid, fields)) if fields else None


def _flag(config: WorkspaceConfig, activity: str) -> str:
    known = config.activities.get(activity)
    return "1" if known is not None and known.available else "0"


def _refuse_name(reply: list[Any], name: str) -> None:
    if reply[0] == Status.EXISTS:
        raise Invalid("friendly_name", f"{name} is the name of another Worker of this Workspace")
