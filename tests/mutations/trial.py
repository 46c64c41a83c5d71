"""Trials: the quick tests against the scripts with one mistake, up to the first test that fails.

Importing and collecting the tests takes longer than most mistakes live. So pytest collects them once, and each trial is
a fork of that process, which puts its own scripts in place of lua/ before the first test asks for any. Linux only: what
a trial that hangs leaves running is found through /proc.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final, Literal

import pytest
from msgspec import Struct

from engine import scripts
from tests.mutations.table import Mutation

ROOT: Final = Path(__file__).parents[2]
# In this order: what catches most in the least time comes first.
SUITE: Final = (
    "tests/scenarios/test_scenarios.py::test_scenario_on_the_engine",
    "tests/redis/test_stale.py",
    "tests/redis/test_new_channel.py",
    "tests/redis/test_not_looked_at.py",
    "tests/redis/test_stories.py",
    "tests/redis/test_leftovers.py",
    "tests/redis/test_two_workspaces.py",
    "tests/mutations/histories.py",
    "tests/scenarios/test_engine_alone.py",
    "tests/redis/test_bounded.py",
    "tests/redis/test_documents.py",
    "tests/redis/test_many_absent.py",
    "tests/redis/test_many_created.py",
    "tests/redis/test_idempotency.py",
    "tests/redis/test_many_waiting.py",
    "tests/redis/test_pools.py",
    "tests/redis/test_media_setups.py",
    "tests/redis/test_media_company.py",
    "tests/redis/test_assignment.py",
    "tests/redis/test_callback_relays.py",
    "tests/redis/test_event_retries.py",
    "tests/redis/test_config_activities.py",
    "tests/redis/test_config_cache.py",
    "tests/redis/test_config_reaper.py",
    "tests/redis/test_config_task_queues.py",
    "tests/redis/test_config_workflows.py",
    "tests/redis/test_config_workspaces.py",
    "tests/redis/test_replace.py",
    "tests/redis/test_chronicle.py",
    "tests/redis/test_event_types.py",
)
SLACK: Final = 3  # a trial may take so many times as long as the tests take without a mistake
_FORK: Final = get_context("fork")

# "unsure": the tests ended in a way of their own, or took too long.
Outcome = Literal["caught", "survived", "unsure"]


class Verdict(Struct, frozen=True):
    outcome: Outcome
    seconds: float
    by: str  # the test that failed and why, or why nobody knows


class Trials:
    """A plugin for pytest that forks once a mistake instead of running the tests itself.

    `told` hears each verdict as it comes; for None, the scripts as they are, which go first. Unless these survive,
    nothing else is tried. A trial ends after `limit_s`, or SLACK times what these took where that is more.
    """

    def __init__(
        self,
        wanted: Sequence[Mutation],
        jobs: int,
        limit_s: float,
        told: Callable[[Mutation | None, Verdict], None],
    ) -> None:
        self._wanted, self._jobs, self._limit_s, self._told = wanted, jobs, limit_s, told

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        with tempfile.TemporaryDirectory(prefix="mutations-") as name:
            lua = shutil.copytree(scripts.LUA, Path(name) / "lua")  # they may change meanwhile
            ((_, unharmed),) = self._verdicts(session, lua, [None], SLACK * self._limit_s)
            self._told(None, unharmed)
            if unharmed.outcome == "survived":
                limit_s = max(self._limit_s, SLACK * unharmed.seconds)
                for mutation, verdict in self._verdicts(session, lua, self._wanted, limit_s):
                    self._told(mutation, verdict)
        return True

    def _verdicts(
        self, session: pytest.Session, lua: Path, wanted: Sequence[Mutation | None], limit_s: float
    ) -> Iterator[tuple[Mutation | None, Verdict]]:
        """As they come."""
        left, running = list(reversed(wanted)), list[_Trial]()
        try:
            while left or running:
                while left and len(running) < self._jobs:
                    running.append(_Trial(session, lua, left.pop(), limit_s))
                wait([trial.sentinel for trial in running], min(trial.rest_s for trial in running))
                for trial in [trial for trial in running if trial.is_over]:
                    running.remove(trial)
                    yield trial.mutation, trial.verdict()
        finally:
            for trial in running:
                trial.verdict()


class _Trial:
    """A process with scripts and temporary folders of its own. It begins at once."""

    def __init__(self, session: pytest.Session, lua: Path, mutation: Mutation | None, limit_s: float) -> None:
        self.mutation, self._begun, self._limit_s = mutation, time.monotonic(), limit_s
        self._folder = Path(tempfile.mkdtemp(prefix="mutation-"))
        if mutation is None:
            shutil.copytree(lua, self._folder / "lua")
        else:
            mutation.make(self._folder / "lua", lua)
        self._process = _FORK.Process(target=_play, args=(session, self._folder))
        self._process.start()
        self.sentinel = self._process.sentinel

    @property
    def rest_s(self) -> float:
        return max(0.0, self._begun + self._limit_s - time.monotonic())

    @property
    def is_over(self) -> bool:
        return not self._process.is_alive() or self.rest_s == 0

    def verdict(self) -> Verdict:
        """What came of it; ends what is still running, and takes the folder away."""
        seconds = time.monotonic() - self._begun
        late = self._process.is_alive()
        self._process.kill()
        self._process.join()
        _end_servers(self._folder)
        failed = self._folder / "failed"
        by = failed.read_text() if failed.exists() else ""
        shutil.rmtree(self._folder, ignore_errors=True)
        if late:
            hangs = self.mutation is not None and self.mutation.hangs
            return Verdict("caught" if hangs else "unsure", seconds, "time-out")
        if self._process.exitcode != 0:
            return Verdict("unsure", seconds, f"the tests ended with {self._process.exitcode}")
        return Verdict("caught" if by else "survived", seconds, by)


def _play(session: pytest.Session, folder: Path) -> None:
    """In the fork: the tests up to the first that fails, whose name is left in the folder."""
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)
    with (folder / "log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    scripts.load_scripts = partial(scripts.load_scripts, folder / "lua")
    first = _First()
    session.config.pluginmanager.register(first)
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if first.failed:
            (folder / "failed").write_text(first.failed)
            return


class _First:
    """A plugin that notes the first test that fails."""

    def __init__(self) -> None:
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            lines = (crash.message if crash else report.longreprtext).splitlines() or [""]
            self.failed = f"{report.nodeid.rpartition('/')[2]}: {lines[0]}"


def _end_servers(folder: Path) -> None:
    """Ends the servers that a trial left: one inside an endless script hears no polite request."""
    for path in folder.glob("**/server.pid"):
        pid = int(path.read_text())
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(folder) in command.read_text():
            os.kill(pid, signal.SIGKILL)
