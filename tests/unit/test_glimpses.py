"""What a count reads of an event is what is shown of it."""

from __future__ import annotations

import pytest

from engine.events import MATCHED, glimpses, pack, squeezed, unpack
from engine.model import Workspace, WorkspaceConfig

CREATED = ("task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered")
MOVED = ("task-queue.timeout", "task-queue.moved", "workflow.target-matched", "task-queue.entered")
FACTS = {
    "task_sid": "WT" + "1" * 32,
    "task_queue_sid": "WQ" + "2" * 32,
    "task_queue_name": "b",
    "task_channel_unique_name": "default",
    "workflow_sid": "WW" + "3" * 32,
    "workflow_filter_name": "calls",
}
BEFORE = {"task_queue_previous_sid": "WQ" + "4" * 32, "task_queue_previous_name": "a"}
CONFIG = WorkspaceConfig(
    shard=0,
    version=1,
    workspace=Workspace(
        sid="WS" + "5" * 32,
        account_sid="AC" + "6" * 32,
        number=3,
        friendly_name="floor",
        default_activity_sid="",
        timeout_activity_sid="",
        created_ms=0,
        updated_ms=0,
    ),
)


@pytest.mark.parametrize(("kinds", "facts"), [(CREATED, FACTS), (MOVED, {**FACTS, **BEFORE})])
def test_a_glimpse_has_what_its_event_shows(kinds: tuple[str, ...], facts: dict[str, str]) -> None:
    packed = pack(7, kinds, squeezed(facts), late_ms=5, created_ms=600, entered_ms=900)
    shown = [event for _, event in unpack(CONFIG, b"1005-0", packed)]
    found = glimpses(CONFIG, b"1005-0", packed)
    assert [one.type for one in found] == [event.type for event in shown] == list(kinds)
    for one, event in zip(found, shown, strict=True):
        assert one.at_ms == event.at_ms == 1_000
        assert one.task_created_ms == event.task_created_ms == 600
        assert one.task_queue_entered_ms == event.task_queue_entered_ms
        assert event.data.items() <= one.data.items()
        assert one.data.keys() - event.data.keys() <= MATCHED
