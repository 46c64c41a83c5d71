"""How many Task lives a second do we carry, next to the jobs a second of well-known job queues on the same server?

A life is four transitions with all their events and indexes (create, Reservation, accept, complete); a job of theirs is
two (put, done) and does nothing. Each is a producer and a worker in one process, on the same server and socket, with as
many calls in flight; rounds take turns, and the figures are medians. Redis CPU is that of the whole server process.

The peers are installed once into the user's cache (benchmarks/peers/install.py): BullMQ with npm, Dramatiq, arq and
Celery into a venv. What cannot be had is left out, with the reason in `absent`.

What it does not show: several processes, results that are kept, delays, retries; durability is off.

    python -m benchmarks.bench_peers [--jobs 3000] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import unquote

from msgspec import Struct

from benchmarks.bench_lives import Lives
from benchmarks.growth import show
from benchmarks.peers import install
from benchmarks.support import Bench, add_common, emit, server_cpu_us

HERE: Final = Path(install.__file__).parent
WINDOW: Final = 32
WORKERS: Final = 100
LIMIT_S: Final = 30.0  # of one round of one peer

Row = dict[str, Any]  # per_s, redis_cpu_us, version


class Peer(Struct, frozen=True):
    """A program of benchmarks/peers, and how to start it once its packages are there."""

    name: str
    command: Callable[[], list[str]]  # raises install.Unavailable


def python_peer(name: str) -> Peer:
    return Peer(name, lambda: [str(install.python(name)), str(HERE / f"{name}_peer.py")])


def bullmq() -> list[str]:
    """Node with its packages on its path."""
    return ["env", f"NODE_PATH={install.node_modules()}", "node", str(HERE / "bullmq.js")]


PEERS: Final = (
    Peer("bullmq", bullmq),
    python_peer("dramatiq"),
    python_peer("arq"),
    python_peer("celery"),
)


async def run_peer(command: list[str], socket: str, jobs: int) -> Row:
    """One round. Raises install.Unavailable if the peer fails or takes too long."""
    process = await asyncio.create_subprocess_exec(
        *(*command, socket, str(jobs), str(WINDOW)),
        env={name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
    except TimeoutError:
        raise install.Unavailable(f"it took longer than {LIMIT_S:.0f} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    lines = [line for line in out.decode().splitlines() if line.startswith("{")]
    if process.returncode or not lines:
        said = (err.decode().strip() or "it said nothing").splitlines()[-1]
        raise install.Unavailable(f"it failed: {said[:300]}")
    row: Row = json.loads(lines[-1])
    return row


class Rounds:
    """What each of the contenders did, round by round."""

    def __init__(self) -> None:
        self.ours: list[Row] = []
        self.peers: dict[str, list[Row]] = {}
        self.absent: dict[str, str] = {}
        self._commands: dict[str, list[str]] = {}

    async def prepare(self) -> None:
        """Install all peers, at once and before any time is taken."""
        asked = [asyncio.to_thread(peer.command) for peer in PEERS]
        for peer, found in zip(PEERS, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(found, install.Unavailable):
                self._leave_out(peer, found)
            elif isinstance(found, BaseException):
                raise found
            else:
                self._commands[peer.name] = found

    def _leave_out(self, peer: Peer, why: install.Unavailable) -> None:
        show(f"{peer.name} is left out: {why}")
        self.absent[peer.name] = str(why)
        self.peers.pop(peer.name, None)

    async def turn(self, bench: Bench, load: Lives, jobs: int) -> None:
        before = await server_cpu_us(bench)
        seconds = await load.run(jobs)
        used = await server_cpu_us(bench) - before
        self.ours.append({"per_s": jobs / seconds, "redis_cpu_us": used / jobs})
        socket = unquote(bench.url.removeprefix("unix://"))
        for peer in PEERS:
            if peer.name in self.absent:
                continue
            try:
                row = await run_peer(self._commands[peer.name], socket, jobs)
                self.peers.setdefault(peer.name, []).append(row)
            except install.Unavailable as error:
                self._leave_out(peer, error)


def middle(rows: list[Row]) -> Row:
    """The medians of some rounds."""
    found: Row = {name: round(median(row[name] for row in rows), 1) for name in ("per_s", "redis_cpu_us")}
    return found if "version" not in rows[0] else {**found, "version": rows[0]["version"]}


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    rounds = Rounds()
    await rounds.prepare()
    async with Bench() as bench:
        deployment = await bench.contact_centre(workers=WORKERS, queues=10)
        load = Lives(deployment, WINDOW)
        await load.run(args.jobs // 10)
        for turn in range(args.rounds):
            show(f"round {turn + 1} of {args.rounds}")
            await rounds.turn(bench, load, args.jobs)
        version = bench.server_version
    result = {
        "ours": middle(rounds.ours),
        "peers": {name: middle(rows) for name, rows in rounds.peers.items()},
        "absent": rounds.absent,
        "jobs": args.jobs,
        "rounds": args.rounds,
        "window": WINDOW,
        "server": version,
    }
    if bullmq := rounds.peers.get("bullmq"):
        pairs = zip(rounds.ours, bullmq, strict=True)
        result["lives_to_bullmq_jobs"] = round(
            median(ours["per_s"] / jobs["per_s"] for ours, jobs in pairs), 2
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=3_000, help="of each, a round")
    parser.add_argument("--rounds", type=int, default=3)
    add_common(parser, redis=False)
    args = parser.parse_args()
    emit(asyncio.run(measure(args)), args, "bench_peers")


if __name__ == "__main__":
    main()
