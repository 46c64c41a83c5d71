"""The judge is judged: the reference router against small cases worked out by hand.

The scenarios of tests/scenarios hold it to the reference as well; here is what they cannot reach through a
client's eyes: its order of waiting Tasks, its deadlines, its recounts, and what it puts off.
"""

from __future__ import annotations

import pytest

from engine.errors import Invalid
from engine.model import Order
from tests.model import matching
from tests.model.router import Router
from tests.scenarios.drivers import ModelDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue
from tests.scenarios.site import T0_MS, Flow, Queue, Site

TWO_QUEUES = {"line": Queue(), "stack": Queue(order=Order.LIFO)}
BY_KIND = {
    "task_routing": {
        "filters": [{"expression": "kind == 'stack'", "targets": [{"queue": "stack"}]}],
        "default_filter": {"queue": "line"},
    }
}


def started(site: Site) -> tuple[Play, Router]:
    driver = ModelDriver(site)
    return Play(driver), driver.router


def waiting(router: Router) -> list[str]:
    return [task.sid for task in matching.waiting(router.state)]


@pytest.mark.parametrize("preferred", list(Order))
def test_waiting_tasks_stand_in_global_order(preferred: Order) -> None:
    site = Site(queues=TWO_QUEUES, workflows={"main": Flow(BY_KIND)}, preferred=preferred)
    play, router = started(site)
    plain, urgent = play.task(), play.task(priority=3)
    old = play.task(virtual_start_ms=T0_MS - 1)
    stacked = play.task(attributes={"kind": "stack"}, priority=9)
    older = play.task(attributes={"kind": "stack"}, virtual_start_ms=T0_MS - 1)
    on_top = play.task(attributes={"kind": "stack"})
    line, stack = [urgent, old, plain], [on_top, stacked, older]
    assert waiting(router) == (line + stack if preferred is Order.FIFO else stack + line)


def test_each_state_has_its_deadline() -> None:
    play, router = started(one_queue(answer_s=30))
    play.worker("ann")
    play.slots(next(iter(router.state.workers)), "default", capacity=2)
    task, short = play.task(timeout=100), play.task(timeout=20)
    pending = play.task(timeout=50)
    assert router.deadline_ms(task) == T0_MS + 30_000
    assert router.deadline_ms(short) == T0_MS + 20_000
    assert router.deadline_ms(pending) == T0_MS + 50_000
    assert router.next_deadline_ms() == T0_MS + 20_000
    play.wait(10)
    offer = play.accept(task)
    assert router.deadline_ms(task) == T0_MS + 10_000 + 24 * 3_600_000
    play.answer(offer, "wrapping")
    play.wait(1)
    play.complete(task)
    assert router.deadline_ms(task) == T0_MS + 11_000 + 300_000


def test_ttl_counts_where_it_and_the_answer_are_both_over() -> None:
    play, _ = started(one_queue(answer_s=30))
    ann = play.worker("ann")
    task = play.task(timeout=60)
    play.skip(60)
    assert (play.status(task), play.activity(ann)) == ("canceled", "Available")


def test_late_deadlines_are_met_in_their_order() -> None:
    play, _ = started(one_queue(answer_s=30))
    ann, bo = play.worker("ann"), play.worker("bo", activity="Offline")
    first = play.task()
    play.wait(1)
    play.move(bo, "Available")
    second = play.task()
    assert {play.holder(first), play.holder(second)} == {ann, bo}
    play.slots(bo, "default", capacity=2)
    play.skip(35)
    # First times out and meets bo, who is still there; then second times out and sends bo away.
    assert play.holder(first) == bo
    assert play.status(second) == "pending"
    assert play.activity(bo) == "Offline"


def test_usage_counts_open_tasks_and_workers() -> None:
    play, router = started(one_queue())
    ann = play.worker("ann")
    play.worker("bo", activity="Offline")
    done = play.task()
    play.task(task_channel="chat")
    play.accept(done)
    play.complete(done)
    state = router.state
    queue, workflow = next(iter(state.queues)), next(iter(state.workflows))
    offline = next(sid for sid, row in state.activities.items() if row.name == "Offline")
    assert state.open_tasks() == {(queue, workflow, "chat"): 1}
    assert state.population() == {state.workers[ann].activity_sid: 1, offline: 1}


@pytest.mark.parametrize(("capacity", "opened", "percentage"), [(0, 0, 0), (3, 1, 66), (3, 2, 33), (2, 3, 0)])
def test_free_percentage_is_rounded_down_and_never_negative(
    capacity: int, opened: int, percentage: int
) -> None:
    play, _ = started(one_queue())
    ann = play.worker("ann")
    play.slots(ann, "default", capacity=opened)
    for _ in range(opened):
        play.task()
    play.slots(ann, "default", capacity=capacity)
    assert play.channel(ann)["percentage"] == percentage


def test_a_returned_task_with_new_attributes_comes_after_those_already_waiting() -> None:
    play, _ = started(one_queue())
    ann = play.worker("ann")
    changed, plain = play.task(priority=9), play.task()
    play.update_task(changed, attributes='{"new": 1}')
    play.reject(changed)
    assert play.holder(plain) == ann
    assert play.status(changed) == "pending"


@pytest.mark.parametrize("reads_activity", [False, True])
def test_a_moved_worker_comes_last_only_where_rules_read_the_activity(reads_activity: bool) -> None:
    play, router = started(one_queue(extra_activities={"Lunch": True}))
    ann = play.worker("ann")
    play.wait(1)
    task = play.task()
    play.worker("bo")
    router.state.workers[ann].last_reserved_ms = 0  # ann would be first
    router.state.rules_read_activity = reads_activity
    play.reject(task, activity="Lunch")
    assert (play.holder(task) == ann) is not reads_activity


def test_assignments_are_limited() -> None:
    site = one_queue(max_assignments=3)
    play, _ = started(site)
    play.worker("ann")
    task = play.task()
    for _ in range(3):
        assert play.status(task) == "reserved"
        play.reject(task)
    assert play.look(task)["reason"] == "Task TTL Exceeded or Max assignment count exceeded"


@pytest.mark.parametrize("text", ["[]", "1", "{", "", '{"a": "' + "x" * 4096 + '"}'])
def test_attributes_must_be_a_short_object(text: str) -> None:
    play, router = started(one_queue())
    with pytest.raises(Invalid):
        router.create_task(now_ms=T0_MS, sid="WT1", attributes=text)
    assert play.see() == {"tasks": {}, "workers": {}, "offers": {}}


@pytest.mark.parametrize("virtual_start_ms", [T0_MS + 1, -2_208_988_800_001])
def test_virtual_start_lies_between_1900_and_now(virtual_start_ms: int) -> None:
    play, _ = started(one_queue())
    with pytest.raises(Invalid):
        play.task(virtual_start_ms=virtual_start_ms)
