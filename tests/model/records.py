"""What the reference router remembers: one mutable record a thing, no counter that could be counted again.

Instants are ms since the epoch, by the caller's clock, and end in `_ms`.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from engine.model import Order, ReservationStatus, TaskStatus
from engine.rules import Expression, Workflow

OPEN_OFFER: Final = (ReservationStatus.PENDING, ReservationStatus.ACCEPTED, ReservationStatus.WRAPPING)
OPEN_TASK: Final = (TaskStatus.PENDING, TaskStatus.RESERVED, TaskStatus.ASSIGNED, TaskStatus.WRAPPING)


class ActivityRow(Struct, frozen=True):
    sid: str
    name: str
    available: bool


class ChannelRow(Struct, frozen=True):
    sid: str
    unique_name: str
    optimized: bool
    created_ms: int


class QueueRow(Struct, frozen=True):
    """Its Activities matter in single-tasking Workspaces only."""

    sid: str
    target: Expression
    order: Order
    max_reserved: int = 1
    reservation_activity_sid: str | None = None
    assignment_activity_sid: str | None = None


class WorkflowRow(Struct, frozen=True):
    sid: str
    text: str
    rules: Workflow
    reservation_timeout_s: int


class SlotRow(Struct):
    """One Worker on one Task Channel."""

    last_reserved_ms: int
    updated_ms: int
    capacity: int = 1
    available: bool = True


class Indexed(Struct, frozen=True):
    """What rules know of a Worker: how it was when its rules were last evaluated."""

    name: str
    attributes: str
    activity_sid: str


class WorkerRow(Struct, kw_only=True):
    sid: str
    name: str
    attributes: str
    activity_sid: str
    created_ms: int
    updated_ms: int  # of its name, attributes or Activity; Reservations raise only the revision
    status_changed_ms: int
    last_reserved_ms: int
    slots: dict[str, SlotRow]  # by the channel's unique name
    revision: int = 0
    indexed: Indexed | None = None  # None: never yet
    counted: dict[str, bool] = field(default_factory=dict)  # in counts that began while its rules waited
    waits_for_rules: bool = True  # it is later work: offered nothing that looks at its Activity or load


class OfferRow(Struct, kw_only=True):
    """One Reservation."""

    sid: str
    task_sid: str
    worker_sid: str
    channel: str
    created_ms: int
    updated_ms: int
    activity_before_sid: str  # the Worker's Activity when it was offered
    status: ReservationStatus = ReservationStatus.PENDING
    revision: int = 0


class Position(Struct, frozen=True):
    """A place in a Workflow document; `filter` is None in the default filter."""

    filter: int | None
    step: int
    base_ms: int  # when the Task entered the filter; step timeouts count from here


class TaskRow(Struct, kw_only=True):
    sid: str
    sequence: int  # order of creation
    attributes: str
    priority: int
    timeout_s: int
    channel: str
    workflow_sid: str
    virtual_start_ms: int
    created_ms: int
    updated_ms: int  # of the last revision
    pending_since_ms: int
    document: Workflow  # that it entered with, whatever the Workflow has now
    answer_s: int  # how long its Workers have to answer
    routing_target: str | None = None
    ignore_capacity: bool = False
    status: TaskStatus = TaskStatus.PENDING
    position: Position | None = None  # None only with a Worker or a queue as target
    queue: QueueRow | None = None  # its rules as they were when the Task was placed
    queue_entered_ms: int | None = None
    placed: bool = False  # while pending: it may be matched
    leaving: str = ""  # while pending and not placed: timeout, skip, restart or stay
    delayed_until_ms: int | None = (
        None  # while pending and not placed: nobody answered its Workflow's callback
    )
    restart: bool = False  # it begins at the first filter when it is pending again
    rest_revision: int | None = None  # not offered while its target Worker is at this revision
    assignment_count: int = 0
    accepted_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None
    revision: int = 0
    offers: dict[str, OfferRow] = field(default_factory=dict)

    @property
    def queue_sid(self) -> str | None:
        return None if self.queue is None else self.queue.sid

    @property
    def is_waiting(self) -> bool:
        """Pending, and in a step or at its target."""
        return self.status is TaskStatus.PENDING and self.placed

    @property
    def target_worker_sid(self) -> str | None:
        """The only Worker that may get it, where the routing target is one."""
        target = self.routing_target
        return target if target is not None and target.startswith("WK") else None
