"""Turns the hashes of Tasks, Workers and Reservations, as lua/lib/keys.lua describes them, into records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from engine.model import (
    Reservation,
    ReservationStatus,
    Task,
    TaskStatus,
    Worker,
    WorkerChannel,
    WorkspaceConfig,
)
from engine.sids import derived

Fields = Mapping[bytes, bytes]


def fields_of(reply: list[bytes]) -> dict[bytes, bytes]:
    """The reply to HGETALL as a dict."""
    return dict(zip(reply[::2], reply[1::2], strict=True))


class Where(Struct, frozen=True):
    """What a Task belongs to: the parts of `tag`."""

    queue_sid: str | None
    workflow_sid: str
    channel: int
    document: int


def where(f: Fields) -> Where:
    """The parts of the `tag` of a Task's hash."""
    queue, workflow, channel, document = f[b"tag"].decode().split("|")
    return Where(None if queue == "-" else queue, workflow, int(channel), int(document))


class Spot(Struct, frozen=True):
    """Where a Task stands in its Workflow: the end of `p`."""

    due_ms: int
    at: str
    pool: str

    @property
    def is_placed(self) -> bool:
        """Whether a matcher has found its pool."""
        return not self.pool.startswith("-")

    @property
    def is_between(self) -> bool:
        """Whether a matcher is to find its pool now. A Task that is delayed is in none either."""
        return not self.is_placed and not self.pool.startswith("-w")

    @property
    def text(self) -> str:
        """As scripts compare it."""
        return f"{self.at}|{self.pool}"


def spot(f: Fields) -> Spot:
    """The end of `p` of a Task's hash."""
    due, at, pool = f[b"p"].decode().split("|")[5:]
    return Spot(int(due), at, pool)


def target(f: Fields) -> tuple[str | None, bool]:
    """The routing target of a Task's hash, and whether it ignores capacity."""
    sid, _, ignores = f.get(b"rt", b"").decode().partition("|")
    return sid or None, ignores == "1"


def task(sid: str, f: Fields) -> Task:
    """A Task from the fields of its hash."""
    belongs, (routing_target, ignore_capacity) = where(f), target(f)
    status, revision, updated, _, _ = f[b"s"].decode().split("|")
    priority, virtual, _ = f[b"p"].decode().split("|", 2)
    created, timeout, entered, _ = f[b"c"].decode().split("|")
    ended, _, reason = f.get(b"e", b"").decode().partition("|")
    return Task(
        sid=sid,
        status=TaskStatus(status),
        attributes=f[b"attrs"].decode(),
        priority=int(priority),
        reason=reason or None,
        timeout=int(timeout),
        task_queue_sid=belongs.queue_sid,
        task_queue_entered_ms=None if entered == "-" else int(created) + int(entered),
        workflow_sid=belongs.workflow_sid,
        task_channel_number=belongs.channel,
        virtual_start_ms=int(virtual),
        routing_target=routing_target,
        ignore_capacity=ignore_capacity,
        created_ms=int(created),
        updated_ms=int(updated),
        ended_ms=int(ended) if ended else None,
        revision=int(revision),
    )


def revision_of(f: Fields) -> int:
    """The revision in the hash of a Task or Worker."""
    return int(f[b"s"].split(b"|")[1])


def is_unplaced(f: Fields) -> bool:
    """Whether the hash is that of a pending Task in no pool."""
    return f[b"s"].startswith(b"pending|") and spot(f).pool.startswith("-")


def worker(sid: str, f: Fields) -> Worker:
    """A Worker from the fields of its hash."""
    return Worker(
        sid=sid,
        friendly_name=f[b"name"].decode(),
        attributes=f[b"attrs"].decode(),
        activity_sid=f[b"act"].decode(),
        available=f[b"av"] == b"1",
        created_ms=int(f[b"made"]),
        updated_ms=int(f[b"upd"]),
        status_changed_ms=int(f[b"chg"]),
        revision=revision_of(f),
    )


def worker_channels(sid: str, f: Fields, config: WorkspaceConfig) -> list[WorkerChannel]:
    """A Worker's channels, one for each Task Channel of the Workspace; what was never set has its default."""
    return [
        WorkerChannel(
            sid=derived("WC", sid, channel.sid),
            worker_sid=sid,
            task_channel_sid=channel.sid,
            configured_capacity=int(f.get(b"cap%d" % channel.number, 1)),
            available=f.get(b"on%d" % channel.number, b"1") == b"1",
            assigned_tasks=int(f.get(b"asg%d" % channel.number, 0)),
            open_reservations=int(f.get(b"c%d" % channel.number, b"0").split(b"|")[0]),
            created_ms=(created_ms := max(int(f[b"made"]), channel.created_ms)),
            updated_ms=int(f.get(b"upd%d" % channel.number, created_ms)),
        )
        for channel in config.channels.values()
    ]


def reservation(sid: str, task_sid: str, packed: bytes, worker_name: str) -> Reservation:
    """A Reservation from its field in the Task's hash: status|Worker|created|updated|revision|channel."""
    status, worker_sid, created, updated, revision, _ = packed.decode().split("|")[:6]
    return Reservation(
        sid=sid,
        task_sid=task_sid,
        worker_sid=worker_sid,
        worker_name=worker_name,
        status=ReservationStatus(status),
        created_ms=int(created),
        updated_ms=int(updated),
        revision=int(revision),
    )


def reservations_of(fields: Fields) -> dict[str, bytes]:
    """The packed Reservations in a Task's hash, by SID."""
    return {name.decode(): packed for name, packed in fields.items() if name.startswith(b"WR")}


def text(value: Any) -> str:
    """A bulk reply as text."""
    return value.decode() if isinstance(value, bytes) else str(value)
