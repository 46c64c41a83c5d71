"""What the reference router remembers: one mutable record a thing, no counter that could be counted again.

Instants are ms since the epoch, by the caller's clock, and end in `_ms`.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from engine.model import Order, ReservationStatus, TaskStatus
from engine.rules import Expression, Step, Workflow

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
    sid: str
    target: Expression
    order: Order


class WorkflowRow(Struct, frozen=True):
    sid: str
    rules: Workflow
    reservation_timeout_s: int


class SlotRow(Struct):
    """One Worker on one Task Channel."""

    last_reserved_ms: int
    updated_ms: int
    capacity: int = 1
    available: bool = True


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


class OfferRow(Struct, kw_only=True):
    """One Reservation."""

    sid: str
    task_sid: str
    worker_sid: str
    channel: str
    created_ms: int
    updated_ms: int
    status: ReservationStatus = ReservationStatus.PENDING
    revision: int = 0


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
    status: TaskStatus = TaskStatus.PENDING
    step: Step | None = None  # None: it has to go through the filters before it can be matched
    queue_sid: str | None = None
    queue_entered_ms: int | None = None
    restart: bool = False  # its attributes changed while it was reserved
    assignment_count: int = 0
    accepted_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None
    revision: int = 0
    offers: dict[str, OfferRow] = field(default_factory=dict)
