"""What does reading cost over HTTP, and does a page cost more where there are a thousand times as many Tasks?

fetch  one Task, by our server and by the same app with one bare HGETALL in the engine's place, in turns, round by
       round. 64 keep-alive connections ask again as soon as they are answered (closed loop).
page   50 Tasks of a Workspace with 1,000 and of one with 1,000,000, in turns, by one connection: the first page, the
       newest, and one further in, which a page token leads to. The figure is the ratio of medians of the times.
order  50 Tasks of the large Workspace by Priority, for which every Task is looked at: what one page takes, and how much
       of that is CPU time of the API process.

What it does not show: filters (each Task that a filter refuses is looked at as well), several API processes, a network;
the generator shares the other core with Redis. Filling the large Workspace takes five minutes or more and 1 GB.

    python -m benchmarks.bench_http_read [--tasks 1000000] [--requests 5000] [--rounds 5] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.growth import Centre
from benchmarks.http_load import Server, authorization, divide_cores, load
from benchmarks.support import Bench, add_common, emit

SMALL: Final = 1_000  # Tasks
POOLS: Final = 10
DEEP: Final = 20  # pages of 1,000 that the token of the large Workspace leads past
LEAST_FETCH: Final = 0.7
MOST_PAGE: Final = 3.0
START_LIMIT_S: Final = 60.0  # importing takes 1 s, on a crowded machine 20


class Asker:
    """Makes requests for one Workspace."""

    def __init__(self, centre: Centre, token: str) -> None:
        self.path = f"/v1/Workspaces/{centre.workspace}/Tasks"
        self._key = authorization(centre.account, token)

    def get(self, target: str) -> bytes:
        return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self._key}Accept: application/json\r\n\r\n".encode()

    async def read(self, server: Server, target: str) -> dict[str, Any]:
        """The body of one answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 24)
        writer.write(self.get(target))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        writer.close()
        found: dict[str, Any] = json.loads(body)
        return found

    async def pages(self, server: Server, deep: int, size: int) -> dict[str, bytes]:
        """The requests for a first page, the newest Tasks, and a page behind `deep` pages of `size`."""
        target = f"{self.path}?PageSize={size}"
        for _ in range(deep):
            following = urlsplit((await self.read(server, target))["meta"]["next_page_url"])
            target = f"{following.path}?{following.query}"
        further = target.replace(f"PageSize={size}", "PageSize=50")
        newest = f"{self.path}?Ordering=DateCreated%3Adesc"
        return {"first": self.get(self.path), "newest": self.get(newest), "further": self.get(further)}


async def fetches(
    servers: Sequence[Server], request: bytes, rounds: int, requests: int, connections: int
) -> dict[str, Any]:
    rows: dict[str, list[dict[str, Any]]] = {server.kind: [] for server in servers}
    for turn in range(rounds + 1):  # the first one warms up
        for server in servers:
            row = await load(server, request, requests if turn else requests // 5, connections, b"200")
            if turn:
                rows[server.kind].append(row)
    ratios = [
        ours["requests_per_s"] / bare["requests_per_s"] for ours, bare in zip(*rows.values(), strict=True)
    ]
    medians = {
        kind: {name: round(median(row[name] for row in found), 2) for name in found[0]}
        for kind, found in rows.items()
    }
    return {"servers": medians, "ours_to_bare": round(median(ratios), 2), "least": LEAST_FETCH}


async def page_times(
    server: Server, few: dict[str, bytes], many: dict[str, bytes], rounds: int, requests: int
) -> dict[str, Any]:
    found: dict[str, Any] = {"most": MOST_PAGE}
    for which, request in few.items():
        times: dict[str, list[float]] = {"small_ms": [], "large_ms": []}
        for _ in range(rounds):
            for name, asked in (("small_ms", request), ("large_ms", many[which])):
                row = await load(server, asked, requests, 1, b"200")
                if row["failed"]:
                    raise RuntimeError(f"{row['failed']} pages were refused")
                times[name].append(row["p50_ms"])
        small, large = median(times["small_ms"]), median(times["large_ms"])
        found[which] = {"small_ms": small, "large_ms": large, "ratio": round(large / small, 2)}
    return found


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    divide_cores()
    async with Bench() as bench:
        small, large = Centre(bench, POOLS), Centre(bench, POOLS)
        askers = []
        for centre, count in ((small, SMALL), (large, args.tasks)):
            await centre.start()
            await centre.add_tasks(count)
            _, token = await bench.engine.accounts.create("bench", sid=centre.account)
            askers.append(Asker(centre, token))
        task = await small.create(0)
        plan = {"account": small.account, "workspace": small.workspace, "workflow": small.workflow}
        servers = [Server(kind, bench.url, plan) for kind in ("ours", "bare")]
        try:
            few, many = askers
            fetch = few.get(f"{few.path}/{task}")
            await asyncio.wait_for(load(servers[0], fetch, 64, 64, b"200"), START_LIMIT_S)
            fetched = await fetches(servers, fetch, args.rounds, args.requests, args.connections)
            deep = min(DEEP, args.tasks // SMALL - 1)
            requests = [await few.pages(servers[0], 1, SMALL // 2), await many.pages(servers[0], deep, SMALL)]
            pages = await page_times(servers[0], *requests, args.rounds, max(1, args.requests // 25))
            ordered = many.get(f"{many.path}?Ordering=Priority%3Adesc")
            order = await load(servers[0], ordered, 3, 1, b"200")
        finally:
            for server in servers:
                server.stop()
        return {
            "fetch": fetched,
            "pages": {"tasks": args.tasks, **pages},
            "ordered_page": {"p50_ms": order["p50_ms"], "cpu_ms": round(order["cpu_us"] / 1e3)},
            "rounds": args.rounds,
            "requests": args.requests,
            "connections": args.connections,
            "server": bench.server_version,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=1_000_000, help="in the large Workspace")
    parser.add_argument("--requests", type=int, default=5_000, help="fetches a round and server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    add_common(parser)
    args = parser.parse_args()
    emit(asyncio.run(measure(args)), args, "bench_http_read")


if __name__ == "__main__":
    main()
