"""Events: what happened in a Workspace, in full, and how the log keeps it.

A transition is one entry of the log and may be several events: a Task that is created also enters its Workflow and a
TaskQueue. They share the entry's facts, and their SIDs are made of its place, so nothing else is needed to find them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine.event_types import BY_NAME, FIELDS, PLACES, PREFIXES, TYPES, EventType
from engine.model import Activity, TaskChannel, TaskQueue, Workflow, Workspace, WorkspaceConfig

ADDONS: Final = "{}"  # no add-on gives a Task data
MATCHED: Final = frozenset({"workflow_filter_name", "workflow_filter_expression"})
PREVIOUS_QUEUE: Final = {
    f"task_queue_previous_{part}": f"task_queue_{part}" for part in ("sid", "name", "target_expression")
}
_SID: Final = re.compile(r"EV([0-9a-f]{12})([0-9a-f]{7})([0-9a-f])([0-9a-f]{4})([0-9a-f]{8})")


class Event(Struct, frozen=True, kw_only=True):
    """One event. `data` has the fields that callbacks show, in snake_case, as text; what is absent is left out."""

    sid: str
    seq: int  # of its transition, gapless in a Workspace
    type: str
    at_ms: int
    description: str
    resource_type: str
    resource_sid: str
    data: dict[str, str]
    actor_type: str = "workspace"  # who acts is the Account, and it does so through the Workspace
    actor_sid: str
    task_created_ms: int | None = None
    task_queue_entered_ms: int | None = None  # when the Task came to the queue in `data`


class Glimpse(Struct, frozen=True):
    """What a count reads of an event. `data` is shared by the events of an entry, so it may have more than is shown."""

    type: str
    at_ms: int
    data: Mapping[str, str]
    task_created_ms: int | None
    task_queue_entered_ms: int | None


class Place(Struct, frozen=True, order=True):
    """Where an event stands: the entry's id in the log, and which of its events it is."""

    ms: int
    n: int
    sub: int

    @property
    def id(self) -> str:
        """The entry's."""
        return f"{self.ms}-{self.n}"

    @property
    def text(self) -> str:
        return f"{self.ms}-{self.n}-{self.sub}"


def event_sid(place: Place, shard: int, number: int) -> str:
    """The SID of an event: its place, and the Workspace by shard and number, so that no two share one."""
    return f"EV{place.ms:012x}{place.n:07x}{place.sub:x}{shard:04x}{number:08x}"


def place_of(sid: str, config: WorkspaceConfig) -> Place | None:
    """The place that the SID of an event of this Workspace names; None for any other text."""
    found = _SID.fullmatch(sid)
    if found is None:
        return None
    ms, n, sub, shard, number = (int(part, 16) for part in found.groups())
    return Place(ms, n, sub) if (shard, number) == (config.shard, config.workspace.number) else None


class Logged(Struct, array_like=True, frozen=True):
    """An entry of the log. A field added later goes to the end and has a default."""

    seq: int
    kinds: tuple[int, ...]  # places in TYPES
    late_ms: int  # how much the entry's id is ahead of the instant: above 0 after a clock was set back
    created_ms: int | None
    entered_ms: int | None
    facts: dict[int, Any]  # place in FIELDS -> value: text, or the 16 bytes of a SID


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Logged).decode


Packed = dict[int, Any]  # facts as the log keeps them


def pack(
    seq: int,
    kinds: Iterable[str],
    facts: Packed,
    *,
    late_ms: int = 0,
    created_ms: int | None = None,
    entered_ms: int | None = None,
) -> bytes:
    """An entry as it is stored; `unpack` is the way back."""
    places = tuple([BY_NAME[kind] for kind in kinds])
    return _encode(Logged(seq, places, late_ms, created_ms, entered_ms, facts))


def squeezed(data: Mapping[str, str]) -> Packed:
    """Facts in their stored form. About 0.3 us each."""
    facts: Packed = {}
    for name, value in data.items():
        place = PLACES[name]
        prefix = PREFIXES[place]
        facts[place] = (prefix and value.startswith(prefix) and _squeezed_sid(value)) or value
    return facts


def needle_of(sid: str) -> bytes:
    """What any entry contains that names this SID."""
    return _squeezed_sid(sid) or sid.encode()


def _squeezed_sid(value: str) -> bytes | None:
    """The 16 bytes of a SID; None for one that would not come back the same."""
    try:
        raw = bytes.fromhex(value[2:])
    except ValueError:
        return None
    return raw if len(raw) == 16 and raw.hex() == value[2:] else None


def unpack(config: WorkspaceConfig, entry_id: bytes, packed: bytes) -> Iterator[tuple[Place, Event]]:
    """The events of an entry, in order. About 20 us each."""
    logged = _decode(packed)
    ms, _, n = entry_id.partition(b"-")
    at_ms = int(ms) - logged.late_ms
    data = _data(config, logged, at_ms)
    for sub, kind in enumerate(logged.kinds):
        place = Place(int(ms), int(n), sub)
        yield place, _event(config, place, kind, logged, at_ms, data)


def glimpses(config: WorkspaceConfig, entry_id: bytes, packed: bytes) -> list[Glimpse]:
    """The events of an entry, in order, for who counts them. A quarter of the cost of `unpack`."""
    logged = _decode(packed)
    at_ms = int(entry_id.partition(b"-")[0]) - logged.late_ms
    data = _data(config, logged, at_ms)
    moved = "task_queue_previous_sid" in data
    found = []
    for kind in logged.kinds:
        name = TYPES[kind].name
        own, entered_ms = _own_part(name, data, logged.entered_ms) if moved else (data, logged.entered_ms)
        found.append(Glimpse(name, at_ms, own, logged.created_ms, entered_ms))
    return found


def _data(config: WorkspaceConfig, logged: Logged, at_ms: int) -> dict[str, str]:
    data = {
        FIELDS[place]: value if isinstance(value, str) else PREFIXES[place] + value.hex()
        for place, value in logged.facts.items()
        if place < len(FIELDS)  # a later version of this program knows more
    }
    data["workspace_sid"] = config.workspace.sid
    data.setdefault("workspace_name", config.workspace.friendly_name)
    if "task_sid" in data:
        data["task_addons"] = ADDONS
        if logged.created_ms is not None:
            data["task_age"] = str(max(0, at_ms - logged.created_ms) // 1_000)
    spent_ms = data.get("worker_time_in_previous_activity_ms")
    if spent_ms is not None:
        data["worker_time_in_previous_activity"] = str(int(spent_ms) // 1_000)
    return data


def _event(
    config: WorkspaceConfig, place: Place, kind: int, logged: Logged, at_ms: int, data: dict[str, str]
) -> Event:
    one = TYPES[kind]
    own, entered_ms = _own_part(one.name, data, logged.entered_ms)
    return Event(
        sid=event_sid(place, config.shard, config.workspace.number),
        seq=logged.seq,
        type=one.name,
        at_ms=at_ms,
        description=_described(one, own),
        resource_type=one.resource,
        resource_sid=own.get(one.sid, ""),
        data=own,
        actor_sid=config.workspace.sid,
        task_created_ms=logged.created_ms,
        task_queue_entered_ms=entered_ms,
    )


def _own_part(kind: str, data: dict[str, str], entered_ms: int | None) -> tuple[dict[str, str], int | None]:
    """What one event of several shows of their facts: a match its filter, a move the queue that is left."""
    own = data.copy()
    if kind != "workflow.target-matched":
        for name in MATCHED:
            own.pop(name, None)
    if "task_queue_previous_sid" not in data:
        return own, entered_ms
    for name, shown in PREVIOUS_QUEUE.items():
        own.pop(name, None)
        if kind == "task-queue.moved":
            own.pop(shown, None)
            if name in data:
                own[shown] = data[name]
    return own, None if kind == "task-queue.moved" else entered_ms


def _described(one: EventType, data: dict[str, str]) -> str:
    """What a person reads; of a Task that was canceled the reason, where there is one (semantics 9.4)."""
    text, names = _TEMPLATES[one.name]
    return data.get("task_canceled_reason") or text % tuple([data.get(name, "") for name in names])


def _template(text: str) -> tuple[str, list[str]]:
    """A description with %s for its fields, and their names."""
    return re.sub(r"\{\w+\}", "%s", text.replace("%", "%%")), re.findall(r"\{(\w+)\}", text)


_TEMPLATES: Final = {one.name: _template(one.text) for one in TYPES}


def facts_of(record: Workspace | Activity | TaskChannel | TaskQueue | Workflow) -> dict[str, str]:
    """What events show of a record of the configuration."""
    match record:
        case Activity():
            return {
                "activity_sid": record.sid,
                "activity_name": record.friendly_name,
                "activity_available": _word(record.available),
            }
        case TaskChannel():
            return {
                "task_channel_sid": record.sid,
                "task_channel_name": record.friendly_name,
                "task_channel_unique_name": record.unique_name,
                "task_channel_optimized_routing": _word(record.channel_optimized_routing),
            }
        case TaskQueue():
            return {
                "task_queue_sid": record.sid,
                "task_queue_name": record.friendly_name,
                "task_queue_target_expression": record.target_workers,
            }
        case Workflow():
            return {"workflow_sid": record.sid, "workflow_name": record.friendly_name}
        case Workspace():
            return {"workspace_name": record.friendly_name}


def _word(value: Any) -> str:
    return "true" if value else "false"
