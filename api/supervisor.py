"""The supervisor: starts child processes, starts those anew that die, and ends them all together."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from api.process import StartFailed, set_within

log = logging.getLogger("trunkline.supervisor")

STOP_LIMIT_S: Final = 5.0  # an API has 3 s for its open requests, a matcher needs far less; then SIGKILL
STEADY_S: Final = 10.0  # a child that lived so long starts its back-off from the beginning
DEATHS_AT_START: Final = 3  # a child that dies so often before all is ready will not get better by itself


class Command(Struct, frozen=True, kw_only=True):
    """One child: its name in the log, the role with its arguments, and the file descriptors it inherits."""

    name: str
    args: tuple[str, ...]
    fds: tuple[int, ...] = ()


def backoff_s(deaths: int, rng: random.Random) -> float:
    """How long to wait before the start after this many deaths in a row: 0.1 s .. 5 s.

    Doubles each time, with full jitter, so that children which died together do not all return at once.
    """
    return rng.uniform(0.1, min(5.0, 0.1 * 2.0 ** min(deaths, 10)))


def this_program() -> list[str]:
    """How to start this program again, so that `ps` shows `trunkline` and the role.

    The console script beside this interpreter; without one (a plain checkout) the same through `-c`.
    """
    script = Path(sys.executable).with_name("trunkline")
    if script.is_file():
        return [sys.executable, str(script)]
    return [
        sys.executable,
        "-c",
        "import sys; del sys.argv[0]; from api.cli import main; sys.exit(main())",
        "trunkline",
    ]


class Supervisor:
    """Owns the children of one `trunkline serve`."""

    def __init__(
        self,
        commands: Sequence[Command],
        *,
        environment: Mapping[str, str],
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        program: Sequence[str] = (),
        stop_limit_s: float = STOP_LIMIT_S,
    ) -> None:
        self._commands = commands
        self._environment = dict(environment)
        self._rng = rng or random.Random()
        self._clock = clock
        self._program = list(program) or this_program()
        self._stop_limit_s = stop_limit_s
        self.ready = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep all children running until `stopping` is set, then end them. Returns when none is left.

        Raises StartFailed if one dies DEATHS_AT_START times while `ready` is False. A child killed in any
        way is started again after `backoff_s`.
        """
        reading, writing = os.pipe()  # nobody writes: its end tells the children that this process is gone
        try:
            async with asyncio.TaskGroup() as group:
                for command in self._commands:
                    group.create_task(self._keep(command, reading, stopping), name=command.name)
        except* StartFailed as failed:
            raise failed.exceptions[0] from None
        finally:
            os.close(reading)
            os.close(writing)

    async def _keep(self, command: Command, pipe: int, stopping: asyncio.Event) -> None:
        deaths = 0
        while not stopping.is_set():
            born = self._clock()
            status = await self._live(command, pipe, stopping)
            if stopping.is_set():
                return
            deaths = 1 if self._clock() - born >= STEADY_S else deaths + 1
            if not self.ready and deaths >= DEATHS_AT_START:
                raise StartFailed(
                    f"{command.name} {ending(status)} {deaths} times at start; see its lines above"
                )
            delay_s = backoff_s(deaths, self._rng)
            log.warning("%s %s; starting it again in %.2f s", command.name, ending(status), delay_s)
            await set_within(stopping, delay_s)

    async def _live(self, command: Command, pipe: int, stopping: asyncio.Event) -> int:
        """One life of a child, up to its exit status. It is gone when this returns or raises."""
        child = await asyncio.create_subprocess_exec(
            *self._program,
            *command.args,
            "--parent-pipe",
            str(pipe),
            env=self._environment,
            pass_fds=(pipe, *command.fds),
            process_group=0,  # Ctrl-C in a terminal reaches the supervisor alone, which ends them in order
        )
        log.info("%s started, pid %d", command.name, child.pid)
        try:
            async with asyncio.TaskGroup() as group:
                ending_it = group.create_task(_end_when(child, stopping, self._stop_limit_s))
                status = await child.wait()
                ending_it.cancel()
            return status
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _end_when(child: asyncio.subprocess.Process, stopping: asyncio.Event, limit_s: float) -> None:
    await stopping.wait()
    with suppress(ProcessLookupError):  # it may end by itself at the same moment
        child.send_signal(signal.SIGTERM)
        await asyncio.sleep(limit_s)
        log.warning("pid %d did not end within %g s; killed", child.pid, limit_s)
        child.kill()


def ending(status: int) -> str:
    """An exit status in words, as subprocess gives it: negative for a signal."""
    if status >= 0:
        return f"ended with exit status {status}"
    return f"was ended by {signal.Signals(-status).name}"
