"""Reservations that are being set up in company: rounds, Workers who leave, targets, Activities."""

from __future__ import annotations

import pytest

from engine.errors import Gone
from engine.media_setups import SETUP_S
from engine.model import Reservation
from tests.redis.media_support import ANSWER_S, Floor, floor, media_server

__all__ = ["floor", "media_server"]  # fixtures


async def test_a_worker_who_leaves_ends_what_is_set_up_with_it(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    await floor.engine.workers.update(
        *floor.at,
        offer.worker_sid,
        activity_sid=floor.activities["Offline"],
        reject_pending_reservations=True,
    )
    await floor.rest()
    assert await floor.status(offer) == "rejected"
    assert [letter["k"] for letter in await floor.letters()] == ["setup", "withdrawn"]


async def test_a_task_for_one_worker_rests_after_its_setup_failed(floor: Floor) -> None:
    worker = await floor.worker("ann", contact="client:ann")
    task = await floor.task(routing_target=worker)
    offer = await floor.offer(task)
    await floor.instruct(offer)
    floor.now_ms += 1
    await floor.report(offer, "failed")
    await floor.rest()
    assert (len(await floor.offers(task)), await floor.task_status(task)) == (1, "pending")
    await floor.engine.workers.update(*floor.at, worker, activity_sid=floor.activities["Unavailable"])
    await floor.rest()
    assert (len(await floor.offers(task)), await floor.task_status(task)) == (2, "reserved")


async def test_the_worker_moves_when_work_that_was_set_up_is_done(floor: Floor) -> None:
    offer = await floor.offered()
    unavailable = floor.activities["Unavailable"]
    await floor.instruct(offer, post_work_activity_sid=unavailable)
    await floor.report(offer, "confirmed")
    await floor.accept(offer, "wrapping")
    assert (await floor.engine.workers.fetch(*floor.at, offer.worker_sid)).value.available
    await floor.accept(offer, "completed")
    assert (await floor.engine.workers.fetch(*floor.at, offer.worker_sid)).value.activity_sid == unavailable


async def test_an_activity_deleted_meanwhile_moves_nobody(floor: Floor) -> None:
    offer = await floor.offered()
    lunch = (await floor.engine.activities.create(*floor.at, friendly_name="Lunch", available=False)).value
    await floor.instruct(offer, post_work_activity_sid=lunch.sid)
    await floor.report(offer, "confirmed")
    await floor.engine.activities.delete(*floor.at, lunch.sid)
    await floor.accept(offer, "completed")
    assert (await floor.engine.workers.fetch(*floor.at, offer.worker_sid)).value.available


async def round_of_two(floor: Floor) -> tuple[Reservation, Reservation]:
    """A Task that two Workers are offered at the same time."""
    await floor.engine.task_queues.update(*floor.at, floor.queue, max_reserved_workers=2)
    for name in ("ann", "bo"):
        await floor.worker(name, contact=f"client:{name}")
    one, other = sorted(await floor.offers(await floor.task()), key=lambda offer: offer.worker_name)
    return one, other


async def test_of_a_round_only_the_one_that_is_set_up_outlives_the_time_to_answer(floor: Floor) -> None:
    held, other = await round_of_two(floor)
    await floor.instruct(held)
    await floor.pass_ms(ANSWER_S * 1000 - 1)
    assert [await floor.status(offer) for offer in (held, other)] == ["pending", "pending"]
    await floor.pass_ms(1)
    assert [await floor.status(offer) for offer in (held, other)] == ["pending", "timeout"]
    assert await floor.task_status(held.task_sid) == "reserved"
    await floor.pass_ms((SETUP_S - ANSWER_S) * 1000 - 1)
    assert await floor.status(held) == "pending"
    await floor.pass_ms(1)
    assert await floor.status(held) == "canceled"
    assert (
        len(await floor.offers(held.task_sid)) == 3
    )  # ann is asked again; bo was moved when it did not answer


async def test_a_round_whose_held_one_is_rejected_still_times_out(floor: Floor) -> None:
    held, other = await round_of_two(floor)
    await floor.pass_ms(1_000)
    await floor.instruct(held)
    await floor.accept(held, "rejected")
    await floor.pass_ms(ANSWER_S * 1000 - 1_001)
    assert await floor.status(other) == "pending"
    await floor.pass_ms(1)
    assert await floor.status(other) == "timeout"


@pytest.mark.parametrize("both", [False, True])
async def test_of_a_round_the_first_that_is_confirmed_wins(floor: Floor, both: bool) -> None:
    held, other = await round_of_two(floor)
    await floor.instruct(held)
    if both:
        await floor.instruct(other)
    await floor.report(held, "confirmed")
    assert [await floor.status(offer) for offer in (held, other)] == ["accepted", "rescinded"]
    withdrawn = [letter for letter in await floor.letters() if letter["k"] == "withdrawn"]
    assert [(letter["r"], letter["s"]) for letter in withdrawn] == (
        [(other.sid, "rescinded")] if both else []
    )
    if both:
        with pytest.raises(Gone, match="rescinded"):
            await floor.report(other, "confirmed")


async def test_another_who_accepts_first_ends_the_setup(floor: Floor) -> None:
    held, other = await round_of_two(floor)
    await floor.instruct(held)
    await floor.accept(other)
    assert await floor.status(held) == "rescinded"
    assert [letter["s"] for letter in (await floor.letters())[1:]] == ["rescinded"]
    with pytest.raises(Gone, match="rescinded"):
        await floor.report(held, "confirmed")


async def test_a_failure_of_one_leaves_the_round_to_the_other(floor: Floor) -> None:
    held, other = await round_of_two(floor)
    await floor.instruct(held)
    await floor.report(held, "failed")
    assert [await floor.status(offer) for offer in (held, other)] == ["canceled", "pending"]
    assert await floor.task_status(held.task_sid) == "reserved"
    assert (await floor.accept(other)).status == "accepted"


async def test_in_a_single_tasking_workspace_the_activity_follows_what_is_set_up(floor: Floor) -> None:
    alone = Floor(floor.pipeline, floor.reader, floor.redis)
    await alone.build(multi_task_enabled=False)
    await alone.worker("ann", activity="Idle", contact="client:ann")
    offer = await alone.offer(await alone.task())
    assert await alone.activity(offer) == "Reserved"
    await alone.instruct(offer)
    assert await alone.activity(offer) == "Reserved"
    alone.now_ms += 1
    await alone.report(offer, "failed")
    offer = await alone.offer(offer.task_sid)
    events = await alone.events()
    moved = [event for event in events if event.startswith("worker.activity.update")]
    assert [event.split("|")[2] for event in moved] == [
        alone.activities[name] for name in ("Reserved", "Idle", "Reserved")
    ]
    await alone.instruct(offer, post_work_activity_sid=alone.activities["Offline"])
    await alone.report(offer, "confirmed")
    assert await alone.activity(offer) == "Busy"
    await alone.accept(offer, "completed")
    assert await alone.activity(offer) == "Offline"
    await alone.engine.workspaces.delete(*alone.at)
