"""What happens before somebody has looked at a deadline, or at what has become of a Worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.redis.fake_lab import FakeLab
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue


@pytest.fixture
def lab() -> Iterator[FakeLab]:
    with FakeLab() as opened:
        yield opened


def test_a_task_for_a_worker_who_left_does_not_go_on_by_its_workflow(lab: FakeLab) -> None:
    """Semantics 2.8: it is changed when its 60 s are over, and ends by them nevertheless."""
    driver = EngineDriver(lab, one_queue())
    play = Play(driver)
    ann = play.worker("ann")
    task = play.task_for(ann)
    play.reject(task)
    play.delete_worker(ann)
    driver.now_ms += 60_000
    changed = lab.engine.tasks.update(lab.account, driver.workspace, task, attributes='{"more": 1}')
    assert lab.run(changed).value.status == "pending"
    lab.run(lab.matcher.fire_timers())
    assert play.look(task)["reason"] == "RoutingTarget SLA for Reservation creation was not met"


def test_a_worker_who_comes_back_is_not_offered_work_by_the_skills_it_had(lab: FakeLab) -> None:
    driver = EngineDriver(lab, one_queue(step={"expression": "worker.level > 1"}))
    play, change = Play(driver), lab.engine.workers.update
    ann = play.worker("ann", activity="Offline", level=2)
    task = play.task()
    place = (lab.account, driver.workspace, ann)
    lab.run(change(*place, attributes='{"level": 1}'))
    lab.run(change(*place, activity_sid=play.activity_sid("Available")))
    assert play.status(task) == "pending"
    lab.run(lab.rest())
    assert play.status(task) == "pending"
