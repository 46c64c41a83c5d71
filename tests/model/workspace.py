"""What all commands of the reference router share: memory, look-ups, and the settling after each of them."""

from __future__ import annotations

from engine.errors import Invalid, NotFound
from engine.model import Order, TaskStatus
from tests.model.endings import Endings
from tests.model.matching import enter_step, first_step, settle
from tests.model.records import ActivityRow, ChannelRow, QueueRow, TaskRow, WorkerRow, WorkflowRow
from tests.model.state import State

NO_FILTER = "No filter of the Workflow matches the Task"


class Workspace:
    """One multi-tasking Workspace and its rules, which do not change during its life."""

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
        max_assignments: int = 1000,
    ) -> None:
        self.state = State(preferred)
        self.state.activities = {row.sid: row for row in activities}
        self.state.channels = {row.unique_name: row for row in channels}
        self.state.queues = {row.sid: row for row in queues}
        self.state.workflows = {row.sid: row for row in workflows}
        self.default_activity_sid = default_activity_sid
        self.endings = Endings(self.state, timeout_activity_sid, max_assignments)
        self.created_tasks = 0

    def settle(self, now_ms: int) -> None:
        """Matches what can be matched, then, one by one, what waits for its rules (see router.py)."""
        settle(self.state, now_ms)
        while self.state.later:
            task = self.state.tasks.get(self.state.later.pop(0))
            if task is not None and task.status is TaskStatus.PENDING:
                self._route_returned(task, now_ms)
            settle(self.state, now_ms)

    def restart(self, task: TaskRow, now_ms: int) -> None:
        """Sends a pending Task through the filters; canceled where none takes it any more."""
        step = first_step(self.state, task)
        if step is None:
            self.endings.cancel(task, NO_FILTER, now_ms)
        else:
            enter_step(task, step, now_ms)

    def _route_returned(self, task: TaskRow, now_ms: int) -> None:
        before = (task.queue_sid, task.priority)
        task.restart = False
        self.restart(task, now_ms)
        if task.status is TaskStatus.PENDING and (task.queue_sid, task.priority) != before:
            task.updated_ms = now_ms
            task.revision += 1

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
