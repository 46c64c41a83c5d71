"""Workflows: the documents that say into which TaskQueues a Task goes, one step after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from typing import Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from engine import checks, rules
from engine.config import ConfigCache
from engine.config_pages import page_of
from engine.config_records import Change, Guard, Snapshot
from engine.errors import Invalid, NotFound
from engine.idempotency import created, made_before, once
from engine.model import Found, Page, Workflow, WorkspaceConfig
from engine.sids import Mint, mint

LONGEST_TIMEOUT: Final = 86_400  # seconds a Worker may take to answer a Reservation
LARGE: Final = 65_536  # characters; parsing a larger document takes over 50 ms, so it leaves the event loop


class Workflows:
    """The Workflows of all Workspaces. Names need not be unique.

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
        configuration: str,
        assignment_callback_url: str | UnsetType = UNSET,
        fallback_assignment_callback_url: str | UnsetType = UNSET,
        task_reservation_timeout: int | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> Found[Workflow]:
        """Add a Workflow. `task_reservation_timeout` is in seconds, 120 unless sent.

        Raises Invalid, KeyReused, Vanished.
        """
        blank = Workflow(
            sid=self._mint("WW"), friendly_name="", configuration=configuration, created_ms=0, updated_ms=0
        )
        own = _own_values(blank, friendly_name, task_reservation_timeout)
        own = _with_urls(own, assignment_callback_url, fallback_assignment_callback_url)
        content = {
            "friendly_name": friendly_name,
            "configuration": configuration,
            "assignment_callback_url": assignment_callback_url,
            "fallback_assignment_callback_url": fallback_assignment_callback_url,
            "task_reservation_timeout": task_reservation_timeout,
        }
        key = once(idempotency_key, "Workflow", content)
        queues = await self._checked(account, workspace, configuration, key)

        def plan(now: Snapshot) -> Change:
            _require(queues, now.config.queues)
            document = now.config.version + 1
            record = replace(own, document=document, created_ms=now.now_ms, updated_ms=now.now_ms)
            return Change(event="workflow.created", subject=record.sid, put=(record,))

        return created(await self._config.change(account, workspace, plan, key), blank.sid, _of)

    async def fetch(self, account: str, workspace: str, sid: str) -> Found[Workflow]:
        """One Workflow."""
        return _found(await self._config.read(account, workspace), sid)

    async def list(
        self,
        account: str,
        workspace: str,
        *,
        friendly_name: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[Workflow]]:
        """Workflows in order of creation, of exactly this name where given."""
        now = await self._config.read(account, workspace)
        chosen = (
            workflow
            for workflow in now.config.workflows.values()
            if friendly_name is None or workflow.friendly_name == friendly_name
        )
        page = page_of(chosen, after=after, limit=limit)
        return Found(config=now.config, value=page, now_ms=now.now_ms)

    async def update(
        self,
        account: str,
        workspace: str,
        sid: str,
        *,
        friendly_name: str | UnsetType = UNSET,
        configuration: str | UnsetType = UNSET,
        assignment_callback_url: str | UnsetType = UNSET,
        fallback_assignment_callback_url: str | UnsetType = UNSET,
        task_reservation_timeout: int | UnsetType = UNSET,
        re_evaluate_tasks: bool = False,
    ) -> Found[Workflow]:
        """Change what was sent. Raises Invalid.

        With `re_evaluate_tasks` the waiting Tasks start at the first filter again, moved by a matcher, even
        if nothing else changes; without it they follow the document that they entered with to its end.
        """
        queues: frozenset[str] = frozenset()
        if configuration is not UNSET:
            now = await self._config.read(account, workspace)
            _of(now.config, sid)
            queues = await self._checked(account, workspace, configuration)

        def plan(now: Snapshot) -> Change | None:
            before = _of(now.config, sid)
            after = _own_values(before, friendly_name, task_reservation_timeout)
            after = _with_urls(after, assignment_callback_url, fallback_assignment_callback_url)
            if configuration is not UNSET:
                _require(queues, now.config.queues)
                after = _with_document(after, configuration, now.config.version + 1)
            if after != before:
                after = replace(after, updated_ms=now.now_ms)
            elif not re_evaluate_tasks:
                return None
            return Change(
                event="workflow.updated",
                subject=sid,
                put=(after,),
                replaced_document=_replaced(before, after),
                replace=("f", sid) if re_evaluate_tasks else None,
            )

        return _found(await self._config.change(account, workspace, plan), sid)

    async def delete(self, account: str, workspace: str, sid: str) -> None:
        """Remove a Workflow. Raises IllegalState while it controls open Tasks."""

        def plan(now: Snapshot) -> Change:
            _of(now.config, sid)
            guard = Guard(f"w:{sid}", f"Workflow {sid} cannot be deleted: it controls {{count}} open Tasks")
            return Change(event="workflow.deleted", subject=sid, delete=(sid,), guards=(guard,))

        await self._config.change(account, workspace, plan)

    async def _checked(
        self, account: str, workspace: str, configuration: str, once: str = ""
    ) -> frozenset[str]:
        """The TaskQueues a document names, once all of it is checked. Up to 2 s, in a thread when large.

        What was created `once` before is not checked again: its TaskQueues may be gone.
        """
        config = (await self._config.read(account, workspace)).config
        checks.text("configuration", configuration)
        if once and await made_before(self._config, config, once):
            return frozenset()
        if len(configuration) > LARGE:
            return await asyncio.to_thread(_queues_of, configuration, config.queues)
        return _queues_of(configuration, config.queues)


def _queues_of(configuration: str, known: Container[str]) -> frozenset[str]:
    try:
        document = rules.parse_workflow(configuration, queue_exists=known.__contains__)
    except rules.RuleError as error:
        raise Invalid("configuration", str(error)) from error
    return document.queues


def _with_document(record: Workflow, configuration: str, number: int) -> Workflow:
    if configuration == record.configuration:
        return record
    return replace(record, configuration=configuration, document=number)


def _replaced(before: Workflow, after: Workflow) -> tuple[str, int, str] | None:
    return None if before.document == after.document else (before.sid, before.document, before.configuration)


def _require(queues: frozenset[str], known: Container[str]) -> None:
    """Refuse when a queue that was there at the check is there no more."""
    for queue in sorted(queues):
        if queue not in known:
            raise Invalid("configuration", f"there is no TaskQueue {queue} in this Workspace")


def _own_values(record: Workflow, friendly_name: str | UnsetType, timeout: int | UnsetType) -> Workflow:
    if friendly_name is not UNSET:
        record = replace(record, friendly_name=checks.name("friendly_name", friendly_name, checks.LONG_NAME))
    if timeout is not UNSET:
        checks.integer("task_reservation_timeout", timeout, 1, LONGEST_TIMEOUT)
        record = replace(record, task_reservation_timeout=timeout)
    return record


def _with_urls(record: Workflow, assignment: str | UnsetType, fallback: str | UnsetType) -> Workflow:
    """`record` with the callback URLs that were sent; an empty one takes it away."""
    if assignment is not UNSET:
        record = replace(record, assignment_callback_url=assignment or None)
    if fallback is not UNSET:
        record = replace(record, fallback_assignment_callback_url=fallback or None)
    return record


def _of(config: WorkspaceConfig, sid: str) -> Workflow:
    workflow = config.workflows.get(sid)
    if workflow is None:
        raise NotFound(sid)
    return workflow


def _found(now: Snapshot, sid: str) -> Found[Workflow]:
    return Found(config=now.config, value=_of(now.config, sid), now_ms=now.now_ms)
