"""Lists of Workers: by SID, or by their last change of Activity, and filtered record by record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from engine import checks
from engine.compiled import CompiledCache
from engine.config_pages import after_of, sorted_page_of
from engine.errors import Invalid
from engine.keys import WorkspaceKeys
from engine.live import CHUNK, Live
from engine.model import Found, Page, Worker, WorkspaceConfig
from engine.records import worker as worker_of
from engine.rules import Place, RuleError, WorkerFacts, parse_expression
from engine.scan import Entry, Read, Start, page_by_scan
from engine.sids import is_sid

ORDERINGS: Final = {"DateStatusChanged:asc": False, "DateStatusChanged:desc": True}

Filter = Callable[[Worker], bool]
Filters = list[Filter]
Entries = list[Entry[Worker]]


class WorkerLists:
    """Pages of the Workers of a Workspace."""

    def __init__(self, live: Live, compiled: CompiledCache) -> None:
        self._live, self._compiled = live, compiled

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
        after_sid: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[Worker]]:
        """Workers in order of SID, or of their last change of Activity with `ordering` DateStatusChanged:asc or :desc.

        Without `after`, `after_sid` begins behind that Worker (semantics 4.7). Raises Invalid.
        Cost: one round trip for a name, which only one Worker has; else one a 200 Workers looked at, and with
        `ordering` that is all of them.
        """
        if ordering is not None and ordering not in ORDERINGS:
            raise Invalid("ordering", f"must be one of {', '.join(ORDERINGS)}")
        read = await self._live.config.read(account, workspace)
        config, keys = read.config, self._live.keys(read.config)
        filters = [
            *_by_activity(config, activity_name, activity_sid, available),
            *self._by_queue(config, task_queue_sid, task_queue_name),
            *_by_rule(config, target_workers_expression),
        ]

        def keep(worker: Worker) -> bool:
            return all(test(worker) for test in filters)

        if friendly_name is not None:
            folded = friendly_name.casefold()
            filters.append(
                lambda worker: worker.friendly_name.casefold() == folded
            )  # it may be renamed by now
        if after is None and after_sid is not None:
            after = await self._behind(keys, after_sid, ordering)
        reader = self._reader(keys) if friendly_name is None else self._named(keys, friendly_name)
        if ordering is None:
            page = await page_by_scan(reader, keep, after=after, limit=limit)
        else:
            workers = await _all(reader, keep)
            page = sorted_page_of(workers, _changed, descending=ORDERINGS[ordering], after=after, limit=limit)
        return Found(config=config, value=page, now_ms=read.now_ms)

    def _reader(self, keys: WorkspaceKeys) -> Read[Worker]:
        async def read(start: Start, count: int) -> list[Entry[Worker]]:
            begin, end = ("+", "-") if start.back else ("-", "+")
            if start.place is not None:
                begin = ("[" if start.including else "(") + _place(start.place)
            name = "ZREVRANGEBYLEX" if start.back else "ZRANGEBYLEX"
            index = await self._live.ask(name, keys.workers, begin, end, "LIMIT", 0, count)
            return await self._entries(keys, [sid.decode() for sid in index])

        return read

    def _named(self, keys: WorkspaceKeys, name: str) -> Read[Worker]:
        """Reads the one Worker of a name, ignoring case (semantics 4.7), as the list that it alone would make."""

        async def read(start: Start, count: int) -> list[Entry[Worker]]:
            mark = None if start.place is None else _place(start.place)
            sid = await self._live.ask("HGET", keys.names, name.casefold())
            if sid is None:
                return []
            found = sid.decode()
            passed = mark is not None and (found > mark if start.back else found < mark)
            if passed or (found == mark and not start.including):
                return []
            return await self._entries(keys, [found])

        return read

    async def _entries(self, keys: WorkspaceKeys, sids: Sequence[str]) -> Entries:
        records = await self._live.hashes([keys.worker(sid) for sid in sids])
        return [
            (sid, worker_of(sid, fields) if fields else None)
            for sid, fields in zip(sids, records, strict=True)
        ]

    async def _behind(self, keys: WorkspaceKeys, sid: str, ordering: str | None) -> str:
        """The cursor that goes on behind a Worker."""
        entries = await self._entries(keys, [sid]) if is_sid(sid, "WK") else []
        worker = entries[0][1] if entries else None
        if worker is None:
            raise Invalid("after_sid", "is not the SID of a Worker of this Workspace")
        return sid if ordering is None else after_of(_changed(worker))

    def _by_queue(self, config: WorkspaceConfig, sid: str | None, name: str | None) -> Filters:
        if sid is None and name is None:
            return []
        compiled = self._compiled.of(config)
        rules = [
            compiled.queue(queue.sid)
            for queue in config.queues.values()
            if (sid is None or queue.sid == sid) and (name is None or queue.friendly_name == name)
        ]
        return [lambda worker: any(rule.matches_worker(facts_of(config, worker)) for rule in rules)]


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


async def _all(read: Read[Worker], keep: Filter) -> list[Worker]:
    """Every Worker of an index that `keep` lets through."""
    workers: list[Worker] = []
    start = Start(None, back=False, including=False)
    while True:
        entries = await read(start, CHUNK)
        workers += [worker for _, worker in entries if worker is not None and keep(worker)]
        if len(entries) < CHUNK:
            return workers
        start = Start(entries[-1][0], back=False, including=False)


def _by_activity(
    config: WorkspaceConfig, name: str | None, sid: str | None, available: bool | None
) -> Filters:
    filters: Filters = []
    if name is not None:
        named = {a.sid for a in config.activities.values() if a.friendly_name == name}
        filters.append(lambda worker: worker.activity_sid in named)
    if sid is not None:
        filters.append(lambda worker: worker.activity_sid == sid)
    if available is not None:
        filters.append(lambda worker: worker.available is available)
    return filters


def _by_rule(config: WorkspaceConfig, text: str | None) -> Filters:
    if text is None:
        return []
    try:
        rule = parse_expression(text, Place.WORKER_LIST)
    except RuleError as error:
        raise Invalid("target_workers_expression", str(error)) from error
    return [lambda worker: rule.matches_worker(facts_of(config, worker))]


def _changed(worker: Worker) -> tuple[int, str]:
    return worker.status_changed_ms, worker.sid


def _place(text: str) -> str:
    """A place in the index of SIDs, if it is one."""
    if not is_sid(text, "WK"):
        raise Invalid("after", "is not a place in this list")
    return text
