"""Who may go when: lanes of Workspaces, subjects in order, and lanes that grow too long."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from engine.lanes import WINDOW_S, Lanes, Overflow


class Queue:
    """Jobs that wait for turns; `going` are those that have one, in the order in which they got it."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.going: list[str] = []
        self.dropped: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._jobs: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, lane: str = "a", subjects: Collection[str] = ()) -> None:
        self._ends[name] = asyncio.Event()
        self._jobs[name] = asyncio.create_task(self._job(name, lane, subjects or {name}))
        await self.rest()

    async def _job(self, name: str, lane: str, subjects: Collection[str]) -> None:
        try:
            async with self.lanes.turn(lane, subjects):
                self.going.append(name)
                await self._ends[name].wait()
                self.going.remove(name)
        except Overflow:
            self.dropped.append(name)

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await self.rest()

    async def cancel(self, name: str) -> None:
        self._jobs[name].cancel()
        await self.rest()

    async def rest(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_a_lane_lets_so_many_go_at_a_time_in_the_order_they_came() -> None:
    queue = Queue(Lanes(2, 100))
    for name in "pqrs":
        await queue.come(name)
    assert queue.going == ["p", "q"]
    await queue.end("q")
    assert queue.going == ["p", "r"]
    await queue.end("p", "r")
    assert queue.going == ["s"]


async def test_a_full_lane_does_not_hold_up_another() -> None:
    queue = Queue(Lanes(1, 100))
    for name in "pq":
        await queue.come(name)
    await queue.come("x", "b")
    assert queue.going == ["p", "x"]


async def test_what_is_about_one_subject_goes_one_after_the_other() -> None:
    queue = Queue(Lanes(10, 100))
    await queue.come("p", subjects={"task 1", "worker 1"})
    await queue.come("q", subjects={"task 2", "worker 1"})
    await queue.come("r", subjects={"task 2"})
    await queue.come("s", subjects={"task 3"})
    assert queue.going == ["p", "s"]  # r would overtake q, which came first
    await queue.end("p")
    assert queue.going == ["s", "q"]
    await queue.end("q")
    assert queue.going == ["s", "r"]


async def test_lanes_take_turns_where_all_places_are_taken() -> None:
    queue = Queue(Lanes(10, 2))
    for name in ("a1", "a2", "a3", "a4"):
        await queue.come(name, "a")
    await queue.come("b1", "b")
    await queue.come("b2", "b")
    assert queue.going == ["a1", "a2"]
    await queue.end("a1")
    assert queue.going == ["a2", "b1"]
    await queue.end("a2")
    assert queue.going == ["b1", "a3"]


async def test_who_gives_up_leaves_the_place_to_the_next() -> None:
    queue = Queue(Lanes(1, 1))
    for name in "pqr":
        await queue.come(name)
    await queue.cancel("q")
    await queue.cancel("p")
    assert queue.going == ["p", "r"]  # p is still listed, since it was stopped in the middle
    await queue.end("r")
    assert queue.lanes._lanes == {}
    assert queue.lanes._going == 0


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_slow_lane_that_grows_too_long_loses_its_oldest_that_wait() -> None:
    clock = Clock()
    queue = Queue(Lanes(1, 100, 2, clock=clock))
    for name in "pqrst":
        await queue.come(name)
    assert (queue.going, queue.dropped) == (["p"], [])  # it may be a burst
    clock.now_s = WINDOW_S
    await queue.come("u")
    assert (queue.going, queue.dropped) == (["p"], ["q", "r", "s"])
    await queue.end("p", "t", "u")
    assert queue.lanes._lanes == {}


@pytest.mark.parametrize(("left", "dropped"), [(1, 3), (2, 0)])
async def test_a_lane_is_slow_where_the_last_would_wait_for_15_s(left: int, dropped: int) -> None:
    clock = Clock()
    queue = Queue(Lanes(1, 100, 2, clock=clock))
    names = [f"n{i}" for i in range(6 + left)]
    for name in names[:-1]:
        await queue.come(name)
    for name in names[:left]:
        await queue.end(name)
    clock.now_s = WINDOW_S
    await queue.come(names[-1])  # 5 wait; 1 left in 5 s is 3 in 15 s, 2 are 6
    assert len(queue.dropped) == dropped


async def test_what_left_long_ago_does_not_count() -> None:
    clock = Clock()
    queue = Queue(Lanes(1, 100, 1, clock=clock))
    for name in "pqrs":
        await queue.come(name)
    await queue.end("p")
    clock.now_s = 2 * WINDOW_S
    await queue.come("t")
    assert queue.dropped == ["r", "s"]


@pytest.mark.parametrize(("count", "dropped"), [(1, ["a2"]), (5, ["a2", "a3"])])
async def test_the_longest_slow_lane_is_shortened_on_demand(count: int, dropped: list[str]) -> None:
    clock = Clock()
    queue = Queue(Lanes(1, 100, 1_000, clock=clock))
    for name in ("a1", "a2", "a3"):
        await queue.come(name, "a")
    assert queue.lanes.shed(1) == 0
    clock.now_s = WINDOW_S
    for name in ("b1", "b2", "b3", "b4"):
        await queue.come(name, "b")  # longer, and younger
    assert queue.lanes.shed(count) == len(dropped)
    await queue.rest()
    assert queue.dropped == dropped


async def test_lanes_that_lose_nobody_are_not_shortened() -> None:
    clock = Clock()
    queue = Queue(Lanes(1, 100, clock=clock))
    for name in "pqr":
        await queue.come(name)
    clock.now_s = WINDOW_S
    await queue.come("s")
    assert (queue.lanes.shed(1), queue.dropped) == (0, [])
