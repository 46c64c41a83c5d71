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

    @property
    def task(self) -> str | None:
        """The Task it is about."""
        if self.kind.startswith("reservation.") and self.kind != "reservation.failed":
            return self.parts[1]
        return self.parts[0] if self.parts[0].startswith("WT") else None

    @property
    def worker(self) -> str | None:
        """The Worker it is about."""
        if self.kind.startswith("reservation.") and self.kind != "reservation.failed":
            return self.parts[2]
        return self.parts[0] if self.parts[0].startswith("WK") else None

    @property
    def tag(self) -> list[str]:
        """Queue, Workflow, channel and document of the Task; [] where the entry does not have them."""
        if self.kind == "reservation.instruction":
            return []
        first = 3 if self.parts[0].startswith("WR") else 2 if self.kind in _LATE_TAG else 1
        tag = self.parts[first : first + TAG]
        return tag if len(tag) == TAG else []

    @property
    def rest(self) -> list[str]:
        """What comes behind the tag."""
        first = 3 if self.parts[0].startswith("WR") else 2 if self.kind in _LATE_TAG else 1
        return self.parts[first + TAG :]


class Entry(Struct, frozen=True):
    """What one run of a script told of a Workspace."""

    id: bytes
    number: int
    told: list[Told]


_LATE_TAG: Final = frozenset({"task-queue.moved", "task.alert"})
# Into how many parts a text is taken apart, where the last one is free text.
_PARTS: Final = {
    "task.canceled": 2 + TAG,
    "task.completed": 2 + TAG,
    "task.deleted": 6 + TAG,
    "task.system-deleted": 6 + TAG,
    "reservation.instruction": 6,
    "worker.deleted": 5,
}
_RECORDS: Final = ("workspace.", "activity.", "task-channel.", "workflow.", "task-queue.")


def entry_of(item: Any) -> Entry:
    """An item of a reply to XREAD or XRANGE."""
    entry_id, flat = item
    return Entry(entry_id, int(flat[1]), [told_of(text) for text in flat[3::2]])


def told_of(text: bytes) -> Told:
    """One transition. What a former version of the scripts left out is missing at the end of its parts."""
    seq, kind, at_ms, what = text.decode().split("|", 3)
    most = _PARTS.get(kind)
    if most is None:
        most = 2 if kind.startswith(_RECORDS) and not what.startswith("WT") else 0
    return Told(int(seq), kind, int(at_ms), what.split("|", most - 1) if most else what.split("|"))
