"""The scenario `chaos`: processes of an embedded deployment are killed while it works, and nothing may come of it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Final

from msgspec import Struct

from benchmarks.suite.plan import Crew, Plan
from benchmarks.suite.report import Check, Kill, State
from benchmarks.suite.scenarios import Options
from benchmarks.suite.site import ROOT
from benchmarks.suite.target import Access
from benchmarks.suite.wire import Unanswered, Wire

ROLES: Final = ("matcher", "api", "relay", "server")
BETWEEN_S: Final = (0.4, 1.0)  # from the answer after one kill to the next, drawn evenly
FROM, UNTIL = 0.1, 0.85  # shares of the load between which it happens
GONE_S: Final = 2.0
BACK_S: Final = 1.2  # so that 120 s have 50 kills even on a machine where nothing comes back in time
ANSWER_S: Final = (
    1.0  # for one of the calls that find out whether it answers: a dead process may have taken it
)
PROBE_S: Final = 0.05  # between two of them
_CHILD: Final = re.compile(r"\b(api|matcher|relay) --name (\S+)")
_SERVER: Final = re.compile(r"^\S*(valkey|redis)-server\b")


class Victim(Struct, frozen=True):
    """A process of the deployment."""

    pid: int
    role: str
    name: str


def plan_of(options: Options) -> Plan:
    """`lives` at a rate that leaves room to catch up."""
    handle_ms, rate = options.handle_ms or 100.0, options.rate_per_s or 40.0
    duration_s = options.duration_s or 20.0
    return Plan(
        scenario="chaos",
        rate_per_s=rate,
        duration_s=duration_s,
        warm_up_s=1.0,
        crews=(Crew(count=options.workers or max(4, round(rate * handle_ms / 400)), handle_ms=handle_ms),),
        generators=options.generators,
        drain_s=40.0
        + duration_s,  # Workers have 2.5 times the hands needed: that is what a whole load waiting takes
        lag_limit_s=0.25,  # restarts take the generator's processor too, and latencies are not what is asked here
        seed=options.seed,
    )


class Killer:
    """Kills with SIGKILL, in turn one of each role. Only children of this process.

    The next one dies when the deployment answers again, after BACK_S at the latest: starts take seconds of processor
    time, and killing faster than a machine can start would only show that nothing happens where nothing runs.
    """

    def __init__(self, plan: Plan, access: Access) -> None:
        self._plan, self._access, self._random = plan, access, Random(f"{plan.seed} kills")
        self.kills: list[Kill] = []

    async def run(self, starts_at: float) -> None:
        """Kill until the last part of the load, which is left for coming back."""
        plan, access = self._plan, self._access
        wire = Wire(access.url, access.account_sid, access.token, connections=1, limit_s=ANSWER_S)
        turn = 0
        try:
            await asyncio.sleep(max(0.0, starts_at + plan.duration_s * FROM - time.time()))
            while time.time() < starts_at + plan.duration_s * UNTIL:
                victim = chosen(turn, await victims_of(os.getpid()), self.kills)
                if victim is not None:
                    turn = ROLES.index(victim.role) + 1
                    self.kills.append(await self._kill(victim, starts_at, wire))
                if victim is None or self.kills[-1].back_s is not None:
                    await asyncio.sleep(self._random.uniform(*BETWEEN_S))
        finally:
            wire.close()

    async def _kill(self, victim: Victim, starts_at: float, wire: Wire) -> Kill:
        at_s = time.time() - starts_at
        took_effect = await _killed(victim.pid)
        answered = await _answers(wire)
        back_s = round(time.time() - starts_at - at_s, 3) if answered else None
        return Kill(at_s=round(at_s, 3), what=victim.name, took_effect=took_effect, back_s=back_s)


def chosen(turn: int, alive: Sequence[Victim], kills: Sequence[Kill]) -> Victim | None:
    """Of the role whose turn it is, or of the next that has any (some may be on their way back), the process that was
    killed longest ago."""
    last = {kill.what: place for place, kill in enumerate(kills)}
    for role in (*ROLES, *ROLES)[turn % len(ROLES) :]:
        if found := [victim for victim in alive if victim.role == role]:
            return min(found, key=lambda victim: last.get(victim.name, -1))
    return None


async def _answers(wire: Wire) -> bool:
    """Whether a call that needs an API process and the server is answered within BACK_S. Waits for it."""
    try:
        async with asyncio.timeout(BACK_S):
            while True:
                with suppress(Unanswered):  # which is what is waited for
                    if (await wire.get(f"{ROOT}?PageSize=1")).status == 200:
                        return True
                await asyncio.sleep(PROBE_S)
    except TimeoutError:
        return False


async def victims_of(parent: int) -> list[Victim]:
    """The processes of a deployment that `parent` runs, by what `ps` shows."""
    ps = await asyncio.create_subprocess_exec(
        "ps", "-ax", "-o", "pid=,ppid=,args=", stdout=asyncio.subprocess.PIPE
    )
    told, _ = await ps.communicate()
    return list(found_in(told.decode(errors="replace"), parent))


def found_in(told: str, parent: int) -> Sequence[Victim]:
    """The same from the text of `ps`."""
    found = []
    for line in told.splitlines():
        pid, ppid, args = [*line.split(None, 2), "", "", ""][:3]
        if not ppid.isdigit() or int(ppid) != parent:
            continue
        if child := _CHILD.search(args):
            found.append(Victim(int(pid), child[1], child[2]))
        elif _SERVER.search(args):
            found.append(Victim(int(pid), "server", "server"))
    return found


async def _killed(pid: int) -> bool:
    """Kill it; whether it was there before and is gone after."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    deadline_s = time.monotonic() + GONE_S
    while time.monotonic() < deadline_s:
        if pid not in {victim.pid for victim in await victims_of(os.getpid())}:
            return True
    return False


def check(kills: Sequence[Kill]) -> Check:
    """Whether each role died at least once. Of one that did not nothing is shown, neither good nor bad: unknown."""
    struck = Counter(kill.what.rpartition("-")[0] or kill.what for kill in kills if kill.took_effect)
    count = struck.total()
    shares = ", ".join(f"{struck[role]} {role}" for role in ROLES)
    spared = [role for role in ROLES if not struck[role]]
    said = f"{count} of {len(kills)} kills took effect: {shares}"
    if spared:
        said += "; a longer --duration reaches every role"
    elif silent := sum(kill.back_s is None for kill in kills):
        said += f"; after {silent} of them nothing answered before the next one"
    state = State.UNKNOWN if spared else State.VALID
    return Check(name="kills", state=state, said=said, looked_at=count)
