"""A day in a small centre, by the test's clock, of which every figure can be computed by hand.

  s   what happens
  0   ann (level 2) is available, bob (level 5) is offline; Task A on voice into `all`, offered to ann
 10   ann accepts A; Task B on chat into `gold` (level > 3), where nobody is available
 20   Task C on voice into `all`; ann has no room
 40   B has waited 30 s in `gold` and moves to `all` with priority 5; offered to ann, on chat
 50   ann rejects B and goes offline
 55   bob goes available; B and C are offered to him
 65   bob accepts B
115   C was not answered for 60 s; bob goes offline
120   C is canceled
130   A is completed
140   B is completed
150   Task D on voice into `gold`
160   D is deleted
"""

from __future__ import annotations

import json
from typing import Any, Final

from msgspec import Struct, field

from tests.made_events import Made
from tests.redis.small_centre import AC, T0_MS, Centre

STEPS: Final = (0, 10, 20, 40, 50, 55, 65, 115, 120, 130, 140, 150, 160)


class Day(Struct):
    """A day that is played second by second, and what came up in it."""

    centre: Centre
    sids: dict[str, str] = field(default_factory=dict)  # names -> SIDs
    second: int = -1

    async def begin(self) -> None:
        """What is there before the first Task."""
        engine, sid, sids = self.centre.engine, self.centre.sid, self.sids
        config = await engine.config.get(AC, sid)
        sids |= {activity.friendly_name: activity.sid for activity in config.activities.values()}
        for name, target in (("all", "1==1"), ("gold", "level > 3")):
            queue = await engine.task_queues.create(AC, sid, friendly_name=name, target_workers=target)
            sids[name] = queue.value.sid
        steps = [{"queue": sids["gold"], "timeout": 30}, {"queue": sids["all"], "priority": 5}]
        routing = {
            "filters": [{"expression": "kind == 'gold'", "targets": steps}],
            "default_filter": {"queue": sids["all"]},
        }
        flow = await engine.workflows.create(
            AC,
            sid,
            friendly_name="w",
            configuration=json.dumps({"task_routing": routing}),
            task_reservation_timeout=60,
        )
        sids["flow"], sids["ann"] = flow.value.sid, self.centre.worker
        bob = await engine.workers.create(
            AC, sid, friendly_name="bob", attributes='{"level": 5}', activity_sid=sids["Offline"]
        )
        sids["bob"] = bob.value.sid

    async def until(self, second: int) -> None:
        """Play on to this second, which is over then."""
        for step in STEPS:
            if self.second < step <= second:
                self.centre.clock[0] = at(step)
                await self._rest()  # what is due by itself comes first
                await self._step(step)
                await self._rest()
        self.second = second
        self.centre.clock[0] = at(second)

    async def _rest(self) -> None:
        while await self.centre.matcher.run_once():
            pass

    async def _step(self, step: int) -> None:
        match step:
            case 0:
                await self._task("A", "x", "voice")
            case 10:
                await self._answer("A", "ann", "accepted")
                await self._task("B", "gold", "chat")
            case 20:
                await self._task("C", "x", "voice")
            case 50:
                await self._answer("B", "ann", "rejected", worker_activity_sid=self.sids["Offline"])
            case 55:
                await self._worker("bob", "Available")
            case 65:
                await self._answer("B", "bob", "accepted")
            case 120:
                await self._end("C", "canceled")
            case 130:
                await self._end("A", "completed")
            case 140:
                await self._end("B", "completed")
            case 150:
                await self._task("D", "gold", "voice")
            case 160:
                await self.centre.engine.tasks.delete(AC, self.centre.sid, self.sids["D"])

    async def _task(self, name: str, kind: str, channel: str) -> None:
        made = await self.centre.engine.tasks.create(
            AC,
            self.centre.sid,
            workflow_sid=self.sids["flow"],
            task_channel=channel,
            attributes=json.dumps({"kind": kind}),
        )
        self.sids[name] = made.value.sid

    async def _answer(self, task: str, worker: str, status: str, **given: Any) -> None:
        engine, sid = self.centre.engine, self.centre.sid
        offers = await engine.reservations.of_task(AC, sid, self.sids[task], worker_sid=self.sids[worker])
        (offer,) = offers.value.items
        await engine.reservations.answer_of_task(AC, sid, self.sids[task], offer.sid, status=status, **given)

    async def _worker(self, name: str, activity: str) -> None:
        await self.centre.engine.workers.update(
            AC, self.centre.sid, self.sids[name], activity_sid=self.sids[activity]
        )

    async def _end(self, task: str, status: str) -> None:
        await self.centre.engine.tasks.update(AC, self.centre.sid, self.sids[task], assignment_status=status)


def events_of(sids: dict[str, str]) -> list[Made]:
    """The events of the whole day, as the log has them, but for those that nobody counts."""
    created = {"A": 0, "B": 10, "C": 20, "D": 150}
    on = {"A": "voice", "B": "chat", "C": "voice", "D": "voice"}

    def task(second: int, kind: str, name: str, queue: str, entered: int | None, worker: str = "") -> Made:
        data = {
            "task_sid": sids[name],
            "task_queue_sid": sids[queue],
            "workflow_sid": sids["flow"],
            "task_channel_unique_name": on[name],
        }
        if worker:
            data["worker_sid"] = sids[worker]
        entered_ms = None if entered is None else at(entered)
        return Made(kind, at(second), data, at(created[name]), entered_ms)

    def move(second: int, worker: str, before: str, after: str, lasted: int) -> Made:
        data = {
            "worker_sid": sids[worker],
            "worker_activity_sid": sids[after],
            "worker_previous_activity_sid": sids[before],
            "worker_time_in_previous_activity_ms": str(lasted * 1_000),
        }
        return Made("worker.activity.update", at(second), data)

    def came(name: str, queue: str) -> list[Made]:
        kinds = ("task.created", "workflow.entered", "task-queue.entered")
        return [task(created[name], kind, name, queue, created[name]) for kind in kinds]

    return [
        Made("worker.created", at(0), {"worker_sid": sids["ann"], "worker_activity_sid": sids["Available"]}),
        Made("worker.created", at(0), {"worker_sid": sids["bob"], "worker_activity_sid": sids["Offline"]}),
        *came("A", "all"),
        task(0, "reservation.created", "A", "all", 0, "ann"),
        task(10, "reservation.accepted", "A", "all", 0, "ann"),
        *came("B", "gold"),
        *came("C", "all"),
        task(40, "task-queue.moved", "B", "gold", None),
        task(40, "task-queue.entered", "B", "all", 40),
        task(40, "reservation.created", "B", "all", 40, "ann"),
        task(50, "reservation.rejected", "B", "all", 40, "ann"),
        move(50, "ann", "Available", "Offline", 50),
        move(55, "bob", "Offline", "Available", 55),
        task(55, "reservation.created", "B", "all", 40, "bob"),
        task(55, "reservation.created", "C", "all", 20, "bob"),
        task(65, "reservation.accepted", "B", "all", 40, "bob"),
        task(115, "reservation.timeout", "C", "all", 20, "bob"),
        move(115, "bob", "Available", "Offline", 60),
        task(120, "task.canceled", "C", "all", 20),
        task(130, "task.completed", "A", "all", 0),
        task(140, "task.completed", "B", "all", 40),
        *came("D", "gold"),
        task(160, "task.deleted", "D", "gold", 150),
    ]


def at(second: int) -> int:
    """The instant of a second of the day, ms."""
    return T0_MS + second * 1_000
