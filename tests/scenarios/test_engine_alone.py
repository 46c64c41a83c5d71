"""What the engine does that the model has no words for: lists, texts, limits (events: test_engine_events.py).

On fakeredis, so that no server is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.errors import IllegalState, Invalid
from tests.redis.fake_lab import FakeLab
from tests.scenarios.documents import flow, one_filter
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue
from tests.scenarios.single import SINGLE

PAGE = 50


@pytest.fixture(scope="module")
def lab() -> Iterator[FakeLab]:
    with FakeLab() as opened:
        yield opened


@pytest.fixture
def site(lab: FakeLab) -> Iterator[EngineDriver]:
    driver = EngineDriver(lab, one_queue())
    yield driver
    driver.delete()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("canceled", "Cannot cancel task {} because it is not pending or reserved."),
        ("wrapping", "Cannot wrap up a task {} because it's not currently assigned"),
        ("completed", "Cannot complete task {} because it is not currently assigned."),
    ],
)
def test_a_refused_change_of_status_is_told_in_the_known_words(
    lab: FakeLab, site: EngineDriver, status: str, words: str
) -> None:
    """Semantics 2.4."""
    play = Play(site)
    play.worker("ann")
    task = play.task()
    if status == "canceled":
        play.accept(task)
    with pytest.raises(IllegalState) as refusal:
        play.update_task(task, assignment_status=status)
    place = f"{task} in workspace {site.workspace} for account {lab.account}"
    assert str(refusal.value) == words.format(place)


def test_a_task_without_attributes_has_an_empty_object(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 2.2 and 4.1."""
    made = lab.run(lab.engine.tasks.create(lab.account, site.workspace))
    assert made.value.attributes == "{}"
    worker = lab.run(lab.engine.workers.create(lab.account, site.workspace, friendly_name="ann"))
    assert worker.value.attributes == "{}"


def test_reservations_are_listed_newest_first(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 3.10."""
    play = Play(site)
    ann = play.worker("ann")
    task = play.task()
    for _ in range(3):
        play.wait(1)
        play.reject(task)
    place = (lab.account, site.workspace)
    for found in (
        lab.run(lab.engine.reservations.of_task(*place, task, limit=PAGE)),
        lab.run(lab.engine.reservations.of_worker(*place, ann, limit=PAGE)),
    ):
        created = [offer.created_ms for offer in found.value.items]
        assert created == sorted(created, reverse=True)
        assert len(set(created)) == 4


def test_workers_are_listed_by_sid(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 4.7."""
    play = Play(site)
    made = [play.worker(name) for name in ("ann", "bo", "cy", "di", "ed")]
    found = lab.run(lab.engine.workers.list(lab.account, site.workspace, limit=PAGE))
    assert [worker.sid for worker in found.value.items] == sorted(made)
    assert made != sorted(made)


def test_capacity_goes_from_0_to_50000(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 4.5."""
    play = Play(site)
    ann = play.worker("ann")
    for capacity in (0, 50_000):
        play.slots(ann, "chat", capacity=capacity)
        assert play.channel(ann, "chat")["capacity"] == capacity
    for capacity in (-1, 50_001):
        with pytest.raises(Invalid):
            play.slots(ann, "chat", capacity=capacity)


def test_a_later_task_channel_has_one_slot_on_every_worker(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 4.4."""
    play = Play(site)
    ann = play.worker("ann")
    place = (lab.account, site.workspace)
    lab.run(lab.engine.task_channels.create(*place, friendly_name="Fax", unique_name="fax"))
    channel = lab.run(lab.engine.worker_channels.fetch(*place, ann, "fax")).value
    assert (channel.configured_capacity, channel.available) == (1, True)
    task = play.task(task_channel="fax")
    assert play.holder(task) == ann


def test_multi_tasking_can_be_turned_on_and_not_off(lab: FakeLab) -> None:
    """Semantics 4.4; what was set of channels before is there again."""
    driver = EngineDriver(lab, SINGLE)
    play = Play(driver)
    ann = play.worker("ann", activity="Idle")
    play.slots(ann, "default", capacity=3)
    first, second = play.task(), play.task()
    update = lab.engine.workspaces.update
    place = (lab.account, driver.workspace)
    assert not lab.run(lab.engine.workspaces.fetch(*place)).value.multi_task_enabled
    assert lab.run(update(*place, multi_task_enabled=True)).value.multi_task_enabled
    lab.run(lab.rest())
    play.accept(first)
    play.complete(first)
    play.move(ann, "Idle")
    assert (play.holder(second), play.activity(ann)) == (ann, "Idle")
    channel = play.channel(ann)
    assert (channel["capacity"], channel["open"], channel["percentage"]) == (3, 1, 66)
    with pytest.raises(IllegalState):
        lab.run(update(*place, multi_task_enabled=False))
    driver.delete()


def test_an_unknown_order_of_tasks_is_refused(lab: FakeLab, site: EngineDriver) -> None:
    """Semantics 2.10."""
    both = "DateCreated:asc,VirtualStartTime:asc"
    with pytest.raises(Invalid) as refusal:
        lab.run(lab.engine.tasks.list(lab.account, site.workspace, ordering=both))
    assert refusal.value.field == "ordering"


def test_the_newest_document_decides_where_the_next_queue_of_a_replaced_one_is_gone(lab: FakeLab) -> None:
    old = one_filter({"queue": "a", "timeout": 10}, {"queue": "b"})
    driver = EngineDriver(lab, flow(old, "a", "b", "c"))
    play = Play(driver)
    task = play.task()
    play.update_workflow(one_filter({"queue": "c"}))
    lab.run(lab.engine.task_queues.delete(lab.account, driver.workspace, driver.names.queues["b"]))
    play.skip(9)
    assert play.queue(task) == "a"
    play.wait(1)
    assert (play.status(task), play.queue(task)) == ("pending", "c")
    driver.delete()
