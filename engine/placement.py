"""Placement: which step a Task is in, and which pool that makes it wait in.

A step's condition about Workers (its queue's TargetWorkers, its own expression with the Task's values put in, its known
Worker), its order of Workers, what lets Tasks skip it, the Task Channel and how the queue hands out its Tasks name a
pool. Tasks that ask for the same share one, however many queues and Workflows they come from.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine.compiled import Compiled, CompiledCache
from engine.model import Order, Task, TaskChannel, TaskQueue, WorkspaceConfig
from engine.rules import (
    Condition,
    OrderBy,
    Specialiser,
    Step,
    Workflow,
    condition_from_key,
    identified,
    known_worker,
    parse_order_by,
    skip_program,
    specialise,
)

MAX_DIGESTS: Final = 4_096  # pools remembered by a step; beyond that it forgets them all and starts again
TARGET_S: Final = 60  # semantics 2.8: how long a Task that ignores capacity may be without a Reservation
ONE_SLOT: Final = (
    1_000_000  # of a Worker in a single-tasking Workspace; no Task Channel gets a number so high
)
DEFAULT: Final = -1  # the index of the default filter

_encode: Final = msgspec.json.Encoder().encode


class PoolSpec(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"condition": "c", "slot": "n"}):
    """What a pool is. Stored as JSON beside it, so that any matcher can rebuild its rules."""

    condition: str
    slot: int  # number of the Task Channel, or ONE_SLOT
    order: str = ""
    lifo: bool = False
    own_rank: bool = False  # Workers ranked by the channel's own last Reservation
    born_ms: int = 0  # when the channel was made: the rank of a Worker never reserved on it
    most: int = 1  # Workers a Task is offered to at once
    skip: str = ""  # program about the census of `queue`
    queue: str = ""  # the condition that a queue's TargetWorkers are
    who: str = ""  # for a known Worker: <kind>:<text> as in engine/rules/identity.py
    alert: int = 0  # code of the alert while there is no such Worker, 0 for none (semantics 6.6)
    target: str = ""  # the Worker it is for
    direct: bool = False  # whatever that Worker's capacity
    reserve: str = ""  # <Activity SID>:<1 or 0> that a Reservation moves the Worker to
    assign: str = ""  # and its acceptance
    census: bool = False  # no pool but a count of the Workers that satisfy the condition, by Activity

    def digest(self) -> str:
        """40 hexadecimal digits that stand for the pool."""
        return sha1(_encode(self), usedforsecurity=False).hexdigest()


def census_of(spec: PoolSpec) -> PoolSpec:
    """The census that lets Tasks skip out of a pool."""
    return PoolSpec(condition=spec.queue, slot=0, census=True)


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
        spec = self.spec
        if spec.census:
            return "C"
        letters = {
            "o": spec.own_rank,
            "b": self.order_by is not None,
            "d": self.condition.uses_channels,
            "s": bool(spec.skip),
            "k": bool(spec.who),
            "t": bool(spec.target),
            "i": spec.direct,
            "u": bool(spec.reserve),
        }
        chosen = "".join(letter for letter, wanted in letters.items() if wanted)
        return f"{'L' if spec.lifo else 'F'}{chosen}{spec.most if spec.most > 1 else ''}"


class Placement(Struct, frozen=True):
    """Where a Task belongs now; see lua/lib/placement.lua."""

    spec: PoolSpec
    digest: str
    queue_sid: str | None
    priority: int | None  # the step's, None when it leaves the Task's own
    answer_s: int  # how long a Worker has to answer a Reservation
    document: int
    at: str
    due_s: int | None  # from the entry of the filter to the deadline of the step
    enter: bool = True  # whether the Task enters another filter with it

    @property
    def arguments(self) -> tuple[str | int, ...]:
        """Digest, queue, priority, answer, document, at, due, as scripts take them."""
        return (
            self.digest,
            self.queue_sid or "-",
            "" if self.priority is None else self.priority,
            self.answer_s,
            self.document,
            self.at,
            "" if self.due_s is None else self.due_s,
        )


class StepPlacer:
    """Places Tasks in one step. Cost: a dictionary look-up for values seen before, else some 100 us."""

    __slots__ = (
        "_digests",
        "_known",
        "_single",
        "_skip",
        "_specialise",
        "_target",
        "at",
        "document",
        "due_s",
        "queue",
        "step",
    )

    def __init__(self, compiled: Compiled, step: Step, document: int, at: str, due_s: int | None) -> None:
        target = compiled.queue(step.queue)
        self.step, self.document, self.at, self.due_s = step, document, at, due_s
        self.queue = compiled.config.queues[step.queue]
        self._single = _activities(compiled.config, self.queue)
        self._specialise = Specialiser(target, step.expression)
        self._known = step.known_worker_sid is not None or step.known_worker_friendly_name is not None
        self._skip = skip_program(step.skip_if) if step.skip_if is not None else ""
        self._target = specialise(target, None, {}).key if self._skip else ""
        self._digests: dict[tuple[str, int, int], tuple[PoolSpec, str]] = {}

    def place(
        self, attributes: dict[str, Any], channel: TaskChannel, answer_s: int, *, enter: bool = True
    ) -> Placement:
        who, alert = "", 0
        if self._known:
            known = known_worker(self.step, attributes)
            assert known.identity is not None
            condition, alert = self._specialise.of(attributes, known.identity), known.alert
            who = ":".join(known.identity)
        else:
            condition = self._specialise.of(attributes)
        pool = self._digests.get((condition.key, channel.number, alert))
        if pool is None:
            pool = self._remember(condition, channel, who, alert)
        return Placement(
            *(pool[0], pool[1], self.step.queue, self.step.priority, answer_s),
            *(self.document, self.at, self.due_s, enter),
        )

    def _remember(
        self, condition: Condition, channel: TaskChannel, who: str, alert: int
    ) -> tuple[PoolSpec, str]:
        spec = PoolSpec(
            condition=condition.key,
            order=self.step.order_by.key if self.step.order_by else "",
            skip=self._skip,
            queue=self._target,
            who=who,
            alert=alert,
            **_slot(channel, self._single),
            **_manner(self.queue),
        )
        if len(self._digests) >= MAX_DIGESTS:
            self._digests.clear()
        pool = self._digests[(condition.key, channel.number, alert)] = (spec, spec.digest())
        return pool


class Placer:
    """Places the Tasks of one configuration."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled, self._config = compiled, compiled.config
        self._steps: dict[tuple[str, int, int, int], StepPlacer] = {}

    def start(self, workflow_sid: str, attributes: dict[str, Any], channel: TaskChannel) -> Placement | None:
        """The first step of the first filter that matches, else the default filter; None where there is neither."""
        rules = self._compiled.workflow(workflow_sid)
        index = rules.match(attributes)
        if index is None:
            if rules.default is None:
                return None
            index = DEFAULT
        document = self._config.workflows[workflow_sid].document
        return self._place(workflow_sid, rules, document, (index, 0), attributes, channel)

    def stay(
        self, workflow_sid: str, rules: Workflow, at: str, attributes: dict[str, Any], channel: TaskChannel
    ) -> Placement:
        """The same step again, by the document `rules` that the Task follows. KeyError when its queue is gone."""
        document, index, step = _position(at)
        return self._place(workflow_sid, rules, document, (index, step), attributes, channel, enter=False)

    def leave(
        self,
        workflow_sid: str,
        rules: Workflow,
        at: str,
        attributes: dict[str, Any],
        channel: TaskChannel,
        *,
        skipped: bool,
    ) -> Placement | None:
        """The step after one that timed out or was skipped (semantics 6.4); None at the end of the Workflow."""
        document, index, step = _position(at)
        enter = step + 1 >= len(rules.filters[index].steps)
        step += 1
        if enter:
            following = rules.match(attributes, index + 1)
            if following is None:
                if not skipped or rules.default is None:
                    return None
                following = DEFAULT
            index, step = following, 0
        return self._place(workflow_sid, rules, document, (index, step), attributes, channel, enter=enter)

    def for_target(self, task: Task, channel: TaskChannel) -> Placement | None:
        """The place of a Task that has a Worker or a TaskQueue as its target; None for any other."""
        sid = task.routing_target or ""
        if sid.startswith("WQ"):
            return self.for_queue(task.workflow_sid, sid, channel)
        if sid.startswith("WK"):
            queue, direct = task.task_queue_sid, task.ignore_capacity
            return self.for_worker(task.workflow_sid, sid, queue, channel, direct=direct)
        return None

    def for_queue(
        self, workflow_sid: str, queue_sid: str, channel: TaskChannel, *, enter: bool = True
    ) -> Placement:
        """Straight into a TaskQueue, by no step."""
        key = (queue_sid, 0, 0, 0)
        placer = self._steps.get(key)
        if placer is None:
            placer = self._steps[key] = StepPlacer(self._compiled, Step(queue=queue_sid), 0, "q", None)
        return placer.place({}, channel, self._answer_s(workflow_sid), enter=enter)

    def for_worker(
        self,
        workflow_sid: str,
        worker_sid: str,
        queue_sid: str | None,
        channel: TaskChannel,
        *,
        direct: bool,
        enter: bool = True,
    ) -> Placement:
        """For one Worker, who has to be a member of the queue if there is one. About 100 us."""
        queue = None if queue_sid is None else self._config.queues[queue_sid]
        target = None if queue_sid is None else self._compiled.queue(queue_sid)
        single = _activities(self._config, queue)
        spec = PoolSpec(
            condition=identified(target, ("sid", worker_sid)).key,
            target=worker_sid,
            direct=direct,
            lifo=queue is not None and queue.task_order is Order.LIFO,
            **_slot(channel, single),
        )
        answer_s, due_s = self._answer_s(workflow_sid), TARGET_S if direct else None
        return Placement(spec, spec.digest(), queue_sid, None, answer_s, 0, "k", due_s, enter)

    def _place(
        self,
        workflow_sid: str,
        rules: Workflow,
        document: int,
        position: tuple[int, int],
        attributes: dict[str, Any],
        channel: TaskChannel,
        *,
        enter: bool = True,
    ) -> Placement:
        key = (workflow_sid, document, *position)
        placer = self._steps.get(key)
        if placer is None:
            placer = self._steps[key] = self._placer(rules, document, *position)
        return placer.place(attributes, channel, self._answer_s(workflow_sid), enter=enter)

    def _placer(self, rules: Workflow, document: int, index: int, step: int) -> StepPlacer:
        if index == DEFAULT:
            assert rules.default is not None
            waits = msgspec.structs.replace(rules.default, skip_if=None)  # there is nowhere to go
            return StepPlacer(self._compiled, waits, document, f"{document}.d.0", None)
        due_s = rules.deadline_s(index, step)
        at = f"{document}.{index}.{step}"
        return StepPlacer(self._compiled, rules.filters[index].steps[step], document, at, due_s)

    def _answer_s(self, workflow_sid: str) -> int:
        return self._config.workflows[workflow_sid].task_reservation_timeout


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


def _position(at: str) -> tuple[int, int, int]:
    """Document, filter and step of `at`."""
    document, index, step, *_ = at.split(".")
    return int(document), DEFAULT if index == "d" else int(index), int(step)


def _slot(channel: TaskChannel, single: dict[str, str] | None) -> dict[str, Any]:
    """What of a PoolSpec decides which slots of Workers it is about."""
    if single is not None:
        return {"slot": ONE_SLOT, **single}
    own = channel.channel_optimized_routing
    return {"slot": channel.number, "own_rank": own, "born_ms": channel.created_ms if own else 0}


def _manner(queue: TaskQueue) -> dict[str, Any]:
    """What of a PoolSpec decides how the queue hands out its Tasks."""
    return {"lifo": queue.task_order is Order.LIFO, "most": queue.max_reserved_workers}


def _activities(config: WorkspaceConfig, queue: TaskQueue | None) -> dict[str, str] | None:
    """The Activities that Reservations move Workers to; None in a multi-tasking Workspace."""
    if config.workspace.multi_task_enabled:
        return None
    chosen = (
        {}
        if queue is None
        else {"reserve": queue.reservation_activity_sid, "assign": queue.assignment_activity_sid}
    )
    return {
        name: f"{sid}:{int(config.activities[sid].available)}"
        for name, sid in chosen.items()
        if sid is not None
    }
