"""Lists of Tasks: the index in order of creation, or every Task sorted, and filtered record by record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine import checks
from engine.errors import Invalid
from engine.keys import WorkspaceKeys
from engine.live import Live
from engine.model import Found, Page, Task, TaskStatus, WorkspaceConfig
from engine.records import task as task_of
from engine.rules import Place, RuleError, parse_expression
from engine.scan import Entry, Read, Start, page_by_scan
from engine.task_orders import ordering_of, sorted_page

Filter = Callable[[Task], bool]


class TaskLists:
    """Pages of the Tasks of a Workspace."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def list(
        self,
        account: str,
        workspace: str,
        *,
        priority: int | None = None,
        assignment_status: Sequence[str] | None = None,
        workflow_sid: str | None = None,
        workflow_name: str | None = None,
        task_queue_sid: str | None = None,
        task_queue_name: str | None = None,
        evaluate_task_attributes: str | None = None,
        routing_target: str | None = None,
        ordering: str | None = None,
        has_addons: bool | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[Task]]:
        """Tasks that meet every condition given, in order of creation unless told (semantics 2.10). Raises Invalid.

        Cost: one round trip a 200 Tasks looked at; a page looks at no more than 10,000 and is short beyond that. In
        another order a page looks at all Tasks of the Workspace (engine/task_orders.py).
        """
        order = ordering_of(ordering)
        read = await self._live.config.read(account, workspace)
        config = read.config
        filters = [
            *_by_status(assignment_status),
            *_by_rule(evaluate_task_attributes),
            *_by_config(config, workflow_sid, workflow_name, task_queue_sid, task_queue_name),
        ]
        if priority is not None:
            filters.append(lambda task: task.priority == priority)
        if routing_target is not None:
            filters.append(lambda task: task.routing_target == routing_target)
        if has_addons is not None:
            filters.append(lambda task: (task.addons != "{}") is has_addons)
        keys = self._live.keys(config)
        if order.by_creation:
            reader = self._reader(keys, descending=order.descending)
            page = await page_by_scan(
                reader, lambda task: all(test(task) for test in filters), after=after, limit=limit
            )
        else:
            page = await sorted_page(self._live, keys, order, filters, after=after, limit=limit)
        return Found(config=config, value=page, now_ms=read.now_ms)

    def _reader(self, keys: WorkspaceKeys, *, descending: bool) -> Read[Task]:
        async def read(start: Start, count: int) -> list[Entry[Task]]:
            downward = descending != start.back
            begin, end = ("+inf", "-inf") if downward else ("-inf", "+inf")
            if start.place is not None:
                begin = ("" if start.including else "(") + _place(start.place)
            name = "ZREVRANGEBYSCORE" if downward else "ZRANGEBYSCORE"
            index = await self._live.ask(name, keys.tasks, begin, end, "WITHSCORES", "LIMIT", 0, count)
            sids = [sid.decode() for sid in index[::2]]
            records = await self._live.hashes([keys.task(sid) for sid in sids])
            return [
                (place.decode(), task_of(sid, fields) if fields else None)
                for sid, place, fields in zip(sids, index[1::2], records, strict=True)
            ]

        return read


def _place(text: str) -> str:
    """A place in the index of creation, if it is one."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Invalid("after", "is not a place in this list")
    return text


def _by_status(statuses: Sequence[str] | None) -> list[Filter]:
    if not statuses:
        return []
    wanted = {status.strip() for value in statuses for status in value.split(",")}
    for status in wanted:
        if status not in TaskStatus.__members__.values():
            raise Invalid("assignment_status", f"must be one of {', '.join(TaskStatus)}, not {status[:32]!r}")
    return [lambda task: task.status in wanted]


def _by_rule(text: str | None) -> list[Filter]:
    if text is None:
        return []
    try:
        rule = parse_expression(text, Place.TASK_LIST)
    except RuleError as error:
        raise Invalid("evaluate_task_attributes", str(error)) from error
    return [lambda task: rule.matches_task(checks.json_object("attributes", task.attributes))]


def _by_config(
    config: WorkspaceConfig,
    workflow_sid: str | None,
    workflow_name: str | None,
    task_queue_sid: str | None,
    task_queue_name: str | None,
) -> list[Filter]:
    filters: list[Filter] = []
    if workflow_sid is not None:
        filters.append(lambda task: task.workflow_sid == workflow_sid)
    if workflow_name is not None:
        workflows = {w.sid for w in config.workflows.values() if w.friendly_name == workflow_name}
        filters.append(lambda task: task.workflow_sid in workflows)
    if task_queue_sid is not None:
        filters.append(lambda task: task.task_queue_sid == task_queue_sid)
    if task_queue_name is not None:
        queues = {q.sid for q in config.queues.values() if q.friendly_name == task_queue_name}
        filters.append(lambda task: task.task_queue_sid in queues)
    return filters
