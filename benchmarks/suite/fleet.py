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
from benchmarks.suite.ledger import Message, Opening, Share, Totals
from benchmarks.suite.plan import Job

LEAVE_S: Final = 15.0  # for a generator to hand over its share and go,
LEAVE_A_TASK_S: Final = 5e-5  # and so much more for each Task of a backlog: ten times what it takes

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

    def sums(self, numbers: Sequence[int] | None = None) -> Totals:
        """All generators together, or those of these numbers, as they last told."""
        total = Totals(posting=False)
        for totals in [one for number, one in self.totals.items() if numbers is None or number in numbers]:
            for name in total.__struct_fields__:
                setattr(total, name, getattr(total, name) + getattr(totals, name))
        total.posting = len(self.totals) < len(self._jobs) - len(self.failed) or total.posting > 0
        return total

    @property
    def filled(self) -> bool:
        """Whether every generator that lives has posted its backlog."""
        return all(
            number in self.failed or (number in self.totals and self.totals[number].filled)
            for number in self._processes
        )

    def open(self, number: int, opening: Opening) -> None:
        """The Workers of one generator come."""
        self._tell(msgspec.msgpack.encode(opening), number)

    def stop(self) -> None:
        """No more arrivals."""
        self._tell(STOP)

    async def end(self) -> list[Share]:
        """Everything ends: the shares of those that still live."""
        self._tell(END)
        leave_s = LEAVE_S + LEAVE_A_TASK_S * sum(job.backlog for job in self._jobs)
        if not await set_within(self._all_in, leave_s):
            for number in self._processes:
                if number not in self.shares:
                    self.failed.setdefault(
                        number, f"generator {number} did not hand over within {leave_s:g} s"
                    )
        return [self.shares[number] for number in sorted(self.shares)]

    def _tell(self, word: bytes, only: int | None = None) -> None:
        for number, (_, connection) in self._processes.items():
            if only in (None, number) and number not in self.failed and number not in self.shares:
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
