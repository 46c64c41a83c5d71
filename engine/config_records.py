"""Configuration records: how they are stored, and what a change of them is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine.events import facts_of
from engine.model import Activity, TaskChannel, TaskQueue, Workflow, Workspace, WorkspaceConfig

Record = Workspace | Activity | TaskChannel | TaskQueue | Workflow

_DECODERS: Final[dict[str, Callable[[bytes], Record]]] = {
    "WS": msgspec.json.Decoder(Workspace).decode,
    "WA": msgspec.json.Decoder(Activity).decode,
    "TC": msgspec.json.Decoder(TaskChannel).decode,
    "WQ": msgspec.json.Decoder(TaskQueue).decode,
    "WW": msgspec.json.Decoder(Workflow).decode,
}
encode: Final = msgspec.json.Encoder().encode


class Snapshot(Struct, frozen=True, kw_only=True):
    """A configuration that was the newest one at `now_ms`, by the server's clock."""

    config: WorkspaceConfig
    now_ms: int
    next_channel: int  # the number for the next Task Channel
    made: str = ""  # SID of what an earlier call with the same Idempotency-Key created


class Guard(Struct, frozen=True):
    """What must not be in use. `refusal` says why when it is, with `{count}` for how often."""

    field: str  # "q:" TaskQueue, "w:" Workflow, "c:" channel number: open Tasks; "a:" Activity: Workers
    refusal: str


class Change(Struct, frozen=True, kw_only=True):
    """One commit: what it writes, the event that tells of it, and what must not be in use for it."""

    event: str  # type of the event
    subject: str  # SID the event is about
    put: tuple[Record, ...] = ()
    delete: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    fields: dict[str, str | int] = {}  # of the `ws` hash
    replaced_document: tuple[str, int, str] | None = (
        None  # Workflow, number, text: kept while Tasks follow it
    )
    once: str = ""  # the key of a creation, see engine/idempotency.py
    replace: tuple[str, str] | None = None  # what a matcher places anew, see engine/matching.py


def decode(sid: str, text: bytes) -> Record:
    """The record that the `config` hash holds for a SID."""
    return _DECODERS[sid[:2]](text)


def arguments_of(change: Change, before: WorkspaceConfig, now_ms: int | None) -> list[str | bytes | int]:
    """What lua/commit_config.lua is called with; `now_ms` None for the server's clock."""
    replace, replaced = change.replace or ("", "")
    args: list[str | bytes | int] = [
        before.version,
        "" if now_ms is None else now_ms,
        change.event,
        _subject(change, before),
        replace,
        replaced,
        change.once,
        len(change.guards),
        *(guard.field for guard in change.guards),
        len(change.put),
    ]
    for record in change.put:
        args += (record.sid, encode(record))
    args += (len(change.delete), *change.delete, len(change.fields))
    for name, value in change.fields.items():
        args += (name, value)
    args += (0,) if change.replaced_document is None else (1, *change.replaced_document)
    return args


def _subject(change: Change, before: WorkspaceConfig) -> str:
    """The SID that the event is about, and what it shows of that record, which may be gone when it is read."""
    sid = change.subject
    record: Record | None = next((record for record in change.put if record.sid == sid), None)
    for table in (before.activities, before.channels, before.queues, before.workflows):
        record = record or table.get(sid)
    return sid if record is None else f"{sid}|{encode(facts_of(record)).decode()}"


def revised(
    base: WorkspaceConfig | None,
    shard: int,
    version: int,
    put: Iterable[Record],
    delete: Iterable[str],
) -> WorkspaceConfig:
    """A configuration with some records replaced, added, deleted; `base` stays as it is. O(all records)."""
    tables: dict[str, dict[str, Any]] = {"WA": {}, "TC": {}, "WQ": {}, "WW": {}}
    workspace = None
    if base is not None:
        workspace = base.workspace
        tables = {"WA": dict(base.activities), "TC": dict(base.channels)}
        tables |= {"WQ": dict(base.queues), "WW": dict(base.workflows)}
    grown: set[str] = set()
    for record in put:
        if isinstance(record, Workspace):
            workspace = record
            continue
        kind = record.sid[:2]
        if record.sid not in tables[kind]:
            grown.add(kind)
        tables[kind][record.sid] = record
    for sid in delete:
        tables[sid[:2]].pop(sid, None)
    for kind in grown:
        tables[kind] = dict(sorted(tables[kind].items(), key=lambda item: (item[1].created_ms, item[0])))
    assert workspace is not None, "a configuration begins with the record of its Workspace"
    return WorkspaceConfig(
        shard=shard,
        version=version,
        workspace=workspace,
        activities=tables["WA"],
        channels=tables["TC"],
        queues=tables["WQ"],
        workflows=tables["WW"],
    )
