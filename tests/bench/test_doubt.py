"""Agents: what they make of a completion whose answer got lost, against a deployment that is played."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from benchmarks.suite.agents import Agents
from benchmarks.suite.book import Book
from benchmarks.suite.plan import Agent, Crew, Job, Plan
from benchmarks.suite.wire import Answer, Wire
from tests.bench.made_up import SITE
from tests.bench.tamper import listening, message

AGENT = Agent(sid="WK1", crew=0, capacity=1, handle_s=0.001)
OFFER = '{"event_date_ms":1,"event_data":{"reservation_sid":"WR1","task_sid":"WT1","worker_sid":"WK1"}}'
EVENTS = f'{{"events":[{OFFER}],"meta":{{"next_page_url":null}}}}'
SILENT = (0, "it never answers")
REFUSED = (400, '{"code":20001}')


def present(status: str) -> tuple[int, str]:
    record = f'"sid":"WR1","task_sid":"WT1","worker_sid":"WK1","reservation_status":"{status}"'
    return 200, f"{{{record}}}"


class Played:
    """Tells of one Reservation, and answers calls on it in the order given; None: it hangs up instead."""

    def __init__(self, *answers: tuple[int, str] | None) -> None:
        self._answers: Iterator[tuple[int, str] | None] = iter(answers)
        self.asked: list[str] = []
        self.silent = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await message(reader)
            if b"/Events?" in request:
                answer: tuple[int, str] | None = (200, EVENTS)
            else:
                self.asked.append(request[:4].decode().strip())
                answer = next(self._answers)
                if answer is SILENT:
                    self.silent.set()
                    await asyncio.Event().wait()
            if answer is None:
                return
            status, body = answer
            writer.write(f"HTTP/1.1 {status} So\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


class Closing(Book):
    """A book that ends the run with the first completion, right or wrong."""

    ending: asyncio.Event

    def completed(self, task: str, reservation: str, meant_s: float, work_s: float) -> None:
        super().completed(task, reservation, meant_s, work_s)
        self.ending.set()

    def wrong(self, what: str, answer: Answer) -> None:
        super().wrong(what, answer)
        self.ending.set()


async def worked(played: Played) -> Book:
    """The book of an agent once its Reservation is settled."""
    plan = Plan(scenario="lives", crews=(Crew(count=1),), warm_up_s=0)
    job = Job(plan=plan, site=SITE, number=0, agents=[AGENT], starts_at=time.time())
    book = Closing(job)
    book.ending = asyncio.Event()
    async with listening(played) as url, asyncio.timeout(10):
        wire = Wire(url, "AC1", "token", connections=4)
        await Agents(job, wire, book).run(book.ending)
        wire.close()
    return book


async def test_a_completion_without_an_answer_when_the_run_ends_is_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.suite.agents.LAST_S", 0.05)
    job = Job(plan=Plan(scenario="lives"), site=SITE, number=0, agents=[AGENT], starts_at=time.time())
    book, played = Book(job), Played((200, "{}"), SILENT)
    async with listening(played) as url, asyncio.timeout(10):
        wire = Wire(url, "AC1", "token", connections=4)
        await Agents(job, wire, book).run(played.silent)
        wire.close()
    assert book.share().in_doubt == ["WT1"]
    assert book.totals.completed == 0


@pytest.mark.parametrize(
    ("answers", "asked", "completed", "wrong"),
    [
        pytest.param([REFUSED], ["POST"], 0, 1, id="refused outright"),
        pytest.param([None, present("completed")], ["POST", "GET"], 1, 0, id="it had its effect"),
        pytest.param(
            [None, present("accepted"), REFUSED, present("completed")],
            ["POST", "GET", "POST", "GET"],
            1,
            0,
            id="it had its effect after it was asked for",
        ),
        pytest.param(
            [None, present("accepted"), REFUSED, None, REFUSED, present("accepted")],
            ["POST", "GET", "POST", "GET", "POST", "GET"],
            0,
            1,
            id="refused, as the Reservation says too",
        ),
        pytest.param(
            [(503, "{}"), (503, "{}"), (200, "{}")], ["POST", "GET", "POST"], 1, 0, id="busy for a while"
        ),
    ],
)
async def test_a_completion_in_doubt_is_what_the_reservation_says(
    answers: list[tuple[int, str] | None], asked: list[str], completed: int, wrong: int
) -> None:
    played = Played((200, "{}"), *answers)  # the accept holds at once
    book = await worked(played)
    assert (book.totals.completed, book.totals.wrong) == (completed, wrong)
    assert played.asked == ["POST", *asked]
