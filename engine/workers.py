"""Workers: created, read, changed and deleted. A change of what rules read takes a Worker out of the market until a
matcher has found its pools anew, a matter of milliseconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import UNSET, UnsetType

from engine import checks
from engine.compiled import CompiledCache
from engine.errors import IllegalState, Invalid, NotFound
from engine.live import CHUNK, Live, expected, require_done
from engine.model import Found, Page, Worker, WorkspaceConfig
from engine.records import fields_of
from engine.records import worker as worker_of
from engine.rules import Place, RuleError, WorkerFacts, parse_expression
from engine.scan import page_by_scan
from engine.scripts import Status
from engine.sids import Mint, is_sid, mint

NOT_LEAVING: Final = (
    "reject_pending_reservations",
    "is only allowed when the Worker's Activity is unavailable",
)
ORDERINGS: Final = {"DateStatusChanged:asc": False, "DateStatusChanged:desc": True}

Filter = Callable[[Worker], bool]
Reader = Callable[[str | None, int], Awaitable[list[tuple[str, Worker | None]]]]


class Workers:
    """The Workers of all Workspaces. Names are unique in a Workspace, ignoring case.

    Every method raises NotFound and Unavailable.
    """

    def __init__(self, live: Live, compiled: CompiledCache, *, mint: Mint = mint) -> None:
        self._live, self._compiled, self._mint = live, compiled, mint

    async def create(
        self,
        account: str,
        workspace: str,
        *,
        friendly_name: str,
        activity_sid: str | UnsetType = UNSET,
        attributes: str | UnsetType = UNSET,
    ) -> Found[Worker]:
        """Add a Worker, in the Workspace's default Activity unless told otherwise. One round trip. Raises Invalid."""
        checks.name("friendly_name", friendly_name, checks.SHORT_NAME)
        text = "{}" if attributes is UNSET else attributes
        checks.json_object("attributes", text)
        sid = self._mint("WK")
        chosen = ""

        async def act(config: WorkspaceConfig) -> list[Any]:
            nonlocal chosen
            chosen = config.workspace.default_activity_sid if activity_sid is UNSET else activity_sid
            checks.member("activity_sid", chosen, config.activities, "Activity")
            return await self._live.script(
                "create_worker",
                config,
                (
                    config.version,
                    sid,
                    friendly_name,
                    friendly_name.casefold(),
                    chosen,
                    _flag(config, chosen),
                    text,
                ),
            )

        config, reply = await self._live.deciding(account, workspace, act)
        if reply[0] == Status.NOT_FOUND:
            self._live.config.forget(workspace)
            raise NotFound(workspace)
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

    async def list(
        self,
        account: str,
        workspace: str,
        *,
        friendly_name: str | None = None,
        activity_name: str | None = None,
        activity_sid: str | None = None,
        available: bool | None = None,
        task_queue_sid: str | None = None,
        task_queue_name: str | None = None,
        target_workers_expression: str | None = None,
        ordering: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[Worker]]:
        """Workers in order of SID, or of their last change of Activity with `ordering` DateStatusChanged:asc or :desc.

        Cost: one round trip a 200 Workers looked at; with `ordering`, all of them. Raises Invalid.
        """
        read = await self._live.config.read(account, workspace)
        config = read.config
        filters: list[Filter] = []
        if friendly_name is not None:
            folded = friendly_name.casefold()
            filters.append(lambda worker: worker.friendly_name.casefold() == folded)
        if activity_name is not None:
            named = {a.sid for a in config.activities.values() if a.friendly_name == activity_name}
            filters.append(lambda worker: worker.activity_sid in named)
        if activity_sid is not None:
            filters.append(lambda worker: worker.activity_sid == activity_sid)
        if available is not None:
            filters.append(lambda worker: worker.available is available)
        if task_queue_sid is not None or task_queue_name is not None:
            filters.append(self._in_queue(config, task_queue_sid, task_queue_name))
        if target_workers_expression is not None:
            filters.append(_by_rule(config, target_workers_expression))

        def keep(worker: Worker) -> bool:
            return all(test(worker) for test in filters)

        if ordering is not None:
            page = await self._sorted(config, keep, ordering, after, limit)
        else:
            if after is not None and not is_sid(after, "WK"):
                raise Invalid("after", "is not a place in this list")
            page = await page_by_scan(self._reader(config), keep, after=after, limit=limit)
        return Found(config=config, value=page, now_ms=read.now_ms)

    def _reader(self, config: WorkspaceConfig) -> Reader:
        keys = self._live.keys(config)

        async def read(after: str | None, count: int) -> list[tuple[str, Worker | None]]:
            start = f"({after}" if after else "-"
            index = await self._live.ask("ZRANGEBYLEX", keys.workers, start, "+", "LIMIT", 0, count)
            sids = [sid.decode() for sid in index]
            records = await self._live.hashes([keys.worker(sid) for sid in sids])
            return [
                (sid, worker_of(sid, fields) if fields else None)
                for sid, fields in zip(sids, records, strict=True)
            ]

        return read

    async def _sorted(
        self, config: WorkspaceConfig, keep: Filter, ordering: str, after: str | None, limit: int
    ) -> Page[Worker]:
        if ordering not in ORDERINGS:
            raise Invalid("ordering", f"must be one of {', '.join(ORDERINGS)}")
        read, place, chosen = self._reader(config), None, []
        while True:
            entries = await read(place, CHUNK)
            chosen += [worker for _, worker in entries if worker is not None and keep(worker)]
            if len(entries) < CHUNK:
                break
            place = entries[-1][0]
        descending = ORDERINGS[ordering]
        chosen.sort(key=_changed, reverse=descending)
        if after is not None:
            behind = _place_of(after)
            chosen = [w for w in chosen if (_changed(w) < behind if descending else _changed(w) > behind)]
        page = chosen[:limit]
        more = len(chosen) > limit
        return Page(items=page, next_after=f"{page[-1].status_changed_ms}.{page[-1].sid}" if more else None)

    def _in_queue(self, config: WorkspaceConfig, sid: str | None, name: str | None) -> Filter:
        compiled = self._compiled.of(config)
        rules = [
            compiled.queue(queue.sid)
            for queue in config.queues.values()
            if (sid is None or queue.sid == sid) and (name is None or queue.friendly_name == name)
        ]
        return lambda worker: any(rule.matches_worker(facts_of(config, worker)) for rule in rules)


def facts_of(config: WorkspaceConfig, worker: Worker) -> WorkerFacts:
    """What rules may read of a Worker, but for the load of its channels."""
    activity = config.activities.get(worker.activity_sid)
    return WorkerFacts(
        sid=worker.sid,
        friendly_name=worker.friendly_name,
        activity_sid=worker.activity_sid,
        activity_name=activity.friendly_name if activity else "",
        attributes=checks.json_object("attributes", worker.attributes),
    )


def _by_rule(config: WorkspaceConfig, text: str) -> Filter:
    try:
        rule = parse_expression(text, Place.WORKER_LIST)
    except RuleError as error:
        raise Invalid("target_workers_expression", str(error)) from error
    return lambda worker: rule.matches_worker(facts_of(config, worker))


def _changed(worker: Worker) -> tuple[int, str]:
    return worker.status_changed_ms, worker.sid


def _place_of(after: str) -> tuple[int, str]:
    instant, _, sid = after.partition(".")
    if not (instant.isascii() and instant.isdigit() and is_sid(sid, "WK")):
        raise Invalid("after", "is not a place in this list")
    return int(instant), sid


def _flag(config: WorkspaceConfig, activity: str) -> str:
    known = config.activities.get(activity)
    return "1" if known is not None and known.available else "0"


def _refuse_name(reply: list[Any], name: str) -> None:
    if reply[0] == Status.EXISTS:
        raise Invalid("friendly_name", f"{name} is the name of another Worker of this Workspace")
