"""Does a Reservation cost more when a contact centre has a thousand times as much in it?

Two questions, each asked of a small and a large Workspace on one server, in turns, so that both see the same machine:

waiting  a Worker completes a Task and gets the next one, with 1,000 Tasks waiting in 10 pools and with 1,000,000
         waiting in 10,000. Workers have five skills each in both.
workers  a Task arrives and gets a Worker, with 100 Workers available and with 100,000, in 10 pools. All of them have
         had Tasks before, so their places among the idle are as stale as they get.

Measured is the time the server spends in the one script that does it (its slow log, which leaves out the network and
the queue in front of the server), and beside it what the caller waits. The figure is the ratio of medians; the spread
is the 10th and the 90th percentile. Memory is that of the large Workspace's waiting Tasks with their indexes and pools,
without what the stream of events holds until relays have read it. The large Workspaces take some 2 GB and, mostly to
fill them, some minutes.

What it does not show: a Worker of many pools (the cost is by the pool), throughput.

    python -m benchmarks.bench_growth [--tasks 1000000] [--pools 10000] [--workers 100000] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import random
from typing import Any, Final

from benchmarks.growth import Centre, Meter, Offer, Sample, show
from benchmarks.suite.inside import inside
from benchmarks.support import Bench, add_common, emit, percentile

BUDGET: Final = 1.5
SMALL_TASKS: Final = 1_000
SMALL_POOLS: Final = 10
SMALL_WORKERS: Final = 100
TURNS: Final = 40  # short ones, so that a busy moment of the machine meets both


class Waiting:
    """Workers who are all busy, and Tasks that wait for them."""

    def __init__(self, bench: Bench, meter: Meter, *, tasks: int, pools: int, workers: int) -> None:
        self._meter, self._tasks, self._workers = meter, tasks, workers
        self.centre = Centre(bench, pools)
        self.sample = Sample([], [])
        self._open: list[Offer] = []

    async def start(self) -> None:
        await self.centre.start()
        await self.centre.add_tasks(self._tasks + self._workers)
        await self.centre.quiet()
        place = await self.centre.last_event()
        await self.centre.add_workers(self._workers)
        await self.centre.quiet()
        self._open = await self.centre.offers_after(place)
        if len(self._open) != self._workers:
            raise RuntimeError(f"{len(self._open)} of {self._workers} Workers have a Reservation")
        for offer in self._open:
            await self.centre.answer(offer, "accepted")

    async def turn(self, times: int) -> None:
        await self._meter.turn("complete_task", times, self._free_one, self.sample)

    async def _free_one(self) -> float:
        before = self._open.pop(0)
        took, after = await self._meter.offered(
            self.centre,
            lambda: self.centre.answer(before, "completed"),
            lambda offer: offer.worker == before.worker,
        )
        await self.centre.answer(after, "accepted")
        self._open.append(after)
        return took


class Idle:
    """Workers who wait for Tasks."""

    def __init__(self, bench: Bench, meter: Meter, *, workers: int, pools: int) -> None:
        self._meter, self._workers = meter, workers
        self.centre = Centre(bench, pools)
        self.sample = Sample([], [])
        self._chance = random.Random(workers)

    async def start(self) -> None:
        await self.centre.start()
        await self.centre.add_workers(self._workers)
        await self.centre.quiet()
        for pool in range(self.centre.pools):  # the first Task of a skill makes its pool
            await self._arrive(pool)
        await self.centre.age(max(self._workers, 1_000))

    async def turn(self, times: int) -> None:
        await self._meter.turn("create_task", times, self._one, self.sample)

    async def _one(self) -> float:
        return await self._arrive(self._chance.randrange(self.centre.pools))

    async def _arrive(self, pool: int) -> float:
        made: list[str] = []

        async def create() -> None:
            made.append(await self.centre.create(pool))

        took, offer = await self._meter.offered(self.centre, create, lambda offer: offer.task == made[0])
        await self.centre.answer(offer, "accepted")
        await self.centre.answer(offer, "completed")
        return took


def compared(small: Sample, large: Sample) -> dict[str, Any]:
    """Medians and spread of two Workspaces, and how the large one compares."""

    def spread(found: list[float]) -> dict[str, float | None]:
        ordered = sorted(found)
        return {f"p{share}": percentile(ordered, share) for share in (10, 50, 90)}

    sides = {
        name: {"server_us": spread(side.server_us), "caller_ms": spread(side.caller_ms)}
        for name, side in (("small", small), ("large", large))
    }

    def ratio(kind: str, share: str = "p50") -> float:
        few, many = sides["small"][kind][share], sides["large"][kind][share]
        assert few is not None
        assert many is not None
        return round(many / few, 2)

    return {
        "ratio": ratio("server_us"),
        "ratio_of_p10": ratio("server_us", "p10"),
        "ratio_of_what_callers_wait": ratio("caller_ms"),
        **sides,
    }


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    async with Bench(url=args.redis) as bench:
        meter = Meter(bench)
        few = Waiting(bench, meter, tasks=SMALL_TASKS, pools=SMALL_POOLS, workers=args.busy)
        many = Waiting(bench, meter, tasks=args.tasks, pools=args.pools, workers=args.busy)
        small = Idle(bench, meter, workers=SMALL_WORKERS, pools=SMALL_POOLS)
        large = Idle(bench, meter, workers=args.workers, pools=SMALL_POOLS)
        await few.start()
        async with inside(bench.url, [few.centre.workspace]) as server:
            before = await server.waiting_bytes()
            await many.start()
            memory = await server.waiting_bytes() - before
        for idle in (small, large):
            await idle.start()
        meter.not_at_once = 0
        for turn in range(TURNS):
            if turn % 10 == 0:
                show(f"turn {turn} of {TURNS}")
            for one in (few, many, small, large):
                await one.turn(args.samples // TURNS)
        return {
            "waiting": {"tasks": args.tasks, "pools": args.pools, **compared(few.sample, many.sample)},
            "workers": {"workers": args.workers, **compared(small.sample, large.sample)},
            "budget_ratio": BUDGET,
            "samples": args.samples // TURNS * TURNS,
            "not_at_once": meter.not_at_once,
            "bytes_per_waiting_task": round(memory / args.tasks),
            "server": bench.server_version,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=1_000_000, help="waiting in the large Workspace")
    parser.add_argument("--pools", type=int, default=10_000, help="they wait in")
    parser.add_argument("--workers", type=int, default=100_000, help="available in the large Workspace")
    parser.add_argument("--busy", type=int, default=200, help="Workers for whom Tasks wait, in both")
    parser.add_argument("--samples", type=int, default=400, help="of each kind")
    add_common(parser)
    args = parser.parse_args()
    emit(asyncio.run(measure(args)), args, "bench_growth")


if __name__ == "__main__":
    main()
