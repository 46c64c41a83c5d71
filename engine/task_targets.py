"""Routing targets: Tasks for one Worker, straight into a TaskQueue, or by a Workflow of their own (semantics 2.8)."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from engine import checks
from engine.errors import Invalid
from engine.live import Live
from engine.model import TaskChannel, WorkspaceConfig
from engine.placement import Placement, Placers
from engine.records import Fields
from engine.records import worker as worker_of
from engine.sids import is_sid
from engine.worker_lists import facts_of

NO_TARGET: Final = "no filter of the Workflow matches these attributes and it has no default filter"


class Target(Struct, frozen=True):
    """What a caller asks for."""

    sid: str | None
    ignore_capacity: bool | None
    task_queue_sid: str | None

    @property
    def direct(self) -> bool:
        """Whether the capacity of the Worker does not matter: for a Worker, unless the caller says otherwise."""
        return self.sid is not None and self.sid.startswith("WK") and self.ignore_capacity is not False

    @property
    def stored(self) -> str:
        """As the Task's record has it."""
        return "" if self.sid is None else f"{self.sid}|{int(self.direct)}"


class Targets:
    """Places Tasks that have a target."""

    def __init__(self, live: Live, placers: Placers) -> None:
        self._live, self._placers = live, placers

    async def decide(
        self,
        config: WorkspaceConfig,
        target: Target,
        workflow_sid: str | None,
        values: dict[str, Any],
        channel: TaskChannel,
    ) -> tuple[str, Placement]:
        """The Workflow and the place. One round trip for a Worker, else none. Raises Invalid."""
        kind = "" if target.sid is None else target.sid[:2]
        _check_company(target, kind)
        placer = self._placers.of(config)
        if kind == "WW":
            workflow = checks.member("routing_target", target.sid or "", config.workflows, "Workflow")
            placement = placer.start(workflow, values, channel)
            if placement is None:
                raise Invalid("attributes", NO_TARGET)
            return workflow, placement
        workflow = workflow_of(config, workflow_sid)
        if kind == "WQ":
            queue = checks.member("routing_target", target.sid or "", config.queues, "TaskQueue")
            return workflow, placer.for_queue(workflow, queue, channel)
        worker = await self._worker(config, target)
        queue_sid = target.task_queue_sid
        return workflow, placer.for_worker(workflow, worker, queue_sid, channel, direct=target.direct)

    async def _worker(self, config: WorkspaceConfig, target: Target) -> str:
        """The Worker, once it is known to be a member of the queue."""
        sid, queue = target.sid or "", target.task_queue_sid
        if queue is not None:
            checks.member("task_queue_sid", queue, config.queues, "TaskQueue")
        fields: Fields = {}
        if is_sid(sid, "WK"):
            (fields,) = await self._live.hashes([self._live.keys(config).worker(sid)])
        if not fields:
            raise Invalid(
                "routing_target",
                f"is not the SID of a Worker, TaskQueue or Workflow of this Workspace: {sid[:64]!r}",
            )
        if queue is not None:
            facts = facts_of(config, worker_of(sid, fields))
            if not self._placers.compiled.of(config).queue(queue).matches_worker(facts):
                raise Invalid("routing_target", f"is not a member of TaskQueue {queue}")
        return sid


def workflow_of(config: WorkspaceConfig, sid: str | None) -> str:
    """The Workflow of this SID, or the only one there is. Raises Invalid."""
    if sid is None:
        if len(config.workflows) != 1:
            raise Invalid("workflow_sid", "is required unless the Workspace has exactly one Workflow")
        return next(iter(config.workflows))
    return checks.member("workflow_sid", sid, config.workflows, "Workflow")


def _check_company(target: Target, kind: str) -> None:
    """Refuse what only goes with a Worker."""
    if kind == "WK" or (kind not in {"", "WQ", "WW"}):
        return
    if target.ignore_capacity is not None:
        raise Invalid("ignore_capacity", "is only allowed with a Worker as routing_target")
    if target.task_queue_sid is not None:
        raise Invalid("task_queue_sid", "is only allowed with a Worker as routing_target")
