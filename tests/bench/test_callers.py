"""Coordinated omission: a server that stalls is felt by every call that was meant to be sent meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.suite.book import Book
from benchmarks.suite.callers import Callers
from benchmarks.suite.latency import latency
from benchmarks.suite.plan import Job, Plan
from benchmarks.suite.wire import Answer, Unanswered, Wire
from tests.bench.made_up import SITE
from tests.bench.tamper import listening, message

STALL_S = 0.4
CREATED = b'{"sid":"WT1","assignment_status":"pending"}'


class Stalled:
    """Answers in no time, but one call at a time, and the first one takes STALL_S."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self.calls = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await message(reader)
            async with self._turn:
                self.calls += 1
                if self.calls == 1:
                    await asyncio.sleep(STALL_S)
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(CREATED) + CREATED)


async def posted(plan: Plan) -> Book:
    async with listening(Stalled()) as url:
        wire = Wire(url, "AC1", "token", connections=plan.connections)
        job = Job(plan=plan, site=SITE, number=0, agents=[], starts_at=time.time())
        book = Book(job)
        await Callers(job, wire, book).run(asyncio.Event())
        wire.close()
    return book


async def test_an_open_loop_charges_a_stall_to_all_who_were_held_up() -> None:
    plan = Plan(scenario="create", rate_per_s=200, duration_s=0.5, warm_up_s=0, connections=1)
    book = await posted(plan)
    found = latency("create", "", [book.times["create"].encoded()])
    assert book.totals.created == found.count > 60
    assert (
        found.percentiles_us["50"] > 100_000
    )  # four fifths of the calls fell into the stall, 0.2 s on average


async def test_a_closed_loop_hides_it() -> None:
    book = await posted(Plan(scenario="create", closed=1, duration_s=0.5, warm_up_s=0))
    found = latency("create", "", [book.times["create"].encoded()])
    assert found.max_us >= STALL_S * 1e6
    assert found.percentiles_us["50"] < 50_000


async def test_with_whole_lives_no_more_are_open_than_there_are_posters() -> None:
    book = await posted(Plan(scenario="scale", closed=7, whole_lives=True, duration_s=0.6, warm_up_s=0))
    assert book.totals.created == 7  # nobody completes them, and 0.2 s are left after the stall


async def test_no_answer_within_the_limit_is_unanswered() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as url:
        with pytest.raises(Unanswered, match=r"no answer within 0.05 s"):
            await Wire(url, "AC1", "token", limit_s=0.05).get("/v1")
    with pytest.raises(Unanswered):
        await Wire("http://127.0.0.1:1", "AC1", "token").get("/v1")


async def test_a_connection_that_was_closed_is_replaced() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await message(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"2\r\n{}\r\n0\r\n\r\n")

    async with listening(once) as url:
        wire = Wire(url, "AC1", "token", connections=1)
        assert [await wire.get("/v1") for _ in range(3)] == [Answer(200, b"{}")] * 3
        wire.close()


@pytest.mark.parametrize("url", ["ftp://h", "h:1", "http://"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no http"):
        Wire(url, "AC1", "token")
