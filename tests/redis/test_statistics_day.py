"""Cumulative figures of the same day, computed by hand for every scope."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from engine.cumulative import RESERVATIONS, TASKS, Durations, Interval, Tally
from engine.errors import Invalid, NotFound, Unavailable
from engine.roster import EVERYBODY, WorkerFilter
from engine.statistics import Asked, Scope
from engine.whole_log import WholeLog
from engine.worker_statistics import PastOfWorkers
from tests.made_events import MadeLog
from tests.redis.small_centre import AC, small_centre
from tests.redis.statistics_day import Day, at, events_of

DAY = Asked(start_ms=at(0), end_ms=at(200))


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """The whole day, which is played once, and a log of it."""
    async with small_centre(tmp_path_factory.mktemp("day")) as centre:
        made = Day(centre)
        await made.begin()
        await made.until(200)
        statistics, workers = centre.engine.statistics, centre.engine.worker_statistics
        statistics.log = workers.log = MadeLog(events_of(made.sids))
        await centre.engine.chronicle().run_once()
        yield made


async def past(day: Day, scope: Scope, name: str = "", asked: Asked = DAY) -> tuple[Interval, Tally]:
    sid = day.sids[name] if name else day.centre.sid
    return (await day.centre.engine.statistics.past(AC, day.centre.sid, scope, sid, asked)).value


async def workers(day: Day, wanted: WorkerFilter = EVERYBODY, asked: Asked = DAY) -> PastOfWorkers:
    return (await day.centre.engine.worker_statistics.past(AC, day.centre.sid, wanted, asked)).value


def figures(tally: Tally, *, entered: str = "") -> dict[str, int]:
    """All counts that are not zero."""
    counts = {name: tally.count(kinds) for name, kinds in {**RESERVATIONS, **TASKS}.items()}
    counts["tasks_entered"] = tally.events[entered]
    return {name: count for name, count in counts.items() if count}


def seconds(durations: Durations) -> tuple[int, float, float, float]:
    """How many, the least, the greatest and the sum."""
    total, least, most = durations.total_ms, durations.min_ms, durations.max_ms
    return durations.count, least / 1_000, most / 1_000, total / 1_000


def by_activity(day: Day, found: PastOfWorkers) -> dict[str, tuple[int, float, float, float]]:
    names = {sid: name for name, sid in day.sids.items()}
    return {names[sid]: seconds(durations) for sid, durations in found.durations.items()}


async def test_the_workspace(day: Day) -> None:
    interval, tally = await past(day, Scope.WORKSPACE)
    assert interval == Interval(at(0), at(200))
    assert figures(tally) == {
        "reservations_created": 4,
        "reservations_accepted": 2,
        "reservations_rejected": 1,
        "reservations_timed_out": 1,
        "tasks_created": 4,
        "tasks_canceled": 1,
        "tasks_completed": 2,
        "tasks_deleted": 1,
        "tasks_moved": 1,
    }
    assert seconds(tally.accepted) == (2, 10, 55, 65)
    assert tally.accepted.avg_ms == 32_500
    assert seconds(tally.canceled) == (1, 100, 100, 100)


async def test_the_queue_that_a_task_is_in_has_its_figures(day: Day) -> None:
    _, tally = await past(day, Scope.QUEUE, "all")
    assert figures(tally, entered="task-queue.entered") == {
        "reservations_created": 4,
        "reservations_accepted": 2,
        "reservations_rejected": 1,
        "reservations_timed_out": 1,
        "tasks_created": 2,
        "tasks_canceled": 1,
        "tasks_completed": 2,
        "tasks_entered": 3,
    }
    assert seconds(tally.accepted) == (2, 10, 55, 65)
    assert seconds(tally.accepted_in_queue) == (2, 10, 25, 35)
    _, tally = await past(day, Scope.QUEUE, "gold")
    assert figures(tally, entered="task-queue.entered") == {
        "tasks_created": 2,
        "tasks_deleted": 1,
        "tasks_moved": 1,
        "tasks_entered": 2,
    }
    assert tally.accepted == tally.canceled == tally.accepted_in_queue == Durations()


async def test_a_workflow(day: Day) -> None:
    _, tally = await past(day, Scope.WORKFLOW, "flow")
    counts = figures(tally, entered="workflow.entered")
    assert (counts["tasks_entered"], counts["tasks_moved"], counts["tasks_completed"]) == (4, 1, 2)
    assert seconds(tally.accepted) == (2, 10, 55, 65)


async def test_thresholds_split_acceptances_and_cancellations(day: Day) -> None:
    asked = Asked(start_ms=at(0), split_by_wait_time="100,10,11,101")
    _, tally = await past(day, Scope.WORKSPACE, asked=asked)
    found = {
        threshold: tuple(
            side[kind]
            for kind in ("reservations_accepted", "tasks_canceled")
            for side in (split.above, split.below)
        )
        for threshold, split in tally.split.items()
    }
    assert found == {100: (0, 2, 1, 0), 10: (2, 0, 1, 0), 11: (1, 1, 1, 0), 101: (0, 2, 0, 1)}


async def test_a_channel_narrows_what_is_counted(day: Day) -> None:
    for channel, expected in (("chat", 1), ("Voice", 3), ("sms", 0)):
        _, tally = await past(day, Scope.WORKSPACE, asked=Asked(start_ms=at(0), task_channel=channel))
        assert tally.count(TASKS["tasks_created"]) == expected
    found = await workers(day, asked=Asked(start_ms=at(0), task_channel="chat"))
    assert found.tally.count(RESERVATIONS["reservations_created"]) == 2
    assert by_activity(day, found)["Available"] == (2, 50, 60, 110)


async def test_an_interval_takes_its_part_of_the_day(day: Day) -> None:
    _, tally = await past(day, Scope.WORKSPACE, asked=Asked(start_ms=at(50), end_ms=at(65)))
    assert figures(tally) == {
        "reservations_created": 2,
        "reservations_accepted": 1,
        "reservations_rejected": 1,
    }
    interval, tally = await past(day, Scope.WORKSPACE, asked=Asked(minutes=1))
    assert interval == Interval(at(140), at(200))
    assert figures(tally) == {"tasks_created": 1, "tasks_completed": 1, "tasks_deleted": 1}


async def test_workers_and_how_long_they_were_where(day: Day) -> None:
    found = await workers(day)
    assert [found.tally.count(kinds) for kinds in RESERVATIONS.values()] == [4, 2, 1, 1, 0, 0]
    assert by_activity(day, found) == {"Available": (2, 50, 60, 110), "Offline": (3, 55, 150, 290)}
    part = await workers(day, asked=Asked(start_ms=at(60), end_ms=at(100)))
    assert by_activity(day, part) == {"Available": (1, 40, 40, 40), "Offline": (1, 40, 40, 40)}
    late = await workers(day, asked=Asked(start_ms=at(150)))
    assert by_activity(day, late) == {"Offline": (2, 50, 50, 100)}


async def test_some_workers_and_one(day: Day) -> None:
    gold = await workers(day, WorkerFilter(task_queue_name="gold"))
    ann = await workers(day, WorkerFilter(friendly_name="Ann"))
    engine, workspace = day.centre.engine, day.centre.sid
    bob = await engine.worker_statistics.past_of_one(AC, workspace, day.sids["bob"], DAY)
    for found in (gold, bob.value):
        assert found.tally.count(RESERVATIONS["reservations_created"]) == 2
        assert by_activity(day, found) == {"Available": (1, 60, 60, 60), "Offline": (2, 55, 85, 140)}
    assert by_activity(day, ann) == {"Available": (1, 50, 50, 50), "Offline": (1, 150, 150, 150)}
    assert by_activity(day, await workers(day, WorkerFilter(friendly_name="nobody"))) == {}


async def test_many_queues_are_one_pass(day: Day) -> None:
    unknown = "WQ" + "0" * 32
    sids = [day.sids["all"], day.sids["gold"], unknown]
    found = await day.centre.engine.statistics.past_of_many(AC, day.centre.sid, Scope.QUEUE, sids, DAY)
    counts = [tally.events["task-queue.entered"] for tally in found.value.tallies.values()]
    assert (list(found.value.tallies), counts) == (sids, [3, 2, 0])


async def test_the_interval_begins_where_the_log_does(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = MadeLog(events_of(day.sids), since_ms=at(60))
    monkeypatch.setattr(day.centre.engine.statistics, "log", cut)
    interval, tally = await past(day, Scope.WORKSPACE)
    assert interval == Interval(at(60), at(200))
    assert tally.count(RESERVATIONS["reservations_accepted"]) == 1
    with pytest.raises(Invalid) as refused:
        await past(day, Scope.WORKSPACE, asked=Asked(start_ms=at(0), end_ms=at(59)))
    assert refused.value.field == "end_date"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"task_channel": "fax"}, "task_channel"),
        ({"split_by_wait_time": "5,x"}, "split_by_wait_time"),
        ({"minutes": 0}, "minutes"),
        ({"start_ms": at(0), "end_ms": at(-1)}, "end_date"),
    ],
)
async def test_what_cannot_be_counted_is_refused(day: Day, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await past(day, Scope.WORKSPACE, asked=Asked(**asked))
    assert refused.value.field == field


async def test_what_is_not_there_has_no_statistics(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, workspace = day.centre.engine, day.centre.sid
    for scope, sid in ((Scope.QUEUE, "WQ" + "0" * 32), (Scope.WORKFLOW, day.sids["all"])):
        with pytest.raises(NotFound):
            await engine.statistics.past(AC, workspace, scope, sid, DAY)
        with pytest.raises(NotFound):
            await engine.statistics.now(AC, workspace, scope, sid)
    for sid in ("WK" + "0" * 32, day.sids["all"], "*"):
        with pytest.raises(NotFound):
            await engine.worker_statistics.past_of_one(AC, workspace, sid, DAY)
    monkeypatch.setattr(engine.statistics, "log", None)
    with pytest.raises(Unavailable):
        await past(day, Scope.WORKSPACE)


async def test_the_log_that_a_relay_writes_gives_the_same_figures(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = Asked(start_ms=at(0), end_ms=at(200), split_by_wait_time="11,100")
    made_of, times_of = await everything(day, split)
    written = WholeLog(day.centre.engine._live, day.centre.engine.events)
    monkeypatch.setattr(day.centre.engine.statistics, "log", written)
    monkeypatch.setattr(day.centre.engine.worker_statistics, "log", written)
    written_of, written_times = await everything(day, split)
    assert written_of == made_of
    assert written_times == times_of


async def everything(day: Day, asked: Asked) -> tuple[list[Tally], object]:
    """The figures of all scopes, and the time in Activities."""
    scopes = [(Scope.WORKSPACE, ""), (Scope.QUEUE, "all"), (Scope.QUEUE, "gold"), (Scope.WORKFLOW, "flow")]
    tallies = [(await past(day, scope, name, asked))[1] for scope, name in scopes]
    found = await workers(day, asked=asked)
    counts = [found.tally.count(kinds) for kinds in RESERVATIONS.values()]
    return tallies, (counts, by_activity(day, found))


async def test_a_log_that_is_behind_is_waited_for_and_not_for_ever(day: Day) -> None:
    engine, workspace = day.centre.engine, day.centre.sid
    await engine.activities.create(AC, workspace, friendly_name="Lunch")
    config = await engine.config.get(AC, workspace)
    patient, hasty = (
        WholeLog(engine._live, engine.events),
        WholeLog(engine._live, engine.events, patience_s=0),
    )
    with pytest.raises(Unavailable, match="is behind"):
        await hasty.caught_up(config)
    waiting = asyncio.create_task(patient.caught_up(config))
    await asyncio.sleep(0)
    await engine.chronicle().run_once()
    assert await waiting == await hasty.caught_up(config) == 0


async def test_a_log_that_was_cut_says_since_when_it_is_whole(day: Day) -> None:
    engine = day.centre.engine
    config = await engine.config.get(AC, day.centre.sid)
    await engine.chronicle().run_once()
    await day.centre.call("XTRIM", day.centre.keys.log, "MINID", at(60))
    assert await WholeLog(engine._live, engine.events).caught_up(config) == at(65) + 1
