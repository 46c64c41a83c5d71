"""How much does creating a Task over HTTP cost, and how much of it is the engine?

Three servers, one process each, are asked in turn, round by round, so that a machine that slows down slows all of
them: ours, the same door with a bare script instead of the engine, and an idiomatic Litestar handler with redis-py
(benchmarks/http_servers.py says what each does). The load: keep-alive connections that post one Task after the
other (closed loop), from another process. CPU is user + system time of the server process a request.

What it does not show: agents, matching (nobody is available), several API processes, a network; the generator
shares the other core with Redis, so requests a second are bounded by both.

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


class Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request as soon as it has the answer to the last."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = b""
        self._load.answered(head[:12] == b"HTTP/1.1 201", time.perf_counter() - self._began)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost()

    def _next(self) -> None:
        request = self._load.take()
        if request is None:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]


class Load:
    """A number of requests, shared by all connections."""

    def __init__(self, request: bytes, count: int, connections: int) -> None:
        self._request, self._left, self._open = request, count, connections
        self.seconds: list[float] = []
        self.failed = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self) -> bytes | None:
        if self._left == 0:
            return None
        self._left -= 1
        return self._request

    def answered(self, created: bool, seconds: float) -> None:
        self.seconds.append(seconds)
        self.failed += not created

    def lost(self) -> None:
        self._open -= 1
        if self._open == 0 and not self.done.done():
            self.done.set_result(None)


class Server:
    """One of the three, as a process."""

    def __init__(self, kind: str, url: str, plan: dict[str, Any]) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        listening.set_inheritable(True)
        self.kind, self.port = kind, listening.getsockname()[1]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.http_servers",
                kind,
                url,
                str(listening.fileno()),
                json.dumps(plan),
            ],
            pass_fds=[listening.fileno()],
            cwd=Path(__file__).parent.parent,
        )
        listening.close()

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


async def post(server: Server, request: bytes, count: int, connections: int) -> dict[str, Any]:
    load = Load(request, count, connections)
    cpu_s, began = server.cpu_s(), time.perf_counter()
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Client(load), "127.0.0.1", server.port)
    await asyncio.wait_for(load.done, 120)
    wall_s = time.perf_counter() - began
    ordered = sorted(second * 1000 for second in load.seconds)
    return {
        "requests_per_s": count / wall_s,
        "cpu_us": (server.cpu_s() - cpu_s) * 1e6 / count,
        "p50_ms": percentile(ordered, 50),
        "p99_ms": percentile(ordered, 99),
        "failed": load.failed + count - len(load.seconds),
    }


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
    summary = {
        kind: {name: round(median(row[name] for row in rows[kind]), 2) for name in rows[kind][0]}
        for kind in SERVERS
    }

    def ratio(name: str, kind: str) -> float:
        return round(median(a[name] / b[name] for a, b in zip(rows["ours"], rows[kind], strict=True)), 2)

    return {
        "servers": summary,
        "requests_per_s_ours_to_bare": ratio("requests_per_s", "bare"),
        "requests_per_s_ours_to_idiomatic": ratio("requests_per_s", "idiomatic"),
        "cpu_bare_to_ours": round(summary["bare"]["cpu_us"] / summary["ours"]["cpu_us"], 2),
        "cpu_idiomatic_to_ours": round(summary["idiomatic"]["cpu_us"] / summary["ours"]["cpu_us"], 2),
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
