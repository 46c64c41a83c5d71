"""Tasks: created, read, changed and ended. Every change is one script, whose header says what it does."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, UnsetType

from engine import checks
from engine.errors import IllegalState, Invalid, RevisionMismatch, Unavailable
from engine.live import ATTEMPTS, Live, expected, require_done
from engine.model import Found, Task, TaskChannel, TaskStatus, WorkspaceConfig
from engine.placement import Placement, Placers
from engine.records import fields_of
from engine.records import task as task_of
from engine.scripts import Status
from engine.sids import Mint, mint
from engine.task_lists import TaskLists
from engine.task_targets import NO_TARGET, Target, Targets, workflow_of

MAX_PRIORITY: Final = 2_147_483_647
MAX_TIMEOUT_S: Final = 1_209_600  # two weeks
DEFAULT_TIMEOUT_S: Final = 86_400
EARLIEST_START_MS: Final = -2_208_988_800_000  # the year 1900
NOWHERE: Final = ("", "-", "", 0, 0, "", "")  # a place that is none

_ENDS: Final = {
    "canceled": ("cancel_task", "cancel task", "it is not pending or reserved."),
    "wrapping": ("wrap_task", "wrap up a task", "it's not currently assigned"),
    "completed": ("complete_task", "complete task", "it is not currently assigned."),
}


class Tasks:
    """The Tasks of all Workspaces. Every method raises NotFound and Unavailable."""

    def __init__(self, live: Live, placers: Placers, *, mint: Mint = mint) -> None:
        self._live, self._placers, self._mint = live, placers, mint
        self._lists = TaskLists(live)
        self._targets = Targets(live, placers)
        self.list = self._lists.list

    async def create(
        self,
        account: str,
        workspace: str,
        *,
        attributes: str = "{}",
        priority: int | None = None,
        timeout: int = DEFAULT_TIMEOUT_S,
        task_channel: str | None = None,
        workflow_sid: str | None = None,
        virtual_start_ms: int | None = None,
        routing_target: str | None = None,
        ignore_capacity: bool | None = None,
        task_queue_sid: str | None = None,
    ) -> Found[Task]:
        """Add a Task and start it on its Workflow. One round trip, two for a Task for one Worker. Raises Invalid.

        `routing_target` is a Worker, a TaskQueue or a Workflow; `ignore_capacity` (True unless sent) and
        `task_queue_sid` go with a Worker (semantics 2.8).

        The record returned is the Task as it was created, pending; by the time the caller reads it, it may be reserved.
        """
        target = Target(routing_target, ignore_capacity, task_queue_sid)
        if priority is not None:
            checks.integer("priority", priority, 0, MAX_PRIORITY)
        checks.integer("timeout", timeout, 1, MAX_TIMEOUT_S)
        values = checks.json_object("attributes", attributes)
        sid = self._mint("WT")
        virtual = "" if virtual_start_ms is None else virtual_start_ms
        config = await self._live.known(account, workspace)
        for _ in range(ATTEMPTS):
            if routing_target is None and ignore_capacity is None and task_queue_sid is None:
                channel, workflow, placement = self._decide(config, task_channel, workflow_sid, values)
            else:
                known = _channel(config, "default" if task_channel is None else task_channel)
                channel = known.number
                workflow, placement = await self._targets.decide(config, target, workflow_sid, values, known)
            own = _priority(placement, priority)
            due = "" if placement.due_s is None else placement.due_s
            reply = await self._live.script(
                "create_task",
                config,
                (
                    *(config.version, sid, placement.digest, placement.queue_sid or "-", workflow, channel),
                    *(own, virtual, timeout, attributes, placement.answer_s),
                    *(placement.document, placement.at, due, target.stored),
                ),
            )
            if reply[0] != Status.STALE:
                break
            config = await self._live.config.refresh(account, workspace)
        else:
            raise Unavailable(f"{workspace} changes faster than it can be read", outcome_unknown=False)
        if reply[0] == Status.NOT_FOUND:
            self._live.config.forget(workspace)
        _check(reply, workspace)
        now_ms: int = reply[1]
        created = Task(
            sid=sid,
            status=TaskStatus.PENDING,
            attributes=attributes,
            priority=own,
            timeout=timeout,
            task_queue_sid=placement.queue_sid,
            task_queue_entered_ms=None if placement.queue_sid is None else now_ms,
            workflow_sid=workflow,
            task_channel_number=channel,
            virtual_start_ms=now_ms if virtual_start_ms is None else virtual_start_ms,
            routing_target=routing_target,
            ignore_capacity=target.direct,
            created_ms=now_ms,
            updated_ms=now_ms,
            revision=0,
        )
        return Found(config=config, value=created, now_ms=now_ms)

    def _decide(
        self,
        config: WorkspaceConfig,
        task_channel: str | None,
        workflow_sid: str | None,
        values: dict[str, Any],
    ) -> tuple[int, str, Placement]:
        """The number of the Task Channel, the Workflow, and where that puts a Task with these attributes."""
        channel = _channel(config, "default" if task_channel is None else task_channel)
        workflow = workflow_of(config, workflow_sid)
        placement = self._placers.of(config).start(workflow, values, channel)
        if placement is None:
            raise Invalid("attributes", NO_TARGET)
        return channel.number, workflow, placement

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
            channel = None if task_channel is UNSET else _channel(config, task_channel)
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


def _channel(config: WorkspaceConfig, name: str) -> TaskChannel:
    channel = config.channel(name)
    if channel is None:
        raise Invalid("task_channel", f"is neither SID nor unique name of a Task Channel: {name[:64]!r}")
    return channel


def _priority(placement: Placement, own: int | None) -> int:
    return placement.priority if placement.priority is not None else own or 0


def _check(reply: list[Any], sid: str) -> None:
    if reply[0] == Status.ILLEGAL:
        raise Invalid("virtual_start_time", "must not lie in the future")
    require_done(reply, sid)
    assert reply[0] == Status.OK, reply
