"""The generator processes of a run: started, listened to, told when to end, and never left behind."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Final, Self

import msgspec

from api.process import set_within
from benchmarks.suite.generator import END, STOP, child
from benchmarks.suite.ledger import Message, Share, Totals
from benchmarks.suite.plan import Job

LEAVE_S: Final = 15.0  # for a generator to hand over its share and go; 1,000,000 Tasks take some 5

_message: Final = msgspec.msgpack.Decoder(Message).decode


class Fleet:
    """One process a job, spawned: they share nothing with this one."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self.totals: dict[int, Totals] = {}
        self.shares: dict[int, Share] = {}
        self.failed: dict[int, str] = {}
        self._processes: dict[int, tuple[BaseProcess, Connection]] = {}
        self._all_in = asyncio.Event()

    async def __aenter__(self) -> Self:
        context, loop = multiprocessing.get_context("spawn"), asyncio.get_running_loop()
        for job in self._jobs:
            ours, theirs = context.Pipe()
            process = context.Process(
                target=child,
                args=(msgspec.msgpack.encode(job), theirs),
                daemon=True,
                name=f"bench-{job.number}",
            )
            process.start()
            theirs.close()
            self._processes[job.number] = (process, ours)
            loop.add_reader(ours.fileno(), self._told, job.number)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, (process, connection) in self._processes.items():
            if number not in self.shares and number not in self.failed:
                asyncio.get_running_loop().remove_reader(connection.fileno())
            connection.close()
            await asyncio.to_thread(process.join, 2.0)
            if process.is_alive():
                process.kill()
                await asyncio.to_thread(process.join)

    def sums(self) -> Totals:
        """All generators together, as they last told."""
        total = Totals(posting=False)
        for totals in [*self.totals.values()]:
            for name in total.__struct_fields__:
                setattr(total, name, getattr(total, name) + getattr(totals, name))
        total.posting = len(self.totals) < len(self._jobs) - len(self.failed) or total.posting > 0
        return total

    def stop(self) -> None:
        """No more arrivals."""
        self._tell(STOP)

    async def end(self) -> list[Share]:
        """Everything ends: the shares of those that still live."""
        self._tell(END)
        if not await set_within(self._all_in, LEAVE_S):
            for number in self._processes:
                if number not in self.shares:
                    self.failed.setdefault(
                        number, f"generator {number} did not hand over within {LEAVE_S:g} s"
                    )
        return [self.shares[number] for number in sorted(self.shares)]

    def _tell(self, word: bytes) -> None:
        for number, (_, connection) in self._processes.items():
            if number not in self.failed and number not in self.shares:
                try:
                    connection.send_bytes(word)
                except OSError:
                    self.failed[number] = f"generator {number} is gone"

    def _told(self, number: int) -> None:
        connection = self._processes[number][1]
        try:
            message = _message(connection.recv_bytes())
        except (EOFError, OSError):
            message = Message(number, failed=f"generator {number} died")
        if message.totals is not None:
            self.totals[number] = message.totals
            return
        asyncio.get_running_loop().remove_reader(connection.fileno())
        if message.share is not None:
            self.shares[number] = message.share
            self.totals[number] = message.share.totals
        else:
            self.failed[number] = message.failed
        if len(self.shares) + len(self.failed) == len(self._jobs):
            self._all_in.set()
