"""On a Task Channel that counts idleness on its own, nobody has been idle for longer than it exists (semantics 5.3)."""

from __future__ import annotations

import pytest

from tests.redis.fake_lab import FakeLab
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue

NAMES = ("ann", "bo", "cy", "di", "ed")


@pytest.mark.parametrize("joins_later", [False, True])
def test_whoever_came_before_the_channel_did_is_asked_in_order_of_sids(joins_later: bool) -> None:
    """Whether a Worker is there when the pool is made, or joins it by new attributes."""
    with FakeLab() as lab:
        driver = EngineDriver(lab, one_queue(step={"expression": "worker.level > 1"}))
        play, place = Play(driver), (lab.account, driver.workspace)
        workers = []
        for name in NAMES:
            workers.append(play.worker(name, level=1 if joins_later else 2))
            play.wait(1)
        lab.run(
            lab.engine.task_channels.create(
                *place, friendly_name="Fax", unique_name="fax", channel_optimized_routing=True
            )
        )
        play.wait(1)
        if joins_later:
            play.delete_task(play.task(task_channel="fax"))
            for worker in workers:
                play.update_worker(worker, attributes='{"level": 2}')
        workers.sort()
        workers.append(play.worker("late", level=2))
        assert [play.holder(play.task(task_channel="fax")) for _ in workers] == workers
