"""What a new Workspace begins with."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from engine.config_records import Record
from engine.model import Activity, TaskChannel, TaskQueue, Workflow, Workspace
from engine.sids import Mint

ACTIVITIES: Final = (("Offline", False), ("Available", True), ("Unavailable", False))
SINGLE_TASKING: Final = (("Offline", False), ("Idle", True), ("Busy", False), ("Reserved", False))
CHANNELS: Final = ("Default", "Voice", "SMS", "Chat", "Video")  # numbered from 0; unique names in lower case
TEMPLATES: Final = ("NONE", "FIFO")


class FirstRecords(msgspec.Struct, frozen=True):
    """The records of a new Workspace; `timeout` is the Activity that its Workers time out to."""

    workspace: Workspace
    timeout: Activity
    others: tuple[Record, ...]


def blank(sid: str, account: str) -> Workspace:
    """A record to put values into."""
    return Workspace(
        sid=sid,
        account_sid=account,
        number=0,
        friendly_name="",
        default_activity_sid="",
        timeout_activity_sid="",
        created_ms=0,
        updated_ms=0,
    )


def first_records(own: Workspace, *, number: int, now_ms: int, template: str, mint: Mint) -> FirstRecords:
    """Complete `own` and add what the template says: FIFO has a TaskQueue and a Workflow more than NONE."""
    built_in = ACTIVITIES if own.multi_task_enabled else SINGLE_TASKING
    activities = [
        Activity(sid=sid, friendly_name=name, available=available, created_ms=now_ms, updated_ms=now_ms)
        for sid, (name, available) in zip(_sids(mint, "WA", len(built_in)), built_in, strict=True)
    ]
    channels = [
        TaskChannel(
            sid=sid,
            number=i,
            unique_name=CHANNELS[i].lower(),
            friendly_name=CHANNELS[i],
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        for i, sid in enumerate(_sids(mint, "TC", len(CHANNELS)))
    ]
    offline = activities[0]
    workspace = replace(
        own,
        number=number,
        default_activity_sid=offline.sid,
        timeout_activity_sid=offline.sid,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    busy = {} if own.multi_task_enabled else {a.friendly_name: a.sid for a in activities}
    more = _fifo(now_ms, mint, busy) if template == "FIFO" else ()
    return FirstRecords(workspace, offline, (*activities, *channels, *more))


def _fifo(now_ms: int, mint: Mint, busy: dict[str, str]) -> tuple[TaskQueue, Workflow]:
    """A TaskQueue that everybody serves and a Workflow that puts every Task there."""
    queue = TaskQueue(
        sid=mint("WQ"),
        friendly_name="Sample Queue",
        reservation_activity_sid=busy.get("Reserved"),
        assignment_activity_sid=busy.get("Busy"),
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    document = {"task_routing": {"filters": [], "default_filter": {"queue": queue.sid}}}
    workflow = Workflow(
        sid=mint("WW"),
        friendly_name="Default Fifo Workflow",
        configuration=msgspec.json.encode(document).decode(),
        document=1,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    return queue, workflow


def _sids(mint: Mint, prefix: str, count: int) -> list[str]:
    """Fresh SIDs that rise: records of one ms are listed in order of their SIDs."""
    return sorted(mint(prefix) for _ in range(count))
