"""The chronicle: each transition in the log once and in order, whatever dies; on fakeredis and on a server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pytest

from engine import chronicle as chronicle_module
from engine.chronicle import Chronicle, portions
from engine.chronicle_batch import BatchReader
from engine.chronicle_entry import Entry, Told, entry_of
from engine.event_log import DAY_MS
from engine.keys import ShardKeys, shard_of
from engine.redis import Pipeline
from engine.router import Engine
from engine.sids import mint as random_sid
from tests.redis.fake_lab import FakeLab
from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue

SHARD: Final = ShardKeys(0)
KEYS: Final = (SHARD.prefix, SHARD.prefix)


@pytest.fixture(scope="module", params=["fakeredis", "server"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    opened = FakeLab() if request.param == "fakeredis" else Lab(tmp_path_factory.mktemp("lab"))
    with opened:
        yield opened


@pytest.fixture
def site(lab: Lab) -> Iterator[EngineDriver]:
    driver = EngineDriver(lab, one_queue())
    yield driver
    driver.delete()
    log_all(lab)


def log_all(lab: Lab, **given: Any) -> int:
    return lab.run(lab.engine.chronicle(**given).run_once())


def life(play: Play) -> str:
    """A Task that is rejected once and then done."""
    task = play.task()
    play.reject(task)
    play.accept(task)
    play.complete(task)
    return task


def make_many(lab: Lab, site: EngineDriver, count: int) -> None:
    """So many events, quickly."""
    place = (lab.account, site.workspace, next(iter(site.config.activities)))
    for i in range(count):
        lab.run(lab.engine.activities.update(*place, friendly_name=f"name {site.now_ms} {i}"))


def stored(lab: Lab, site: EngineDriver) -> list[tuple[bytes, bytes]]:
    """The log as it lies there."""
    found = lab.run(lab.pipeline.call("XRANGE", site.keys.log, "-", "+"))
    return [(entry_id, fields[1]) for entry_id, fields in found]


def told(lab: Lab) -> list[Entry]:
    """What the shard's scripts told that is in no log yet."""
    position = lab.run(lab.pipeline.call("HGET", SHARD.log, "position")) or b"0"
    return [
        entry_of(item) for item in lab.run(lab.pipeline.call("XRANGE", SHARD.events, b"(" + position, "+"))
    ]


def test_every_transition_is_logged_once_and_in_order(lab: Lab, site: EngineDriver) -> None:
    """G3, I9."""
    play = Play(site)
    play.worker("ann")
    life(play)
    assert log_all(lab) > 0
    first = stored(lab, site)
    assert log_all(lab) == 0
    life(play)
    log_all(lab)
    assert stored(lab, site)[: len(first)] == first
    seqs = [event.seq for event in site.logged()]
    assert seqs == sorted(seqs)
    assert sorted(set(seqs)) == list(range(1, site.last_seq() + 1))
    sids = [event.sid for event in site.logged()]
    assert sids == sorted(set(sids))


def batch_reader(lab: Lab) -> BatchReader:
    return BatchReader(lab.engine._live, days_ms=30 * DAY_MS, kept=1000)


def test_of_two_relays_with_the_same_batch_one_writes_it(lab: Lab, site: EngineDriver) -> None:
    """As when a relay stands still between reading and writing."""
    play = Play(site)
    play.worker("ann")
    life(play)
    slow = lab.engine.chronicle()
    entries = told(lab)
    batch = lab.run(batch_reader(lab).read(SHARD, entries))
    assert lab.run(slow._position(SHARD)) is not None
    assert log_all(lab) == sum(len(entry.told) for entry in entries)
    before = stored(lab, site)
    assert lab.run(slow._commit(SHARD, batch)) is False
    assert stored(lab, site) == before
    life(play)
    assert lab.run(slow.run_once()) > 0  # it goes on behind the other
    assert stored(lab, site)[: len(before)] == before


def test_a_batch_that_was_written_is_not_written_again(lab: Lab, site: EngineDriver) -> None:
    """As when a relay died before it heard that it had written."""
    life_of = Play(site)
    life_of.worker("ann")
    life(life_of)
    batch = lab.run(batch_reader(lab).read(SHARD, told(lab)))
    position = lab.run(lab.engine.chronicle()._position(SHARD))
    arguments = (position, *batch.arguments)
    status, after = lab.run(lab.engine.scripts.run("log_events", KEYS, arguments))
    assert status == 1
    before, calls = stored(lab, site), lab.run(lab.pipeline.call("XLEN", SHARD.calls))
    assert lab.run(lab.engine.scripts.run("log_events", KEYS, arguments)) == [-1, after]
    assert (stored(lab, site), lab.run(lab.pipeline.call("XLEN", SHARD.calls))) == (before, calls)


def test_a_lost_position_logs_nothing_twice(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    play.worker("ann")
    life(play)
    log_all(lab)
    before = stored(lab, site)
    lab.run(lab.pipeline.call("DEL", SHARD.log))
    log_all(lab)
    assert stored(lab, site) == before
    life(play)
    log_all(lab)
    assert len(stored(lab, site)) > len(before)


def test_what_was_trimmed_before_it_was_logged_is_said_once(
    lab: Lab, site: EngineDriver, caplog: pytest.LogCaptureFixture
) -> None:
    play = Play(site)
    play.worker("ann")
    log_all(lab)
    last = site.logged()[-1].seq
    play.task()
    lab.run(lab.pipeline.call("XTRIM", SHARD.events, "MAXLEN", 0))
    play.task()
    log_all(lab)
    log_all(lab)
    lines = [record.message for record in caplog.records if "no relay ran" in record.message]
    assert len(lines) == 1
    assert f"transitions {last + 1} to " in lines[0]
    assert site.workspace in lines[0]


def test_a_clock_that_goes_back_changes_no_order(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    first = play.task()
    site.now_ms -= 60_000
    earlier_ms = site.now_ms
    second = play.task()
    created = [event for event in site.logged() if event.type == "task.created"]
    assert [event.resource_sid for event in created] == [first, second]
    assert created[1].at_ms == earlier_ms
    assert created[0].sid < created[1].sid
    ids = [tuple(map(int, entry_id.split(b"-"))) for entry_id, _ in stored(lab, site)]
    assert ids == sorted(set(ids))


def test_events_beyond_the_number_go(lab: Lab, site: EngineDriver) -> None:
    make_many(lab, site, 300)
    log_all(lab, kept=100)
    assert 100 <= len(stored(lab, site)) < 250  # whole nodes go


def test_old_events_go_with_the_next_one(lab: Lab, site: EngineDriver) -> None:
    make_many(lab, site, 300)
    log_all(lab)
    assert len(stored(lab, site)) > 300
    site.now_ms += 31 * DAY_MS
    make_many(lab, site, 1)
    log_all(lab)
    assert 1 <= len(stored(lab, site)) < 150
    assert site.logged()[-1].at_ms == site.now_ms


def test_a_quiet_workspace_loses_its_old_events_too(lab: Lab, site: EngineDriver) -> None:
    make_many(lab, site, 200)
    log_all(lab)
    count = len(stored(lab, site))
    lab.run(lab.engine.chronicle().sweep())
    assert len(stored(lab, site)) == count
    site.now_ms += 31 * DAY_MS
    lab.run(lab.engine.chronicle().sweep())
    assert len(stored(lab, site)) < count


def test_a_deleted_workspace_takes_its_log_along_and_gets_no_new_one(lab: Lab) -> None:
    driver = EngineDriver(lab, one_queue())
    Play(driver).task()
    log_all(lab)
    assert lab.run(lab.pipeline.call("EXISTS", driver.keys.log)) == 1
    Play(driver).task()
    driver.delete()
    log_all(lab)
    assert lab.run(lab.pipeline.call("KEYS", driver.keys.root + "*")) == []
    assert told(lab) == []  # and holds up nobody


def test_a_workspace_deleted_between_reading_and_writing_gets_no_log(lab: Lab) -> None:
    driver = EngineDriver(lab, one_queue())
    Play(driver).task()
    batch = lab.run(batch_reader(lab).read(SHARD, told(lab)))
    position = lab.run(lab.engine.chronicle()._position(SHARD))
    driver.delete()
    reply = lab.run(lab.engine.scripts.run("log_events", KEYS, (position, *batch.arguments)))
    assert reply[0] == 1
    assert lab.run(lab.pipeline.call("KEYS", driver.keys.root + "*")) == []
    log_all(lab)


def test_what_cannot_be_understood_stops_nothing(
    lab: Lab, site: EngineDriver, caplog: pytest.LogCaptureFixture
) -> None:
    log_all(lab)
    seq = int(lab.run(lab.pipeline.call("HINCRBY", site.keys.ws, "seq", 1)))
    text = f"{seq}|task.riddle|{site.now_ms}|WT|x"
    lab.run(lab.pipeline.call("XADD", SHARD.events, "*", "w", site.number, "e", text))
    task = Play(site).task()
    assert site.logged()[-1].data["task_sid"] == task
    assert sum("is left out of the log" in record.message for record in caplog.records) == 1


def deliveries(lab: Lab, site: EngineDriver) -> list[tuple[str, str]]:
    """Kind and type of what is to be delivered for the Workspace."""
    types = {event.sid: event.type for event in site.logged()}
    entries = lab.run(lab.pipeline.call("XRANGE", SHARD.calls, "-", "+"))
    rows = [dict(zip(flat[::2], flat[1::2], strict=True)) for _, flat in entries]
    return [(r[b"k"].decode(), types[r[b"v"].decode()]) for r in rows if r[b"w"] == str(site.number).encode()]


@pytest.mark.parametrize(
    ("events_filter", "wanted"),
    [
        ("task.created, reservation.created", ["task.created", "reservation.created"]),
        (
            "",
            [
                "task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered",
                "reservation.created",
            ],
        ),
    ],
    ids=["filter", "all"],
)  # fmt: skip
def test_deliveries_are_what_the_filter_lets_through(
    lab: Lab, site: EngineDriver, events_filter: str, wanted: list[str]
) -> None:
    place = (lab.account, site.workspace)
    play = Play(site)
    play.worker("ann")
    play.task()
    assert deliveries(lab, site) == []  # there is no URL
    change = lab.engine.workspaces.update(
        *place, event_callback_url="http://callbacks.example", events_filter=events_filter
    )
    lab.run(change)
    log_all(lab)
    lab.run(lab.pipeline.call("DEL", SHARD.calls))
    play.slots(next(iter(play.see()["workers"])), "default", capacity=2)
    log_all(lab)
    lab.run(lab.pipeline.call("DEL", SHARD.calls))
    play.task()
    assert deliveries(lab, site) == [("event", kind) for kind in wanted]


def test_a_workflow_with_a_callback_is_asked_for_each_reservation(lab: Lab, site: EngineDriver) -> None:
    (flow,) = site.config.workflows
    change = lab.engine.workflows.update(
        lab.account, site.workspace, flow, assignment_callback_url="http://callbacks.example"
    )
    lab.run(change)
    play = Play(site)
    play.worker("ann")
    life(play)
    assert deliveries(lab, site) == [("assignment", "reservation.created")] * 2


def test_types_of_this_program_are_logged_and_not_delivered(lab: Lab, site: EngineDriver) -> None:
    place = (lab.account, site.workspace)
    lab.run(lab.engine.workspaces.update(*place, event_callback_url="http://callbacks.example"))
    log_all(lab)
    lab.run(lab.pipeline.call("DEL", SHARD.calls))
    (queue,) = site.config.queues
    lab.run(lab.engine.task_queues.update(*place, queue, friendly_name="other"))
    assert site.logged()[-1].type == "task-queue.updated"
    assert deliveries(lab, site) == []


def test_a_batch_is_bounded_and_an_entry_is_never_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle_module, "TRANSITIONS", 5)
    sizes = [2, 3, 1, 9, 4, 2]
    entries = [Entry(b"", 1, [Told(1, "task.updated", 1, ["WT"])] * size) for size in sizes]
    assert [[len(entry.told) for entry in portion] for portion in portions(entries)] == [
        [2, 3], [1], [9], [4], [2],
    ]  # fmt: skip


def standing_by(chronicle: Chronicle) -> bool:
    return SHARD.shard in chronicle._waiting


def test_the_loser_of_a_race_stands_by_until_work_is_left_undone(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    loser, winner = lab.engine.chronicle(), lab.engine.chronicle()
    play.task()
    batch = lab.run(batch_reader(lab).read(SHARD, told(lab)))
    lab.run(loser._position(SHARD))
    lab.run(winner.run_once())
    lab.run(loser._commit(SHARD, batch))
    for _ in range(3):  # nothing is to be done
        lab.run(loser._look())
        assert standing_by(loser)
    play.task()
    lab.run(loser._look())
    lab.run(winner.run_once())
    play.task()
    lab.run(loser._look())  # the other one works
    assert standing_by(loser)
    lab.run(loser._look())  # now it does not
    assert not standing_by(loser)
    assert lab.run(loser.run_once()) > 0
    seqs = [event.seq for event in site.logged()]
    assert seqs == sorted(seqs)


async def logged_type(lab: Lab, site: EngineDriver, kind: str, sid: str) -> None:
    """Returns when the log has such an event of that Task."""
    while True:
        found = await lab.engine.events.list(lab.account, site.workspace, task_sid=sid, event_type=kind)
        if found.value.items:
            return
        await asyncio.sleep(0)


def test_a_relay_that_dies_while_two_run_is_replaced(tmp_path: Path) -> None:
    """Whichever of them does the work."""
    with Lab(tmp_path) as lab:
        site = EngineDriver(lab, one_queue())
        lab.run(one_of_two_dies(lab, site))
        seqs = [event.seq for event in site.logged()]
        assert seqs == sorted(seqs)
        sids = [event.sid for event in site.logged()]
        assert len(sids) == len(set(sids))
        assert sum(event.type == "task.created" for event in site.logged()) == 4


async def one_of_two_dies(lab: Lab, site: EngineDriver) -> None:
    url = lab.pipeline.url
    (workflow,) = site.config.workflows

    async def task() -> str:
        created = await lab.engine.tasks.create(lab.account, site.workspace, workflow_sid=workflow)
        return created.value.sid

    for survivor in (0, 1):
        async with Pipeline(url, deadline_s=3.0) as one, Pipeline(url, deadline_s=3.0) as other:
            relays = [lab.engine.chronicle(reader=reader) for reader in (one, other)]
            running = [asyncio.ensure_future(relay.run()) for relay in relays]
            async with asyncio.timeout(20):
                await logged_type(lab, site, "task.created", await task())
                running[1 - survivor].cancel()
                await logged_type(lab, site, "task.created", await task())
                relays[survivor].stop()
                await running[survivor]


def test_matchers_trim_what_is_logged_and_nothing_else(lab: Lab, site: EngineDriver) -> None:
    make_many(lab, site, 400)
    before = len(told(lab))
    lab.run(lab.matcher._upkeep())
    assert len(told(lab)) == before
    log_all(lab)
    make_many(lab, site, 1)
    lab.run(lab.matcher._upkeep())
    assert len(told(lab)) == 1
    assert lab.run(lab.pipeline.call("XLEN", SHARD.events)) < 250  # whole nodes go
    log_all(lab)
    assert site.logged()[-1].seq == site.last_seq()


def test_without_relays_a_shard_keeps_a_bounded_number(
    lab: Lab, site: EngineDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.matcher.EVENTS_KEPT", 50)
    make_many(lab, site, 400)
    lab.run(lab.matcher._upkeep())
    assert 50 <= lab.run(lab.pipeline.call("XLEN", SHARD.events)) < 250


def test_each_shard_has_a_position_of_its_own_and_no_two_events_share_a_sid(lab: Lab) -> None:
    shard = cycle(range(3))

    def mint(prefix: str) -> str:
        wanted = next(shard) if prefix == "WS" else 0
        sids = iter(lambda: random_sid(prefix), "")
        return next(sid for sid in sids if prefix != "WS" or shard_of(sid, 3) == wanted)

    engine = Engine(lab.pipeline, lab._redis, shards=3, mint=mint, now_ms=lambda: lab.now_ms)
    made = [lab.run(engine.workspaces.create(lab.account, friendly_name=f"{i}")).value.sid for i in range(9)]
    assert lab.run(engine.chronicle().run_once()) >= 9
    sids = []
    for sid in made:
        (event,) = lab.run(engine.events.list(lab.account, sid)).value.items
        assert event.type == "workspace.created"
        assert event.resource_sid == sid
        sids.append(event.sid)
    assert len(set(sids)) == 9
    assert len({lab.run(engine.config.get(lab.account, sid)).shard for sid in made}) == 3
    for sid in made:
        lab.run(engine.workspaces.delete(lab.account, sid))
    lab.run(engine.chronicle().run_once())
