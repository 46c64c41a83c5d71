"""Small words for scenarios: Tasks, Workers and Reservations go by the variables of the test."""

from __future__ import annotations

import json
from typing import Any

from tests.scenarios.drivers import Driver, Snapshot

OPEN = ("pending", "accepted", "wrapping")


class Play:
    """A scenario's hold on one Workspace. Every method runs to its end, matching included."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    # What is done

    def worker(self, name: str, activity: str = "Available", **attributes: Any) -> str:
        """A new Worker; its SID."""
        sid = self._driver.mint("WK")
        self._driver.call(
            "create_worker",
            sid=sid,
            friendly_name=name,
            attributes=json.dumps(attributes),
            activity_sid=self._driver.names.activities[activity],
        )
        return sid

    def task(self, workflow: str = "main", *, attributes: dict[str, Any] | None = None, **given: Any) -> str:
        """A new Task; its SID."""
        sid = self._driver.mint("WT")
        self._driver.call(
            "create_task",
            sid=sid,
            attributes=json.dumps(attributes or {}),
            workflow_sid=self._driver.names.workflows[workflow],
            **given,
        )
        return sid

    def update_task(self, task: str, **given: Any) -> None:
        self._driver.call("update_task", sid=task, **given)

    def delete_task(self, task: str, **given: Any) -> None:
        self._driver.call("delete_task", sid=task, **given)

    def update_worker(self, worker: str, **given: Any) -> None:
        self._driver.call("update_worker", sid=worker, **given)

    def delete_worker(self, worker: str, **given: Any) -> None:
        self._driver.call("delete_worker", sid=worker, **given)

    def move(self, worker: str, activity: str) -> None:
        """Another Activity for a Worker."""
        self.update_worker(worker, activity_sid=self._driver.names.activities[activity])

    def slots(self, worker: str, channel: str, **given: Any) -> None:
        """Capacity or availability of one channel of a Worker."""
        self._driver.call("update_worker_channel", sid=worker, channel=channel, **given)

    def answer(self, offer: str, status: str, activity: str | None = None, **given: Any) -> None:
        """The Worker's answer to a Reservation, through its Task."""
        self._driver.call(
            "answer_of_task",
            sid=offer,
            task_sid=self.offer(offer)["task"],
            status=status,
            worker_activity_sid=None if activity is None else self._driver.names.activities[activity],
            **given,
        )

    def refuse(self, offer: str, task: str) -> None:
        """Rejects a Reservation without looking at anything first."""
        self._driver.call("answer_of_task", sid=offer, task_sid=task, status="rejected")

    def accept(self, task: str) -> str:
        """The open Reservation of a Task is accepted; its SID."""
        offer = self.offer_of(task)
        self.answer(offer, "accepted")
        return offer

    def reject(self, task: str, activity: str | None = None) -> str:
        """The open Reservation of a Task is rejected; its SID."""
        offer = self.offer_of(task)
        self.answer(offer, "rejected", activity)
        return offer

    def complete(self, task: str) -> str:
        """The open Reservation of a Task is completed; its SID."""
        offer = self.offer_of(task)
        self.answer(offer, "completed")
        return offer

    def wait(self, seconds: float) -> None:
        """Time passes, and every deadline on the way is met at its instant (1 s at a time)."""
        until_ms = self._driver.now_ms + round(seconds * 1000)
        while self._driver.now_ms < until_ms:
            self._driver.now_ms = min(self._driver.now_ms + 1000, until_ms)
            self._driver.sweep()

    def skip(self, seconds: float) -> None:
        """Time passes while nobody looks at deadlines; then everything due is done at once."""
        self._driver.now_ms += round(seconds * 1000)
        self._driver.sweep()

    # What is seen

    def see(self) -> Snapshot:
        return self._driver.snapshot()

    def look(self, task: str) -> dict[str, Any]:
        """A Task as a client sees it."""
        found: dict[str, Any] = self.see()["tasks"][task]
        return found

    def status(self, task: str) -> str:
        """A Task's status; "gone" once it was removed."""
        found = self.see()["tasks"].get(task)
        return "gone" if found is None else str(found["status"])

    def person(self, worker: str) -> dict[str, Any]:
        """A Worker as a client sees it."""
        found: dict[str, Any] = self.see()["workers"][worker]
        return found

    def activity(self, worker: str) -> str:
        """The name of a Worker's Activity."""
        sid = self.person(worker)["activity"]
        return next(name for name, other in self._driver.names.activities.items() if other == sid)

    def channel(self, worker: str, name: str = "default") -> dict[str, Any]:
        """One channel of a Worker."""
        found: dict[str, Any] = self.person(worker)["channels"][name]
        return found

    def offer(self, sid: str) -> dict[str, Any]:
        """A Reservation as a client sees it."""
        found: dict[str, Any] = self.see()["offers"][sid]
        return found

    def offers(self, task: str) -> list[dict[str, Any]]:
        """Every Reservation of a Task, in no order."""
        return [offer for offer in self.see()["offers"].values() if offer["task"] == task]

    def offer_of(self, task: str) -> str:
        """The SID of the open Reservation of a Task."""
        found = [s for s, o in self.see()["offers"].items() if o["task"] == task and o["status"] in OPEN]
        assert len(found) == 1, f"{task} has {len(found)} open Reservations"
        return str(found[0])

    def holder(self, task: str) -> str | None:
        """The Worker whose open Reservation a Task has."""
        found = [o["worker"] for o in self.offers(task) if o["status"] in OPEN]
        assert len(found) <= 1
        return found[0] if found else None
