"""An offer changes the load of a Worker, which may let it have a Task that it could not have before (semantics 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.redis.fake_lab import FakeLab
from tests.scenarios.drivers import ModelDriver
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.site import Flow, Queue, Site

# A second call is for whoever has one already.
SECOND = {"kind": "second"}
PARTLY_FREE = "worker.channel.default.available_capacity_percentage < 100"


def _site() -> Site:
    routing = {
        "filters": [
            {"expression": "kind == 'second'", "targets": [{"queue": "all", "expression": PARTLY_FREE}]}
        ],
        "default_filter": {"queue": "all"},
    }
    return Site(queues={"all": Queue()}, workflows={"main": Flow({"task_routing": routing}, 120)})


def a_worker_who_comes_takes_the_older_task_because_of_the_younger(play: Play) -> None:
    ann = play.worker("ann", activity="Offline")
    play.slots(ann, "default", capacity=2)
    second, first = play.task(attributes=SECOND), play.task()
    play.move(ann, "Available")
    assert (play.holder(second), play.holder(first)) == (ann, ann)


def a_task_that_arrives_lets_the_older_one_be_offered(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=2)
    second = play.task(attributes=SECOND)
    assert play.status(second) == "pending"
    first = play.task()
    assert (play.holder(second), play.holder(first)) == (ann, ann)


STORIES = (
    a_worker_who_comes_takes_the_older_task_because_of_the_younger,
    a_task_that_arrives_lets_the_older_one_be_offered,
)


@pytest.fixture(scope="module")
def lab() -> Iterator[FakeLab]:
    with FakeLab() as opened:
        yield opened


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_an_offer_opens_what_the_load_had_closed(story: Callable[[Play], None], lab: FakeLab) -> None:
    story(Play(ModelDriver(_site())))
    story(Play(EngineDriver(lab, _site())))
