"""Lists of Tasks: the index in order of creation, filtered record by record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from engine import checks
from engine.errors import Invalid
from engine.live import Live
from engine.model import Found, Page, Task, TaskStatus, WorkspaceConfig
from engine.records import task as task_of
from engine.rules import Place, RuleError, parse_expression
from engine.scan import page_by_scan

Filter = Callable[[Task], bool]
Reader = Callable[[str | None, int], Awaitable[list[tuple[str, Task | None]]]]

ORDERINGS: Final = {"DateCreated:asc": False, "DateCreated:desc": True}


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
        """Tasks in order of creation that meet every condition given. Raises Invalid.

        Cost: one round trip a 200 Tasks looked at; a page looks at no more than 10,000 and is short beyond that.
        """
        ordering = ordering or "DateCreated:asc"
        if ordering not in ORDERINGS:
            raise Invalid("ordering", f"must be one of {', '.join(ORDERINGS)}; others are not supported yet")
        if after is not None and not (after.isascii() and after.isdigit() and len(after) < 16):
            raise Invalid("after", "is not a place in this list")
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
        page = await page_by_scan(
            self._reader(config, descending=ORDERINGS[ordering]),
            lambda task: all(test(task) for test in filters),
            after=after,
            limit=limit,
        )
        return Found(config=config, value=page, now_ms=read.now_ms)

    def _reader(self, config: WorkspaceConfig, *, descending: bool) -> Reader:
        keys = self._live.keys(config)

        async def read(after: str | None, count: int) -> list[tuple[str, Task | None]]:
            if descending:
                start, stop = f"({after}" if after else "+inf", "-inf"
            else:
                start, stop = f"({after}" if after else "-inf", "+inf"
            name = "ZREVRANGEBYSCORE" if descending else "ZRANGEBYSCORE"
            index = await self._live.ask(name, keys.tasks, start, stop, "WITHSCORES", "LIMIT", 0, count)
            sids = [sid.decode() for sid in index[::2]]
            records = await self._live.hashes([keys.task(sid) for sid in sids])
            return [
                (place.decode(), task_of(sid, fields) if fields else None)
                for sid, place, fields in zip(sids, index[1::2], records, strict=True)
            ]

        return read


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
