"""What every long-running process does: stop when told, and never outlive the one that started it."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

log = logging.getLogger("trunkline.process")

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


class StartFailed(Exception):
    """This process, or one that it started, cannot do its work."""


def run(
    main: Callable[[asyncio.Event], Awaitable[None]],
    *,
    parent_pipe: int | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run `main(stopping)`. The event is set by SIGTERM, SIGINT, SIGHUP or the end of the parent.

    `parent_pipe` is the reading end of a pipe whose writing end only the parent holds, None without a parent.
    """

    async def body() -> None:
        async with stop_event(parent_pipe) as stopping:
            await main(stopping)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(body())


@asynccontextmanager
async def stop_event(parent_pipe: int | None = None) -> AsyncIterator[asyncio.Event]:
    """An event that is set once this process should end."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    if parent_pipe is not None:
        _end_with_parent(loop, parent_pipe, stopping)
    try:
        yield stopping
    finally:
        if parent_pipe is not None:
            loop.remove_reader(parent_pipe)
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, but not longer than that; whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _end_with_parent(loop: asyncio.AbstractEventLoop, pipe: int, stopping: asyncio.Event) -> None:
    """Two ways to notice: the kernel's signal (Linux), and the pipe, which ends with its last writer.

    The pipe works on every system and has no gap: a parent that died before this line has ended it already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def parent_is_gone() -> None:
        loop.remove_reader(pipe)
        if not stopping.is_set():
            log.warning("the supervisor is gone, so this process ends too")
            stopping.set()

    os.set_blocking(pipe, False)
    loop.add_reader(pipe, parent_is_gone)
