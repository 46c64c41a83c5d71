"""A server that an earlier run left behind: find it, make sure that it is ours, end it in an orderly way."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from engine.redis.errors import EmbeddedServerError

END_TIMEOUT_S = 8.0  # a server writes its last data and leaves within milliseconds; slow disks take longer
POLL_S = 0.01

log = logging.getLogger(__name__)


def control_client(socket: Path) -> Redis:
    """A blocking client for the few questions around start and end; never repeats a command."""
    return Redis(unix_socket_path=str(socket), protocol=2, socket_timeout=1.0, retry=Retry(NoBackoff(), 0))


def end_leftover(data_dir: Path, socket: Path, *, timeout_s: float = END_TIMEOUT_S) -> None:
    """End the server that still works on `data_dir`, if there is one. Blocks up to `timeout_s`.

    Call it with the folder's lock held. Raises EmbeddedServerError if somebody else's server sits on our
    socket, or if ours cannot be ended.
    """
    pid = _leftover_pid(data_dir)
    asked = _shut_down(data_dir, socket)
    if pid is None and not asked:
        return
    log.warning("a server of an earlier run is still working on %s; ending it", data_dir)
    if pid is None:  # it answers, but its process is out of sight (another container)
        _await(lambda: not socket_answers(socket), timeout_s, f"the old server at {socket} does not end")
        return
    if not asked:
        os.kill(pid, signal.SIGTERM)
    try:
        _await(lambda: not is_ours(pid, data_dir), timeout_s, f"the old server (process {pid}) does not end")
    except EmbeddedServerError:
        log.warning("the old server (process %d) does not end by itself; killing it", pid)
        os.kill(pid, signal.SIGKILL)
        _await(
            lambda: not is_ours(pid, data_dir), timeout_s, f"the old server (process {pid}) cannot be killed"
        )


def socket_answers(socket: Path) -> bool:
    with control_client(socket) as client:
        try:
            client.ping()
        except (RedisConnectionError, RedisTimeoutError):
            return False
        return True


def is_ours(pid: int, data_dir: Path) -> bool:
    """Whether a living process was started with our configuration file; a bare pid may be anybody's."""
    config = str(data_dir / "redis.conf")
    if sys.platform == "linux":
        return config in _arguments(pid)
    listing = subprocess.run(  # noqa: S603  a fixed command and a number
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.rstrip().endswith(f" {config}")


def _shut_down(data_dir: Path, socket: Path) -> bool:
    """Ask the server behind the socket to leave; False if none answers."""
    with control_client(socket) as client:
        try:
            settings: dict[Any, bytes] = client.config_get("dir")
        except (AuthenticationError, ResponseError) as error:
            raise EmbeddedServerError(
                f"the server at {socket} is not ours: {error}; stop it first"
            ) from error
        except RedisError:
            return False
        folder = Path(os.fsdecode(*settings.values()))
        if folder != data_dir:
            raise EmbeddedServerError(
                f"the server at {socket} works on {folder}, not on {data_dir}; stop it first"
            )
        try:
            client.execute_command("SHUTDOWN", "NOSAVE")  # NOSAVE: no snapshot; the log of writes is synced
        except RedisConnectionError:
            return True  # it left without an answer, as it should
        except RedisError as error:
            log.warning("the old server at %s does not want to leave: %s", socket, error)
        return False


def _leftover_pid(data_dir: Path) -> int | None:
    try:
        pid = int((data_dir / "server.pid").read_text())
    except (FileNotFoundError, ValueError):  # no earlier run, or one cut off while it wrote
        return None
    return pid if is_ours(pid, data_dir) else None


def _arguments(pid: int) -> list[str]:
    """The words a process was started with; none if it is gone, or a zombie."""
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _await(done: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline_s:
            raise EmbeddedServerError(otherwise)
        time.sleep(POLL_S)
