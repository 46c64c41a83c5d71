"""What a script told: an entry of a shard's `events` stream, taken apart (lua/lib/events.lua)."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

TAG: Final = 4  # parts of a tag: queue, Workflow, channel and document


class Told(Struct, frozen=True):
    """One transition."""

    seq: int
    kind: str
    at_ms: int
    parts: list[str]  # of what was told; the last may hold anything
    task: str | None = None  # the Task it is about
    worker: str | None = None  # the Worker
    tag: list[str] = []  # queue, Workflow, channel and document of the Task, where they were told
    rest: list[str] = []  # what comes behind the tag


class Entry(Struct, frozen=True):
    """What one run of a script told of a Workspace."""

    id: bytes
    number: int
    told: list[Told]


# Into how many parts a text is taken apart, where the last one is free text.
_PARTS: Final = {
    "task.canceled": 2 + TAG,
    "task.completed": 2 + TAG,
    "task.deleted": 6 + TAG,
    "task.system-deleted": 6 + TAG,
    "reservation.instruction": 6,
    "worker.deleted": 5,
}
_TAG_BEHIND_TWO: Final = frozenset({"task-queue.moved", "task.alert"})


def entry_of(item: Any) -> Entry:
    """An item of a reply to XREAD or XRANGE."""
    entry_id, flat = item
    return Entry(entry_id, int(flat[1]), [told_of(text) for text in flat[3::2]])


def told_of(text: bytes) -> Told:
    """One transition. What a former version of the scripts left out is missing at the end of its parts."""
    seq_text, kind, at_text, what = text.decode().split("|", 3)
    seq, at_ms, about = int(seq_text), int(at_text), what[:2]
    if about == "WR":
        parts = what.split("|", _PARTS.get(kind, 0) - 1)
        tag = parts[3 : 3 + TAG] if kind != "reservation.instruction" else []
        return Told(seq, kind, at_ms, parts, parts[1], parts[2], *_tagged(tag, parts[3 + TAG :]))
    if about == "WT":
        parts = what.split("|", _PARTS.get(kind, 0) - 1)
        first = 2 if kind in _TAG_BEHIND_TWO else 1
        return Told(
            seq,
            kind,
            at_ms,
            parts,
            parts[0],
            None,
            *_tagged(parts[first : first + TAG], parts[first + TAG :]),
        )
    if about == "WK":
        parts = what.split("|", _PARTS.get(kind, 0) - 1)
        return Told(seq, kind, at_ms, parts, worker=parts[0])
    return Told(seq, kind, at_ms, what.split("|", 1))


def _tagged(tag: list[str], rest: list[str]) -> tuple[list[str], list[str]]:
    return (tag, rest) if len(tag) == TAG else ([], [])
