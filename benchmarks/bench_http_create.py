"""How much does creating a Task over HTTP cost, and how much of it is the engine?

Three servers, one process each, are asked in turn, round by round, so that a machine that slows down slows all of
them: ours, the same door with a bare script instead of the engine, and an idiomatic Litestar handler with redis-py
(benchmarks/http_servers.py says what each does). The load: keep-alive connections that post one Task after the
other (closed loop), from another process. CPU is user + system time of the server process a request.

What one API process can do is what its CPU a request allows. Requests a second say the same only where its core was
busy all the time (busy_percent) and no other program wanted it: the generator shares the other core with Redis, which
take longer over a create than a fast server does.

What it does not show: agents, matching (nobody is available), several API processes, a network.

    python -m benchmarks.bench_http_create [--requests 20000] [--rounds 5] [--connections 64] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
from statistics import median
from typing import Any
from urllib.parse import urlencode

from benchmarks.http_load import Server, authorization, divide_cores, load
from benchmarks.support import Bench, Deployment, add_common, emit

SERVERS = ("ours", "bare", "idiomatic")
START_LIMIT_S = 20.0


def attributes_of() -> str:
    """200 bytes."""
    return f'{{"skill":"s1","customer":"00000001","note":"{"x" * 150}"}}'


def request_of(deployment: Deployment, token: str) -> bytes:
    body = urlencode(
        {
            "Attributes": attributes_of(),
            "WorkflowSid": deployment.workflow,
            "Priority": "0",
        }
    ).encode()
    head = (
        f"POST /v1/Workspaces/{deployment.workspace}/Tasks HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"{authorization(deployment.account, token)}Accept: application/json\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    divide_cores()
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in SERVERS}
    async with Bench(durability=args.durability) as bench:
        deployment = await bench.contact_centre(workers=0, queues=10)
        _, token = await bench.engine.accounts.create("bench", sid=deployment.account)
        plan = {
            "account": deployment.account,
            "token": token,
            "workspace": deployment.workspace,
            "workflow": deployment.workflow,
        }
        request = request_of(deployment, token)
        servers = [Server(kind, bench.url, plan) for kind in SERVERS]
        try:
            for server in servers:
                await asyncio.wait_for(load(server, request, 2_000, args.connections), START_LIMIT_S)
            for _ in range(args.rounds):
                for server in servers:
                    rows[server.kind].append(await load(server, request, args.requests, args.connections))
        finally:
            for server in servers:
                server.stop()
        version = bench.server_version
    for row in (row for found in rows.values() for row in found):
        row["busy_percent"] = row["cpu_us"] * row["requests_per_s"] / 1e4
    summary = {
        kind: {name: round(median(row[name] for row in rows[kind]), 2) for name in rows[kind][0]}
        for kind in SERVERS
    }

    def ratio(name: str, more: str, less: str) -> float:
        return round(median(a[name] / b[name] for a, b in zip(rows[more], rows[less], strict=True)), 2)

    return {
        "servers": summary,
        "requests_per_s_ours_to_bare": ratio("requests_per_s", "ours", "bare"),
        "requests_per_s_ours_to_idiomatic": ratio("requests_per_s", "ours", "idiomatic"),
        "cpu_bare_to_ours": ratio("cpu_us", "bare", "ours"),
        "cpu_idiomatic_to_ours": ratio("cpu_us", "idiomatic", "ours"),
        "rounds": args.rounds,
        "requests": args.requests,
        "connections": args.connections,
        "durability": args.durability,
        "server": version,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=10_000, help="a round and server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--durability", choices=["off", "everysec", "always"], default="off")
    add_common(parser)
    args = parser.parse_args()
    emit(asyncio.run(measure(args)), args, "bench_http_create")


if __name__ == "__main__":
    main()
