"""Events that a URL did not take, where a deployment tells them again."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from engine.callback_letters import Letter, Reply
from engine.lanes import Lanes
from engine.unsent import HOLD_MS
from tests.redis.callback_support import BROKEN, EVENTS_URL, MANUAL, Hall, Site, SlowSite, hall, media_server
from tests.redis.media_support import SHARD, until
from tests.redis.test_callback_relays import Rushing

__all__ = ["hall", "media_server"]  # fixtures


async def made(hall: Hall, *names: str) -> None:
    """An event for each name."""
    for name in names:
        hall.floor.now_ms += 1
        await hall.engine.activities.create(*hall.floor.at, friendly_name=name)
    await hall.log()


@pytest.fixture
async def silent(hall: Hall) -> Hall:
    """A Workspace with an event callback and nothing to tell yet."""
    await hall.urls("", events=EVENTS_URL)
    await hall.log()
    await hall.events(Site()).run_once()
    return hall


def names(site: Site) -> list[str]:
    return [letter.fields["activity_name"] for letter in site.told]


async def kept(hall: Hall) -> int:
    call, number = hall.floor.pipeline.call, hall.floor.config.workspace.number
    count, due = await asyncio.gather(  # one behind the other, on one connection
        call("ZCARD", hall.floor.keys.unsent), call("ZSCORE", SHARD.unsent, number)
    )
    assert (due is None) == (count == 0)
    return int(count)


async def test_what_was_not_taken_is_told_again_and_what_came_later_behind_it(silent: Hall) -> None:
    down, up = Site(BROKEN), Site()
    await made(silent, "a", "b", "c")
    await silent.events(down, hours=1).run_once()
    assert (names(down), await kept(silent), await silent.waiting()) == (["a"], 3, 0)
    heir = silent.events(up, "heir", hours=1)
    assert await heir.retry_once() == 0
    await made(silent, "d")
    await heir.run_once()
    assert (up.told, await kept(silent)) == ([], 4)
    silent.floor.now_ms += 1_000
    assert await heir.retry_once() == 1
    assert (names(up), await kept(silent)) == (["a", "b", "c", "d"], 0)
    assert up.told[0].fields == down.told[0].fields
    await made(silent, "e")
    await heir.run_once()
    assert (names(up)[4:], await heir.retry_once()) == (["e"], 0)


async def test_without_retries_nothing_is_kept(silent: Hall) -> None:
    await made(silent, "a")
    await silent.events(Site(BROKEN)).run_once()
    assert await kept(silent) == 0


async def test_a_round_ends_with_its_first_failure(silent: Hall) -> None:
    await made(silent, *(f"A{n}" for n in range(30)))
    await silent.events(Site(BROKEN), hours=1).run_once()
    site = Site(MANUAL, MANUAL, BROKEN)
    silent.floor.now_ms += 1_000
    await silent.events(site, hours=1).retry_once()
    assert 3 <= len(site.told) <= 20  # those that were under way
    assert await kept(silent) == 28


async def test_pauses_are_a_quarter_of_the_age_up_to_five_minutes(silent: Hall) -> None:
    await made(silent, "a")
    relay = silent.events(Site(BROKEN), hours=72)
    await relay.run_once()
    begin_ms, ages_ms = silent.floor.now_ms, []
    for _ in range(40):
        due = await silent.floor.pipeline.call("ZSCORE", SHARD.unsent, silent.floor.config.workspace.number)
        silent.floor.now_ms = int(float(due)) - 1
        assert await relay.retry_once() == 0
        silent.floor.now_ms += 1
        assert await relay.retry_once() == 1
        ages_ms.append(silent.floor.now_ms - begin_ms)
    pauses_ms = [after - before for before, after in pairwise(ages_ms)]
    assert pauses_ms[:4] == [1_000] * 4
    assert pauses_ms == sorted(pauses_ms)
    assert pauses_ms[-1] == 300_000


async def test_what_is_too_old_is_given_up(silent: Hall, caplog: pytest.LogCaptureFixture) -> None:
    await made(silent, "old")
    silent.floor.now_ms += 1_800_000
    await made(silent, "young")
    await silent.events(Site(BROKEN), hours=1).run_once()
    silent.floor.now_ms += 1_800_000
    site = Site()
    await silent.events(site, hours=1).retry_once()
    assert (names(site), await kept(silent)) == (["young"], 0)
    assert "1 events of Workspace" in caplog.text


async def test_of_too_many_the_oldest_go(
    silent: Hall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("engine.unsent.KEPT", 2)
    await made(silent, "a", "b", "c", "d")
    await silent.events(Site(BROKEN), hours=1).run_once()
    assert await kept(silent) == 2
    assert "too many wait" in caplog.text
    silent.floor.now_ms += 1_000
    site = Site()
    await silent.events(site, hours=1).retry_once()
    assert names(site) == ["c", "d"]


async def test_what_a_relay_died_over_is_another_ones_after_a_minute(silent: Hall) -> None:
    await made(silent, "a", "b")
    await silent.events(Site(BROKEN), hours=1).run_once()
    silent.floor.now_ms += 1_000
    slow, site = SlowSite(), Site()
    dying = asyncio.create_task(silent.events(slow, "dying", hours=1).retry_once())
    await until(lambda: slow.waits)
    dying.cancel()
    await asyncio.wait([dying])
    heir = silent.events(site, "heir", hours=1)
    assert await heir.retry_once() == 0
    silent.floor.now_ms += HOLD_MS
    assert await heir.retry_once() == 1
    assert (names(site), await kept(silent)) == (["a", "b"], 0)


async def test_a_lane_that_is_too_long_is_kept_and_not_dropped(silent: Hall) -> None:
    slow, site = SlowSite(), Site()
    await made(silent, *"abcdef")
    relay = silent.events(slow, hours=1)
    relay._lanes = Lanes(1, 100, 2, clock=Rushing())
    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        running = group.create_task(relay.run())
        await until(lambda: slow.waits)
        while await kept(silent) < 3:
            assert len(slow.told) == 1
        slow.answer_all()
        while await silent.waiting():
            assert len(slow.told) == 1  # what comes later goes behind those
        relay.stop()
        await running
    silent.floor.now_ms += 1_000
    await silent.events(site, hours=1).retry_once()
    assert names(slow) + names(site) == list("abcdef")


async def test_rounds_run_beside_the_rest(silent: Hall) -> None:
    await made(silent, "a", "b")
    await silent.events(Site(BROKEN), hours=1).run_once()
    silent.floor.now_ms += 1_000
    site = Site()
    relay = silent.events(site, hours=1)
    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        running = group.create_task(relay.run())
        await until(lambda: len(site.told) == 2)
        while await kept(silent):
            assert names(site) == ["a", "b"]
        relay.stop()
        await running


async def test_order_holds_for_each_task_through_failures(silent: Hall) -> None:
    """One of two Tasks fails in the middle: what is about it, and all that comes later, is told in order."""
    floor = silent.floor
    offer = await floor.offered()
    await floor.accept(offer)
    await floor.accept(offer, "completed")
    await silent.log()
    site = Site()
    post = site.post

    async def fail_at_acceptance(letter: Letter) -> Reply:
        await post(letter)
        return BROKEN if letter.fields["event_type"] == "reservation.accepted" else MANUAL

    site.post = fail_at_acceptance  # type: ignore[method-assign]
    await silent.events(site, hours=1).run_once()
    floor.now_ms += 1_000
    again = Site()
    await silent.events(again, hours=1).retry_once()
    told = [letter.fields["event_type"] for letter in again.told]
    assert told[0] == "reservation.accepted"
    assert set(told) == {"reservation.accepted", "reservation.completed", "task.completed"}


async def test_a_deleted_workspace_leaves_nothing_behind(silent: Hall) -> None:
    await made(silent, "a")
    await silent.events(Site(BROKEN), hours=1).run_once()
    await silent.engine.workspaces.delete(*silent.floor.at)
    await silent.floor.rest()
    silent.floor.now_ms += 1_000
    site = Site()
    await silent.events(site, hours=1).retry_once()
    assert (site.told, await kept(silent)) == ([], 0)


async def test_a_round_that_takes_too_long_goes_on_in_the_next(
    silent: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(silent, "a", "b")
    await silent.events(Site(BROKEN), hours=1).run_once()
    silent.floor.now_ms += 1_000
    monkeypatch.setattr("engine.event_retries.ROUND_S", -1.0)
    site = Site()
    relay = silent.events(site, hours=1)
    assert relay._retries is not None
    assert await relay._retries.take(SHARD) is not None
    await relay._retries.round(0, silent.floor.config.workspace.number)
    assert (site.told, await kept(silent)) == ([], 2)
    monkeypatch.undo()
    assert await relay.retry_once() == 1
    assert names(site) == ["a", "b"]
