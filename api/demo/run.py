"""Runs the demo: a whole deployment of its own, the play, the audit, the summary."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from api.demo.audit import audit
from api.demo.board import Board
from api.demo.center import open_center
from api.demo.client import Client, client_of
from api.demo.plan import POLL_S, Plan
from api.demo.play import Play
from api.demo.tally import Tally, percentile
from api.process import run
from api.serve import Ready, serve
from engine.settings import Settings

SHOWN: Final = 10  # lines about what is wrong, of however many


def run_demo(plan: Plan, *, matchers: int, console: Console | None = None) -> bool:
    """Play it on a server of its own in a temporary folder; whether every Task was completed exactly once.

    Blocks for 10 s, on a crowded machine a minute. Nothing is left running, and the folder is removed.
    """
    console = console or Console(highlight=False)
    outcome: list[bool | None] = []
    with tempfile.TemporaryDirectory(prefix="trunkline-demo-") as folder:
        settings = Settings(port=0, data=str(Path(folder) / "data"), matchers=matchers, log_level="warning")

        async def main(stopping: asyncio.Event) -> None:
            outcome.append(await _with_deployment(settings, stopping, plan, console))

        run(main)
    if outcome == [None]:
        raise KeyboardInterrupt  # for the command line to end as interrupted
    return outcome == [True]


async def _with_deployment(
    settings: Settings, stopping: asyncio.Event, plan: Plan, console: Console
) -> bool | None:
    """Serve beside the play; the one that ends first ends the other. None if the play was cut short."""
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve(settings, stopping, on_ready=ready.set_result))
        playing = group.create_task(_play(ready, plan, console))
        serving.add_done_callback(lambda _: playing.cancel())
        playing.add_done_callback(lambda _: stopping.set())
    return None if playing.cancelled() else playing.result()


async def _play(ready: asyncio.Future[Ready], plan: Plan, console: Console) -> bool:
    server = await ready
    account = server.credentials
    assert account is not None  # a new deployment has just made its first account
    assert account.token is not None
    console.print(f"Trunkline runs at {server.url}: {plan.workers} agents, {plan.tasks} Tasks")
    rng = random.Random(plan.seed)
    async with client_of(server.url, account.sid, account.token) as client:
        center = await open_center(client, plan, rng)
        tally, over = Tally(time.monotonic), asyncio.Event()
        play = Play(client, center, plan, tally, rng)
        async with asyncio.TaskGroup() as group:
            group.create_task(Board(console, tally, center.queues).run(over))
            await play.run()
            over.set()
        return await _report(client, tally, play.quiet, console)


async def _report(client: Client, tally: Tally, quiet: Sequence[str], console: Console) -> bool:
    created = list(tally.posted_s)
    wrong = await audit(client, created)
    twice = [sid for sid, times in tally.completions.items() if times > 1]
    wrong += [f"{sid} was completed {tally.completions[sid]} times" for sid in twice]
    for text in summary(tally, quiet):
        console.print(text, soft_wrap=True)
    for text in wrong[:SHOWN]:
        console.print(f"WRONG  {text}", soft_wrap=True)
    if not wrong:
        console.print(f"All {len(created)} Tasks were completed exactly once (by the API's own account).")
    elif len(wrong) > SHOWN:
        console.print(f"WRONG  and {len(wrong) - SHOWN} more")
    return not wrong


def summary(tally: Tally, quiet: Sequence[str]) -> list[str]:
    """The figures, each with how it was measured."""
    slowly = set(quiet)
    rush = [sid for sid in tally.posted_s if sid not in slowly]
    lines = _speed(tally, rush) if rush else []
    lines.append(
        f"offered    {tally.offers:7} times, {tally.rejects} of them declined,"
        f" at most {tally.most_in_a_second()} Tasks in a second"
    )
    for name, tasks in (("agents free", quiet), ("rush", rush)):
        waits = tally.waits_s(tasks)
        p50, p99 = percentile(waits, 50) * 1000, percentile(waits, 99) * 1000
        lines.append(
            f"create to offer, {name:<11}  p50 {p50:6.0f} ms   p99 {p99:6.0f} ms   ({len(waits)} Tasks)"
        )
    lines.append(
        "  from the answer to the create until an agent's poll saw the Reservation: while agents are free\n"
        f"  mostly the pause between polls, {POLL_S * 1000:.0f} ms, and in the rush the wait for a free agent"
    )
    return lines


def _speed(tally: Tally, rush: Sequence[str]) -> list[str]:
    began_s = min(tally.posted_s[sid] for sid in rush)
    posting_s = max(tally.posting_ended_s - began_s, 1e-9)
    working_s = max(tally.ended_s - began_s, 1e-9)
    done = sum(tally.completions[sid] for sid in rush)
    return [
        f"posted     {len(rush) / posting_s:7.0f} Tasks a second, over HTTP, by one client process",
        f"completed  {done / working_s:7.0f} Tasks a second, each offered, accepted and completed over HTTP",
    ]
