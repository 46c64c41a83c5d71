"""What benchmarks share: a server of their own, a contact centre on it, and how results are written."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import uvloop

from engine.keys import ShardKeys
from engine.matcher import Matcher
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.router import Engine

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


class Bench:
    """An embedded server in a temporary folder (or the server at `url`), an Engine and a running matcher on it."""

    def __init__(self, *, durability: str = "off", url: str | None = None) -> None:
        self._durability, self._url = durability, url
        self._folder = Path(tempfile.mkdtemp(prefix="trunkline-bench-"))
        self._server: EmbeddedServer | None = None

    async def __aenter__(self) -> Self:
        if self._url is None:
            self._server = EmbeddedServer(
                self._folder, durability="always" if self._durability == "always" else "everysec"
            )
            self._server.start()
            self._url = self._server.url
        self.url = self._url
        self.redis = connect(self._url)
        if self._durability == "off":
            await self.redis.config_set("appendonly", "no")
        info = await self.redis.info("server")
        self.server_version = (
            f"{info.get('server_name', 'redis')} {info.get('valkey_version') or info['redis_version']}"
        )
        self.pipeline = Pipeline(RedisURL.parse(self._url))
        self.reader = Pipeline(RedisURL.parse(self._url), deadline_s=5.0)
        self.events = Pipeline(RedisURL.parse(self._url), deadline_s=5.0)
        for pipeline in (self.pipeline, self.reader, self.events):
            await pipeline.start()
        self.engine = Engine(self.pipeline, self.redis)
        self.matcher: Matcher = self.engine.matcher("bench", reader=self.reader)
        await self.matcher.start()
        self._running = asyncio.create_task(self.matcher.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.matcher.stop()
        await self._running
        for pipeline in (self.pipeline, self.reader, self.events):
            await pipeline.stop()
        await self.redis.aclose()
        if self._server is not None:
            self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def without_matcher(self) -> None:
        """Stop the matcher that runs here, after the round it is in: up to 1 s. Others do its work from then on."""
        self.matcher.stop()
        await self._running

    async def script_calls(self) -> int:
        """Script calls the server has run."""
        stats = await self.redis.info("commandstats")
        return int(stats.get("cmdstat_fcall", {"calls": 0})["calls"])

    async def contact_centre(self, *, workers: int, queues: int) -> Deployment:
        """A Workspace with `queues` skills, one queue and one filter a skill, and `workers` available Workers."""
        engine, account = self.engine, "AC" + os.urandom(16).hex()
        workspace = (await engine.workspaces.create(account, friendly_name="bench")).value.sid
        config = await engine.config.get(account, workspace)
        available = next(a.sid for a in config.activities.values() if a.available)
        filters = []
        for index in range(queues):
            queue = (
                await engine.task_queues.create(
                    account,
                    workspace,
                    friendly_name=f"queue {index}",
                    target_workers=f"skills HAS 's{index}'",
                )
            ).value.sid
            filters.append({"expression": f"skill == 's{index}'", "targets": [{"queue": queue}]})
        document = json.dumps({"task_routing": {"filters": filters}})
        workflow = (
            await engine.workflows.create(account, workspace, friendly_name="bench", configuration=document)
        ).value.sid
        for start in range(0, workers, 500):
            await asyncio.gather(
                *(
                    engine.workers.create(
                        account,
                        workspace,
                        friendly_name=f"worker {index}",
                        activity_sid=available,
                        attributes=json.dumps({"skills": [f"s{index % queues}", f"s{(index + 1) % queues}"]}),
                    )
                    for index in range(start, min(start + 500, workers))
                )
            )
        return Deployment(self, account, workspace, workflow, queues)


class Deployment:
    """A contact centre that Tasks are sent through."""

    def __init__(self, bench: Bench, account: str, workspace: str, workflow: str, queues: int) -> None:
        self.account, self.workspace, self.workflow = account, workspace, workflow
        self._bench, self._queues = bench, queues
        self._stream = ShardKeys(0).events

    async def create(self, index: int) -> str:
        """A Task with 200 bytes of attributes; its SID."""
        attributes = f'{{"skill":"s{index % self._queues}","customer":"{index:08d}","note":"{"x" * 150}"}}'
        found = await self._bench.engine.tasks.create(
            self.account, self.workspace, attributes=attributes, workflow_sid=self.workflow
        )
        return found.value.sid

    async def answer(self, task: str, reservation: str, status: str) -> None:
        await self._bench.engine.reservations.answer_of_task(
            self.account, self.workspace, task, reservation, status=status
        )

    async def last_event(self) -> str:
        """Where the event stream ends now."""
        last = await self._bench.pipeline.call("XREVRANGE", self._stream, "+", "-", "COUNT", 1)
        return last[0][0].decode() if last else "0"

    async def read_events(self, place: str) -> tuple[list[tuple[str, str]], str]:
        """What happened after `place`, waiting up to 100 ms, and the place to go on from."""
        reply = await self._bench.events.call(
            "XREAD", "COUNT", 256, "BLOCK", 100, "STREAMS", self._stream, place
        )
        if not reply:
            return [], place
        told = []
        for _, flat in reply[0][1]:
            for text in flat[3::2]:
                _, kind, _, what = text.decode().split("|", 3)
                told.append((kind, what))
        return told, reply[0][1][-1][0].decode()


async def server_cpu_us(bench: Bench) -> float:
    """CPU time of the server process since its start, in microseconds."""
    info = await bench.redis.info("cpu")
    return (float(info["used_cpu_user"]) + float(info["used_cpu_sys"])) * 1e6


def percentile(ordered: list[float], share: int) -> float | None:
    """The value below which `share` percent of an ordered list lies; None for an empty one."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 3)


def machine_cpu_s() -> float | None:
    """CPU time that all programs of the machine have used together; None where the system does not tell."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, fields[1:9])
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")


BEGAN: Final = (time.monotonic(), machine_cpu_s())


def others_percent() -> float | None:
    """How much of the machine's CPU time went, since this module was imported, to programs that are not ours.

    Ours are this process and the processes it started, once they have ended. None where the system does not tell.
    """
    began, before = BEGAN
    now = machine_cpu_s()
    if before is None or now is None:
        return None
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ours = sum(one.ru_utime + one.ru_stime for one in used)
    whole = (time.monotonic() - began) * (os.cpu_count() or 1)
    return round(max(0.0, 100 * (now - before - ours) / whole), 1)


def add_common(parser: argparse.ArgumentParser, *, redis: bool = True) -> None:
    if redis:
        parser.add_argument(
            "--redis", help="URL of a server to use instead of an embedded one; its data is kept"
        )
    parser.add_argument("--json", type=Path, help="also write the result to this file")


def emit(result: dict[str, Any], args: argparse.Namespace, name: str) -> None:
    """Print the result, with what it was measured on, as JSON."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    document = {
        "benchmark": name,
        "result": result,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "cores": os.cpu_count() or 1,
        "others_percent": others_percent(),
        "python": platform.python_version(),
        "commit": commit,
        "command": " ".join(["python", "-m", f"benchmarks.{name}", *_shown(sys.argv[1:])]),
    }
    text = json.dumps(document, indent=2)
    print(text)
    if args.json is not None:
        args.json.write_text(text + "\n")


def _shown(arguments: list[str]) -> list[str]:
    """The arguments that change what is measured: not where the result goes."""
    if "--json" not in arguments:
        return arguments
    place = arguments.index("--json")
    return arguments[:place] + arguments[place + 2 :]
