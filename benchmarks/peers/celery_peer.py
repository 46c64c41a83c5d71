"""Celery: an app and a worker with the solo pool, the leanest one, in one process. See __init__.py."""

from __future__ import annotations

import sys
import threading

from celery import Celery
from celery.contrib.testing.worker import start_worker
from cost import Cost

NOTE = "x" * 150


def main(socket: str, jobs: int) -> None:
    app = Celery("bench", broker=f"redis+socket://{socket}")
    app.conf.update(
        task_ignore_result=True,
        worker_prefetch_multiplier=64,
        broker_transport_options={"global_keyprefix": "bench-celery:"},
    )
    done = threading.Semaphore(0)

    @app.task(name="job")
    def job(index: int, note: str) -> None:
        done.release()

    def run(count: int) -> None:
        for index in range(count):
            job.delay(index, NOTE)
        for _ in range(count):
            done.acquire()

    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="error"):
        run(jobs // 10)
        cost = Cost(socket)
        run(jobs)
        cost.tell("celery", jobs)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
