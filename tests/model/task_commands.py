"""The reference router's commands about Tasks."""

from __future__ import annotations

import json

from msgspec import UNSET, UnsetType

from engine.errors import Invalid
from engine.model import TaskStatus
from tests.model import steps, targets
from tests.model.checks import check_attributes, check_revision, check_virtual_start, require
from tests.model.endings import NO_FILTER
from tests.model.records import TaskRow
from tests.model.workspace import Workspace


class TaskCommands(Workspace):
    """Create, update, end and delete Tasks."""

    def create_task(
        self,
        *,
        now_ms: int,
        sid: str,
        attributes: str = "{}",
        priority: int | None = None,
        timeout: int = 86400,
        task_channel: str = "default",
        workflow_sid: str | None = None,
        virtual_start_ms: int | None = None,
        routing_target: str | None = None,
        ignore_capacity: bool | None = None,
        task_queue_sid: str | None = None,
    ) -> None:
        """A new Task in the first step that takes it, or at its target. Invalid where there is neither."""
        check_attributes(attributes)
        self._check_channel(task_channel)
        check_virtual_start(virtual_start_ms, now_ms)
        targets.check_target(self.state, routing_target, ignore_capacity, task_queue_sid)
        kind = None if routing_target is None else routing_target[:2]
        workflow = self._workflow_sid(routing_target if kind == "WW" else workflow_sid)
        row = self.state.workflows[workflow]
        task = TaskRow(
            sid=sid,
            sequence=self.created_tasks,
            attributes=attributes,
            priority=priority or 0,
            timeout_s=timeout,
            channel=task_channel,
            workflow_sid=workflow,
            virtual_start_ms=now_ms if virtual_start_ms is None else virtual_start_ms,
            created_ms=now_ms,
            updated_ms=now_ms,
            pending_since_ms=now_ms,
            document=row.rules,
            answer_s=row.reservation_timeout_s,
            routing_target=routing_target,
            ignore_capacity=kind == "WK" and ignore_capacity is not False,
        )
        if kind in ("WK", "WQ"):
            targets.place(self.state, task, routing_target if kind == "WQ" else task_queue_sid, now_ms)
        else:
            position = steps.first_position(row.rules, json.loads(attributes), now_ms)
            if position is None:
                raise Invalid("attributes", NO_FILTER)
            steps.enter(self.state, task, position, now_ms)
        self.state.note(f"task created: {kind or 'no target'}")
        self.created_tasks += 1
        self.state.tasks[sid] = task
        self.settle(now_ms)

    def update_task(
        self,
        *,
        now_ms: int,
        sid: str,
        attributes: str | UnsetType = UNSET,
        assignment_status: str | UnsetType = UNSET,
        reason: str | UnsetType = UNSET,
        priority: int | UnsetType = UNSET,
        task_channel: str | UnsetType = UNSET,
        virtual_start_ms: int | UnsetType = UNSET,
        if_match: int | None = None,
    ) -> None:
        """Ends or wraps up the Task, or changes what it is.

        New attributes or another channel send a pending Task through the filters again, and a reserved one
        once it is pending. The slot its Reservation takes stays where it was.
        """
        changes = (attributes, priority, task_channel, virtual_start_ms)
        if assignment_status is not UNSET:
            if any(value is not UNSET for value in changes):
                raise Invalid("assignment_status", "cannot be changed together with other values")
            text = None if reason is UNSET else reason
            self._change_status(sid, assignment_status, text, if_match, now_ms)
            return
        task = self.task(sid)
        if attributes is not UNSET:
            check_attributes(attributes)
        if task_channel is not UNSET:
            self._check_channel(task_channel)
        if virtual_start_ms is not UNSET:
            check_virtual_start(virtual_start_ms, now_ms)
        check_revision(sid, task.revision, if_match)
        if all(value is UNSET for value in changes):
            return
        task.attributes = task.attributes if attributes is UNSET else attributes
        task.priority = task.priority if priority is UNSET else priority
        task.channel = task.channel if task_channel is UNSET else task_channel
        task.virtual_start_ms = task.virtual_start_ms if virtual_start_ms is UNSET else virtual_start_ms
        task.updated_ms = now_ms
        task.revision += 1
        if attributes is not UNSET or task_channel is not UNSET:
            if task.status is TaskStatus.RESERVED:
                task.restart = True
            elif task.status is TaskStatus.PENDING:
                self.restart(task, now_ms)
        self.settle(now_ms)

    def delete_task(self, *, now_ms: int, sid: str, if_match: int | None = None) -> None:
        """The Task and its Reservations are gone, whatever its state; its Workers are free."""
        task = self.task(sid)
        check_revision(sid, task.revision, if_match)
        self.endings.remove(task, "deleted", now_ms)
        self.settle(now_ms)

    def _change_status(
        self, sid: str, status: str, reason: str | None, if_match: int | None, now_ms: int
    ) -> None:
        if status not in ("canceled", "wrapping", "completed"):
            raise Invalid("assignment_status", "must be canceled, wrapping or completed")
        task = self.task(sid)
        check_revision(sid, task.revision, if_match)
        if status == "canceled":
            require(task.status, TaskStatus.PENDING, TaskStatus.RESERVED)
            self.endings.cancel(task, reason, now_ms)
        elif status == "wrapping":
            self.check_wrapping()
            require(task.status, TaskStatus.ASSIGNED)
            self.endings.wrap(task, reason, now_ms)
        else:
            require(task.status, TaskStatus.ASSIGNED, TaskStatus.WRAPPING)
            self.endings.complete(task, reason, now_ms)
        self.settle(now_ms)

    def _workflow_sid(self, sid: str | None) -> str:
        if sid is None and len(self.state.workflows) == 1:
            return next(iter(self.state.workflows))
        if sid is None or sid not in self.state.workflows:
            raise Invalid("workflow_sid", "must name a Workflow of the Workspace")
        return sid

    def _check_channel(self, unique_name: str) -> None:
        if unique_name not in self.state.channels:
            raise Invalid("task_channel", "must name a Task Channel of the Workspace")
