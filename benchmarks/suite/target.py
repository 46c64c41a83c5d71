"""What is driven: a deployment that runs already, or one that is started for the run as `trunkline serve` starts it."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from api.process import StartFailed
from api.serve import Ready, serve
from benchmarks.suite import report
from benchmarks.suite.wire import Unanswered, Wire
from engine.settings import Settings

EVENTS_KEPT: Final = 100_000_000  # the log of an embedded deployment keeps the whole run


class Access(Struct, frozen=True, kw_only=True):
    """How a deployment is reached."""

    url: str
    account_sid: str
    token: str
    shown: report.Target
    server: str | None = None  # URL of the Redis server, of an embedded deployment


class Processes(Struct, frozen=True, kw_only=True):
    """How many of each role an embedded deployment gets."""

    api: int = 1
    matchers: int = 1
    relays: int = 1
    durability: Literal["durable", "relaxed"] = "durable"


async def running(url: str, account_sid: str, token: str) -> Access:
    """A deployment that is there already. Raises StartFailed, which says what to do, where it does not answer."""
    wire = Wire(url, account_sid, token)
    try:
        answer = await wire.get("/v1/Workspaces?PageSize=1")
    except Unanswered as error:
        raise StartFailed(
            f"nothing answers at {url} ({_reason(error)}): is it running, and is that its address?"
        ) from error
    finally:
        wire.close()
    if answer.status in (401, 403):
        raise StartFailed(
            f"{url} does not accept this token for account {account_sid}; `trunkline accounts rotate {account_sid}` "
            "makes a new one"
        )
    if answer.status != 200:
        raise StartFailed(
            f"{url} answered {answer.status} when it was asked for its Workspaces; --url is the address that "
            "`trunkline serve` prints, without a path"
        )
    shown = report.Target(url=url, embedded=False)
    return Access(url=url.rstrip("/"), account_sid=account_sid, token=token, shown=shown)


def _reason(error: Unanswered) -> str:
    """In words of the system, without the numbers that asyncio and OpenSSL put around them."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return f"no TLS: {cause.reason or cause}"
    if isinstance(cause, socket.gaierror) or not isinstance(cause, OSError) or cause.errno is None:
        return str(getattr(cause, "strerror", None) or error)
    return os.strerror(cause.errno)


@asynccontextmanager
async def embedded(processes: Processes) -> AsyncIterator[Access]:
    """A deployment with its data in a temporary folder; nothing is left of it. Raises what `serve` does."""
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        settings = Settings(
            port=0,
            data=str(Path(folder) / "data"),
            api=processes.api,
            matchers=processes.matchers,
            relays=processes.relays,
            durability=processes.durability,
            events_kept=EVENTS_KEPT,
            log_level="error",
        )
        stopping, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(settings, stopping, on_ready=ready.set_result))
        try:
            await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                await serving
                raise StartFailed("the deployment ended before it was ready")
            yield _access(ready.result(), processes)
        finally:
            stopping.set()
            await serving


def _access(ready: Ready, processes: Processes) -> Access:
    account = ready.credentials
    assert account is not None  # a new deployment has just made its first account
    assert account.token is not None
    shown = report.Target(
        url=ready.url,
        embedded=True,
        api=processes.api,
        matchers=processes.matchers,
        relays=processes.relays,
        durability=processes.durability,
    )
    return Access(
        url=ready.url, account_sid=account.sid, token=account.token, shown=shown, server=ready.redis
    )


def machine() -> report.Machine:
    """Where this program runs."""
    return report.Machine(
        cores=os.cpu_count() or 1, architecture=platform.machine(), system=platform.system()
    )


def versions() -> report.Versions:
    """What was run. Starts git, which takes some ms."""
    return report.Versions(trunkline=version("trunkline"), python=platform.python_version(), commit=_commit())


def _commit() -> str:
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
