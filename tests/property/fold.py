"""The log of events, folded from empty, gives the state (I10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from engine.events import Event
from tests.scenarios.drivers import Snapshot

REMOVED: Final = {"task.deleted", "task.system-deleted"}
ENDED: Final = {"completed", "canceled"}
# What an event says of a Reservation where it is not the end of its type.
OFFERS: Final = {"created": "pending", "wrapup": "wrapping"}


class Folded:
    """What the events say there is."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.offers: dict[str, dict[str, str]] = {}
        self.workers: dict[str, dict[str, str]] = {}
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        data, (family, _, action) = event.data, event.type.partition(".")
        if family == "worker":
            self._worker(event.resource_sid, action, data)
            return
        if family == "reservation" and event.type not in {"reservation.failed", "reservation.instruction"}:
            task, worker, status = data["task_sid"], data["worker_sid"], OFFERS.get(action, action)
            self.offers[event.resource_sid] = {"task": task, "worker": worker, "status": status}
        if event.type in REMOVED:
            self.tasks.pop(data["task_sid"], None)
            self._forget(data["task_sid"])
        elif "task_assignment_status" in data and (
            event.type == "task.created" or data["task_sid"] in self.tasks
        ):
            known = self.tasks.setdefault(data["task_sid"], {})
            known |= {"status": data["task_assignment_status"], "workflow": data["workflow_sid"]}
            known["channel"] = data["task_channel_unique_name"]
            if event.type != "task-queue.moved":
                known["queue"] = data.get("task_queue_sid")
                known["queue_entered_ms"] = event.task_queue_entered_ms
        if data.get("task_sid") not in self.tasks:
            self._forget(data.get("task_sid"))

    def _forget(self, task: str | None) -> None:
        self.offers = {sid: offer for sid, offer in self.offers.items() if offer["task"] != task}

    def _worker(self, sid: str, action: str, data: dict[str, str]) -> None:
        if action == "deleted":
            del self.workers[sid]
            return
        known = self.workers.setdefault(sid, {})
        if action in {"created", "activity.update"}:
            known["activity"] = data["worker_activity_sid"]


def assert_gives(events: list[Event], state: Snapshot, last_seq: int) -> None:
    """Each transition once and in order, and together they give what a client sees."""
    seqs = [event.seq for event in events]
    assert seqs == sorted(seqs)
    assert set(seqs) == set(range(1, last_seq + 1))
    assert len({event.sid for event in events}) == len(events)
    folded = Folded(events)
    for sid, task in folded.tasks.items():
        if sid in state["tasks"]:
            seen = state["tasks"][sid]
            assert task == {name: seen[name] for name in task}, sid
        else:
            assert task["status"] in ENDED, f"{sid} is gone, and no event says so"
    assert state["tasks"].keys() <= folded.tasks.keys()
    assert folded.workers == {sid: {"activity": one["activity"]} for sid, one in state["workers"].items()}
    kept = {sid: offer for sid, offer in folded.offers.items() if offer["task"] in state["tasks"]}
    assert kept == {
        sid: {name: offer[name] for name in ("task", "worker", "status")}
        for sid, offer in state["offers"].items()
    }
