"""How much more do Tasks a second come through the bulk door than one by one?

One API process, asked in turn, round by round: with single posts as in bench_http_create, and with requests to
Tasks/Bulk of 10,000 lines each, a few at once. The Tasks are the same. CPU is user + system time of the
API process, and of the Redis server, a Task.

What it does not show: agents, matching (nobody is available), several API processes, a network; the generator shares
the other core with Redis, and takes less of it for lines than for requests.

    python -m benchmarks.bench_http_bulk [--requests 10000] [--lines 10000] [--streams 2] [--rounds 5] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from statistics import median
from typing import Any, Final

from benchmarks.bench_http_create import START_LIMIT_S, attributes_of, request_of
from benchmarks.http_load import Server, authorization, divide_cores, load
from benchmarks.support import Bench, Deployment, add_common, emit, server_cpu_us
from engine.keys import WorkspaceKeys

CREATED: Final = b'"status":201}\n'


class Stream(asyncio.Protocol):
    """One request: all of its lines are written at once, and the answers counted as they come."""

    def __init__(self, request: bytes) -> None:
        self._request, self._tail = request, b""
        self.created = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        text = self._tail + data
        self.created += text.count(CREATED)
        self._tail = text[text.rfind(b"\n") + 1 :]

    def connection_lost(self, exc: Exception | None) -> None:
        self.done.set_result(None)


def bulk_of(deployment: Deployment, token: str, lines: int) -> bytes:
    line = json.dumps({"Attributes": attributes_of(), "WorkflowSid": deployment.workflow, "Priority": 0})
    body = f"{line}\n".encode() * lines
    head = (
        f"POST /v1/Workspaces/{deployment.workspace}/Tasks/Bulk HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"{authorization(deployment.account, token)}"
        f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def stream(server: Server, request: bytes, lines: int, streams: int) -> dict[str, float]:
    """`streams` requests at the same time."""
    loop = asyncio.get_running_loop()
    cpu_s, began = server.cpu_s(), time.perf_counter()
    made = [
        (await loop.create_connection(lambda: Stream(request), "127.0.0.1", server.port))[1]
        for _ in range(streams)
    ]
    await asyncio.wait_for(asyncio.gather(*(one.done for one in made)), 120)
    wall_s, count = time.perf_counter() - began, lines * streams
    return {
        "tasks_per_s": count / wall_s,
        "cpu_us": (server.cpu_s() - cpu_s) * 1e6 / count,
        "failed": count - sum(one.created for one in made),
    }


async def single(server: Server, request: bytes, args: argparse.Namespace) -> dict[str, float]:
    found = await load(server, request, args.requests, args.connections)
    return {name: found[of] for name, of in NAMES}


NAMES: Final = (("tasks_per_s", "requests_per_s"), ("cpu_us", "cpu_us"), ("failed", "failed"))


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    divide_cores()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    rows: dict[str, list[dict[str, float]]] = {"single": [], "bulk": []}
    async with Bench(durability=args.durability) as bench:
        deployment = await bench.contact_centre(workers=0, queues=10)
        _, token = await bench.engine.accounts.create("bench", sid=deployment.account)
        plan = {
            "account": deployment.account,
            "token": token,
            "workspace": deployment.workspace,
            "workflow": deployment.workflow,
        }
        one, many = request_of(deployment, token), bulk_of(deployment, token, args.lines)
        server = Server("ours", bench.url, plan)
        try:
            await asyncio.wait_for(load(server, one, 2_000, args.connections), START_LIMIT_S)
            for _ in range(args.rounds):
                for kind, work in (
                    ("single", lambda: single(server, one, args)),
                    ("bulk", lambda: stream(server, many, args.lines, args.streams)),
                ):
                    redis_us, before = await server_cpu_us(bench), await tasks_in(bench, deployment)
                    found = await work()
                    count = await tasks_in(bench, deployment) - before
                    found["redis_us"] = (await server_cpu_us(bench) - redis_us) / count
                    rows[kind].append(found)
        finally:
            server.stop()
        version = bench.server_version
    summary = {
        kind: {name: round(median(row[name] for row in of), 2) for name in of[0]} for kind, of in rows.items()
    }
    ratios = [b["tasks_per_s"] / a["tasks_per_s"] for a, b in zip(rows["single"], rows["bulk"], strict=True)]
    return {
        **summary,
        "tasks_per_s_bulk_to_single": round(median(ratios), 2),
        "least_ratio": round(min(ratios), 2),
        "lines": args.lines,
        "streams": args.streams,
        "rounds": args.rounds,
        "requests": args.requests,
        "connections": args.connections,
        "durability": args.durability,
        "server": version,
    }


async def tasks_in(bench: Bench, deployment: Deployment) -> int:
    config = await bench.engine.config.get(deployment.account, deployment.workspace)
    return int(await bench.pipeline.call("ZCARD", WorkspaceKeys(config.shard, config.workspace.number).tasks))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=10_000, help="single posts a round")
    parser.add_argument("--lines", type=int, default=10_000, help="Tasks a bulk request")
    parser.add_argument("--streams", type=int, default=2, help="bulk requests at the same time")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64, help="of the single posts")
    parser.add_argument("--durability", choices=["off", "everysec", "always"], default="off")
    add_common(parser)
    args = parser.parse_args()
    emit(asyncio.run(measure(args)), args, "bench_http_bulk")


if __name__ == "__main__":
    main()
