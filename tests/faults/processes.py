"""Processes that are frozen and killed: their tree, their state, and a whole `trunkline serve`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.cli.cli_support import Program, environment, is_alive, wait_until

SID: Final = "AC" + "7" * 32
TOKEN: Final = "a-token-for-faults"
END_S: Final = 10.0  # until a process that got SIGKILL or SIGSTOP shows it; a moment


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that stands still inside the block, unless it is killed there."""
    freeze(pid)
    try:
        yield
    finally:
        if is_alive(pid):
            resume(pid)


def freeze(pid: int) -> None:
    """SIGSTOP, and wait until no thread of it runs any more."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _is_frozen(pid), f"process {pid} to stand still", END_S)


def resume(pid: int) -> None:
    """Let a frozen process go on."""
    os.kill(pid, signal.SIGCONT)


def kill(*pids: int) -> None:
    """SIGKILL to living processes, and wait for their end. Fails if one was already dead."""
    for pid in pids:
        assert is_alive(pid), f"process {pid} died by itself"
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in pids), f"the end of {pids}", END_S)


def kill_tree(root: int) -> list[int]:
    """Kill a process and all below it as one: none gets to notice the death of another. Returns whom it killed.

    All stand still before the first one dies. Else the supervisor would start anew what it sees dying, and the
    kernel would ask the embedded server to end in an orderly way once the supervisor is dead.
    """
    freeze(root)
    pids = [root, *descendants(root)]
    for pid in pids[1:]:
        freeze(pid)
    kill(*pids)
    return pids


def descendants(root: int) -> list[int]:
    """All processes below one, whatever group or session they are in."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    fresh = [root]
    while fresh:
        fresh = [child for pid in fresh for child in parents.get(pid, ())]
        found += fresh
    return found


class Deployment:
    """A running `trunkline serve` that answers requests. Use as a context manager; ended or killed, it is gone."""

    def __init__(self, data: Path, *args: str) -> None:
        self.data = data
        self.program = Program(
            *("serve", "--port", "0", "--data", str(data), *args),
            env=environment(TRUNKLINE_ACCOUNT_SID=SID, TRUNKLINE_AUTH_TOKEN=TOKEN),
        )

    def __enter__(self) -> Deployment:
        try:
            self.url = self.program.line(r"ready at (http://\S+)")[1]
        except BaseException:
            self.program.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__(None, None, None)

    @property
    def pid(self) -> int:
        return self.program.process.pid

    @property
    def server_pid(self) -> int:
        """The embedded server that was started last."""
        return int((self.data / "server.pid").read_text())

    def roles(self) -> set[int]:
        """The API and matcher processes."""
        return set(descendants(self.pid)) - {self.server_pid}


def _is_frozen(pid: int) -> bool:
    states = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(state.rpartition(")")[2].split()[0] == "T" for state in states)


def _stat(pid: int) -> list[str]:
    """State, parent and so on, as /proc has them; empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
