"""The relay with an adapter that answers as told: what is sent, how often, in which order, and what comes of it."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from engine.media import PAUSES_S
from engine.media_letters import Letter, Outcome, Reply
from engine.media_setups import SETUP_S
from tests.redis.media_support import (
    ADAPTER,
    BROKEN,
    CONFIRMED,
    PENDING,
    SHARD,
    START_MS,
    Adapter,
    Floor,
    busy,
    floor,
    media_server,
)

__all__ = ["floor", "media_server"]  # fixtures

CALL = {"call_from": "+1555", "call_url": "https://example.com/voice"}


async def test_a_letter_says_all_that_an_adapter_needs(floor: Floor) -> None:
    offer = await floor.offered(attributes='{"call_sid": "CA1"}')
    await floor.instruct(offer, "dequeue", dequeue_timeout="20")
    adapter = Adapter()
    assert await floor.relay(adapter).run_once() == 1
    (letter,) = adapter.told
    assert replace(letter, secret="", setup_sid="", parameters={}) == Letter(
        url=ADAPTER,
        secret="",
        kind="setup",
        setup_sid="",
        attempt=1,
        account_sid=floor.account,
        workspace_sid=floor.workspace,
        task_sid=offer.task_sid,
        reservation_sid=offer.sid,
        instruction="dequeue",
        base_url="http://router.example",
        respond_by_ms=START_MS + SETUP_S * 1000,
        worker_sid=offer.worker_sid,
        worker_name="ann",
        worker_attributes='{"contact_uri": "client:ann"}',
        task_attributes='{"call_sid": "CA1"}',
    )
    workspace = (await floor.engine.workspaces.fetch(*floor.at)).value
    assert letter.secret == workspace.media_adapter_secret
    assert (letter.parameters["to"], letter.parameters["timeout"]) == ("client:ann", 20)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (CONFIRMED, "accepted"),
        (PENDING, "pending"),
        (Reply(Outcome.FAILED, "busy"), "canceled"),
        (BROKEN, "canceled"),
    ],
)
async def test_the_answer_decides_about_the_reservation(floor: Floor, reply: Reply, status: str) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    await floor.relay(Adapter(reply)).run_once()
    assert await floor.status(offer) == status
    assert await floor.letters() == []
    if status == "canceled":
        assert any(event.endswith(f"|failed|{reply.reason}") for event in await floor.events())


async def test_what_is_pending_is_reported_later(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    await floor.relay(Adapter(PENDING)).run_once()
    await floor.report(offer, "confirmed")
    assert await floor.task_status(offer.task_sid) == "assigned"


async def test_an_answer_may_add_to_the_tasks_attributes(floor: Floor) -> None:
    offer = await floor.offered(attributes='{"a": 1}')
    await floor.instruct(offer)
    reply = Reply(Outcome.CONFIRMED, task_attributes={"worker_call_sid": "CA2"})
    await floor.relay(Adapter(reply)).run_once()
    task = (await floor.engine.tasks.fetch(*floor.at, offer.task_sid)).value
    assert (task.status, json.loads(task.attributes)) == ("assigned", {"a": 1, "worker_call_sid": "CA2"})


async def test_attributes_that_are_too_long_do_not_cost_the_acceptance(floor: Floor) -> None:
    offer = await floor.offered(attributes='{"a": 1}')
    await floor.instruct(offer)
    reply = Reply(Outcome.CONFIRMED, task_attributes={"x": "y" * 4_096})
    await floor.relay(Adapter(reply)).run_once()
    task = (await floor.engine.tasks.fetch(*floor.at, offer.task_sid)).value
    assert (task.status, task.attributes) == ("assigned", '{"a": 1}')


async def test_broken_tries_are_repeated_with_the_same_setup_sid(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    adapter = Adapter(BROKEN, BROKEN, CONFIRMED)
    await floor.relay(adapter).run_once()
    assert [letter.attempt for letter in adapter.told] == [1, 2, 3]
    assert len({letter.setup_sid for letter in adapter.told}) == 1
    assert await floor.status(offer) == "accepted"


async def test_tries_end_after_five_and_half_a_minute_of_pauses(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    adapter = Adapter(BROKEN)
    await floor.relay(adapter).run_once()
    assert [letter.attempt for letter in adapter.told] == [1, 2, 3, 4, 5]
    assert len(PAUSES_S) == 4
    assert sum(PAUSES_S) == 28


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
async def test_pauses_are_spread_by_a_quarter(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, fraction: float
) -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    relay = busy(floor, Adapter(BROKEN), fraction=lambda: fraction)
    monkeypatch.setattr(relay, "_pause", pause)  # of this one: others may run in this process
    await floor.instruct(await floor.offered())
    await relay.run_once()
    assert waited == [pause_s * (0.75 + fraction / 2) for pause_s in PAUSES_S]


async def test_a_setup_that_ended_is_not_tried_again_and_its_end_is_told(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    adapter = Adapter(BROKEN)

    async def reject_at_the_second(letter: Letter) -> Reply:
        if letter.attempt == 2:
            await floor.accept(offer, "rejected")
        return await Adapter.deliver(adapter, letter)

    adapter.deliver = reject_at_the_second  # type: ignore[method-assign]
    await floor.relay(adapter).run_once()
    assert adapter.kinds[:3] == ["setup", "setup", "withdrawn"]
    assert adapter.told[2].status == "rejected"
    assert len({letter.setup_sid for letter in adapter.told[:3]}) == 1
    assert not {letter.kind for letter in adapter.told[3:]} - {"withdrawn"}


async def test_a_setup_that_ended_before_it_was_told_is_only_withdrawn(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    await floor.accept(offer, "rejected")
    adapter = Adapter()
    assert await floor.relay(adapter).run_once() == 2
    assert adapter.kinds == ["withdrawn"]


async def test_a_confirmation_that_comes_too_late_is_withdrawn(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    adapter = Adapter()

    async def cancel_meanwhile(letter: Letter) -> Reply:
        if letter.kind == "setup":
            await floor.engine.tasks.update(*floor.at, offer.task_sid, assignment_status="canceled")
        return await Adapter.deliver(adapter, letter)

    adapter.deliver = cancel_meanwhile  # type: ignore[method-assign]
    await floor.relay(adapter).run_once()
    assert adapter.kinds == ["setup", "withdrawn", "withdrawn"]
    assert len({letter.setup_sid for letter in adapter.told}) == 1
    assert await floor.status(offer) == "canceled"


@pytest.mark.parametrize(
    ("reply", "outcome"), [(CONFIRMED, "delivered"), (Reply(Outcome.FAILED, "no"), "undelivered|no")]
)
async def test_what_holds_nothing_is_told_and_logged(floor: Floor, reply: Reply, outcome: str) -> None:
    offer = await floor.offered()
    await floor.instruct(offer, "call", **CALL)
    adapter = Adapter(reply)
    await floor.relay(adapter).run_once()
    assert adapter.kinds == ["send"]
    assert adapter.told[0].parameters["url"] == CALL["call_url"]
    assert await floor.status(offer) == "pending"
    last = (await floor.events())[-1]
    assert last.startswith(f"reservation.instruction|{offer.sid}|{offer.task_sid}|{offer.worker_sid}|SU")
    assert outcome in last


async def test_an_adapter_that_was_taken_away_fails_what_waits_for_it(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    await floor.engine.workspaces.update(*floor.at, media_adapter_url="")
    adapter = Adapter()
    await floor.relay(adapter).run_once()
    assert adapter.told == []
    assert await floor.status(offer) == "canceled"


async def test_letters_of_a_deleted_workspace_are_dropped(floor: Floor) -> None:
    await floor.instruct(await floor.offered())
    await floor.engine.workspaces.delete(*floor.at)
    adapter = Adapter()
    assert await floor.relay(adapter).run_once() == 1
    assert (adapter.told, await floor.letters()) == ([], [])


async def test_an_entry_that_cannot_be_understood_is_dropped(floor: Floor) -> None:
    for fields in (("x", "y"), ("k", "setup"), ("k", "setup", "w", "999999")):
        await floor.pipeline.call("XADD", SHARD.media, "*", *fields)
    adapter = Adapter()
    assert await floor.relay(adapter).run_once() == 3
    assert (adapter.told, await floor.letters()) == ([], [])
