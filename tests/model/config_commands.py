"""The reference router's commands about rules: other documents for Workflows, other rules for queues."""

from __future__ import annotations

import json

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from engine.errors import IllegalState, Invalid, NotFound
from engine.model import Order, TaskStatus
from engine.rules import Place, RuleError, parse_expression, parse_workflow
from tests.model import steps
from tests.model.records import QueueRow, TaskRow
from tests.model.workspace import Workspace


class ConfigCommands(Workspace):
    """What a change of rules does to the Tasks that are there. Reservations stay, whatever it is."""

    def update_workflow(
        self,
        *,
        now_ms: int,
        sid: str,
        document: str | UnsetType = UNSET,
        reservation_timeout_s: int | UnsetType = UNSET,
        re_evaluate: bool = False,
    ) -> None:
        """Another document or answering time, for Tasks that come or begin anew.

        With `re_evaluate` those that are there begin anew: pending ones now, one after the other in order
        of creation, reserved ones when they are pending again.
        """
        row = self.state.workflows.get(sid)
        if row is None:
            raise NotFound(sid)
        if document is not UNSET and document != row.text:
            try:
                rules = parse_workflow(document, queue_exists=self.state.queues.__contains__)
            except RuleError as error:
                raise Invalid("configuration", str(error)) from error
            row = replace(row, text=document, rules=rules)
        if reservation_timeout_s is not UNSET:
            row = replace(row, reservation_timeout_s=reservation_timeout_s)
        self.state.workflows[sid] = row
        if re_evaluate:
            concerned = self._open(workflow_sid=sid)
            for task in concerned:
                self._note_first_step(task, now_ms)
            for task in concerned:
                if task.status is TaskStatus.RESERVED:
                    task.restart = True
                else:
                    self.go_on(task, "restart", now_ms)
        self.settle(now_ms)

    def update_queue(
        self,
        *,
        now_ms: int,
        sid: str,
        target: str | UnsetType = UNSET,
        order: Order | UnsetType = UNSET,
        max_reserved: int | UnsetType = UNSET,
        reservation_activity_sid: str | UnsetType = UNSET,
        assignment_activity_sid: str | UnsetType = UNSET,
    ) -> None:
        """Other rules for a queue: its waiting Tasks stay in their step and follow, in order of creation.

        Reserved ones follow when they are pending again, as later work. An empty Activity takes one away.
        """
        row = self.state.queues.get(sid)
        if row is None:
            raise NotFound(sid)
        if target is not UNSET and target != row.target.text:
            try:
                row = replace(row, target=parse_expression(target, Place.TARGET_WORKERS))
            except RuleError as error:
                raise Invalid("target_workers", str(error)) from error
        row = replace(
            row,
            order=row.order if order is UNSET else order,
            max_reserved=row.max_reserved if max_reserved is UNSET else max_reserved,
        )
        row = self._with_activities(row, reservation_activity_sid, assignment_activity_sid)
        before = self.state.queues[sid]
        if row == before:
            return
        self.state.queues[sid] = row
        concerned = self._open(queue_sid=sid)
        for task in concerned:
            if task.delayed_until_ms is None:
                steps.note_rules(self.state, task, steps.step_of(task), row)
            elif task.queue is before:
                task.queue = row  # it meets the rules of its queue when the delay is over
        for task in concerned:
            if task.is_waiting:
                self.go_on(task, "stay", now_ms)
        self.settle(now_ms)

    def _note_first_step(self, task: TaskRow, now_ms: int) -> None:
        """The rules that a Task will meet when it begins anew are known from here on."""
        if task.position is None:
            return
        rules = self.state.workflows[task.workflow_sid].rules
        position = steps.first_position(rules, json.loads(task.attributes), now_ms)
        if position is not None:
            step = steps.step_at(rules, position)
            assert step is not None
            steps.note_rules(self.state, task, step, self.state.queues[step.queue])

    def _with_activities(
        self, row: QueueRow, reservation: str | UnsetType, assignment: str | UnsetType
    ) -> QueueRow:
        for field, sid in (
            ("reservation_activity_sid", reservation),
            ("assignment_activity_sid", assignment),
        ):
            if sid is UNSET:
                continue
            if sid:
                self.check_activity(field, sid)
            elif self.state.single:
                raise IllegalState("Activity Sids cannot be empty")
            row = replace(row, **{field: sid or None})
        return row

    def _open(self, *, workflow_sid: str | None = None, queue_sid: str | None = None) -> list[TaskRow]:
        """The pending and reserved Tasks of a Workflow or of a queue, oldest first."""
        return [
            task
            for task in sorted(self.state.tasks.values(), key=lambda task: task.sequence)
            if task.status in (TaskStatus.PENDING, TaskStatus.RESERVED)
            and workflow_sid in (None, task.workflow_sid)
            and queue_sid in (None, task.queue_sid)
        ]
