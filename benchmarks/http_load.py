"""Load on an HTTP server under test: keep-alive connections that ask one thing again and again, and what it cost."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

from benchmarks.support import percentile


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
        self._load.answered(head[9:12], time.perf_counter() - self._began)
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

    def __init__(self, request: bytes, count: int, connections: int, status: bytes) -> None:
        self._request, self._left, self._open, self._status = request, count, connections, status
        self.seconds: list[float] = []
        self.failed = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self) -> bytes | None:
        if self._left == 0:
            return None
        self._left -= 1
        return self._request

    def answered(self, status: bytes, seconds: float) -> None:
        self.seconds.append(seconds)
        self.failed += status != self._status

    def lost(self) -> None:
        self._open -= 1
        if self._open == 0 and not self.done.done():
            self.done.set_result(None)


def cpu_s_of(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """One of benchmarks/http_servers.py, as a process."""

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
        return cpu_s_of(self._process.pid)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


async def load(
    server: Server, request: bytes, count: int, connections: int, status: bytes = b"201"
) -> dict[str, Any]:
    """What `count` requests took that should be answered with this status."""
    shared = Load(request, count, connections, status)
    cpu_s, began = server.cpu_s(), time.perf_counter()
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Client(shared), "127.0.0.1", server.port)
    await asyncio.wait_for(shared.done, 120)
    wall_s = time.perf_counter() - began
    ordered = sorted(second * 1000 for second in shared.seconds)
    return {
        "requests_per_s": count / wall_s,
        "cpu_us": (server.cpu_s() - cpu_s) * 1e6 / count,
        "p50_ms": percentile(ordered, 50),
        "p99_ms": percentile(ordered, 99),
        "failed": shared.failed + count - len(shared.seconds),
    }


def divide_cores() -> None:
    """Generator, matcher and Redis on one core, the server under test on another; and enough descriptors."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))


def authorization(account: str, token: str) -> str:
    """The header line for an Account."""
    return f"Authorization: Basic {b64encode(f'{account}:{token}'.encode()).decode()}\r\n"
