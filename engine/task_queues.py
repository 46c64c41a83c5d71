"""TaskQueues: which Workers may get the Tasks in them, and in which order the Tasks are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from engine import checks
from engine.compiled import Compiled, CompiledCache
from engine.config import ConfigCache
from engine.config_pages import page_of, sorted_page_of, updated
from engine.config_records import Change, Guard, Snapshot
from engine.errors import IllegalState, Invalid, NotFound
from engine.idempotency import created, once
from engine.model import Found, Page, TaskQueue, WorkspaceConfig
from engine.rules import Place, RuleError, WorkerFacts, parse_expression
from engine.sids import Mint, mint

MOST: Final = 5_000  # TaskQueues of one Workspace
MOST_RESERVED: Final = 50  # Workers that one Task may be offered to at the same time
BREATH: Final = 50  # expressions between two turns for others: parsing one takes up to a millisecond

# The Worker as rules see it, None for an unknown SID.
WorkerFactsOf = Callable[[WorkspaceConfig, str], Awaitable[WorkerFacts | None]]


class TaskQueues:
    """The TaskQueues of all Workspaces. Names need not be unique.

    Every method raises NotFound and Unavailable; reads cost one round trip.
    """

    def __init__(
        self,
        config: ConfigCache,
        compiled: CompiledCache,
        worker_facts: WorkerFactsOf,
        *,
        mint: Mint = mint,
    ) -> None:
        self._config, self._compiled, self._worker_facts, self._mint = config, compiled, worker_facts, mint

    async def create(
        self,
        account: str,
        workspace: str,
        *,
        friendly_name: str,
        target_workers: str | UnsetType = UNSET,
        max_reserved_workers: int | UnsetType = UNSET,
        task_order: str | UnsetType = UNSET,
        reservation_activity_sid: str | UnsetType = UNSET,
        assignment_activity_sid: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> Found[TaskQueue]:
        """Add a TaskQueue. Raises Invalid, KeyReused, Vanished; IllegalState when there are 5,000 already, or when one
        of the two Activities is missing in a single-tasking Workspace.
        """
        blank = TaskQueue(sid=self._mint("WQ"), friendly_name="", created_ms=0, updated_ms=0)
        own = _own_values(
            blank, friendly_name, target_workers, max_reserved_workers, task_order
        )  # what needs no configuration is checked once, however often the rest is planned
        content = {
            "friendly_name": friendly_name,
            "target_workers": target_workers,
            "max_reserved_workers": max_reserved_workers,
            "task_order": task_order,
            "reservation_activity_sid": reservation_activity_sid,
            "assignment_activity_sid": assignment_activity_sid,
        }
        key = once(idempotency_key, "TaskQueue", content)

        def plan(now: Snapshot) -> Change:
            if len(now.config.queues) >= MOST:
                raise IllegalState(f"a Workspace has at most {MOST} TaskQueues")
            record = _with_activities(own, now.config, reservation_activity_sid, assignment_activity_sid)
            record = replace(record, created_ms=now.now_ms, updated_ms=now.now_ms)
            return Change(event="task-queue.created", subject=record.sid, put=(record,))

        return created(await self._config.change(account, workspace, plan, key), blank.sid, _of)

    async def fetch(self, account: str, workspace: str, sid: str) -> Found[TaskQueue]:
        """One TaskQueue."""
        return _found(await self._config.read(account, workspace), sid)

    async def list(
        self,
        account: str,
        workspace: str,
        *,
        friendly_name: str | None = None,
        worker_sid: str | None = None,
        evaluate_worker_attributes: str | None = None,
        ordering: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[TaskQueue]]:
        """TaskQueues in order of creation, or of their last change with `ordering` DateUpdated:asc or :desc.

        Only those of exactly this name, those whose expression this Worker satisfies (an unknown one
        satisfies none), and those that a Worker with these attributes (a JSON object) would. Raises Invalid.
        The last two evaluate every queue: up to 50 µs each, and up to 1 ms at the first time.
        """
        descending = None if ordering is None else _descending(ordering)
        workers: list[WorkerFacts | None] = []
        if evaluate_worker_attributes is not None:
            attributes = checks.json_object("evaluate_worker_attributes", evaluate_worker_attributes)
            workers.append(WorkerFacts("", "", "", "", attributes))
        now = await self._config.read(account, workspace)
        if worker_sid is not None:
            workers.append(await self._worker_facts(now.config, worker_sid))
        queues = [
            queue
            for queue in now.config.queues.values()
            if friendly_name is None or queue.friendly_name == friendly_name
        ]
        for worker in workers:
            queues = await _eligible(self._compiled.of(now.config), queues, worker)
        if descending is None:
            page = page_of(queues, after=after, limit=limit)
        else:
            page = sorted_page_of(queues, updated, descending=descending, after=after, limit=limit)
        return Found(config=now.config, value=page, now_ms=now.now_ms)

    async def update(
        self,
        account: str,
        workspace: str,
        sid: str,
        *,
        friendly_name: str | UnsetType = UNSET,
        target_workers: str | UnsetType = UNSET,
        max_reserved_workers: int | UnsetType = UNSET,
        task_order: str | UnsetType = UNSET,
        reservation_activity_sid: str | UnsetType = UNSET,
        assignment_activity_sid: str | UnsetType = UNSET,
    ) -> Found[TaskQueue]:
        """Change what was sent. Raises Invalid.

        Tasks that wait are placed anew by a matcher, in their step; Reservations stay.
        """

        def plan(now: Snapshot) -> Change | None:
            before = _of(now.config, sid)
            after = _own_values(before, friendly_name, target_workers, max_reserved_workers, task_order)
            after = _with_activities(after, now.config, reservation_activity_sid, assignment_activity_sid)
            if after == before:
                return None
            retargeted = after.target_workers != before.target_workers
            moves = _matching_part(after) != _matching_part(before)
            return Change(
                event="task-queue.expression.updated" if retargeted else "task-queue.updated",
                subject=sid,
                put=(replace(after, updated_ms=now.now_ms),),
                replace=("q", sid) if moves else None,
            )

        return _found(await self._config.change(account, workspace, plan), sid)

    async def delete(self, account: str, workspace: str, sid: str) -> None:
        """Remove a TaskQueue. Raises IllegalState while a Workflow names it or open Tasks are in it."""

        def plan(now: Snapshot) -> Change:
            _of(now.config, sid)
            user = _workflow_with(self._compiled, now.config, sid)
            if user is not None:
                raise IllegalState(f"TaskQueue {sid} cannot be deleted: Workflow {user} refers to it")
            guard = Guard(f"q:{sid}", f"TaskQueue {sid} cannot be deleted: {{count}} open Tasks are in it")
            return Change(event="task-queue.deleted", subject=sid, delete=(sid,), guards=(guard,))

        await self._config.change(account, workspace, plan)


def _own_values(
    record: TaskQueue,
    friendly_name: str | UnsetType,
    target_workers: str | UnsetType,
    max_reserved_workers: int | UnsetType,
    task_order: str | UnsetType,
) -> TaskQueue:
    """`record` with the values that can be checked without the rest of the Workspace."""
    if friendly_name is not UNSET:
        record = replace(record, friendly_name=checks.name("friendly_name", friendly_name, checks.LONG_NAME))
    if target_workers is not UNSET and target_workers != record.target_workers:
        record = replace(record, target_workers=_expression(target_workers))
    if max_reserved_workers is not UNSET:
        checks.integer("max_reserved_workers", max_reserved_workers, 1, MOST_RESERVED)
        record = replace(record, max_reserved_workers=max_reserved_workers)
    if task_order is not UNSET:
        record = replace(record, task_order=checks.order("task_order", task_order))
    return record


def _with_activities(
    record: TaskQueue, config: WorkspaceConfig, reservation: str | UnsetType, assignment: str | UnsetType
) -> TaskQueue:
    """`record` with the Activities that were sent; an empty SID takes one away."""
    for field, sid in (("reservation_activity_sid", reservation), ("assignment_activity_sid", assignment)):
        if sid is not UNSET:
            checked = checks.member(field, sid, config.activities, "Activity") if sid else None
            record = replace(record, **{field: checked})
    if config.workspace.multi_task_enabled:
        return record
    if record.reservation_activity_sid is None or record.assignment_activity_sid is None:
        raise IllegalState("Activity Sids cannot be empty")  # the vendor's words, semantics 3.9
    return record


def _matching_part(record: TaskQueue) -> tuple[object, ...]:
    """What decides in which pool the Tasks of a queue wait."""
    activities = (record.reservation_activity_sid, record.assignment_activity_sid)
    return (record.target_workers, record.task_order, record.max_reserved_workers, *activities)


def _expression(target_workers: str) -> str:
    try:
        parse_expression(checks.text("target_workers", target_workers), Place.TARGET_WORKERS)
    except RuleError as error:
        raise Invalid("target_workers", str(error)) from error
    return target_workers


def _descending(ordering: str) -> bool:
    field, _, direction = ordering.partition(":")
    if field != "DateUpdated" or direction not in ("asc", "desc"):
        raise Invalid("ordering", "must be DateUpdated:asc or DateUpdated:desc")
    return direction == "desc"


async def _eligible(
    rules: Compiled, queues: Iterable[TaskQueue], worker: WorkerFacts | None
) -> list[TaskQueue]:
    found = []
    for index, queue in enumerate(queues):
        if index % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        if worker is not None and rules.queue(queue.sid).matches_worker(worker):
            found.append(queue)
    return found


def _workflow_with(compiled: CompiledCache, config: WorkspaceConfig, queue: str) -> str | None:
    """A Workflow that refers to the queue. Only texts with its SID, or an escape, in them are parsed."""
    for sid, workflow in config.workflows.items():
        text = workflow.configuration
        if (queue in text or "\\u" in text) and compiled.of(config).workflow(sid).refers_to(queue):
            return sid
    return None


def _of(config: WorkspaceConfig, sid: str) -> TaskQueue:
    queue = config.queues.get(sid)
    if queue is None:
        raise NotFound(sid)
    return queue


def _found(now: Snapshot, sid: str) -> Found[TaskQueue]:
    return Found(config=now.config, value=_of(now.config, sid), now_ms=now.now_ms)
