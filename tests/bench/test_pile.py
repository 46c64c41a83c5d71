"""A backlog through the door for many Tasks: what a line was answered is what counts."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest
from msgspec.structs import replace

from benchmarks.suite.book import Book
from benchmarks.suite.callers import ATTRIBUTES
from benchmarks.suite.pile import LINES, Pile
from benchmarks.suite.plan import PAUSE_S, TURN_S, Job, Plan
from benchmarks.suite.wire import Answer, Wire
from tests.bench.made_up import SITE
from tests.bench.tamper import listening, message


class Door:
    """Answers each line by its place in the request: 201, or what `statuses` says. After `breaks` lines it hangs up."""

    def __init__(self, *, statuses: dict[int, int] | None = None, breaks: int | None = None) -> None:
        self._statuses, self._breaks = statuses or {}, breaks
        self.requests: list[list[dict[str, str]]] = []
        self.asked_again = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _, body = (await message(reader)).partition(b"\r\n\r\n")
        assert b"content-type: application/x-ndjson" in head.lower()
        lines = [msgspec.json.decode(line, type=dict[str, str]) for line in body.splitlines()]
        if self.requests:
            self.asked_again.set()
        self.requests.append(lines)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for place in range(1, len(lines) + 1):
            if place - 1 == self._breaks:
                writer.write(b'9\r\n{"line":1')  # in the middle of a line
                await writer.drain()
                return
            sid = f"WT{len(self.requests)}-{place}"
            text = b'{"line":%d,"sid":"%s","status":%d}\n' % (
                place,
                sid.encode(),
                self._statuses.get(place, 201),
            )
            writer.write(b"%x\r\n%s\r\n" % (len(text), text))
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def piled(door: Door, count: int) -> Book:
    async with listening(door) as url:
        job = Job(
            plan=Plan(scenario="backlog", backlog=count),
            site=SITE,
            number=0,
            agents=[],
            starts_at=time.time(),
            backlog=count,
        )
        book = Book(job)
        await Pile(job, Wire(url, "AC1", "token"), book).fill(asyncio.Event())
    return book


async def test_all_are_posted_and_each_is_another_one_of_200_bytes() -> None:
    door = Door()
    book = await piled(door, LINES + 7)
    assert sorted(map(len, door.requests)) == [7, LINES]
    attributes = [line["Attributes"] for request in door.requests for line in request]
    assert {len(text) for text in attributes} == {ATTRIBUTES}
    assert len(set(attributes)) == LINES + 7
    share = book.share()
    assert share.totals.sent == share.totals.created == LINES + 7
    assert len({created.sid for created in share.created}) == LINES + 7
    assert share.seconds == {}  # it is not part of the load


async def test_a_line_that_is_refused_is_not_created() -> None:
    book = await piled(Door(statuses={2: 503, 5: 400}), 8)
    assert (book.totals.created, book.totals.refused, book.totals.wrong) == (6, 1, 1)
    assert "WT1-2" not in {created.sid for created in book.share().created}


async def test_of_lines_that_are_not_answered_the_outcome_is_unknown() -> None:
    book = await piled(Door(breaks=3), 8)
    assert (book.totals.created, book.totals.unanswered_creates) == (3, 5)
    refused = await piled(Door(breaks=0), 2)
    assert (refused.totals.created, refused.totals.unanswered_creates) == (0, 2)


async def test_a_request_that_is_refused_creates_nothing() -> None:
    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await message(reader)
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    async with listening(busy) as url:
        assert await Wire(url, "AC1", "token").lines("/v1", b"{}") == (Answer(503, b"{}"), True)
    assert await Wire("http://127.0.0.1:1", "AC1", "token").lines("/v1", b"{}") == (Answer(0, b""), False)


@pytest.mark.parametrize(
    ("turns", "offers"),
    [
        (Plan(scenario="backlog", backlog=20), 6),  # no turns
        (Plan(scenario="backlog", backlog=20, turn=1, turns=2), 6),  # the other one's
        (
            Plan(scenario="backlog", backlog=20, turn=0, turns=2),
            11,
        ),  # the own one, but half of them are taken
    ],
)
async def test_it_is_topped_up_by_what_was_offered(turns: Plan, offers: int) -> None:
    door = Door()
    async with listening(door) as url:
        job = Job(
            plan=replace(turns, topped_up=True),
            site=SITE,
            number=0,
            agents=[],
            starts_at=time.time(),
            backlog=20,
        )
        book, stopping = Book(job), asyncio.Event()
        filling = Pile(job, Wire(url, "AC1", "token"), book)
        await filling.fill(stopping)
        book.totals.offers = offers
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(filling.keep(time.time(), stopping))
            await door.asked_again.wait()
            stopping.set()
    assert [len(request) for request in door.requests] == [20, offers]
    assert book.totals.created == 20 + offers


async def test_in_the_own_turn_nothing_is_topped_up_before_half_is_taken() -> None:
    door = Door()
    async with listening(door) as url:
        plan = Plan(scenario="backlog", backlog=20, topped_up=True, turns=2)
        job = Job(plan=plan, site=SITE, number=0, agents=[], starts_at=time.time(), backlog=20)
        book, stopping = Book(job), asyncio.Event()
        filling = Pile(job, Wire(url, "AC1", "token"), book)
        await filling.fill(stopping)
        book.totals.offers = 10
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            began_s = time.time()
            group.create_task(filling.keep(began_s, stopping))
            await door.asked_again.wait()
            after_s = time.time() - began_s
            stopping.set()
    assert after_s > TURN_S - PAUSE_S
