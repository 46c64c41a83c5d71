"""Stories that tell small mistakes in the scripts from none, played by the reference router and then by the scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pytest

from tests.redis.fake_lab import FakeLab
from tests.scenarios.documents import by_kind, flow, kind, steps
from tests.scenarios.drivers import ModelDriver
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue
from tests.scenarios.site import Flow, Queue, Site

ANSWER_S: Final = 10
SECOND: Final = {"kind": "second"}
PARTLY_FREE: Final = "worker.channel.default.available_capacity_percentage < 100"
AT_WORK: Final = "worker.channel.default.assigned_tasks > 0"
PLAIN: Final = one_queue(answer_s=ANSWER_S)

BY_LEVEL: Final = one_queue(step={"order_by": "worker.level DESC"})
TWO_ORDERS: Final = flow(
    by_kind(
        kind("second", "all", order_by="worker.cost"),
        default={"queue": "all", "order_by": "worker.level DESC"},
    ),
    "all",
)
SKIPPING: Final = flow(
    by_kind(
        steps(
            {"queue": "all", "expression": "worker.level > 9", "skip_if": "workers.available > 0"},
            {"queue": "all"},
            expression="kind == 'second'",
        ),
        default={"queue": "all"},
    ),
    "all",
    single=True,
)
SKILLED: Final = msgspec.structs.replace(PLAIN, queues={**PLAIN.queues, "skilled": Queue("level > 1")})

LEFT_ALONE: Final = flow(
    by_kind(
        steps(
            {"queue": "all", "expression": "worker.level > 9", "skip_if": "workers.available == 0"},
            {"queue": "all", "priority": 5},
            expression="kind == 'second'",
        ),
        default={"queue": "all"},
    ),
    "all",
    single=True,
)


def by_load(condition: str, **queue: Any) -> Site:
    """A second Task is for whoever has something already, as far as this condition says it."""
    document = by_kind(kind("second", "all", expression=condition), default={"queue": "all"})
    return Site(queues={"all": Queue(**queue)}, workflows={"main": Flow(document, ANSWER_S)})


def a_worker_who_comes_takes_the_older_task_because_of_the_younger(play: Play) -> None:
    """Semantics 7.3: an offer changes the load, which may let the Worker have what it could not have before."""
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


def whoever_accepts_is_offered_what_is_for_those_at_work(play: Play) -> None:
    ann, bo = (play.worker(name) for name in ("ann", "bo"))
    for worker in (ann, bo):
        play.slots(worker, "default", capacity=2)
    first, second = play.task(), play.task(attributes=SECOND)
    assert play.status(second) == "pending"
    play.accept_by(first, ann)
    assert play.holder(second) == ann


def a_limit_on_the_work_at_hand_includes_the_limit(play: Play) -> None:
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=5)
    for _ in range(2):
        second = play.task(attributes=SECOND)
        assert play.holder(second) == ann
        play.accept(second)
    third = play.task(attributes=SECOND)
    assert play.status(third) == "pending"
    play.complete(second)
    assert play.holder(third) == ann


def who_has_no_slot_on_a_channel_has_no_free_part_of_it(play: Play) -> None:
    """Semantics 7.3: 0 of 0 is 0, for Tasks of any channel."""
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=0)
    assert play.holder(play.task(task_channel="chat", attributes=SECOND)) == ann


def what_a_worker_gets_when_it_comes_counts_on_all_its_channels(play: Play) -> None:
    """Semantics 5.3: the last Reservation on any channel says how long the Worker has been idle."""
    ann = play.worker("ann", activity="Offline")
    waits = play.task()
    play.wait(1)
    bo = play.worker("bo", activity="Offline")
    play.slots(bo, "default", capacity=0)
    play.delete_task(play.task(task_channel="chat"))
    play.wait(1)
    play.move(ann, "Available")
    assert play.holder(waits) == ann
    play.move(bo, "Available")
    assert [play.holder(play.task(task_channel="chat")) for _ in range(2)] == [bo, ann]


def a_task_at_rest_lets_a_later_one_for_its_worker_pass(play: Play, **given: Any) -> None:
    """Semantics 2.8: another priority does not end the rest."""
    ann = play.worker("ann")
    rests = play.task_for(ann, **given)
    play.reject(rests)
    play.update_task(rests, priority=5)
    assert play.status(rests) == "pending"
    later = play.task_for(ann, **given)
    assert play.holder(later) == ann


def a_task_at_rest_that_needs_room_lets_a_later_one_pass(play: Play) -> None:
    a_task_at_rest_lets_a_later_one_for_its_worker_pass(play, ignore_capacity=False)


def a_changed_task_is_not_for_its_worker_who_left_the_queue(play: Play) -> None:
    """Semantics 2.8: a Worker whom the Task names is a candidate while it is a member of the queue."""
    ann = play.worker("ann", level=2)
    task = play.task_for(ann, queue="skilled")
    assert play.holder(task) == ann
    play.reject(task)
    play.update_worker(ann, attributes='{"level": 1}')
    play.update_task(task, attributes='{"more": 1}')
    assert play.status(task) == "pending"
    play.update_worker(ann, attributes='{"level": 3}')
    assert play.holder(task) == ann


def a_canceled_task_lets_its_worker_back_and_another_task_skip(play: Play) -> None:
    """Semantics 3.9 and 6.8."""
    ann = play.worker("ann", activity="Idle")
    first, second = play.task(), play.task(attributes=SECOND)
    assert (play.holder(first), play.status(second)) == (ann, "pending")
    play.update_task(first, assignment_status="canceled")
    assert play.holder(second) == ann


def a_task_that_takes_the_last_worker_lets_another_one_skip(play: Play) -> None:
    """Semantics 3.9 and 6.8."""
    ann = play.worker("ann", activity="Idle")
    play.delete_task(play.task())  # its pool is installed, so the next one meets the Worker at once
    second = play.task(attributes=SECOND)
    assert play.look(second)["priority"] == 0
    assert play.holder(play.task()) == ann
    assert (play.status(second), play.look(second)["priority"]) == ("pending", 5)


def an_order_that_one_value_had_made_void_counts_when_it_is_gone(play: Play) -> None:
    """Semantics 6.7."""
    ann, bo = play.worker("ann", level=1), play.worker("bo", level=2)
    other = play.worker("other", level="two")
    play.slots(other, "default", capacity=0)
    task = play.task()
    assert play.holder(task) == min(ann, bo)  # equally long idle
    play.delete_task(task)
    play.delete_worker(other)
    assert play.holder(play.task()) == bo


def an_order_stays_void_for_those_who_are_indexed_because_of_another(play: Play) -> None:
    """Semantics 6.7: each order by itself, though both have the same Workers."""
    bo = play.worker("bo", cost="much")
    play.skip(1)
    ann = play.worker("ann", cost=1, level=1)
    assert play.holder(play.task(attributes=SECOND)) == bo  # by cost, which is void
    assert play.holder(play.task()) == ann
    for worker in (bo, ann):
        play.slots(worker, "default", capacity=9)
    play.delete_worker(play.worker("other", level="two"))  # by level, void and again not
    assert play.holder(play.task(attributes=SECOND)) == bo


STORIES: Final[list[tuple[Callable[[Play], None], Site]]] = [
    (a_worker_who_comes_takes_the_older_task_because_of_the_younger, by_load(PARTLY_FREE)),
    (a_task_that_arrives_lets_the_older_one_be_offered, by_load(PARTLY_FREE)),
    (whoever_accepts_is_offered_what_is_for_those_at_work, by_load(AT_WORK)),
    (whoever_accepts_is_offered_what_is_for_those_at_work, by_load(AT_WORK, max_reserved=2)),
    (who_has_no_slot_on_a_channel_has_no_free_part_of_it, by_load(PARTLY_FREE)),
    (a_limit_on_the_work_at_hand_includes_the_limit, by_load("worker.channel.default.assigned_tasks <= 1")),
    (what_a_worker_gets_when_it_comes_counts_on_all_its_channels, PLAIN),
    (a_task_at_rest_lets_a_later_one_for_its_worker_pass, PLAIN),
    (a_task_at_rest_that_needs_room_lets_a_later_one_pass, PLAIN),
    (a_changed_task_is_not_for_its_worker_who_left_the_queue, SKILLED),
    (a_canceled_task_lets_its_worker_back_and_another_task_skip, SKIPPING),
    (a_task_that_takes_the_last_worker_lets_another_one_skip, LEFT_ALONE),
    (an_order_that_one_value_had_made_void_counts_when_it_is_gone, BY_LEVEL),
    (an_order_stays_void_for_those_who_are_indexed_because_of_another, TWO_ORDERS),
]


@pytest.fixture(scope="module")
def lab() -> Iterator[FakeLab]:
    with FakeLab() as opened:
        yield opened


@pytest.mark.parametrize(("story", "site"), STORIES, ids=lambda part: getattr(part, "__name__", ""))
def test_story(story: Callable[[Play], None], site: Site, lab: FakeLab) -> None:
    story(Play(ModelDriver(site)))
    story(Play(EngineDriver(lab, site)))


def told(lab: FakeLab, driver: EngineDriver, status: str) -> list[str]:
    """The Reservations that came to a status, in their order."""
    entries = lab.run(lab.fake.call("XRANGE", driver.shard_keys.events, "-", "+"))
    events = [
        text.decode().split("|")
        for _, flat in entries
        if int(flat[1]) == driver.number
        for text in flat[3::2]
    ]
    return [event[3] for event in events if event[1] == f"reservation.{status}"]


def test_offers_of_one_round_end_in_order_of_their_sids(lab: FakeLab) -> None:
    driver = EngineDriver(lab, one_queue(answer_s=ANSWER_S, max_reserved=5))
    play = Play(driver)
    for name in ("ann", "bo", "cy", "di", "ed"):
        play.worker(name)
        play.wait(1)
    play.task()
    play.wait(ANSWER_S)
    made, ended = told(lab, driver, "created"), told(lab, driver, "timeout")
    assert made != sorted(made)
    assert ended == sorted(made)


def test_a_worker_who_leaves_rejects_in_order_of_sids(lab: FakeLab) -> None:
    """Semantics 4.3."""
    driver = EngineDriver(lab, PLAIN)
    play = Play(driver)
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=5)
    for _ in range(5):
        play.task()
    play.move(ann, "Offline", reject_pending_reservations=True)
    made, ended = told(lab, driver, "created"), told(lab, driver, "rejected")
    assert made != sorted(made)
    assert ended == sorted(made)
