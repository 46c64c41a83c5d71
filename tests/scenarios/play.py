"""Small words for scenarios: Tasks, Workers and Reservations go by the variables of the test."""

from __future__ import annotations

import json
from typing import Any

from engine.sids import derived
from tests.scenarios.drivers import Driver, Snapshot
from tests.scenarios.site import with_sids

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

    def task(
        self, workflow: str | None = "main", *, attributes: dict[str, Any] | None = None, **given: Any
    ) -> str:
        """A new Task; its SID. Without a Workflow it must have a RoutingTarget that is one."""
        sid = self._driver.mint("WT")
        self._driver.call(
            "create_task",
            sid=sid,
            attributes=json.dumps(attributes or {}),
            workflow_sid=None if workflow is None else self._driver.names.workflows[workflow],
            **given,
        )
        return sid

    def task_for(
        self, target: str, workflow: str | None = "main", *, queue: str | None = None, **given: Any
    ) -> str:
        """A new Task with a RoutingTarget: a Worker's SID, or the name of a queue or a Workflow; its SID."""
        names = self._driver.names
        if queue is not None:
            given["task_queue_sid"] = names.queues[queue]
        sid = {**names.queues, **names.workflows}.get(target, target)
        return self.task(workflow, routing_target=sid, **given)

    def update_task(self, task: str, **given: Any) -> None:
        self._driver.call("update_task", sid=task, **given)

    def delete_task(self, task: str, **given: Any) -> None:
        self._driver.call("delete_task", sid=task, **given)

    def update_worker(self, worker: str, **given: Any) -> None:
        self._driver.call("update_worker", sid=worker, **given)

    def delete_worker(self, worker: str, **given: Any) -> None:
        self._driver.call("delete_worker", sid=worker, **given)

    def move(self, worker: str, activity: str, **given: Any) -> None:
        """Another Activity for a Worker."""
        self.update_worker(worker, activity_sid=self.activity_sid(activity), **given)

    def update_queue(self, name: str, **given: Any) -> None:
        """Other rules for a queue."""
        self._driver.call("update_queue", sid=self._driver.names.queues[name], **given)

    def update_workflow(
        self, document: dict[str, Any] | None = None, name: str = "main", *, again: bool = False, **given: Any
    ) -> None:
        """Other rules for a Workflow; `again` sends its waiting Tasks through them."""
        names = self._driver.names
        if document is not None:
            given["document"] = with_sids(document, names.queues, names.activities)
        self._driver.call("update_workflow", sid=names.workflows[name], re_evaluate=again, **given)

    def fail_callback(self, task: str, worker: str | None = None) -> str:
        """Nobody answers the callback of a Task's open Reservation, or of the one that a Worker has; its SID."""
        offer = self.offer_of(task) if worker is None else self.offer_to(task, worker)
        self._driver.call("fail_callback", sid=offer, task_sid=task)
        return offer

    def answer_callback(self, workflow: str = "main") -> None:
        """A callback of a Workflow is answered."""
        self._driver.call("answer_callback", sid=self._driver.names.workflows[workflow])

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

    def accept_by(self, task: str, worker: str) -> str:
        """The Worker accepts its open Reservation of a Task; its SID."""
        offer = self.offer_to(task, worker)
        self.answer(offer, "accepted")
        return offer

    def reject_by(self, task: str, worker: str, activity: str | None = None) -> str:
        """The Worker rejects its open Reservation of a Task; its SID."""
        offer = self.offer_to(task, worker)
        self.answer(offer, "rejected", activity)
        return offer

    def served(self, tasks: list[str]) -> list[str]:
        """Accepts and completes whichever of the Tasks is offered, one by one; their order."""
        order = []
        for _ in tasks:
            seen = self.see()["tasks"]
            task = next(task for task in tasks if seen[task]["status"] == "reserved")
            order.append(task)
            self.accept(task)
            self.complete(task)
        return order

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

    def alerts(self) -> list[tuple[str, int]]:
        """Task and code of every alert so far, in their order."""
        return self._driver.alerts()

    def look(self, task: str) -> dict[str, Any]:
        """A Task as a client sees it."""
        found: dict[str, Any] = self.see()["tasks"][task]
        return found

    def status(self, task: str) -> str:
        """A Task's status; "gone" once it was removed."""
        found = self.see()["tasks"].get(task)
        return "gone" if found is None else str(found["status"])

    def queue(self, task: str) -> str | None:
        """The name of the queue a Task is in."""
        sid = self.look(task)["queue"]
        return next((name for name, other in self._driver.names.queues.items() if other == sid), None)

    def activity_sid(self, name: str) -> str:
        """The SID of an Activity."""
        return self._driver.names.activities[name]

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
        """The SID of the open Reservation of a Task, which has no other."""
        found = list(self._open(task))
        assert len(found) == 1, f"{task} has {len(found)} open Reservations"
        return found[0]

    def holder(self, task: str) -> str | None:
        """The Worker whose open Reservation a Task has; it has at most one."""
        found = self._open(task)
        assert len(found) <= 1
        return next((offer["worker"] for offer in found.values()), None)

    def offer_to(self, task: str, worker: str) -> str:
        """The SID of the open Reservation that a Worker has of a Task."""
        found = [s for s, o in self._open(task).items() if o["worker"] == worker]
        assert len(found) == 1, f"{worker} has {len(found)} open Reservations of {task}"
        return found[0]

    def holders(self, task: str) -> set[str]:
        """The Workers with an open Reservation of a Task."""
        return {offer["worker"] for offer in self._open(task).values()}

    def ends(self, task: str) -> list[str]:
        """The statuses of all Reservations of a Task, sorted."""
        return sorted(offer["status"] for offer in self.offers(task))

    def round_of(self, task: str, worker: str) -> int:
        """Which assignment of the Task, counted from 1, the open Reservation of this Worker belongs to."""
        offer = self.offer_to(task, worker)
        return next(n for n in range(1, 1001) if derived("WR", task, str(n), worker) == offer)

    def _open(self, task: str) -> dict[str, dict[str, Any]]:
        offers = self.see()["offers"].items()
        return {sid: offer for sid, offer in offers if offer["task"] == task and offer["status"] in OPEN}
