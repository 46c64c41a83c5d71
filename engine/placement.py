"""Placement: which step a Task is in, and which pool that makes it wait in.

A step's condition about Workers (its queue's TargetWorkers and its own expression, with the Task's values put in),
its order of Workers, the Task Channel and the order of the queue's Tasks name a pool. Tasks that ask for the same
share one, however many queues and workflows they come from.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine.compiled import Compiled, CompiledCache
from engine.model import Order, TaskChannel, WorkspaceConfig
from engine.rules import Condition, OrderBy, Specialiser, Step, condition_from_key, parse_order_by

MAX_DIGESTS: Final = 4_096  # pools remembered by a step; beyond that it forgets them all and starts again

_encode: Final = msgspec.json.Encoder().encode


class PoolSpec(Struct, frozen=True, kw_only=True, rename={"condition": "c", "order": "o", "channel": "n"}):
    """What a pool is. Stored as JSON beside it, so that any matcher can rebuild its rules."""

    condition: str
    order: str
    channel: int
    lifo: bool
    own_rank: bool  # Workers ranked by the channel's own last Reservation
    born_ms: int = 0  # when the channel was made: the rank of a Worker never reserved on it

    def digest(self) -> str:
        """40 hexadecimal digits that stand for the pool."""
        return sha1(_encode(self), usedforsecurity=False).hexdigest()


class PoolRules:
    """A PoolSpec with its rules compiled."""

    __slots__ = ("condition", "order_by", "spec")

    def __init__(self, spec: PoolSpec) -> None:
        self.spec = spec
        self.condition: Condition = condition_from_key(spec.condition)
        self.order_by: OrderBy | None = parse_order_by(spec.order) if spec.order else None

    @property
    def flags(self) -> str:
        """The letters of the pool's id that scripts go by, see lua/lib/pool.lua."""
        letters = ("L" if self.spec.lifo else "F", "o" if self.spec.own_rank else "")
        return "".join((*letters, "b" if self.order_by else "", "d" if self.condition.uses_channels else ""))


class Placement(Struct, frozen=True):
    """Where a Task belongs now."""

    spec: PoolSpec
    digest: str
    queue_sid: str
    priority: int | None  # the step's, None when it leaves the Task's own
    answer_s: int  # how long a Worker has to answer a Reservation


class StepPlacer:
    """Places Tasks in one step. Cost: a dictionary look-up for values seen before, else some 100 us."""

    __slots__ = ("_digests", "_order", "_queue", "_specialise", "_step")

    def __init__(self, compiled: Compiled, step: Step) -> None:
        self._step = step
        self._queue = compiled.config.queues[step.queue]
        self._specialise = Specialiser(compiled.queue(step.queue), step.expression)
        self._order = step.order_by.key if step.order_by else ""
        self._digests: dict[tuple[str, int], tuple[PoolSpec, str]] = {}

    def place(self, attributes: dict[str, Any], channel: TaskChannel, answer_s: int) -> Placement:
        condition = self._specialise.of(attributes)
        known = self._digests.get((condition.key, channel.number))
        if known is None:
            known = self._remember(condition, channel)
        return Placement(known[0], known[1], self._step.queue, self._step.priority, answer_s)

    def _remember(self, condition: Condition, channel: TaskChannel) -> tuple[PoolSpec, str]:
        spec = PoolSpec(
            condition=condition.key,
            order=self._order,
            channel=channel.number,
            lifo=self._queue.task_order is Order.LIFO,
            own_rank=channel.channel_optimized_routing,
            born_ms=channel.created_ms if channel.channel_optimized_routing else 0,
        )
        if len(self._digests) >= MAX_DIGESTS:
            self._digests.clear()
        known = self._digests[(condition.key, channel.number)] = (spec, spec.digest())
        return known


class Placer:
    """Places the Tasks of one configuration."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._steps: dict[tuple[str, int], StepPlacer] = {}

    def place(self, workflow_sid: str, attributes: dict[str, Any], channel: TaskChannel) -> Placement | None:
        """The first step of the first filter that matches, else the default filter; None where there is neither."""
        workflow = self._compiled.workflow(workflow_sid)
        index = workflow.match(attributes)
        if index is None:
            index = -1
            if workflow.default is None:
                return None
        placer = self._steps.get((workflow_sid, index))
        if placer is None:
            step = workflow.filters[index].steps[0] if index >= 0 else workflow.default
            assert step is not None
            placer = self._steps[(workflow_sid, index)] = StepPlacer(self._compiled, step)
        answer_s = self._compiled.config.workflows[workflow_sid].task_reservation_timeout
        return placer.place(attributes, channel, answer_s)


class Placers:
    """The Placer of each Workspace's newest configuration, for the `limit` Workspaces used last."""

    def __init__(self, compiled: CompiledCache | None = None, *, limit: int = 1_000) -> None:
        self.compiled = compiled or CompiledCache(limit=limit)
        self._limit = limit
        self._known: dict[str, tuple[WorkspaceConfig, Placer]] = {}

    def of(self, config: WorkspaceConfig) -> Placer:
        """O(1) for the version seen last."""
        sid = config.workspace.sid
        known = self._known.get(sid)
        if known is not None and known[0] is config:
            return known[1]
        if known is None and len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        placer = Placer(self.compiled.of(config))
        self._known[sid] = (config, placer)
        return placer
