"""What all commands of the reference router share: memory, look-ups, and the settling after each of them."""

from __future__ import annotations

import json
from typing import Final

from engine.errors import IllegalState, Invalid, NotFound
from engine.model import Order, TaskStatus
from tests.model import steps, targets
from tests.model.endings import NO_FILTER, SKIPPED, STEP_TIMED_OUT, Endings
from tests.model.matching import settle
from tests.model.records import (
    ActivityRow,
    ChannelRow,
    Position,
    QueueRow,
    TaskRow,
    WorkerRow,
    WorkflowRow,
)
from tests.model.state import State

NOWHERE: Final = {"timeout": STEP_TIMED_OUT, "skip": SKIPPED}


class Workspace:
    """One Workspace. Its queues and Workflows may change their rules, everything else stays."""

    def __init__(
        self,
        *,
        preferred: Order,
        activities: list[ActivityRow],
        default_activity_sid: str,
        timeout_activity_sid: str,
        channels: list[ChannelRow],
        queues: list[QueueRow],
        workflows: list[WorkflowRow],
        single: bool = False,
        max_assignments: int = 1000,
        timers_a_run: int = 8,
    ) -> None:
        self.state = State(preferred, single=single)
        self.state.activities = {row.sid: row for row in activities}
        self.state.channels = {row.unique_name: row for row in channels}
        self.state.queues = {row.sid: row for row in queues}
        self.state.workflows = {row.sid: row for row in workflows}
        self.default_activity_sid = default_activity_sid
        self.endings = Endings(self.state, timeout_activity_sid, max_assignments)
        self.timers_a_run = timers_a_run
        self.created_tasks = 0

    def settle(self, now_ms: int) -> None:
        """Matches what can be matched, then, one by one, does the later work (see router.py)."""
        settle(self.state, now_ms)
        while self.state.later:
            self._do_later(self.state.later.pop(0), now_ms)

    def _do_later(self, sid: str, now_ms: int) -> None:
        worker, task = self.state.workers.get(sid), self.state.tasks.get(sid)
        if worker is not None:
            self.state.index(worker)
            settle(self.state, now_ms)
        elif task is not None and task.status is TaskStatus.PENDING and not task.placed:
            self.go_on(task, task.leaving, now_ms)

    def go_on(self, task: TaskRow, way: str, now_ms: int) -> None:
        """A pending Task goes to its next position, by "restart" to its first, or stays; then everything settles."""
        before = (task.queue_sid, task.priority)
        if way == "restart":
            self.restart(task, now_ms)
        elif way == "stay":
            self.stay(task)
        else:
            position = steps.next_position(task, way, now_ms)
            self.state.note(f"{way}: {steps.reach(task, position)}")
            self._enter(task, position, NOWHERE[way], now_ms)
        if task.status is TaskStatus.PENDING and (task.queue_sid, task.priority) != before:
            task.updated_ms = now_ms
            task.revision += 1
        settle(self.state, now_ms)
        if task.is_waiting and steps.is_late(task, now_ms):
            self.state.note("late as it enters its step")
            self.state.put_off_task(task, "timeout")

    def restart(self, task: TaskRow, now_ms: int) -> None:
        """Begins anew: at the first filter of what the Workflow says now, or at the routing target."""
        task.restart = False
        task.delayed_until_ms = None
        if targets.is_direct(task):
            targets.place(self.state, task, task.queue_sid, now_ms)
            return
        task.document = self.state.workflows[task.workflow_sid].rules
        position = steps.first_position(task.document, json.loads(task.attributes), now_ms)
        self.state.note("began anew")
        self._enter(task, position, NO_FILTER, now_ms)

    def stay(self, task: TaskRow) -> None:
        """Waits where it is, by the rules that its queue has now."""
        if task.queue is not None:
            task.queue = self.state.queues[task.queue.sid]
        steps.note_rules(self.state, task, steps.step_of(task), task.queue)
        steps.note_counts(self.state, task)
        task.placed = True

    def _enter(self, task: TaskRow, position: Position | None, otherwise: str, now_ms: int) -> None:
        """Enters a step; canceled, with that reason, where there is none."""
        if position is None:
            self.endings.cancel(task, otherwise, now_ms)
        else:
            steps.enter(self.state, task, position, now_ms)

    def worker(self, sid: str) -> WorkerRow:
        """Raises NotFound."""
        if sid not in self.state.workers:
            raise NotFound(sid)
        return self.state.workers[sid]

    def task(self, sid: str) -> TaskRow:
        """Raises NotFound."""
        if sid not in self.state.tasks:
            raise NotFound(sid)
        return self.state.tasks[sid]

    def check_activity(self, field: str, sid: str) -> None:
        """Raises Invalid for an Activity that does not exist."""
        if sid not in self.state.activities:
            raise Invalid(field, "must name an Activity of the Workspace")

    def check_wrapping(self) -> None:
        """Raises IllegalState in a single-tasking Workspace."""
        if self.state.single:
            raise IllegalState("wrapping is for multi-tasking Workspaces")
