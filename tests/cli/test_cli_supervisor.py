"""The supervisor with children of a few lines: restarts, ends, gives up, and never leaves one behind."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cli_support import Program, environment, is_alive, python, wait_until

from api.process import StartFailed
from api.supervisor import Command, Supervisor, backoff_s, ending, this_program

# A child tells its pid on the file descriptor it was given, then does what its argument says.
CHILD = """
import os, signal, sys, threading
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(int(sys.argv[2]), b"%d\\n" % os.getpid())
if sys.argv[1] == "fail":
    sys.exit(7)
threading.Event().wait()
"""


class Nursery:
    """Supervised children that report here when they are born."""

    def __init__(self, *manners: str, stop_limit_s: float = 5.0) -> None:
        self._reading, self._writing = os.pipe()
        fd = self._writing
        commands = [
            Command(name=f"{manner}-{n}", args=(manner, str(fd)), fds=(fd,))
            for n, manner in enumerate(manners)
        ]
        self.supervisor = Supervisor(
            commands,
            environment=environment(),
            rng=random.Random(1),
            program=python(CHILD),
            stop_limit_s=stop_limit_s,
        )
        self.stopping = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.StreamReader]:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._reading, "rb", buffering=0)
        )
        try:
            async with asyncio.timeout(20), asyncio.TaskGroup() as group:
                group.create_task(self.supervisor.run(self.stopping))
                yield reader
                self.stopping.set()
        finally:
            transport.close()
            os.close(self._writing)


async def born(reader: asyncio.StreamReader) -> int:
    return int(await reader.readline())


async def test_a_killed_child_is_started_again_and_the_log_says_what_ended_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    nursery = Nursery("wait")
    async with nursery.running() as reader:
        first = await born(reader)
        os.kill(first, signal.SIGKILL)
        second = await born(reader)
        assert second != first
    assert "wait-0 was ended by SIGKILL; starting it again in 0." in caplog.text
    assert not is_alive(second)


async def test_a_stop_ends_every_child_and_starts_none_again(caplog: pytest.LogCaptureFixture) -> None:
    nursery = Nursery("wait", "wait", "wait")
    async with nursery.running() as reader:
        pids = [await born(reader) for _ in range(3)]
        assert all(is_alive(pid) for pid in pids)
    assert not any(is_alive(pid) for pid in pids)
    assert "starting it again" not in caplog.text


async def test_a_child_that_ignores_the_signal_is_killed_at_the_limit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nursery = Nursery("stubborn", stop_limit_s=0.05)
    async with nursery.running() as reader:
        pid = await born(reader)
    assert not is_alive(pid)
    assert f"pid {pid} did not end within 0.05 s; killed" in caplog.text


async def test_a_child_that_cannot_start_is_given_up_and_takes_the_others_with_it() -> None:
    nursery = Nursery("wait", "fail")
    with pytest.raises(ExceptionGroup) as failed:
        async with nursery.running():
            await asyncio.Event().wait()
    (error,) = failed.value.exceptions
    assert isinstance(error, StartFailed)
    assert str(error) == "fail-1 ended with exit status 7 3 times at start; see its lines above"


async def test_once_ready_a_dying_child_is_never_given_up() -> None:
    nursery = Nursery("fail")
    nursery.supervisor.ready = True
    async with nursery.running() as reader:
        assert len({await born(reader) for _ in range(4)}) == 4


async def test_children_notice_that_their_supervisor_was_killed() -> None:
    code = """
import asyncio, os, sys
from api.supervisor import Command, Supervisor
CHILD = '''
import asyncio, ctypes, os, sys
from api import process
ctypes.CDLL(None).prctl = None
sys.platform = "elsewhere"
async def main(stopping):
    print("child", os.getpid(), flush=True)
    await stopping.wait()
    print("noticed", flush=True)
process.run(main, parent_pipe=int(sys.argv[sys.argv.index("--parent-pipe") + 1]))
'''
program = [sys.executable, "-c", CHILD]
commands = [Command(name="child", args=())]
asyncio.run(Supervisor(commands, environment=os.environ, program=program).run(asyncio.Event()))
"""
    with Program(command=python(code)) as parent:
        child = int(parent.line(r"child (\d+)")[1])
        parent.process.kill()
        parent.line("noticed")
        wait_until(lambda: not is_alive(child), "the end of the child")


def test_the_wait_before_a_restart_grows_with_jitter_up_to_five_seconds() -> None:
    rng = random.Random(3)
    for deaths, most_s in ((1, 0.2), (2, 0.4), (5, 3.2), (6, 5.0), (1000, 5.0)):
        waits = [backoff_s(deaths, rng) for _ in range(500)]
        assert min(waits) >= 0.1
        assert most_s * 0.9 < max(waits) <= most_s


def test_an_exit_status_is_told_in_words() -> None:
    assert ending(3) == "ended with exit status 3"
    assert ending(-9) == "was ended by SIGKILL"


def test_ps_shows_the_program_and_its_role() -> None:
    assert any(word.endswith("trunkline") for word in this_program())
