"""How many Task lives a second does the engine carry, and what does a life cost the Redis server?

A life: create, Reservation, accept, complete. One producer, one matcher and all agents in one process, no HTTP; the
embedded server in another. Agents read the event stream, answer at once and are free again. Warm-up lives are not
counted. Redis CPU is user + system time of the whole server process (INFO cpu), background threads included, and the
reading of events by the agents with it. Machines differ, so the same server runs the barest scripts that could carry a
life in turns with it (benchmarks/bare_scripts.py), and the ratio is what to compare. Figures are medians of the rounds.

What it does not show: HTTP, several processes, a network, agents who take their time.

    python -m benchmarks.bench_lives [--lives 20000] [--rounds 5] [--durability off|everysec|always] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from statistics import median
from typing import Any

from msgspec import Struct

from benchmarks.bare_scripts import SCRIPTS, bare_lives
from benchmarks.support import Bench, Deployment, add_common, emit, percentile, server_cpu_us


class Lives:
    """The load: a producer with `window` creates in flight, and agents that follow the event stream."""

    def __init__(self, deployment: Deployment, window: int) -> None:
        self._d, self.window = deployment, window
        self._room = asyncio.Semaphore(4 * window)  # the backlog stays small: this measures work, not memory
        self._created: dict[str, float] = {}
        self.offers_ms: list[float] = []
        self.done = 0

    async def run(self, lives: int) -> float:
        """Carry `lives` Tasks through; seconds it took."""
        self.done, start = 0, time.perf_counter()
        place = await self._d.last_event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._agents(lives, place))
            group.create_task(self._produce(lives))
        return time.perf_counter() - start

    async def _produce(self, lives: int) -> None:
        left = iter(range(lives))

        async def one_by_one() -> None:
            for index in left:
                await self._room.acquire()
                began = time.perf_counter()
                sid = await self._d.create(index)
                self._created[sid] = began

        await asyncio.gather(*(one_by_one() for _ in range(self.window)))

    async def _agents(self, lives: int, place: str) -> None:
        async with asyncio.TaskGroup() as group:
            while self.done < lives:
                entries, place = await self._d.read_events(place)
                for kind, what in entries:
                    if kind == "reservation.created":
                        group.create_task(self._work(*what.split("|")[:3]))

    async def _work(self, reservation: str, task: str, _worker: str) -> None:
        began = self._created.pop(task, None)
        if began is not None:
            self.offers_ms.append((time.perf_counter() - began) * 1000)
        await self._d.answer(task, reservation, "accepted")
        await self._d.answer(task, reservation, "completed")
        self.done += 1
        self._room.release()


class Round(Struct, frozen=True):
    """Lives, and then as many of the barest scripts."""

    lives_per_s: float
    redis_us: float  # CPU a life
    bare_us: float
    client_us: float


async def play(bench: Bench, load: Lives, numbers: range) -> Round:
    """One round; `numbers` are those of new keys for the barest scripts."""
    lives, cpu_before, own_before = len(numbers), await server_cpu_us(bench), time.process_time()
    seconds = await load.run(lives)
    own_us = (time.process_time() - own_before) * 1e6
    between = await server_cpu_us(bench)
    await bare_lives(bench.pipeline, numbers, load.window)
    bare_us = await server_cpu_us(bench) - between
    return Round(
        lives_per_s=lives / seconds,
        redis_us=(between - cpu_before) / lives,
        bare_us=bare_us / lives,
        client_us=own_us / lives,
    )


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    async with Bench(durability=args.durability, url=args.redis) as bench:
        deployment = await bench.contact_centre(workers=args.workers, queues=args.queues)
        load, lives = Lives(deployment, args.window), args.lives // args.rounds
        await play(bench, load, range(lives // 2))
        load.offers_ms.clear()
        calls = await bench.script_calls()
        rounds = [
            await play(bench, load, range(number * lives, (number + 1) * lives))
            for number in range(1, args.rounds + 1)
        ]
        calls = await bench.script_calls() - calls - len(SCRIPTS) * args.rounds * lives
        offers = sorted(load.offers_ms)
        return {
            "lives": args.rounds * lives,
            "rounds": args.rounds,
            "lives_per_s": round(median(one.lives_per_s for one in rounds)),
            "redis_cpu_us_per_life": round(median(one.redis_us for one in rounds), 1),
            "barest_scripts_us_per_life": round(median(one.bare_us for one in rounds), 1),
            "to_barest_scripts": round(median(one.redis_us / one.bare_us for one in rounds), 2),
            "client_cpu_us_per_life": round(median(one.client_us for one in rounds), 1),
            "calls_per_life": round(calls / (args.rounds * lives), 2),
            "create_to_offer_p50_ms": percentile(offers, 50),
            "create_to_offer_p99_ms": percentile(offers, 99),
            "workers": args.workers,
            "queues": args.queues,
            "durability": args.durability,
            "server": bench.server_version,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lives", type=int, default=20_000, help="in all rounds together")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--queues", type=int, default=10)
    parser.add_argument("--window", type=int, default=32, help="creates in flight")
    parser.add_argument("--durability", choices=["off", "everysec", "always"], default="off")
    add_common(parser)
    args = parser.parse_args()
    emit(asyncio.run(measure(args)), args, "bench_lives")


if __name__ == "__main__":
    main()
