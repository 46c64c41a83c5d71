"""The play: callers post Tasks, agents ask for offers, take them, work and finish."""

from __future__ import annotations

import asyncio
import random

from api.demo.center import Agent, Center, caller
from api.demo.client import Client
from api.demo.plan import HANDLE_S, POLL_S, POSTERS, QUIET_S, QUIET_SHARE, REJECTS, WORK_LIMIT_S, Plan
from api.demo.tally import Tally


class Play:
    """One day of the contact centre. After `run`, `quiet` has the Tasks that were posted slowly."""

    def __init__(self, client: Client, center: Center, plan: Plan, tally: Tally, rng: random.Random) -> None:
        self._client, self._center, self._plan, self._tally, self._rng = client, center, plan, tally, rng
        self.quiet: list[str] = []
        self._all_done = asyncio.Event()

    async def run(self) -> None:
        """Post all Tasks and let the agents work until all are done, WORK_LIMIT_S at most."""
        closed = asyncio.Event()
        try:
            async with asyncio.timeout(WORK_LIMIT_S), asyncio.TaskGroup() as group:
                for agent in self._center.agents:
                    group.create_task(self._work(agent, closed))
                await self._post_all()
                await self._all_done.wait()
                closed.set()
        except TimeoutError:
            return  # the audit names what is left

    async def _post_all(self) -> None:
        forms = [caller(self._center, self._rng) for _ in range(self._plan.tasks)]
        slow = len(forms) // QUIET_SHARE
        for form in forms[:slow]:
            self.quiet.append(await self._post(form))
            await asyncio.sleep(QUIET_S)
        rest = iter(forms[slow:])

        async def poster() -> None:
            for form in rest:  # shared: each takes the next one
                await self._post(form)

        async with asyncio.TaskGroup() as group:
            for _ in range(POSTERS):
                group.create_task(poster())

    async def _post(self, form: dict[str, str]) -> str:
        task = await self._client.post("/Tasks", form, status=201)
        self._tally.posted(task["sid"], task["task_queue_sid"])
        sid: str = task["sid"]
        return sid

    async def _work(self, agent: Agent, closed: asyncio.Event) -> None:
        """Ask for offers while a slot is free; each offer is worked on beside the others."""
        rng = random.Random(f"{self._plan.seed} {agent.name}")
        path = f"/Workers/{agent.sid}/Reservations"
        seen: set[str] = set()
        busy: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while not closed.is_set():
                if len(busy) <= agent.chats:  # one call and so many chats
                    pending = await self._client.get(f"{path}?ReservationStatus=pending")
                    for found in pending["reservations"]:
                        if found["sid"] not in seen:
                            seen.add(found["sid"])
                            self._tally.offered(found["task_sid"])
                            handling = group.create_task(
                                self._handle(f"{path}/{found['sid']}", found["task_sid"], rng)
                            )
                            busy.add(handling)
                            handling.add_done_callback(busy.discard)
                await asyncio.sleep(POLL_S * rng.uniform(0.8, 1.2))

    async def _handle(self, reservation: str, task_sid: str, rng: random.Random) -> None:
        if rng.random() < REJECTS:
            await self._client.post(reservation, {"ReservationStatus": "rejected"})
            self._tally.rejected(task_sid)
            return
        await self._client.post(reservation, {"ReservationStatus": "accepted"})
        self._tally.accepted(task_sid)
        await asyncio.sleep(rng.uniform(*HANDLE_S))
        await self._client.post(reservation, {"ReservationStatus": "completed"})
        self._tally.completed(task_sid)
        if len(self._tally.completions) >= self._plan.tasks:
            self._all_done.set()
