"""How agents learn of offers: each once, in order, and by the Workers' own lists where the log falls silent."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from benchmarks.suite.book import Book
from benchmarks.suite.offers import Offers
from benchmarks.suite.plan import Agent, Crew, Job, Plan
from benchmarks.suite.wire import Wire
from tests.bench.made_up import SITE
from tests.bench.tamper import listening, message

AGENTS = [Agent(sid=sid, crew=0, capacity=1, handle_s=1.0) for sid in ("WK1", "WK2")]


class Told:
    """A log in pages, and the Reservations of each Worker; None: it hangs up instead."""

    def __init__(self, pages: Sequence[Sequence[int]] = ((),), **lists: int | None) -> None:
        self.pages, self.lists = pages, lists
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            path = (await message(reader)).split(b" ")[1].decode()
            answer = self._log(path) if "/Events?" in path else self._list(path)
            if answer is None:
                return
            body = json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def _log(self, path: str) -> dict[str, object]:
        first, _, page = path.partition("&Page=")
        number = int(page or 0)
        further = f"https://elsewhere{first}&Page={number + 1}" if number + 1 < len(self.pages) else None
        return {"events": [event(one) for one in self.pages[number]], "meta": {"next_page_url": further}}

    def _list(self, path: str) -> dict[str, object] | None:
        worker = path.partition("/Workers/")[2].partition("/")[0]
        self.asked.append(worker)
        one = self.lists[worker]
        return None if one is None else {"reservations": [reservation(one, worker)]}


def event(number: int) -> dict[str, object]:
    data = {
        "reservation_sid": f"WR{number}",
        "task_sid": f"WT{number}",
        "worker_sid": "WK1" if number < 9 else "WK9",
    }
    return {"event_date_ms": 1_000 + number, "event_data": data}


def reservation(number: int, worker: str) -> dict[str, str]:
    return {"sid": f"WR{number}", "task_sid": f"WT{number}", "worker_sid": worker}


async def looks(told: Told, times: int) -> list[list[str]]:
    """The Reservations that each look finds."""
    plan = Plan(scenario="lives", crews=(Crew(count=2),))
    job = Job(plan=plan, site=replace(SITE, agents=AGENTS), number=0, agents=AGENTS, starts_at=time.time())
    async with listening(told) as url, asyncio.timeout(10):
        wire = Wire(url, "AC1", "token")
        offers = Offers(job, wire, Book(job))
        found = [[one.reservation for one in await offers.new()] for _ in range(times)]
        wire.close()
    return found


async def test_the_log_is_told_oldest_first_whatever_its_pages_and_each_offer_once() -> None:
    # Newest first, as the log has it; 9 is another generator's. The second look begins with the last one's ms again.
    assert await looks(Told([[9, 4], [3, 2], [1]]), 2) == [["WR1", "WR2", "WR3", "WR4"], []]


async def test_where_the_log_is_silent_the_workers_own_lists_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(WK1=1, WK2=2)
    assert await looks(told, 1) == [[]]
    assert told.asked == []
    monkeypatch.setattr("benchmarks.suite.offers.SILENCE_S", -1.0)
    assert await looks(told, 2) == [["WR1", "WR2"], []]


async def test_an_offer_that_was_seen_is_told_though_the_next_list_did_not_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.suite.offers.SILENCE_S", -1.0)
    told = Told(WK1=1, WK2=None)
    assert await looks(told, 2) == [["WR1"], []]
    assert told.asked == ["WK1", "WK2"] * 2
