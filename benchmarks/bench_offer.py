"""How long after a create was accepted can its Reservation be seen, at half of what the deployment carries?

One API process, one server, and in a third process the matcher, the agents and the generator. First the load that the
deployment carries: creates over HTTP, each connection posting the next Task as soon as the last is answered, while
agents answer every offer at once. Then half that rate for some seconds, at random moments (Poisson, seeded).

accepted_to_visible  from the create's answer to the moment an agent reads of the Reservation in the event stream; 0 if
                     he reads of it first, which is usual where a Worker is free
due_to_visible       from the moment the request was due, so that neither the API's share nor a generator that is late
                     is left out

What it does not show: several API processes, a network, no Worker free, durability (it is off).

    python -m benchmarks.bench_offer [--seconds 10] [--workers 200] [--seed 1] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from typing import Any, Final

import aiohttp
from msgspec import Struct, json

from benchmarks.http_load import Server, authorization, divide_cores
from benchmarks.support import Bench, Deployment, add_common, emit, percentile

CONNECTIONS: Final = 32
CAPACITY_S: Final = 3.0
START_LIMIT_S: Final = 60.0  # importing takes 1 s, on a crowded machine 20
DRAIN_S: Final = 10.0
CLOCK = time.perf_counter


class Seen(Struct):
    """When a Task was due, accepted and offered, in seconds of the performance counter; 0 is not yet."""

    due: float = 0.0
    accepted: float = 0.0
    visible: float = 0.0


class Flow:
    """Tasks over HTTP, and agents who take them."""

    def __init__(self, deployment: Deployment, session: aiohttp.ClientSession, url: str) -> None:
        self._d, self._session, self._url = deployment, session, url
        self.seen: dict[str, Seen] = {}
        self.done = 0
        self._posted, self._more = 0, asyncio.Event()

    async def post(self, due: float) -> None:
        self._posted += 1
        form = {
            "Attributes": f'{{"skill":"s{self._posted % 10}","customer":"{self._posted:08d}","note":"{"x" * 150}"}}',
            "WorkflowSid": self._d.workflow,
        }
        async with self._session.post(self._url, data=form) as answer:
            body = await answer.read()
            if answer.status != 201:
                raise RuntimeError(f"{answer.status}: {body.decode()}")
        task = self.seen.setdefault(json.decode(body)["sid"], Seen())
        task.due, task.accepted = due, CLOCK()

    async def agents(self, stopping: asyncio.Event) -> None:
        """Take every offer, until told to stop."""
        place = await self._d.last_event()
        async with asyncio.TaskGroup() as group:
            while not stopping.is_set():
                entries, place = await self._d.read_events(place)
                now = CLOCK()
                for kind, what in entries:
                    if kind == "reservation.created":
                        reservation, task, *_ = what.split("|")
                        self.seen.setdefault(task, Seen()).visible = now
                        group.create_task(self._work(task, reservation))

    async def _work(self, task: str, reservation: str) -> None:
        await self._d.answer(task, reservation, "accepted")
        await self._d.answer(task, reservation, "completed")
        self.done += 1
        self._more.set()

    async def as_fast_as_it_goes(self, seconds: float) -> float:
        """Lives a second."""
        before, until = self.done, CLOCK() + seconds

        async def one_by_one() -> None:
            while CLOCK() < until:
                await self.post(CLOCK())

        began = CLOCK()
        await asyncio.gather(*(one_by_one() for _ in range(CONNECTIONS)))
        return (self.done - before) / (CLOCK() - began)

    async def at_random(self, rate: float, seconds: float, chance: random.Random) -> list[float]:
        """Posts at random moments, `rate` a second; how late each left, in ms."""
        late: list[float] = []
        due = CLOCK()
        until = due + seconds
        async with asyncio.TaskGroup() as group:
            while (due := due + chance.expovariate(rate)) < until:
                if (ahead := due - CLOCK()) > 0:
                    await asyncio.sleep(ahead)
                late.append((CLOCK() - due) * 1e3)
                group.create_task(self.post(due))
        return late

    async def drained(self) -> None:
        """Until every Task that was posted has been completed."""
        async with asyncio.timeout(DRAIN_S):
            while self.done < self._posted:
                self._more.clear()
                await self._more.wait()


def spread(values: list[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    return {f"p{share}": percentile(ordered, share) for share in (50, 90, 99)}


async def offered(flow: Flow, args: argparse.Namespace) -> dict[str, Any]:
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(flow.agents(stopping))
        await flow.as_fast_as_it_goes(CAPACITY_S / 3)  # warms up
        capacity = await flow.as_fast_as_it_goes(CAPACITY_S)
        await flow.drained()
        flow.seen.clear()
        late = await flow.at_random(capacity / 2, args.seconds, random.Random(args.seed))
        await flow.drained()
        stopping.set()
    seen = flow.seen.values()
    return {
        "capacity": round(capacity),
        "rate": round(capacity / 2),
        "tasks": len(seen),
        "accepted_to_visible_ms": spread([max(0.0, (one.visible - one.accepted) * 1e3) for one in seen]),
        "due_to_visible_ms": spread([(one.visible - one.due) * 1e3 for one in seen]),
        "late_ms": spread(late),
    }


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    divide_cores()
    async with Bench() as bench:
        deployment = await bench.contact_centre(workers=args.workers, queues=10)
        _, token = await bench.engine.accounts.create("bench", sid=deployment.account)
        plan = {
            "account": deployment.account,
            "token": token,
            "workspace": deployment.workspace,
            "workflow": deployment.workflow,
        }
        server = Server("ours", bench.url, plan)
        try:
            async with aiohttp.ClientSession(
                headers={"Authorization": authorization(deployment.account, token).split(": ")[1].strip()},
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(START_LIMIT_S),
            ) as session:
                url = f"http://127.0.0.1:{server.port}/v1/Workspaces/{deployment.workspace}/Tasks"
                found = await offered(Flow(deployment, session, url), args)
        finally:
            server.stop()
        return {
            **found,
            "workers": args.workers,
            "seconds": args.seconds,
            "seed": args.seed,
            "server": bench.server_version,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="at half load")
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the moments of arrival")
    add_common(parser)
    args = parser.parse_args()
    emit(asyncio.run(measure(args)), args, "bench_offer")


if __name__ == "__main__":
    main()
