"""Tasks: created, read, changed and ended. Every change is one script, whose header says what it does."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, UnsetType

from engine import checks
from engine.errors import IllegalState, Invalid, RevisionMismatch
from engine.live import Live, expected, require_done
from engine.model import Found, Task, TaskChannel, WorkspaceConfig
from engine.new_task import MAX_PRIORITY, NewTasks, channel_of
from engine.placement import Placement, Placers
from engine.records import fields_of
from engine.records import task as task_of
from engine.scripts import Status
from engine.sids import Mint, mint
from engine.task_lists import TaskLists

NOWHERE: Final = ("", "-", "", 0, 0, "", "")  # a place that is none

_ENDS: Final = {
    "canceled": ("cancel_task", "cancel task", "it is not pending or reserved."),
    "wrapping": ("wrap_task", "wrap up a task", "it's not currently assigned"),
    "completed": ("complete_task", "complete task", "it is not currently assigned."),
}


class Tasks:
    """The Tasks of all Workspaces. Every method raises NotFound and Unavailable."""

    def __init__(self, live: Live, placers: Placers, *, mint: Mint = mint) -> None:
        self._live, self._placers = live, placers
        self._lists = TaskLists(live)
        self._new = NewTasks(live, placers, self.fetch, mint=mint)
        self.list = self._lists.list
        self.create = self._new.create
        self.create_many = self._new.create_many

    async def fetch(self, account: str, workspace: str, sid: str) -> Found[Task]:
        """One Task. One round trip."""
        record = await self._live.record(account, workspace, "t", sid)
        return Found(config=record.config, value=task_of(sid, record.fields), now_ms=record.now_ms)

    async def update(
        self,
        account: str,
        workspace: str,
        sid: str,
        *,
        attributes: str | UnsetType = UNSET,
        assignment_status: str | UnsetType = UNSET,
        reason: str | UnsetType = UNSET,
        priority: int | UnsetType = UNSET,
        task_channel: str | UnsetType = UNSET,
        virtual_start_ms: int | UnsetType = UNSET,
        if_match: int | None = None,
    ) -> Found[Task]:
        """Change a Task, or end it by `assignment_status`; not both in one call. Raises Invalid, IllegalState,
        RevisionMismatch.
        """
        changes = (attributes, priority, task_channel, virtual_start_ms)
        if assignment_status is not UNSET:
            if any(value is not UNSET for value in changes):
                raise Invalid("assignment_status", "cannot be changed together with other values of the Task")
            return await self._end(account, workspace, sid, assignment_status, reason or "", if_match)
        if all(value is UNSET for value in changes):
            return await self._unchanged(account, workspace, sid, if_match)
        if priority is not UNSET:
            checks.integer("priority", priority, 0, MAX_PRIORITY)
        if attributes is not UNSET:
            checks.json_object("attributes", attributes)
        return await self._change(
            account, workspace, sid, attributes, priority, task_channel, virtual_start_ms, if_match
        )

    async def delete(self, account: str, workspace: str, sid: str, if_match: int | None = None) -> None:
        """Remove a Task in whatever state, with its Reservations. Raises RevisionMismatch."""
        config = await self._live.config.get(account, workspace)
        reply = await self._live.script("delete_task", config, (sid, expected(if_match)))
        _check(reply, sid)

    async def _unchanged(self, account: str, workspace: str, sid: str, if_match: int | None) -> Found[Task]:
        found = await self.fetch(account, workspace, sid)
        if if_match is not None and if_match != found.value.revision:
            raise RevisionMismatch(sid, found.value.revision)
        return found

    async def _end(
        self, account: str, workspace: str, sid: str, status: str, reason: str, if_match: int | None
    ) -> Found[Task]:
        if status not in _ENDS:
            raise Invalid("assignment_status", "must be canceled, wrapping or completed")
        checks.text("reason", reason)
        name, action, reason_not = _ENDS[status]
        config = await self._live.config.get(account, workspace)
        revision = expected(if_match)
        args = (sid, revision, reason) if status == "canceled" else (sid, "", "", revision, reason)
        reply = await self._live.script(name, config, args)
        if reply[0] == Status.ILLEGAL:
            if reply[1] == b"single":
                raise IllegalState(checks.NO_WRAPPING)
            raise IllegalState(
                f"Cannot {action} {sid} in workspace {workspace} for account {account} because {reason_not}"
            )
        _check(reply, sid)
        return await self.fetch(account, workspace, sid)

    async def _change(
        self,
        account: str,
        workspace: str,
        sid: str,
        attributes: str | UnsetType,
        priority: int | UnsetType,
        task_channel: str | UnsetType,
        virtual_start_ms: int | UnsetType,
        if_match: int | None,
    ) -> Found[Task]:
        now_ms = 0

        async def act(_: WorkspaceConfig) -> list[Any] | None:
            nonlocal now_ms
            found = await self.fetch(account, workspace, sid)
            config, task, now_ms = found.config, found.value, found.now_ms
            if if_match is not None and if_match != task.revision:
                raise RevisionMismatch(sid, task.revision)
            channel = None if task_channel is UNSET else channel_of(config, task_channel)
            restart = attributes is not UNSET or channel is not None
            placement = self._place(config, task, attributes, channel) if restart else None
            reply = await self._live.script(
                "update_task",
                config,
                (
                    config.version, sid, task.revision, attributes or "",
                    "" if priority is UNSET else priority,
                    "" if virtual_start_ms is UNSET else virtual_start_ms,
                    "" if channel is None else channel.number,
                    "1" if restart else "0",
                    *(NOWHERE if placement is None else placement.arguments),
                ),
            )  # fmt: skip
            return None if reply[0] == Status.REVISION else reply

        config, reply = await self._live.deciding(account, workspace, act)
        _check(reply, sid)
        return Found(config=config, value=task_of(sid, fields_of(reply[1])), now_ms=now_ms)

    def _place(
        self,
        config: WorkspaceConfig,
        task: Task,
        attributes: str | UnsetType,
        channel: TaskChannel | None,
    ) -> Placement | None:
        channel = channel or config.channel_numbered(task.task_channel_number)
        if channel is None or task.workflow_sid not in config.workflows:
            return None
        placer = self._placers.of(config)
        targeted = placer.for_target(task, channel)
        if targeted is not None:
            return targeted
        values = checks.json_object("attributes", task.attributes if attributes is UNSET else attributes)
        return placer.start(task.workflow_sid, values, channel)


def _check(reply: list[Any], sid: str) -> None:
    if reply[0] == Status.ILLEGAL:
        raise Invalid("virtual_start_time", "must not lie in the future")
    require_done(reply, sid)
    assert reply[0] == Status.OK, reply
