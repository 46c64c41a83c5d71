"""What the histories of a run have seen, and what they must have seen to prove something."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tests.model.matching import waiting
from tests.model.router import Router
from tests.model.steps import deadline_ms, step_of

ENOUGH: Final = 2_000  # histories that see everything

# The first few show in 75 histories, the others in 300, and everything below in ENOUGH.
FIRST: Final = (
    "create_task ok",
    "create_task Invalid",
    "update_task ok",
    "update_worker ok",
    "offer pending -> accepted",
    "offer pending -> timeout",
)
SOON: Final = (
    "update_task IllegalState",
    "update_task RevisionMismatch",
    "delete_task ok",
    "delete_worker ok",
    "delete_worker IllegalState",
    "answer_of_task ok",
    "answer_of_worker ok",
    "update_queue ok",
    "update_workflow ok",
    "update_worker Invalid",
    "offer pending -> rejected",
    "offer pending -> canceled",
    "offer accepted -> wrapping",
    "offer accepted -> completed",
    "round of several",
    "timeout: next step",
    "skip: next step",
    "single: restored when rejected",
)
ANSWERS: Final = (
    "update_task NotFound",
    "answer_of_task Gone",
    "answer_of_task IllegalState",
    "answer_of_task RevisionMismatch",
    "update_worker NotFound",
    "update_worker RevisionMismatch",
)
# Semantics 2.4, T1 to T11; T5d takes a thousand assignments, which a scenario makes.
TASKS: Final = (
    "task created: no target",
    "task created: WK",
    "task created: WQ",
    "task created: WW",
    "task pending -> reserved",
    "task reserved -> pending",
    "task reserved -> assigned",
    "task pending -> canceled",
    "task reserved -> canceled",
    "task assigned -> wrapping",
    "task assigned -> completed",
    "task wrapping -> completed",
    "task pending canceled: Task TTL Exceeded",
    "task reserved canceled: Task TTL Exceeded",
    "task pending canceled: Workflow timed out",
    "task pending canceled: Workflow skipped",
    "task pending canceled: No filter of the Workflow matches the Task",
    "task pending canceled: RoutingTarget SLA for Reservation creation was not met",
    *(
        f"task {status} -> gone: its time is over"
        for status in ("assigned", "wrapping", "completed", "canceled")
    ),
    *(
        f"task {status} -> gone: deleted"
        for status in ("pending", "reserved", "assigned", "wrapping", "completed", "canceled")
    ),
)
# Semantics 3.3.
OFFERS: Final = (
    "offer pending -> rescinded",
    "offer wrapping -> completed",
    "one of a round rejects",
    "round timed out",
    "round canceled",
    "round rescinded, then accepted",
    "rejected by update_worker",
    "fail_callback ok",
    "fail_callback IllegalState",
    "answer_callback ok",
    "delayed",
    "delay over",
)
STEPS: Final = (
    *(f"timeout: {where}" for where in ("next step", "another filter", "nowhere")),
    *(f"skip: {where}" for where in ("next step", "another filter", "default filter", "nowhere")),
    "began anew",
    "returns to begin anew",
    "returns after the deadline of its step",
    "late as it enters its step",
    "timer finds its deadline moved",
    "waits in a step with a deadline",
    "waits in the default filter",
    "waits with the document it entered with",
    "several leave in one settling",
)
TARGETS: Final = (
    *(f"known worker: alert {code}" for code in (0, 40152, 40154, 40155)),
    "waits for its known worker",
    "waits for its target",
    "target rests",
    "target wakes",
)
SINGLE: Final = (
    "single: moved when offered",
    "single: moved when accepted",
    *(f"single: restored when {status}" for status in ("rejected", "rescinded", "canceled")),
)
EVERYTHING: Final = (*FIRST, *SOON, *ANSWERS, *TASKS, *OFFERS, *STEPS, *TARGETS, *SINGLE)


class Census:
    """Counts what happened, by its name above."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def count(self, what: str) -> None:
        self.seen[what] += 1

    def look(self, model: Router) -> None:
        """Counts what can be seen of a Workspace at rest."""
        state = model.state
        for task in waiting(state):
            step = step_of(task)
            if task.target_worker_sid is not None:
                self.count("waits for its target")
            if step is None or task.position is None:
                continue
            if task.position.filter is None:
                self.count("waits in the default filter")
            if deadline_ms(task) is not None:
                self.count("waits in a step with a deadline")
            if step.known_worker_sid is not None or step.known_worker_friendly_name is not None:
                self.count("waits for its known worker")
            if task.document is not state.workflows[task.workflow_sid].rules:
                self.count("waits with the document it entered with")

    def missing(self, histories: int) -> list[str]:
        """What so many histories should have seen and did not."""
        wanted = EVERYTHING if histories >= ENOUGH else SOON + FIRST if histories >= 300 else FIRST
        return [what for what in wanted if not self.seen[what]] if histories >= 75 else []
