"""How much more do two matchers carry than one, where expressions are what takes the time?

Tasks that each ask for a condition of their own, so that for every one of them a matcher compiles an expression, looks
through a text attribute of all Workers, and makes a pool of the one that fits. Matchers are processes of their own, and
have read the Workers before time is taken. The time is from the first create until no work is left; rounds with one
and with two matchers take turns, and the figure is the ratio of medians. Beside it: CPU time of the matchers for a
pool, which stays the same if two do no work twice.

What it does not show: where Redis ends the growth; it takes a core, so two matchers need three.

    python -m benchmarks.bench_matchers [--workers 20000] [--tasks 1000] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.growth import Centre, many, show
from benchmarks.http_load import cpu_s_of
from benchmarks.support import Bench, add_common, emit

WARM_UP: Final = 160  # Tasks: more than a matcher takes at once, so that each has read the Workers
STOP_S: Final = 10.0


class MatcherProcess:
    """benchmarks/matcher_process.py, running."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def started(cls, url: str, name: str) -> MatcherProcess:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.matcher_process", url, name),
            cwd=Path(__file__).parent.parent,
            stdin=asyncio.subprocess.PIPE,  # closed with us, which ends it
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise RuntimeError("a matcher did not start")
        return cls(process)

    def cpu_s(self) -> float:
        return cpu_s_of(self._process.pid)

    async def stop(self) -> None:
        self._process.terminate()
        await asyncio.wait_for(self._process.wait(), STOP_S)


class Wishes:
    """A Workspace whose Tasks each want one Worker, found by a part of a text."""

    def __init__(self, bench: Bench, workers: int) -> None:
        self._bench, self._workers, self._next = bench, workers, 0
        self._centre = Centre(bench, 1)
        self.account = "AC" + os.urandom(16).hex()

    async def start(self) -> None:
        engine, account = self._bench.engine, self.account
        self._workspace = (await engine.workspaces.create(account, friendly_name="wishes")).value.sid
        config = await engine.config.get(account, self._workspace)
        available = next(a.sid for a in config.activities.values() if a.available)
        queue = await engine.task_queues.create(
            account, self._workspace, friendly_name="all", target_workers="1 == 1"
        )
        target = {"queue": queue.value.sid, "expression": "worker.contact CONTAINS task.part"}
        document = json.dumps({"task_routing": {"default_filter": target}})
        made = await engine.workflows.create(
            account, self._workspace, friendly_name="wishes", configuration=document
        )
        self._workflow = made.value.sid

        async def add(index: int) -> None:
            await engine.workers.create(
                account,
                self._workspace,
                friendly_name=f"worker {index}",
                activity_sid=available,
                attributes=json.dumps({"contact": f"client:agent-{index:08d}@example.com"}),
            )

        await many("Workers", self._workers, add)
        await self._centre.quiet()

    async def carry(self, tasks: int) -> float:
        """Create Tasks and wait until matchers have done all of it; seconds."""
        began = time.perf_counter()
        await many("Tasks", tasks, self._create)
        await self._centre.quiet()
        return time.perf_counter() - began

    async def _create(self, _index: int) -> None:
        self._next += 1  # a part that no Task had before, and one Worker has while there are enough of them
        await self._bench.engine.tasks.create(
            self.account,
            self._workspace,
            attributes=json.dumps({"part": f"agent-{self._next % self._workers:08d}"}),
            workflow_sid=self._workflow,
        )


async def one_round(wishes: Wishes, matchers: Sequence[MatcherProcess], tasks: int) -> tuple[float, float]:
    """Tasks a second, and CPU of the matchers in ms a Task."""
    await wishes.carry(WARM_UP)
    before = sum(matcher.cpu_s() for matcher in matchers)
    seconds = await wishes.carry(tasks)
    return tasks / seconds, (sum(matcher.cpu_s() for matcher in matchers) - before) * 1e3 / tasks


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    rounds: dict[str, list[tuple[float, float]]] = {"one": [], "two": []}
    async with Bench(url=args.redis) as bench:
        wishes = Wishes(bench, args.workers)
        await wishes.start()
        await bench.without_matcher()
        first = await MatcherProcess.started(bench.url, "first")
        for turn in range(args.rounds):
            show(f"round {turn + 1} of {args.rounds}")
            rounds["one"].append(await one_round(wishes, [first], args.tasks))
            second = await MatcherProcess.started(bench.url, f"second-{turn}")
            rounds["two"].append(await one_round(wishes, [first, second], args.tasks))
            await second.stop()
        await first.stop()
        version = bench.server_version
    found = {
        name: {
            "per_s": round(median(rate for rate, _ in rows), 1),
            "matcher_cpu_ms": round(median(cpu for _, cpu in rows), 2),
        }
        for name, rows in rounds.items()
    }
    return {
        **found,
        "two_to_one": round(found["two"]["per_s"] / found["one"]["per_s"], 2),
        "workers": args.workers,
        "tasks": args.tasks,
        "rounds": args.rounds,
        "server": version,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=20_000)
    parser.add_argument("--tasks", type=int, default=1_000, help="a round")
    parser.add_argument("--rounds", type=int, default=3)
    add_common(parser)
    args = parser.parse_args()
    if args.rounds * 2 * (args.tasks + WARM_UP) > args.workers:
        parser.error("--workers: there must be one for every Task of all rounds, so that each makes a pool")
    emit(asyncio.run(measure(args)), args, "bench_matchers")


if __name__ == "__main__":
    main()
