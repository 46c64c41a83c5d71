"""What a run of jobs cost; for the programs of this folder, which run with other packages installed than ours."""

from __future__ import annotations

import json
import time
from importlib.metadata import version

import redis


class Cost:
    """Time and server CPU from here on."""

    def __init__(self, socket: str) -> None:
        self._redis = redis.Redis(unix_socket_path=socket)
        self._cpu_us, self._began = self._server_cpu_us(), time.perf_counter()

    def tell(self, package: str, jobs: int) -> None:
        """Print the line that bench_peers reads."""
        seconds = time.perf_counter() - self._began
        used = self._server_cpu_us() - self._cpu_us
        print(
            json.dumps({"per_s": jobs / seconds, "redis_cpu_us": used / jobs, "version": version(package)}),
            flush=True,
        )

    def _server_cpu_us(self) -> float:
        info = self._redis.info("cpu")
        return (float(info["used_cpu_user"]) + float(info["used_cpu_sys"])) * 1e6
