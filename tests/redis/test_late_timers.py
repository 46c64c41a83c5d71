"""What happens between a deadline and the moment when somebody looks at it."""

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
