"""Reading the log: windows, filters, pages, single events, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from engine import event_log
from engine.errors import Invalid, NotFound
from engine.event_log import DAY_MS, EventLog
from engine.events import Event
from engine.model import Page
from tests.redis.fake_lab import FakeLab
from tests.scenarios.documents import by_kind, kind
from tests.scenarios.lab import END_MS, EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.site import Flow, Queue, Site

MINUTE_MS: Final = 60_000
SITE: Final = Site(
    queues={"a": Queue(), "b": Queue()},
    workflows={
        "main": Flow(by_kind(kind("b", "b"), default={"queue": "a"})),
        "other": Flow(by_kind(default={"queue": "a"})),
    },
)


@pytest.fixture(scope="module")
def lab() -> Iterator[FakeLab]:
    with FakeLab() as opened:
        yield opened


@pytest.fixture
def site(lab: FakeLab) -> Iterator[EngineDriver]:
    driver = EngineDriver(lab, SITE)
    yield driver
    driver.delete()


def log_all(lab: FakeLab) -> None:
    lab.run(lab.engine.chronicle().run_once())


def page(lab: FakeLab, site: EngineDriver, **given: Any) -> Page[Event]:
    found = lab.run(lab.engine.events.list(lab.account, site.workspace, **{"limit": 1000, **given}))
    return found.value


def types(lab: FakeLab, site: EngineDriver, **given: Any) -> list[str]:
    return [event.type for event in page(lab, site, **given).items]


def test_n24_events_of_a_task_without_dates_go_back_15_minutes_only(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 15.24."""
    play = Play(site)
    task = play.task()
    began_ms = site.now_ms
    play.skip(10 * 60)
    play.update_task(task, priority=3)
    log_all(lab)
    everything = [
        "task.updated",
        "task-queue.entered",
        "workflow.target-matched",
        "workflow.entered",
        "task.created",
    ]
    assert types(lab, site, task_sid=task) == everything
    site.now_ms = began_ms + 15 * MINUTE_MS
    assert types(lab, site, task_sid=task) == everything
    site.now_ms += 1
    assert types(lab, site, task_sid=task) == ["task.updated"]
    assert types(lab, site, task_sid=task, minutes=16) == everything
    assert types(lab, site, task_sid=task, start_ms=began_ms) == everything


def test_a_start_wins_over_minutes_and_both_ends_are_included(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 9.5."""
    play = Play(site)
    for _ in range(3):
        play.task()
        site.now_ms += MINUTE_MS
    log_all(lab)
    start_ms = site.now_ms - 3 * MINUTE_MS

    def created(**given: Any) -> int:
        return types(lab, site, event_type="task.created", **given).count("task.created")

    assert created(minutes=1) == 1
    assert created(minutes=1, start_ms=start_ms) == 3
    assert created(start_ms=start_ms, end_ms=start_ms + MINUTE_MS) == 2
    assert created(start_ms=start_ms, end_ms=start_ms) == 1
    assert created(start_ms=start_ms + 1, end_ms=start_ms + MINUTE_MS - 1) == 0
    assert created(end_ms=start_ms + MINUTE_MS) == 2  # 15 minutes back from there
    with pytest.raises(Invalid) as wrong:
        page(lab, site, start_ms=start_ms, end_ms=start_ms - 1)
    assert wrong.value.field == "end_date"


def test_filters_are_exact_and_all_of_them_count(lab: FakeLab, site: EngineDriver) -> None:
    play = Play(site)
    ann, bo = play.worker("ann"), play.worker("bo")
    first, second = play.task(), play.task("other", attributes={"kind": "b"})
    third = play.task(attributes={"kind": "b"}, task_channel="voice")
    offer = play.accept(first)
    log_all(lab)
    events = page(lab, site).items
    names = site.names
    wanted: dict[str, tuple[str, str]] = {
        "task_sid": ("task_sid", first),
        "worker_sid": ("worker_sid", bo),
        "reservation_sid": ("reservation_sid", offer),
        "workflow_sid": ("workflow_sid", names.workflows["other"]),
        "task_queue_sid": ("task_queue_sid", names.queues["b"]),
    }
    for name, (field, value) in wanted.items():
        chosen = [event for event in events if event.data.get(field) == value]
        assert 0 < len(chosen) < len(events)
        assert page(lab, site, **{name: value}).items == chosen
    on_voice = [event for event in events if event.data.get("task_channel_unique_name") == "voice"]
    assert {event.data["task_sid"] for event in on_voice} == {third}
    for spelling in ("voice", "VOICE", names.channels["voice"]):
        assert page(lab, site, task_channel=spelling).items == on_voice
    assert types(lab, site, worker_sid=ann, event_type="reservation.accepted", task_sid=first) == [
        "reservation.accepted"
    ]
    assert types(lab, site, worker_sid=ann, task_sid=second) == []
    assert types(lab, site, event_type="task.nothing") == []
    assert page(lab, site, sid=events[3].sid).items == [events[3]]
    assert types(lab, site, task_sid="WT" + "A" * 32) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_follow_each_other_without_gaps_and_repeats(
    lab: FakeLab, site: EngineDriver, limit: int
) -> None:
    """Also where a page ends inside the events of one transition, and while new ones come."""
    play = Play(site)
    play.worker("ann")
    for _ in range(4):
        play.task()
    log_all(lab)
    whole = page(lab, site).items
    assert [event.sid for event in whole] == sorted((event.sid for event in whole), reverse=True)
    seen: list[Event] = []
    after = None
    while True:
        part = page(lab, site, limit=limit, after=after)
        assert len(part.items) <= limit
        seen += part.items
        after = part.next_after
        if after is None:
            break
        if len(seen) == limit:
            play.task()
            log_all(lab)
    assert seen == whole


def test_a_page_looks_at_a_bounded_part_of_the_log(
    lab: FakeLab, site: EngineDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(site)
    play.worker("ann")
    oldest = play.task()
    for _ in range(25):
        play.task()
    log_all(lab)
    monkeypatch.setattr("engine.scan.MAX_SCAN", 10)
    monkeypatch.setattr("engine.scan.CHUNK", 5)
    short = page(lab, site, task_sid=oldest, event_type="task.created", limit=5)
    assert short.items == []
    rounds = 0
    found: list[Event] = []
    while short.next_after is not None:
        rounds += 1
        short = page(lab, site, task_sid=oldest, event_type="task.created", limit=5, after=short.next_after)
        found += short.items
    assert [event.type for event in found] == ["task.created"]
    assert rounds > 1


@pytest.mark.parametrize("after", ["", "x", "1-2", "1-2-3-4", "-1-0-0", "1-0-x", "9" * 30 + "-0-0"])
def test_a_place_that_no_page_gave_is_refused(lab: FakeLab, site: EngineDriver, after: str) -> None:
    with pytest.raises(Invalid) as wrong:
        page(lab, site, after=after)
    assert wrong.value.field == "after"


def test_each_event_is_found_by_its_sid_and_no_other(lab: FakeLab, site: EngineDriver) -> None:
    Play(site).task()
    log_all(lab)
    place = (lab.account, site.workspace)
    for event in page(lab, site).items:
        assert lab.run(lab.engine.events.fetch(*place, event.sid)).value == event
    for sid in (
        event.sid[:2] + "f" * 32,
        event.sid[:-1] + "f",
        event.sid[:21] + "9" + event.sid[22:],
        "EVx",
        "",
        event.sid.upper(),
    ):
        with pytest.raises(NotFound):
            lab.run(lab.engine.events.fetch(*place, sid))


def test_nobody_else_sees_an_event_by_any_name(lab: FakeLab, site: EngineDriver) -> None:
    """P2, I19."""
    task = Play(site).task()
    log_all(lab)
    event = page(lab, site).items[0]
    other = EngineDriver(lab, SITE)
    try:
        stranger = "AC" + "9" * 32
        with pytest.raises(NotFound):
            lab.run(lab.engine.events.fetch(stranger, site.workspace, event.sid))
        with pytest.raises(NotFound):
            lab.run(lab.engine.events.list(stranger, site.workspace))
        with pytest.raises(NotFound):
            lab.run(lab.engine.events.fetch(lab.account, other.workspace, event.sid))
        log_all(lab)
        assert page(lab, other, sid=event.sid).items == page(lab, other, task_sid=task).items == []
        texts = [str(seen) for seen in other.logged()]
        assert texts
        assert not any(site.workspace in text or task in text for text in texts)
    finally:
        other.delete()


def test_events_beyond_the_days_are_not_shown_though_they_are_there(lab: FakeLab, site: EngineDriver) -> None:
    Play(site).task()
    log_all(lab)
    week = EventLog(lab.engine._live, days=7)
    event = page(lab, site).items[0]
    site.now_ms += 7 * DAY_MS
    assert lab.run(week.fetch(lab.account, site.workspace, event.sid)).value == event
    site.now_ms += 1
    with pytest.raises(NotFound):
        lab.run(week.fetch(lab.account, site.workspace, event.sid))
    assert lab.run(week.list(lab.account, site.workspace, start_ms=0)).value.items == []


def test_attributes_of_tasks_are_not_shown_after_30_days(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 9.5, where events are kept for longer."""
    task = Play(site).task()
    log_all(lab)
    year = EventLog(lab.engine._live, days=365)
    event = page(lab, site, task_sid=task).items[0]
    assert event.data["task_attributes"] == "{}"
    site.now_ms += 30 * DAY_MS
    place = (lab.account, site.workspace)
    old = lab.run(year.fetch(*place, event.sid)).value
    assert "task_attributes" not in old.data
    assert {**old.data, "task_attributes": "{}"} == event.data
    assert lab.run(year.list(*place, start_ms=0, task_sid=task)).value.items[0] == old


def test_between_gives_everything_once_in_chunks_oldest_first(
    lab: FakeLab, site: EngineDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "ENTRIES", 3)
    play = Play(site)
    first_ms = site.now_ms
    play.task()
    site.now_ms += 1000
    play.task()
    site.now_ms += 1000
    play.task()
    log_all(lab)

    async def chunks(start_ms: int, end_ms: int) -> list[list[Event]]:
        return [list(chunk) async for chunk in lab.engine.events.between(site.config, start_ms, end_ms)]

    whole = lab.run(chunks(0, END_MS))
    assert all(len(chunk) <= 4 * 3 for chunk in whole)
    assert [event for chunk in whole for event in chunk] == page(lab, site).items[::-1]
    part = [event for chunk in lab.run(chunks(first_ms + 1000, first_ms + 1000)) for event in chunk]
    assert {event.at_ms for event in part} == {first_ms + 1000}
    assert len(part) == 4
