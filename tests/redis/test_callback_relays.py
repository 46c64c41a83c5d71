"""Relays of callbacks that die, live on, stop, and have much to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from engine.callback_letters import Letter, Reply
from engine.callbacks import UNREACHABLE
from engine.events import Event
from engine.lanes import Lanes
from engine.relay import Relay
from tests.redis.callback_support import (
    BROKEN,
    EVENTS_URL,
    MANUAL,
    URL,
    Hall,
    Site,
    SlowSite,
    hall,
    media_server,
    names_of,
    said,
)
from tests.redis.media_support import SHARD, Floor, until

__all__ = ["hall", "media_server"]  # fixtures


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads that wait do so for 20 ms, since a relay that is stopped finishes the one that it is in."""
    for module in ("relay", "event_callbacks"):
        monkeypatch.setattr(f"engine.{module}.BLOCK_MS", 20)


class Rushing:
    """A clock by which a minute passes with every look, so that every lane is slow."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 60
        return self.now_s


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    """The relay at work; stopped at the end, and given up where the test fails."""
    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        job = group.create_task(relay.run())
        yield
        relay.stop()
        await job


async def offered(hall: Hall, count: int) -> None:
    """One Worker with so many Reservations."""
    worker = await hall.floor.worker("ann")
    await hall.engine.worker_channels.update(*hall.floor.at, worker, "default", capacity=count)
    for _ in range(count):
        await hall.floor.engine.tasks.create(*hall.floor.at)
    await hall.floor.rest()
    await hall.log()


async def other_hall(hall: Hall, **urls: str) -> Hall:
    """Another Workspace on the same server."""
    floor = Floor(hall.floor.pipeline, hall.floor.reader, hall.floor.redis)
    await floor.build()
    other = Hall(floor)
    await other.urls(**urls)
    return other


# Assignments


async def test_what_a_dead_relay_had_begun_is_asked_again_by_another(hall: Hall) -> None:
    offer = await hall.floor.offered()
    await hall.log()
    slow, site = SlowSite(), Site(said("accept"))
    dying = asyncio.create_task(hall.assignments(slow, "dying").run_once())
    await until(lambda: slow.waits)
    dying.cancel()
    await asyncio.wait([dying])
    heir = hall.assignments(site, "heir")
    assert await heir.run_once() == 0
    assert await heir.claim(SHARD, 0) == 1
    assert [letter.fields for letter in site.told] == [letter.fields for letter in slow.told]
    assert await hall.floor.status(offer) == "accepted"
    assert (await hall.waiting(), await hall.pending("assignment")) == (0, {})


async def test_a_hanging_url_holds_up_its_own_workspace_only(hall: Hall) -> None:
    await offered(hall, 5)
    slow, fast = SlowSite(), Site(said("accept"))
    other = await other_hall(hall, url="https://fast.example/")

    async def post(letter: Letter) -> Reply:
        return await (slow if letter.url == URL else fast).post(letter)

    site = Site()
    site.post = post  # type: ignore[method-assign]
    relay = hall.assignments(site)
    relay._lanes = Lanes(2, 100)
    async with running(relay):
        await until(lambda: len(slow.waits) == 2)
        offer = await other.floor.offered()
        await hall.log()
        await until(lambda: fast.told)
        assert len(slow.told) == 2
        while len(slow.told) < 5:
            slow.answer_all()
            await asyncio.sleep(0)
        slow.answer_all()
    assert slow.most == 2
    assert await other.floor.status(offer) == "accepted"
    await other.engine.workspaces.delete(*other.floor.at)


async def test_more_than_can_be_told_in_time_fails_at_once(hall: Hall) -> None:
    await offered(hall, 4)
    slow = SlowSite()
    relay = hall.assignments(slow)
    relay._lanes = Lanes(1, 100, 2, clock=Rushing())
    async with running(relay):
        await until(lambda: len(slow.waits) == 1)
        while await hall.alerts() != [UNREACHABLE]:
            assert len(slow.told) == 1
        slow.answer_all()
        await until(lambda: len(slow.told) == 2)
        slow.answer_all()
        await until(lambda: len(slow.told) == 3)
        slow.answer_all()
    found = [task.status for task in (await hall.engine.tasks.list(*hall.floor.at)).value.items]
    assert sorted(found) == ["pending", "reserved", "reserved", "reserved"]


async def test_a_relay_that_is_stopped_waits_for_answers_and_asks_nobody_else(hall: Hall) -> None:
    await offered(hall, 2)
    slow = SlowSite()
    relay = hall.assignments(slow)
    relay._lanes = Lanes(1, 100)
    async with running(relay):
        await until(lambda: slow.waits and len(relay._mine[0]) == 2)
        relay.stop()
        slow.answer_all(said("accept"))
    assert len(slow.told) == 1
    assert await hall.waiting() == 1
    assert await hall.assignments(Site(said("accept")), "next").claim(SHARD, 0) == 1


# Events


async def life(hall: Hall) -> str:
    """A Task that a Worker of its own accepts and completes."""
    offer = await hall.floor.offered()
    await hall.floor.accept(offer)
    await hall.floor.accept(offer, "completed")
    return offer.task_sid


LIFE = [
    "worker.created",
    "task.created",
    "workflow.entered",
    "workflow.target-matched",
    "task-queue.entered",
    "reservation.created",
    "reservation.accepted",
    "task.completed",
    "reservation.completed",
]


async def test_every_event_is_told_with_the_names_of_the_original(hall: Hall) -> None:
    await hall.urls("", events=EVENTS_URL)
    await hall.log()
    await hall.events(Site()).run_once()
    task = await life(hall)
    await hall.log()
    site = Site()
    await hall.events(site).run_once()
    account = await hall.engine.accounts.get(hall.floor.account)
    assert account is not None
    types = [letter.fields["event_type"] for letter in site.told]
    assert sorted(types) == sorted(LIFE)
    assert types.index("reservation.created") < types.index("reservation.accepted")
    letter = next(letter for letter in site.told if letter.fields["event_type"] == "reservation.accepted")
    assert (letter.url, letter.token) == (EVENTS_URL, account.token)
    fields = dict(letter.fields)
    assert fields["sid"].startswith("EV")
    assert fields["timestamp_ms"] == str(hall.floor.now_ms)
    assert fields["timestamp"] == str(hall.floor.now_ms // 1000)
    assert fields["event_description"] == f"Reservation {fields['reservation_sid']} accepted"
    expected = {
        "account_sid": hall.floor.account,
        "workspace_sid": hall.floor.workspace,
        "workspace_name": "Media",
        "resource_type": "reservation",
        "resource_sid": fields["reservation_sid"],
        "task_sid": task,
        "worker_name": "ann",
        "task_assignment_status": "assigned",
    }
    assert expected.items() <= fields.items()
    assert "" not in fields.values()
    assert len({letter.fields["sid"] for letter in site.told}) == len(LIFE)
    assert await hall.waiting() == 0


async def test_only_what_the_filter_lets_through_is_told(hall: Hall) -> None:
    await hall.urls("", events=EVENTS_URL)
    wanted = "reservation.accepted, task.completed"
    await hall.engine.workspaces.update(*hall.floor.at, events_filter=wanted)
    await hall.log()
    await life(hall)
    await hall.log()
    site = Site()
    await hall.events(site).run_once()
    told = [
        letter.fields["event_type"] for letter in site.told if letter.fields["resource_type"] != "workspace"
    ]
    assert told == wanted.split(", ")


async def test_an_event_that_is_not_taken_is_not_told_again(hall: Hall) -> None:
    await hall.urls("", events=EVENTS_URL)
    await life(hall)
    await hall.log()
    site = Site(BROKEN, MANUAL)
    relay = hall.events(site)
    await relay.run_once()
    sids = [letter.fields["sid"] for letter in site.told]
    assert len(sids) == len(set(sids)) > len(LIFE)
    assert await relay.run_once() == 0
    assert await hall.waiting() == 0


async def test_a_url_that_was_taken_away_is_told_nothing(hall: Hall) -> None:
    await hall.urls("", events=EVENTS_URL)
    await life(hall)
    await hall.log()
    await hall.urls("")
    site = Site()
    await hall.events(site).run_once()
    assert (site.told, await hall.waiting()) == ([], 0)


async def test_each_kind_of_relay_leaves_the_calls_of_the_other(hall: Hall) -> None:
    await hall.urls(events=EVENTS_URL)
    offer = await hall.floor.offered()
    await hall.log()
    told, asked = Site(), Site(said("accept"))
    await hall.events(told).run_once()
    assert await hall.waiting() == 1
    assert await hall.floor.status(offer) == "pending"
    await hall.assignments(asked).run_once()
    assert [letter.url for letter in asked.told] == [URL]
    assert {letter.url for letter in told.told} == {EVENTS_URL}
    assert (await hall.waiting(), await hall.pending("event"), await hall.pending("assignment")) == (
        0,
        {},
        {},
    )


async def test_events_of_one_task_or_worker_go_in_order_and_hold_up_no_others(hall: Hall) -> None:
    await hall.urls("", events=EVENTS_URL)
    await hall.log()
    await hall.events(Site()).run_once()
    floor, slow = hall.floor, SlowSite()
    ann, bo = await floor.worker("ann"), await floor.worker("bo")
    offers = [await floor.offer(await floor.task()) for _ in range(2)]
    for offer in offers:
        await floor.accept(offer)
        await floor.accept(offer, "completed")
    await hall.log()
    total = await hall.waiting()
    async with running(hall.events(slow)):
        await until(lambda: len(slow.waits) == 4)  # two Workers are created, and two Tasks
        firsts = names_of(slow.waits, "event_type")
        assert sorted(firsts) == [("task.created",)] * 2 + [("worker.created",)] * 2
        while len(slow.told) < total:
            slow.answer_all()
            await asyncio.sleep(0)
        slow.answer_all()
    assert len(slow.told) == total
    seqs = {event.sid: event.seq for event in await logged(hall)}
    for subject in ("task_sid", "worker_sid"):
        for sid in {letter.fields.get(subject, "") for letter in slow.told} - {""}:
            mine = [seqs[letter.fields["sid"]] for letter in slow.told if letter.fields.get(subject) == sid]
            assert mine == sorted(mine)
            assert len(mine) > 3
    assert {ann, bo} == {offer.worker_sid for offer in offers}


@pytest.mark.parametrize("held", ["worker.created", "task.created"])
async def test_what_is_about_a_worker_or_a_task_waits_for_what_came_before(hall: Hall, held: str) -> None:
    await hall.urls("", events=EVENTS_URL)
    await hall.log()
    await hall.events(Site()).run_once()
    await life(hall)
    await hall.log()
    slow = SlowSite()
    behind = {"task.completed", "reservation.created", "reservation.accepted", "reservation.completed"}
    others = {"worker.created", "task.created", "workflow.entered", "task-queue.entered"} - {held}
    async with running(hall.events(slow)):
        await until(lambda: len(slow.waits) == 2)
        for _ in range(20):  # time enough to tell all of it
            for letter in list(slow.waits):
                if letter.fields["event_type"] != held:
                    slow.answer(letter)
            await hall.waiting()
        told = {letter.fields["event_type"] for letter in slow.told}
        assert not told & behind
        assert held == "task.created" or others <= told
        while await hall.waiting():
            slow.answer_all()
    assert behind <= {letter.fields["event_type"] for letter in slow.told}


async def logged(hall: Hall) -> list[Event]:
    found = hall.engine.events.between(hall.floor.config, 0, 10**15)
    return [event async for chunk in found for event in chunk]


async def test_the_events_of_a_shard_are_in_the_hands_of_one_relay(hall: Hall) -> None:
    await hall.urls("", events=EVENTS_URL)
    await life(hall)
    await hall.log()
    slow, site = SlowSite(), Site()
    other = hall.events(site, "other")
    begun = asyncio.create_task(hall.events(slow, "slow").run_once())
    await until(lambda: slow.waits)
    await hall.floor.task()
    await hall.log()
    assert await other.run_once() == 0  # though there are events that nobody has taken
    assert list(await hall.pending("event")) == [b"slow"]
    begun.cancel()
    await asyncio.wait([begun])
    assert await other.run_once() == 0
    assert site.told == []
    while await other.claim(SHARD, 0):
        assert list(await hall.pending("event")) in ([], [b"slow"])
    assert await other.run_once() > 0
    sids = [letter.fields["sid"] for letter in site.told]
    assert sids == sorted(sids)
    assert await hall.waiting() == 0


async def test_a_relay_that_waits_goes_on_where_another_died(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hall.urls("", events=EVENTS_URL)
    await life(hall)
    await hall.log()
    slow, site = SlowSite(), Site()
    dying = asyncio.create_task(hall.events(slow, "dying").run())
    await until(lambda: slow.waits)
    dying.cancel()
    await asyncio.wait([dying])
    begun = [letter.fields["sid"] for letter in slow.told]
    await hall.floor.task()
    await hall.log()
    total = await hall.waiting()
    heir = hall.events(site, "heir")
    claim = heir._streams.claim
    monkeypatch.setattr(
        heir._streams, "claim", lambda keys, mine: claim(keys, mine, 0 if not mine else 10**6)
    )
    async with running(heir):
        await until(lambda: len(site.told) >= total)
        while await hall.waiting():
            assert len(site.told) == total
    told = [letter.fields["sid"] for letter in site.told]
    assert set(begun) <= set(told)
    assert len(told) == len(set(told)) == total
    seqs = {event.sid: event.seq for event in await logged(hall)}
    tasks = {letter.fields["task_sid"] for letter in site.told if "task_sid" in letter.fields}
    for task in tasks:
        mine = [seqs[letter.fields["sid"]] for letter in site.told if letter.fields.get("task_sid") == task]
        assert mine == sorted(mine)


async def test_a_hanging_url_drops_its_oldest_events_and_holds_up_nobody_else(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    await hall.urls("", events=EVENTS_URL)
    slow, fast = SlowSite(), Site()
    other = await other_hall(hall, url="", events="https://fast.example/")

    async def post(letter: Letter) -> Reply:
        return await (slow if letter.url == EVENTS_URL else fast).post(letter)

    site = Site()
    site.post = post  # type: ignore[method-assign]
    await hall.log()
    await hall.events(Site()).run_once()
    for n in range(8):
        await hall.engine.activities.create(*hall.floor.at, friendly_name=f"A{n}")
    await hall.log()
    relay = hall.events(site)
    relay._lanes = Lanes(2, 100, 3, clock=Rushing())
    async with running(relay):
        await until(lambda: len(slow.waits) == 2)
        await other.engine.activities.create(*other.floor.at, friendly_name="Other")
        await hall.log()
        await until(lambda: any(letter.fields.get("activity_name") == "Other" for letter in fast.told))
        while len(slow.told) < 5:
            slow.answer_all()
            await asyncio.sleep(0)
        slow.answer_all()
        await until(lambda: "3 events of Workspace" in caplog.text)
    assert [letter.fields["activity_name"] for letter in slow.told] == ["A0", "A1", "A5", "A6", "A7"]
    assert await hall.waiting() == 0
    await other.engine.workspaces.delete(*other.floor.at)


async def test_what_is_in_hand_is_bounded_by_shortening_a_slow_lane(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.relay.IN_HAND", 4)
    for module in ("relay", "event_callbacks"):
        monkeypatch.setattr(f"engine.{module}.READ", 2)
    await hall.urls("", events=EVENTS_URL)
    await hall.log()
    await hall.events(Site()).run_once()
    for n in range(8):
        await hall.engine.activities.create(*hall.floor.at, friendly_name=f"A{n}")
    await hall.log()
    slow = SlowSite()
    relay = hall.events(slow)
    relay._lanes = Lanes(1, 100, 1_000, clock=Rushing())
    async with running(relay):
        await until(lambda: slow.waits and relay._dropped.total() >= 4)
        while await hall.waiting():
            slow.answer_all()
    names = [letter.fields["activity_name"] for letter in slow.told]
    assert (names[0], names[-1]) == ("A0", "A7")
    assert len(names) < 8


async def test_a_burst_that_is_worked_off_loses_nothing(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.relay.IN_HAND", 12)
    for module in ("relay", "event_callbacks"):
        monkeypatch.setattr(f"engine.{module}.READ", 4)
    monkeypatch.setattr("engine.relay.ROOM_S", 0.001)
    await hall.urls("", events=EVENTS_URL)
    await hall.log()
    await hall.events(Site()).run_once()
    for n in range(30):
        await hall.engine.activities.create(*hall.floor.at, friendly_name=f"A{n}")
    await hall.log()
    site = Site()
    relay = hall.events(site)
    relay._lanes = Lanes(1, 100, 2)
    async with running(relay):
        await until(lambda: len(site.told) == 30)
    assert [letter.fields["activity_name"] for letter in site.told] == [f"A{n}" for n in range(30)]
