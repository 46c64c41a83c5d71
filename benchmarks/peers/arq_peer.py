"""arq: a pool and a worker on one event loop. See __init__.py."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func
from cost import Cost

NOTE = "x" * 150


async def main(socket: str, jobs: int, window: int) -> None:
    done = asyncio.Queue[int]()

    async def job(_: dict[str, Any], index: int, note: str) -> None:
        done.put_nowait(index)

    pool = await create_pool(RedisSettings(unix_socket_path=socket), default_queue_name="bench:arq")
    worker = Worker(
        functions=[func(job, name="job", keep_result=0)],
        redis_pool=pool,
        queue_name="bench:arq",
        max_jobs=window,
        poll_delay=0.01,
        handle_signals=False,
    )
    working = asyncio.create_task(worker.async_run())

    async def run(count: int) -> None:
        left = iter(range(count))

        async def put() -> None:
            for index in left:
                await pool.enqueue_job("job", index, NOTE)

        await asyncio.gather(*(put() for _ in range(window)))
        for _ in range(count):
            await done.get()

    await run(jobs // 10)
    cost = Cost(socket)
    await run(jobs)
    cost.tell("arq", jobs)
    working.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
