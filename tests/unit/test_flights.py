"""Flights: one computation for all who ask together, and never one that had begun before they asked."""

from __future__ import annotations

import asyncio

import pytest

from engine.flights import Flights


class Runway:
    """Computations that end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[asyncio.Event] = []

    async def fly(self) -> int:
        number = len(self.begun)
        gate = asyncio.Event()
        self.begun.append(gate)
        await gate.wait()
        if number == 1:
            raise ValueError("the second crashes")
        return number


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_while_one_flies_waits_for_the_next_and_shares_it() -> None:
    flights, runway = Flights[int](), Runway()
    first = [asyncio.create_task(flights.join("k", runway.fly)) for _ in range(3)]
    await turns()
    assert len(runway.begun) == 1
    late = [asyncio.create_task(flights.join("k", runway.fly)) for _ in range(3)]
    other = asyncio.create_task(flights.join("other", runway.fly))
    await turns()
    assert len(runway.begun) == 2  # the other one's
    runway.begun[0].set()
    assert [await one for one in first] == [0, 0, 0]
    await turns()
    assert len(runway.begun) == 3
    runway.begun[1].set()
    with pytest.raises(ValueError, match="crashes"):
        await other
    runway.begun[2].set()
    assert [await one for one in late] == [2, 2, 2]
    again = asyncio.create_task(flights.join("k", runway.fly))
    await turns()
    runway.begun[3].set()
    assert await again == 3
    assert not flights._flying
    assert not flights._boarding


async def test_one_that_crashes_does_not_keep_the_next_on_the_ground() -> None:
    flights, runway = Flights[int](), Runway()
    runway.begun.append(asyncio.Event())
    first = asyncio.create_task(flights.join("k", runway.fly))
    await turns()
    late = asyncio.create_task(flights.join("k", runway.fly))
    await turns()
    runway.begun[1].set()
    with pytest.raises(ValueError, match="crashes"):
        await first
    await turns()
    runway.begun[2].set()
    assert await late == 2


async def test_a_caller_that_gives_up_does_not_stop_it_for_the_others() -> None:
    flights, runway = Flights[int](), Runway()
    gone = asyncio.create_task(flights.join("k", runway.fly))
    stays = asyncio.create_task(flights.join("k", runway.fly))
    await turns()
    gone.cancel()
    await turns()
    runway.begun[0].set()
    assert await stays == 0
