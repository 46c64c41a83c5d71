"""Dramatiq: a broker and a worker with its usual eight threads in one process. See __init__.py."""

from __future__ import annotations

import sys
import threading

import dramatiq
from cost import Cost
from dramatiq.brokers.redis import RedisBroker

NOTE = "x" * 150


def main(socket: str, jobs: int) -> None:
    broker = RedisBroker(url=f"unix://{socket}", namespace="bench-dramatiq")
    dramatiq.set_broker(broker)
    done = threading.Semaphore(0)

    @dramatiq.actor
    def job(index: int, note: str) -> None:
        done.release()

    worker = dramatiq.Worker(broker, worker_threads=8)
    worker.start()

    def run(count: int) -> None:
        for index in range(count):
            job.send(index, NOTE)
        for _ in range(count):
            done.acquire()

    run(jobs // 10)
    cost = Cost(socket)
    run(jobs)
    cost.tell("dramatiq", jobs)
    worker.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
