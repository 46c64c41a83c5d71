"""Starts `trunkline` as a user does, reads what it says, and waits with a bound."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from api.supervisor import this_program

LIMIT_S = 90.0  # for anything that is waited for; a quiet machine needs a thirtieth of it
POLL_S = 0.02


def environment(**settings: str) -> dict[str, str]:
    """This process' environment without any Trunkline setting but the given ones."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    return inherited | settings


def wait_until(condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    """Look until it holds; fails naming `what` did not come."""
    never, deadline_s = threading.Event(), time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {limit_s:g} s: {what}"
        never.wait(POLL_S)


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def command_line(pid: int) -> list[str]:
    """The words `ps` shows for a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]


class Program:
    """One running command; killed at the end if it is still there."""

    def __init__(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        command: list[str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [*(command or this_program()), *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env) if env is not None else environment(),
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def line(self, pattern: str, limit_s: float = LIMIT_S) -> re.Match[str]:
        """The next line, of stdout or stderr, in which the pattern is found."""
        deadline_s = time.monotonic() + limit_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"no line with {pattern!r} in {limit_s:g} s; it said {self.said}"
                ) from None
            assert line is not None, f"it ended without a line with {pattern!r}; it said {self.said}"
            self.said.append(line)
            if found := re.search(pattern, line):
                return found

    def end(self, limit_s: float = LIMIT_S) -> int:
        """Wait for its end: the exit status."""
        status = self.process.wait(limit_s)
        self._drain()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._drain()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _drain(self) -> None:
        for reader in self._readers:
            reader.join(LIMIT_S)
        while not self._lines.empty():
            line = self._lines.get()
            if line is not None:
                self.said.append(line)


def python(code: str) -> list[str]:
    """A command that runs this Python text."""
    return [sys.executable, "-c", code]
