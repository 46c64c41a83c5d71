"""Does any one script run hold the server up for long, however much there is to do at once?

Four storms on one server, each in a Workspace of its own: 1,000 Workers go available while 10,000 Tasks wait; 10,000
Reservations time out in the same second; the TaskQueue of 100,000 waiting Tasks is deleted (which is refused) and gets
another expression; that Workspace is deleted. Measured is the longest of all script runs in the storm, by the server's
slow log, and how long the storm lasts until no work is left.

What it does not show: the wait of a call behind others (the server runs one script after the other).

    python -m benchmarks.bench_bounded [--tasks 100000] [--timeouts 10000] [--workers 1000] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from benchmarks.support import Bench, Deployment, add_common, emit
from engine.errors import IllegalState
from engine.keys import ShardKeys

BUDGET_MS: Final = 5.0
SLOWER_THAN_US: Final = 200
IN_FLIGHT: Final = 500
QUIET_S: Final = 120.0  # a storm that lasts longer than this is a failure

Storm = Callable[[], Awaitable[None]]


class Watch:
    """Runs a storm and reads from the server's slow log what it cost."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._stream = bench, ShardKeys(0)

    async def of(self, storm: Storm) -> dict[str, float | int]:
        redis = self._bench.redis
        await redis.config_set("slowlog-max-len", 100_000)
        await redis.config_set("slowlog-log-slower-than", SLOWER_THAN_US)
        await redis.slowlog_reset()
        before, began = await self._bench.script_calls(), time.monotonic()
        await storm()
        await self.quiet()
        lasted, runs = time.monotonic() - began, await self._bench.script_calls() - before
        log = await redis.slowlog_get(100_000)
        await redis.config_set("slowlog-log-slower-than", -1)
        scripts = sorted(entry["duration"] for entry in log if entry["command"].startswith(b"FCALL"))
        beyond = sum(duration > BUDGET_MS * 1000 for duration in scripts)
        return {
            "longest_ms": round(scripts[-1] / 1000, 2) if scripts else SLOWER_THAN_US / 1000,
            "over_budget": beyond,
            "runs": runs,
            "lasted_s": round(lasted, 2),
        }

    async def quiet(self) -> None:
        """Wait until the inbox has been empty, and nothing due, for some time."""
        until, calm = time.monotonic() + QUIET_S, 0
        while calm < 5:
            await asyncio.sleep(0.05)
            calm = calm + 1 if await self._bench.redis.xlen(self._stream.inbox) == 0 else 0
            if time.monotonic() > until:
                raise RuntimeError("the storm does not end")


async def in_portions(calls: Iterable[Callable[[], Awaitable[Any]]]) -> None:
    """All of them, IN_FLIGHT at a time."""
    pending = list(calls)
    for start in range(0, len(pending), IN_FLIGHT):
        await asyncio.gather(*(call() for call in pending[start : start + IN_FLIGHT]))


async def workers_of(bench: Bench, centre: Deployment) -> tuple[list[str], dict[str, str]]:
    """The Workers, and the Activities by name."""
    place, sids, after = (centre.account, centre.workspace), [], None
    while True:
        page = (await bench.engine.workers.list(*place, after=after, limit=1000)).value
        sids += [worker.sid for worker in page.items]
        after = page.next_after
        if after is None:
            break
    config = await bench.engine.config.get(*place)
    return sids, {activity.friendly_name: activity.sid for activity in config.activities.values()}


async def mass_login(bench: Bench, watch: Watch, workers: int) -> dict[str, float | int]:
    """All Workers go available while ten Tasks for each of them wait."""
    centre = await bench.contact_centre(workers=workers, queues=10)
    sids, activities = await workers_of(bench, centre)
    place = (centre.account, centre.workspace)

    async def move(sid: str, name: str) -> None:
        await bench.engine.workers.update(*place, sid, activity_sid=activities[name])

    await in_portions([lambda sid=sid: move(sid, "Offline") for sid in sids])
    await in_portions([lambda i=i: centre.create(i) for i in range(10 * workers)])
    await watch.quiet()

    async def storm() -> None:
        await in_portions([lambda sid=sid: move(sid, "Available") for sid in sids])

    return await watch.of(storm)


async def mass_timeout(bench: Bench, watch: Watch, reservations: int) -> dict[str, float | int]:
    """Reservations that nobody answers, ten of each Worker, end in the same second."""
    centre = await bench.contact_centre(workers=max(1, reservations // 10), queues=10)
    sids, _ = await workers_of(bench, centre)
    place = (centre.account, centre.workspace)
    await in_portions(
        [
            lambda sid=sid: bench.engine.worker_channels.update(*place, sid, "default", capacity=10)
            for sid in sids
        ]
    )
    patience_s = 5 + reservations // 1000
    await bench.engine.workflows.update(*place, centre.workflow, task_reservation_timeout=patience_s)
    await in_portions([lambda i=i: centre.create(i) for i in range(reservations)])
    await watch.quiet()

    async def storm() -> None:
        redis, keys = bench.redis, ShardKeys(0)
        until = time.monotonic() + QUIET_S
        while await redis.zcount(keys.timers, "-inf", (time.time() + 60) * 1000):
            await asyncio.sleep(0.2)
            if time.monotonic() > until:
                raise RuntimeError("Reservations do not time out")

    return await watch.of(storm)


async def queue_changes(bench: Bench, watch: Watch, tasks: int) -> dict[str, dict[str, float | int]]:
    """A TaskQueue with waiting Tasks: deleted, which is refused; with another expression; gone with its Workspace."""
    centre = await bench.contact_centre(workers=10, queues=1)
    sids, activities = await workers_of(bench, centre)
    engine, place = bench.engine, (centre.account, centre.workspace)
    for sid in sids:
        await engine.workers.update(*place, sid, activity_sid=activities["Offline"])
    await in_portions([lambda i=i: centre.create(i) for i in range(tasks)])
    await watch.quiet()
    config = await engine.config.get(*place)
    queue = next(iter(config.queues))
    document = json.loads(config.workflows[centre.workflow].configuration)

    async def delete() -> None:
        other = (await engine.task_queues.create(*place, friendly_name="other")).value.sid
        document["task_routing"]["filters"][0]["targets"][0]["queue"] = other
        await engine.workflows.update(*place, centre.workflow, configuration=json.dumps(document))
        try:
            await engine.task_queues.delete(*place, queue)
        except IllegalState as error:
            if str(tasks) in str(error):
                return
        raise RuntimeError("a TaskQueue with waiting Tasks was deleted")

    async def change() -> None:
        await engine.task_queues.update(*place, queue, target_workers="skills HAS 's9'")

    async def remove() -> None:
        await engine.workspaces.delete(*place)

    return {
        f"a TaskQueue of {tasks:,} waiting Tasks is to be deleted, which is refused": await watch.of(delete),
        "it gets another expression": await watch.of(change),
        "its Workspace is deleted": await watch.of(remove),
    }


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    async with Bench(durability="off") as bench:
        watch = Watch(bench)
        storms = {
            f"{args.workers:,} Workers go available and {10 * args.workers:,} Tasks wait": await mass_login(
                bench, watch, args.workers
            ),
            f"{args.timeouts:,} Reservations time out": await mass_timeout(bench, watch, args.timeouts),
            **await queue_changes(bench, watch, args.tasks),
        }
        return {"server": bench.server_version, "budget_ms": BUDGET_MS, "storms": storms}


def main() -> None:
    parser = argparse.ArgumentParser(description="how long the longest script run takes in storms")
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--timeouts", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1_000)
    add_common(parser)
    args = parser.parse_args()
    result = asyncio.run(measure(args))
    for name, storm in result["storms"].items():
        print(f"{name}: longest {storm['longest_ms']} ms of {storm['runs']:,} runs, {storm['lasted_s']} s")
    emit(result, args, "bench_bounded")


if __name__ == "__main__":
    main()
