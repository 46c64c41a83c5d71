"""Records: what the engine keeps, as msgspec Structs.

Instants are integers in ms since the epoch and end in `_ms`; durations are seconds and say so. A field added later
has a default; none is ever reordered or retyped, because older records stay in Redis. Names of other resources
(`…_name` in the JSON) are not stored beside their SIDs: whoever shows a record looks them up in WorkspaceConfig.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct, field

T = TypeVar("T")


class TaskStatus(StrEnum):
    PENDING = "pending"
    RESERVED = "reserved"
    ASSIGNED = "assigned"
    WRAPPING = "wrapping"
    COMPLETED = "completed"
    CANCELED = "canceled"


class ReservationStatus(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    RESCINDED = "rescinded"
    WRAPPING = "wrapping"
    COMPLETED = "completed"


class Order(StrEnum):
    FIFO = "FIFO"
    LIFO = "LIFO"


class Workspace(Struct, frozen=True, kw_only=True):
    sid: str
    account_sid: str
    number: int  # counts the Workspaces of one shard; part of every key, shorter than the SID
    friendly_name: str
    event_callback_url: str = ""
    events_filter: str | None = None
    multi_task_enabled: bool = True
    prioritize_queue_order: Order = Order.FIFO
    media_adapter_url: str = ""  # where instructions about calls go, "" for nowhere
    media_adapter_secret: str = ""  # signs what is sent there
    default_activity_sid: str
    timeout_activity_sid: str
    created_ms: int
    updated_ms: int


class Activity(Struct, frozen=True, kw_only=True):
    sid: str
    friendly_name: str
    available: bool
    created_ms: int
    updated_ms: int


class TaskChannel(Struct, frozen=True, kw_only=True):
    sid: str
    number: int  # counts the Task Channels of a Workspace, never used again; names the fields of a Worker
    unique_name: str
    friendly_name: str
    channel_optimized_routing: bool = False
    created_ms: int
    updated_ms: int


class TaskQueue(Struct, frozen=True, kw_only=True):
    sid: str
    friendly_name: str
    target_workers: str = "1==1"
    max_reserved_workers: int = 1
    task_order: Order = Order.FIFO
    reservation_activity_sid: str | None = None
    assignment_activity_sid: str | None = None
    created_ms: int
    updated_ms: int


class Workflow(Struct, frozen=True, kw_only=True):
    sid: str
    friendly_name: str
    configuration: str
    assignment_callback_url: str | None = None
    fallback_assignment_callback_url: str | None = None
    task_reservation_timeout: int = 120  # seconds
    document: int = 0  # number of the configuration: the version of the Workspace's that it came with
    created_ms: int
    updated_ms: int


class Worker(Struct, frozen=True, kw_only=True):
    sid: str
    friendly_name: str
    attributes: str  # JSON text, as it came
    activity_sid: str
    available: bool
    created_ms: int
    updated_ms: int
    status_changed_ms: int
    revision: int


class WorkerChannel(Struct, frozen=True, kw_only=True):
    sid: str
    worker_sid: str
    task_channel_sid: str
    configured_capacity: int
    available: bool
    assigned_tasks: int  # Reservations in `accepted`
    open_reservations: int  # Reservations in `pending`, `accepted` or `wrapping`
    created_ms: int
    updated_ms: int

    @property
    def available_capacity_percentage(self) -> int:
        """floor((1 - open / capacity) * 100), 0 where the capacity is 0 or overrun."""
        if self.configured_capacity <= 0:
            return 0
        free = max(0, self.configured_capacity - self.open_reservations)
        return free * 100 // self.configured_capacity


class Task(Struct, frozen=True, kw_only=True):
    sid: str
    status: TaskStatus
    attributes: str  # JSON text, as it came
    addons: str = "{}"
    priority: int
    reason: str | None = None
    timeout: int  # seconds the Task may be pending or reserved
    task_queue_sid: str | None
    task_queue_entered_ms: int | None
    workflow_sid: str
    task_channel_number: int
    virtual_start_ms: int
    routing_target: str | None = None
    ignore_capacity: bool = False
    created_ms: int
    updated_ms: int
    ended_ms: int | None = None  # when it was completed or canceled: its age stops there
    revision: int


class Reservation(Struct, frozen=True, kw_only=True):
    sid: str
    task_sid: str
    worker_sid: str
    worker_name: str
    status: ReservationStatus
    created_ms: int
    updated_ms: int
    revision: int


class WorkspaceConfig(Struct, kw_only=True):
    """One Workspace and everything in it that changes rarely, as of one `version`.

    A cache: whoever holds one passes `version` to the script that relies on it, and reads it anew when the script
    answers that it is out of date. The dicts go from SID to record in order of creation.
    """

    shard: int
    version: int
    workspace: Workspace
    activities: dict[str, Activity] = field(default_factory=dict)
    channels: dict[str, TaskChannel] = field(default_factory=dict)
    queues: dict[str, TaskQueue] = field(default_factory=dict)
    workflows: dict[str, Workflow] = field(default_factory=dict)

    def channel(self, sid_or_unique_name: str) -> TaskChannel | None:
        """The Task Channel of this SID or unique name (ignoring case)."""
        found = self.channels.get(sid_or_unique_name)
        if found is not None:
            return found
        wanted = sid_or_unique_name.lower()
        for channel in self.channels.values():  # not `next` of a generator, which takes four times as long
            if channel.unique_name.lower() == wanted:
                return channel
        return None

    def channel_numbered(self, number: int) -> TaskChannel | None:
        """The Task Channel with this number; None once it was deleted."""
        return next((c for c in self.channels.values() if c.number == number), None)


class Found(Struct, Generic[T], frozen=True):
    """A record together with the configuration it was read under, which has the names to show beside its SIDs."""

    config: WorkspaceConfig
    value: T
    now_ms: int  # when it was read, by the server's clock: a Task's age counts to here
    replayed: bool = False  # it was there: an earlier call with the same Idempotency-Key created it


class Page(Struct, Generic[T], frozen=True):
    """One page of a list. What follows and what precedes it is asked for by handing one of these in as `after`."""

    items: list[T]
    next_after: str | None  # None on the last page
    previous_after: str | None = None  # None on the first page, and in lists that only go forward


class Account(Struct, frozen=True, kw_only=True):
    sid: str
    name: str
    status: str = "active"  # or "suspended"
    token: str  # as it is: it signs callbacks, and capability tokens are signed with it
    created_ms: int

    def __repr__(self) -> str:
        """Without the token, so that no log and no trace shows it."""
        return f"Account({self.sid}, {self.status})"


class ApiKey(Struct, frozen=True, kw_only=True):
    sid: str
    account_sid: str
    name: str
    secret: str  # as it is: clients sign access tokens with it
    account_active: bool  # the status of its Account, written with it
    created_ms: int

    def __repr__(self) -> str:
        """Without the secret, so that no log and no trace shows it."""
        return f"ApiKey({self.sid}, {self.account_sid})"
