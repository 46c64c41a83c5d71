"""What is deleted leaves nothing behind, and what is still needed stays."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from engine.pools import UNUSED_MS
from tests.redis.fake_lab import FakeLab
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue
from tests.scenarios.single import SINGLE


@pytest.fixture
def lab() -> Iterator[FakeLab]:
    with FakeLab() as opened:
        yield opened


def test_a_deleted_worker_leaves_no_key(lab: FakeLab) -> None:
    play = Play(EngineDriver(lab, one_queue()))
    ann = play.worker("ann")
    task = play.task()
    play.accept(task)
    play.complete(task)
    play.delete_worker(ann)
    keys = [key.decode() for key in lab.run(lab.fake.call("KEYS", "*"))]
    assert [key for key in keys if ann in key] == []


def test_a_pool_in_which_a_task_rests_stays(lab: FakeLab) -> None:
    """Semantics 2.8: the Task waits for a change of the Worker who refused it, however long that takes."""
    driver = EngineDriver(lab, one_queue())
    play = Play(driver)
    ann = play.worker("ann")
    task = play.task_for(ann, ignore_capacity=False, timeout=7 * 86_400)
    play.reject(task)
    assert play.status(task) == "pending"
    driver.now_ms += 2 * UNUSED_MS
    assert lab.run(lab.matcher.matching.sweep()) == 0
    play.slots(ann, "default", capacity=2)
    assert play.holder(task) == ann


def test_a_pool_that_was_used_lately_stays_though_nobody_waits_there(lab: FakeLab) -> None:
    driver = EngineDriver(lab, one_queue())
    play = Play(driver)
    for _ in range(2):
        play.delete_task(play.task())
        driver.now_ms += UNUSED_MS - 200_000
    assert lab.run(lab.matcher.matching.sweep()) == 0
    driver.now_ms += 400_000
    assert lab.run(lab.matcher.matching.sweep()) == 1


def test_a_task_is_not_returned_to_a_pool_that_is_being_dropped(lab: FakeLab) -> None:
    driver = EngineDriver(lab, one_queue(answer_s=UNUSED_MS // 1000 * 3))
    play = Play(driver)
    ann = play.worker("ann")
    task = play.task(timeout=UNUSED_MS // 1000 * 4)
    driver.now_ms += 2 * UNUSED_MS
    assert lab.run(lab.matcher.matching.sweep()) == 1  # nobody waits; its members are still to be taken out
    play.reject(task, activity="Offline")
    play.move(ann, "Available")
    assert play.holder(task) == ann


def test_nobody_returns_to_an_activity_that_was_deleted_meanwhile(lab: FakeLab) -> None:
    """Semantics 3.9: the Worker stays where the Reservation has moved it."""
    driver = EngineDriver(lab, msgspec.structs.replace(SINGLE, extra_activities={"Ready": True}))
    play = Play(driver)
    ann = play.worker("ann", activity="Ready")
    task = play.task()
    lab.run(lab.engine.activities.delete(lab.account, driver.workspace, play.activity_sid("Ready")))
    play.reject(task)
    assert (play.activity(ann), play.status(task)) == ("Reserved", "pending")


def test_a_document_is_kept_for_the_task_that_started_over_by_it(lab: FakeLab) -> None:
    """Though the Task is in the same queue as before."""
    driver = EngineDriver(lab, one_queue())
    play = Play(driver)
    task = play.task()

    def replace(note: int) -> None:
        play.update_workflow({"note": note, "task_routing": {"default_filter": {"queue": "all"}}})

    def kept() -> list[int]:
        return [json.loads(text)["note"] for text in lab.run(lab.fake.call("HVALS", driver.keys.docs))]

    replace(1)
    play.update_task(task, attributes='{"more": 1}')
    replace(2)
    assert kept() == [1]
    play.delete_task(task)
    replace(3)
    assert kept() == []
