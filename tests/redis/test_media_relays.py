"""Relays that die, live on, stop, and have much to do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.errors import Unavailable
from engine.media import LANE
from engine.media_letters import Letter, Reply
from engine.media_stream import GROUP, MAX_DELIVERIES
from tests.redis.media_support import (
    ADAPTER,
    BROKEN,
    SHARD,
    Adapter,
    Floor,
    Gate,
    busy,
    floor,
    media_server,
    until,
)

__all__ = ["floor", "media_server"]  # fixtures


async def test_what_a_dead_relay_had_begun_is_told_again_by_another(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    gate, adapter = Gate(), Adapter()
    begun = asyncio.create_task(busy(floor, gate, name="dying").run_once())
    await gate.arrived.wait()
    begun.cancel()
    await asyncio.wait([begun])
    heir = floor.relay(adapter, name="heir")
    assert await heir.run_once() == 0
    assert await heir.claim(SHARD, 0) == 1
    assert (await floor.pipeline.call("XPENDING", SHARD.media, GROUP))[0] == 0
    assert [letter.setup_sid for letter in adapter.told] == [letter.setup_sid for letter in gate.told]
    assert await floor.status(offer) == "accepted"
    assert await heir.claim(SHARD, 0) == 0


async def test_a_living_relay_keeps_what_it_has_in_hand(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    gate, adapter = Gate(), Adapter()
    slow = busy(floor, gate, name="slow")
    begun = asyncio.create_task(slow.run_once())
    await gate.arrived.wait()
    (pending,) = await floor.pipeline.call("XPENDING", SHARD.media, GROUP, "-", "+", 10)
    assert (pending[1], pending[3]) == (b"slow", 1)
    age = ("XCLAIM", SHARD.media, GROUP, "slow", 0, pending[0], "IDLE", 60_000, "JUSTID")
    await floor.pipeline.call(*age)
    assert await slow.claim(SHARD, 0) == 0  # renews its own, and does not begin them twice
    assert await floor.relay(adapter, name="other").claim(SHARD, 30_000) == 0
    gate.open.set()
    assert await begun == 1
    assert await floor.status(offer) == "accepted"


async def test_an_entry_that_no_relay_can_do_is_set_aside_and_its_setup_fails(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)

    async def fall(_: Letter) -> Reply:
        raise RuntimeError("a mistake of ours")

    adapter = Adapter()
    adapter.deliver = fall  # type: ignore[method-assign, assignment]
    relay = floor.relay(adapter)
    assert await relay.run_once() == 1
    for _ in range(MAX_DELIVERIES - 1):
        assert await floor.status(offer) == "pending"
        assert await relay.claim(SHARD, 0) == 1
    assert await floor.status(offer) == "pending"
    assert await relay.claim(SHARD, 0) == 1
    assert await floor.status(offer) == "canceled"
    assert [letter["k"] for letter in await floor.letters()] == []
    dead = await floor.pipeline.call("XRANGE", SHARD.dead, "-", "+")
    assert offer.sid.encode() in dead[-1][1]


async def test_a_server_that_cannot_be_asked_is_not_the_entrys_fault(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    report, failures = floor.engine.setups.report, [1] * 2 * MAX_DELIVERIES

    async def fail_at_first(*args: Any, **given: Any) -> Any:
        if failures:
            failures.pop()
            raise Unavailable("the server is away", outcome_unknown=True)
        return await report(*args, **given)

    monkeypatch.setattr(floor.engine.setups, "report", fail_at_first)
    adapter = Adapter()
    relay = floor.relay(adapter)
    assert await relay.run_once() == 1
    while failures:
        assert await floor.status(offer) == "pending"
        assert await relay.claim(SHARD, 0) == 1
    assert await relay.claim(SHARD, 0) == 1
    assert await floor.status(offer) == "accepted"
    assert len({letter.setup_sid for letter in adapter.told}) == 1


async def test_a_withdrawal_waits_for_the_answer_to_its_setup(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    gate = Gate()
    relay = busy(floor, gate)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(relay.run())
        await gate.arrived.wait()
        await floor.accept(offer, "rejected")
        await until(lambda: len(relay._mine[0]) == 2)
        for _ in range(20):  # time enough to tell it, which takes four round trips
            await floor.status(offer)
        assert [letter.kind for letter in gate.told] == ["setup"]
        gate.open.set()
        await until(lambda: not relay._mine[0])
        relay.stop()
        await running
    kinds = [letter.kind for letter in gate.told]
    assert kinds[0] == "setup"
    assert set(kinds[1:]) == {"withdrawn"}


async def test_a_slow_adapter_holds_up_its_own_workspace_only(floor: Floor) -> None:
    """More letters of one Workspace than its lane has room for, then one of another."""
    await instructed(floor, LANE + 5)
    other = Floor(floor.pipeline, floor.reader, floor.redis)
    await other.build("https://fast.example/")
    slow, fast = Gate(), Gate()
    fast.open.set()

    async def deliver(letter: Letter) -> Reply:
        return await (slow if letter.url == ADAPTER else fast).deliver(letter)

    adapter = Adapter()
    adapter.deliver = deliver  # type: ignore[method-assign]
    relay = busy(floor, adapter)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(relay.run())
        await until(lambda: slow.now == LANE)
        await other.instruct(await other.offered())
        await fast.arrived.wait()
        assert (slow.now, len(slow.told)) == (LANE, LANE)
        slow.open.set()
        await until(lambda: len(slow.told) == LANE + 5)
        relay.stop()
        await running
    assert slow.most == LANE
    await other.engine.workspaces.delete(*other.at)


async def test_a_relay_that_is_stopped_waits_for_the_answer_to_what_it_told(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    gate = Gate()
    relay = busy(floor, gate)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(relay.run())
        await gate.arrived.wait()
        relay.stop()
        gate.open.set()
        await running
    assert await floor.status(offer) == "accepted"


async def test_a_relay_that_is_stopped_tells_nothing_new(floor: Floor) -> None:
    await instructed(floor, LANE + 1)
    gate = Gate()
    relay = busy(floor, gate)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(relay.run())
        await until(lambda: gate.now == LANE and len(relay._mine[0]) == LANE + 1)
        relay.stop()
        gate.open.set()
        await running
    assert len(gate.told) == LANE
    assert len(await floor.letters()) == 1


async def instructed(floor: Floor, count: int) -> None:
    """One Worker, with so many Reservations that are being set up."""
    worker = await floor.worker("ann", contact="client:ann")
    await floor.engine.worker_channels.update(*floor.at, worker, "default", capacity=count)
    for _ in range(count):
        await floor.instruct(await floor.offer(await floor.task()))


async def test_a_relay_that_is_stopped_leaves_the_next_try_to_others(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    adapter = Adapter(BROKEN)
    relay = busy(floor, adapter)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(relay.run())
        await until(lambda: adapter.told)
        relay.stop()
        await running
    assert (len(adapter.told), await floor.status(offer)) == (1, "pending")
    assert await floor.relay(Adapter(), name="new").claim(SHARD, 0) == 1
    assert await floor.status(offer) == "accepted"
