"""Agents at the end of a run: whoever works stops, and a completion under way is waited for."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from msgspec.structs import replace

from benchmarks.suite.agents import Agents
from benchmarks.suite.book import Book
from benchmarks.suite.plan import Agent, Crew, Job, Plan
from benchmarks.suite.wire import Wire
from tests.bench.made_up import SITE
from tests.bench.tamper import listening, message

OFFER = {"reservation_sid": "WR1", "task_sid": "WT1", "worker_sid": "WK1"}


class Deployment:
    """Offers one Task; `asked` is set when its completion comes, which is answered only when it may be."""

    def __init__(self) -> None:
        self.asked, self.may = asyncio.Event(), asyncio.Event()
        self.accepted = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await message(reader)
            answer: dict[str, object] = {}
            if b"/Events?" in request:
                event = {"event_date_ms": int(time.time() * 1000), "event_data": OFFER}
                answer = {"events": [event], "meta": {"next_page_url": None}}
            elif b"=accepted" in request:
                self.accepted.set()
            elif b"=completed" in request:
                self.asked.set()
                await self.may.wait()
            body = json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize(("work_ms", "completed"), [(0.001, 1), (1e9, 0)], ids=["completing", "working"])
async def test_the_end_waits_for_an_answer_and_not_for_work(work_ms: float, completed: int) -> None:
    plan = Plan(scenario="lives", crews=(Crew(count=1, handle_ms=work_ms),), fixed_work=True)
    agent = Agent(sid="WK1", crew=0, capacity=1, handle_s=work_ms / 1000)
    job = Job(plan=plan, site=replace(SITE, agents=[agent]), number=0, agents=[agent], starts_at=time.time())
    book, ending, deployment = Book(job), asyncio.Event(), Deployment()
    async with listening(deployment) as url:
        wire = Wire(url, "AC1", "token")
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(Agents(job, wire, book).run(ending))
            await (deployment.asked if completed else deployment.accepted).wait()
            ending.set()
            await asyncio.sleep(0)  # the end comes before the answer
            await asyncio.sleep(0)
            deployment.may.set()
        wire.close()
    assert book.totals.completed == completed
