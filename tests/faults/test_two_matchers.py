"""Two matchers share the work, one of them is killed in the middle: every Task is done, and done once."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.model import ReservationStatus, TaskStatus
from tests.cli.cli_support import Program, environment
from tests.faults.floor import Floor, open_floor
from tests.faults.processes import kill

WORKERS: Final = 6
BATCH: Final = 96
MORE: Final = 60  # Tasks that come after the death
FINISH_S: Final = 30.0  # from the death to the last completion; a quiet machine needs 4
ROUNDS: Final = 20  # of posting, until both matchers have had something to do; the first one is enough


@contextmanager
def matcher(floor: Floor, name: str) -> Iterator[Program]:
    command = [sys.executable, "-m", "tests.faults.telling_matcher", floor.url, name]
    with Program(command=command, env=environment()) as program:
        program.line("matching")
        yield program


def handled(program: Program) -> int:
    """How many inbox entries a matcher says that it has done."""
    program.process.send_signal(signal.SIGUSR1)
    return int(program.line(r"handled (\d+)")[1])


class Agents:
    """All Workers: they accept and complete what they are offered, until told to go home."""

    def __init__(self, floor: Floor) -> None:
        self._floor, self._news = floor, asyncio.Event()
        self.going = True
        self.accepted: Counter[str] = Counter()  # by Task
        self.completed: Counter[str] = Counter()

    async def run(self) -> None:
        await asyncio.gather(*(self._work(worker) for worker in self._floor.workers))

    async def _work(self, worker: str) -> None:
        place, lists = (self._floor.account, self._floor.workspace), self._floor.engine.reservations
        while self.going:
            found = await lists.of_worker(*place, worker, status="pending")
            for offer in found.value.items:
                await lists.answer_of_worker(*place, worker, offer.sid, status="accepted")
                self.accepted[offer.task_sid] += 1
                await lists.answer_of_worker(*place, worker, offer.sid, status="completed")
                self.completed[offer.task_sid] += 1
                self._news.set()

    async def until_completed(self, count: int) -> None:
        while len(self.completed) < count:
            self._news.clear()
            await self._news.wait()


async def test_every_task_is_done_once_though_one_of_two_matchers_is_killed(tmp_path: Path) -> None:
    async with open_floor(tmp_path / "data", workers=WORKERS, capacity=2) as floor:
        agents = Agents(floor)
        with matcher(floor, "stays") as stays, matcher(floor, "dies") as dies:
            async with asyncio.TaskGroup() as group:
                group.create_task(agents.run())
                try:
                    shares = await share_out(floor, stays, dies)
                    held = await floor.freeze_holding(dies.process.pid, "dies", BATCH)
                    kill(dies.process.pid)
                    await floor.post(MORE)
                    async with asyncio.timeout(FINISH_S):
                        await agents.until_completed(len(floor.posted))
                finally:
                    agents.going = False
        assert min(shares) > 0, shares
        assert held > 0
        once = dict.fromkeys(floor.posted, 1)
        assert agents.accepted == once
        assert agents.completed == once
        assert await floor.created_events() == once
        assert {task.status for task in (await floor.tasks()).values()} == {TaskStatus.COMPLETED}
        statuses = {sid: [offer.status for offer in found] for sid, found in (await floor.offers()).items()}
        assert statuses == {sid: [ReservationStatus.COMPLETED] for sid in floor.posted}


async def share_out(floor: Floor, *matchers: Program) -> list[int]:
    """Post Tasks until every matcher has done some; how many each."""
    for _ in range(ROUNDS):
        await floor.post(BATCH)
        shares = [await asyncio.to_thread(handled, program) for program in matchers]
        if all(shares):
            return shares
    raise AssertionError(f"one matcher did all the work: {shares}")
