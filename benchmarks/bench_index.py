"""What does a matcher compute for a new pool over 100,000 Workers, and for a changed Worker against 10,000 pools?

Two figures in Python, of one matcher without Redis: a pool's rules compiled, its members found, and what is stored of
each of them made; a Worker put into the index anew, and the pools it belongs to found. Over pools of fourteen shapes, a
random one each time, with every reference named once before: what the first naming of a reference costs is a figure of
its own. CPU time of this process, so that other work on the machine counts as little as possible. Then the Redis part
of a new pool, CPU time of the server: a pool that 10,000 stored Workers belong to.

What it does not show: pools that most Workers belong to (the cost is by the member then), and reading 100,000 Workers
from Redis when a matcher starts.

    python -m benchmarks.bench_index [--workers 100000] [--pools 10000] [--stored 10000] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from statistics import median
from typing import Any, Final

from benchmarks.fleet import KNOWN, SHAPES, Shape, attributes, pool, worker
from benchmarks.support import Bench, add_common, emit, percentile, server_cpu_us
from engine.keys import ShardKeys
from engine.live import Live
from engine.market import Market
from engine.placement import PoolRules, PoolSpec
from engine.rules import ChannelFacts

POOL_BUDGET_MS: Final = 5.0
WORKER_BUDGET_MS: Final = 1.0
REPEATS: Final = 40  # pools of each shape, and new pools over the stored Workers
CHANGED: Final = 500  # Workers whose pools are looked for


class Floor:
    """A market that holds Workers which Redis knows nothing of."""

    def __init__(self, market: Market, workers: int, seed: int) -> None:
        self._market, self._workers, self._chance = market, workers, random.Random(seed)
        channels = {c.unique_name: ChannelFacts(0, 0, 0) for c in market.config.channels.values()}
        activities = [(a.sid, a.friendly_name) for a in market.config.activities.values()]
        for number in range(workers):
            market.workers.put(worker(self._chance, number, activities[number % len(activities)], channels))

    def new_pool(self, shape: Shape) -> tuple[float, int]:
        """What a matcher computes to fill a pool: ms, and how many members it has."""
        made = pool(shape, self._chance, self._workers)
        spec = PoolSpec(condition=made.condition.key, order=made.order, slot=1)
        market = self._market
        began = time.process_time()
        rules = market.pools["new"] = PoolRules(spec)
        members = market.workers.members(rules.condition)
        _, terms = market.all_terms("new", members)
        told: list[str | bytes] = []
        for facts, term in zip(members, terms, strict=True):
            told += (facts.sid, market.version_of(facts.sid) or b"", term)
        return (time.process_time() - began) * 1e3, len(members)

    def first_naming_ms(self) -> float:
        """The pass over all Workers that the first pool to name a reference pays for, the dearest of them."""
        return max(self.new_pool(shape)[0] for shape in SHAPES)

    def shapes(self) -> dict[str, dict[str, float]]:
        """Pools of all shapes in turns, so that a busy moment of the machine meets all of them."""
        runs: dict[str, list[tuple[float, int]]] = {shape.name: [] for shape in SHAPES}
        for _ in range(REPEATS):
            for shape in SHAPES:
                runs[shape.name].append(self.new_pool(shape))
        return {
            name: {
                "p50_ms": round(median(took for took, _ in found), 2),
                "max_ms": round(max(took for took, _ in found), 2),
                "members": round(median(members for _, members in found)),
            }
            for name, found in runs.items()
        }

    def register(self, pools: int, shapes: tuple[Shape, ...]) -> None:
        """Make these many pools, the shapes in turn."""
        market = self._market
        for number in range(pools):
            made = pool(shapes[number % len(shapes)], self._chance, self._workers)
            spec = PoolSpec(condition=made.condition.key, order=made.order, slot=1)
            rules = market.pools[f"p{number}"] = PoolRules(spec)
            market.conditions.put(f"p{number}", rules.condition)

    def forget_pools(self) -> None:
        for pool_id in list(self._market.pools):
            self._market.conditions.remove(pool_id)
            del self._market.pools[pool_id]

    def changed_workers(self) -> dict[str, float]:
        """Workers get other attributes: put into the index, and their pools found with what is stored of them there."""
        market, times, belongs = self._market, [], []
        for _ in range(CHANGED):
            number = self._chance.randrange(self._workers)
            old = market.workers.get(f"WK{number:032x}")
            assert old is not None
            new = worker(self._chance, number, (old.activity_sid, old.activity_name), old.channels)
            began = time.process_time()
            market.workers.put(new)
            found = market.conditions.matching(new)
            for pool_id in found:
                market.terms(pool_id, new, 0)
            times.append((time.process_time() - began) * 1e3)
            belongs.append(len(found))
        times.sort()
        return {
            "p50_ms": round(median(times), 3),
            "p99_ms": percentile(times, 99) or 0.0,
            "pools_of_a_worker": round(sum(belongs) / len(belongs), 1),
        }


class Stored:
    """Workers in Redis, and Tasks that need a pool none of them has yet."""

    def __init__(self, bench: Bench, workers: int) -> None:
        self._bench, self._workers = bench, workers
        self._account, self._workspace, self._workflow = "", "", ""

    async def start(self) -> Market:
        """Workers as in memory, and a Workflow in which a Task's number makes a pool of its own; an empty Market."""
        engine = self._bench.engine
        deployment = await self._bench.contact_centre(workers=0, queues=1)
        self._account, self._workspace = deployment.account, deployment.workspace
        config = await engine.config.get(self._account, self._workspace)
        available = next(a.sid for a in config.activities.values() if a.available)
        chance = random.Random(2)
        for start in range(0, self._workers, 500):
            await asyncio.gather(
                *(
                    engine.workers.create(
                        self._account,
                        self._workspace,
                        friendly_name=f"worker {number}",
                        activity_sid=available,
                        attributes=json.dumps({**attributes(chance, number), "number": number}),
                    )
                    for number in range(start, min(start + 500, self._workers))
                )
            )
        queue = await engine.task_queues.create(
            self._account, self._workspace, friendly_name="all", target_workers="1 == 1"
        )
        target = {"queue": queue.value.sid, "expression": "worker.number >= task.least"}
        document = json.dumps({"task_routing": {"default_filter": target}})
        made = await engine.workflows.create(
            self._account, self._workspace, friendly_name="pools", configuration=document
        )
        self._workflow = made.value.sid
        return Market(Live(engine.config), config)

    async def members_ms(self) -> list[float]:
        """CPU ms of the server for 1,000 members, one figure a new pool; the first, in which Workers settle, is out."""
        await self._reserved(0)
        figures = []
        for least in range(-REPEATS // 4, 0):
            before = await server_cpu_us(self._bench)
            await self._reserved(least)
            used_us = await server_cpu_us(self._bench) - before
            figures.append(used_us / self._workers)  # us a member are ms a thousand
        return sorted(figures)

    async def _reserved(self, least: int) -> None:
        """A Task whose pool has every Worker; returns once one has a Reservation."""
        engine, stream = self._bench.engine, ShardKeys(0).events
        last = await self._bench.pipeline.call("XREVRANGE", stream, "+", "-", "COUNT", 1)
        place = last[0][0].decode() if last else "0"
        made = await engine.tasks.create(
            self._account,
            self._workspace,
            attributes=json.dumps({"least": least}),
            workflow_sid=self._workflow,
        )
        while True:
            reply = await self._bench.events.call(
                "XREAD", "COUNT", 100, "BLOCK", 1000, "STREAMS", stream, place
            )
            for entry, flat in reply[0][1] if reply else []:
                place = entry.decode()
                if any(b"reservation.created" in text and made.value.sid.encode() in text for text in flat):
                    return


def show(text: str) -> None:
    print(f"bench_index: {text}", file=sys.stderr, flush=True)


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    async with Bench(url=args.redis) as bench:
        show(f"{args.stored} Workers in Redis")
        stored = Stored(bench, args.stored)
        market = await stored.start()
        added = await stored.members_ms()
        show(f"{args.workers} Workers in memory")
        floor = Floor(market, args.workers, seed=1)
        first = floor.first_naming_ms()
        shapes = floor.shapes()
        show(f"{args.pools} pools")
        floor.register(args.pools, SHAPES)
        floor.changed_workers()  # the first Worker who might satisfy a condition has it compiled
        mixed = floor.changed_workers()
        floor.forget_pools()
        floor.register(args.pools, KNOWN)
        floor.changed_workers()
        known = floor.changed_workers()
        return {
            "workers": args.workers,
            "pools": args.pools,
            "new_pool_p50_ms": round(median(shape["p50_ms"] for shape in shapes.values()), 2),
            "new_pool_slowest_shape_p50_ms": max(shape["p50_ms"] for shape in shapes.values()),
            "new_pool_by_shape": shapes,
            "first_naming_of_a_reference_ms": round(first, 1),
            "changed_worker": mixed,
            "changed_worker_known_workers_only": known,
            "redis_ms_per_1000_members": round(median(added), 2),
            "redis_ms_per_1000_members_slowest": round(added[-1], 2),
            "stored": args.stored,
            "budgets_ms": {"new_pool": POOL_BUDGET_MS, "changed_worker": WORKER_BUDGET_MS},
            "server": bench.server_version,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=100_000)
    parser.add_argument("--pools", type=int, default=10_000)
    parser.add_argument("--stored", type=int, default=10_000, help="Workers in Redis, for the Redis part")
    add_common(parser)
    args = parser.parse_args()
    emit(asyncio.run(measure(args)), args, "bench_index")


if __name__ == "__main__":
    main()
