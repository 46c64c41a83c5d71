"""The log in pieces: each instant once, and of a backlog no more than the judge needs."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from benchmarks.suite import journal
from benchmarks.suite.aftermath import ASKED, _chosen, _Reading
from benchmarks.suite.history import Reader, Staff
from benchmarks.suite.journal import Entry, in_pieces
from benchmarks.suite.plan import Plan


@pytest.mark.parametrize(("start_ms", "end_ms"), [(0, 0), (999, 1_000), (1_500, 61_499), (7, 3_600_000)])
@pytest.mark.parametrize("took_s", [0.1, 1.0, 5.0])
async def test_the_pieces_of_an_interval_are_all_of_it_and_end_with_no_whole_second(
    start_ms: int, end_ms: int, took_s: float
) -> None:
    now_s, asked = 0.0, []

    async def ask(first_ms: int, last_ms: int) -> None:
        nonlocal now_s
        now_s += took_s
        asked.append((first_ms, last_ms))

    async for _ in in_pieces(start_ms, end_ms, ask, clock=lambda: now_s):
        pass
    assert [first_ms for first_ms, _ in asked] == [start_ms] + [last_ms + 1 for _, last_ms in asked[:-1]]
    assert asked[-1][1] == end_ms
    assert all(last_ms % 1_000 for _, last_ms in asked[:-1])
    lengths = [last_ms - first_ms for first_ms, last_ms in asked]
    assert max(lengths) < 1_000 or took_s < 1.0
    assert took_s > 0.1 or len(asked) < 15


class Log:
    """An Account with this log, in pieces of a second; it tells how far it was read."""

    began_ms = 0

    def __init__(self, *entries: Entry) -> None:
        self._entries = entries
        self.read: list[Entry] = []

    async def last_ms(self) -> int:
        return self._entries[-1].at_ms

    async def entries(self, start_ms: int, end_ms: int, kind: str = "") -> AsyncIterator[list[Entry]]:
        for second in range(start_ms // 1_000, end_ms // 1_000 + 1):
            found = [
                entry
                for entry in self._entries
                if start_ms <= entry.at_ms <= end_ms
                and entry.at_ms // 1_000 == second
                and kind in ("", entry.type)
            ]
            self.read += found
            yield found


def made(at_ms: int, task: str) -> Entry:
    return Entry(at_ms, "task.created", task, attributes='{"kind":"calls"}')


def offer(at_ms: int, task: str) -> Entry:
    return Entry(at_ms, "reservation.created", task, "ann", f"R-{task}")


def reading() -> _Reading:
    plan = Plan(scenario="backlog", backlog=100)
    staff = {"ann": Staff(crew=0, skills=("calls",), capacity=100, steady=False)}
    return _Reading(plan, lambda text: None, Reader({}, staff))


OLD = [made(number * 100, f"WT{number}") for number in range(100)]  # one each 100 ms, for ten seconds
WORK_MS = 20_000


async def read(*worked: Entry) -> tuple[_Reading, Log]:
    log, found = Log(*OLD, *worked), reading()
    await found.backlog(log, WORK_MS)  # type: ignore[arg-type]
    return found, log


async def test_of_a_backlog_only_what_could_have_been_overtaken_is_read() -> None:
    found, log = await read(*[offer(WORK_MS + number, f"WT{number}") for number in range(15)])
    assert found.history.ordered == 15
    assert found.history.overtaken == []
    assert len(log.read) == 15 + 20  # the offers, and two seconds of Tasks


async def test_a_task_of_a_backlog_that_was_passed_by_is_seen() -> None:
    found, _ = await read(*[offer(WORK_MS + number, f"WT{number}") for number in (0, 1, 3)])
    assert found.history.overtaken == ["WT2"]


async def test_tasks_that_came_while_others_waited_are_part_of_the_order() -> None:
    late = made(WORK_MS, "WT900")
    found, log = await read(late, offer(WORK_MS + 1, "WT900"), offer(WORK_MS + 2, "WT0"))
    assert found.history.overtaken == ["WT0"]
    assert len(log.read) == 3 + 10


async def test_where_a_task_is_missing_all_are_read_and_none_twice() -> None:
    found, log = await read(made(WORK_MS, "WT900"), offer(WORK_MS + 1, "WT900"), offer(WORK_MS + 2, "WT777"))
    assert len(log.read) == 3 + len(OLD)
    assert "WT777" not in found.history.lives


async def test_a_log_without_end_is_read_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "EVENTS", 25)
    log, found = Log(*OLD), reading()
    await found.all(log)  # type: ignore[arg-type]
    assert found.read_to_ms == 2_900
    assert len(found.history.lives) == 30


def test_half_of_the_tasks_that_are_asked_for_were_completed() -> None:
    sids = [f"WT{number}" for number in range(10_000)]
    for done, expected in ((9_000, ASKED // 2), (500, 500), (9_900, ASKED - 100), (0, 0)):
        chosen = _chosen(sids, set(sids[:done]), random.Random(1))
        assert len(set(chosen)) == ASKED
        assert len(set(chosen) & set(sids[:done])) == expected
    assert len(_chosen(sids[:5], {"WT1"}, random.Random(1))) == 5
