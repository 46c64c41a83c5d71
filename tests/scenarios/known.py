"""Scenarios: steps that name one Worker by an attribute of the Task (semantics 6.6)."""

from __future__ import annotations

from typing import Any, Final

from tests.scenarios.documents import by_kind, flow, one_filter
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue, scenario
from tests.scenarios.site import Flow, Queue, Site

BY_SID: Final = one_queue(step={"known_worker_sid": "task.agent.sid"})
BY_NAME: Final = one_queue(step={"known_worker_friendly_name": "task.agent"})
ELSE_ALL: Final = flow(
    one_filter({"queue": "own", "timeout": 10, "known_worker_sid": "task.agent"}, {"queue": "rest"}),
    "own", "rest",
)  # fmt: skip


def call_for(agent: Any) -> dict[str, Any]:
    return {"agent": {"sid": agent}}


@scenario(BY_SID)
def only_the_known_worker_is_asked_and_only_when_free(play: Play) -> None:
    """Semantics 6.6: neither availability nor capacity is overridden."""
    ann = play.worker("ann", activity="Offline")
    bo = play.worker("bo")
    first, second = (play.task(attributes=call_for(ann)) for _ in range(2))
    anyone = play.task(attributes=call_for(bo))
    assert [play.holder(task) for task in (first, second, anyone)] == [None, None, bo]
    play.move(ann, "Available")
    assert [play.holder(task) for task in (first, second)] == [ann, None]
    play.accept(first)
    play.complete(first)
    assert play.holder(second) == ann
    play.reject(second)
    assert play.holder(second) == ann


@scenario(BY_SID)
def a_task_of_a_known_worker_does_not_hold_up_the_others(play: Play) -> None:
    ann, bo = play.worker("ann", activity="Offline"), play.worker("bo")
    waits = play.task(attributes=call_for(ann), priority=9)
    assert play.holder(play.task(attributes=call_for(bo))) == bo
    assert play.status(waits) == "pending"


@scenario(BY_NAME)
def a_friendly_name_is_compared_as_it_is_written_and_follows_a_renaming(play: Play) -> None:
    ann = play.worker("ann")
    task = play.task(attributes={"agent": "Ann"})
    assert play.status(task) == "pending"
    play.update_worker(ann, friendly_name="Ann")
    assert play.holder(task) == ann
    play.update_worker(ann, friendly_name="anna")
    assert play.holder(task) == ann
    play.reject(task)
    assert play.status(task) == "pending"
    assert play.holder(play.task(attributes={"agent": "anna"})) == ann


@scenario(BY_NAME)
def a_new_worker_of_the_same_name_takes_over_from_a_deleted_one(play: Play) -> None:
    play.delete_worker(play.worker("ann"))
    task = play.task(attributes={"agent": "ann"})
    play.worker("bo")
    assert play.status(task) == "pending"
    ann = play.worker("ann")
    assert play.holder(task) == ann


@scenario(BY_SID)
def a_deleted_known_worker_is_waited_for_until_the_ttl(play: Play) -> None:
    ann = play.worker("ann", activity="Offline")
    task = play.task(attributes=call_for(ann), timeout=60)
    play.delete_worker(ann)
    play.worker("ann")
    play.skip(59)
    assert play.status(task) == "pending"
    play.wait(1)
    assert play.look(task)["reason"] == "Task TTL Exceeded"


@scenario(ELSE_ALL)
def whoever_cannot_be_known_keeps_the_task_in_its_step(play: Play) -> None:
    """Semantics 6.6: attribute missing, null, of another type, a name instead of a SID, a stranger's SID."""
    ann = play.worker("ann")
    agents: list[Any] = [None, 7, True, [ann], {"sid": ann}, "", "ann", ann.lower(), "WK" + "0" * 32]
    tasks = [play.task(), *(play.task(attributes={"agent": agent}) for agent in agents)]
    assert {play.status(task) for task in tasks} == {"pending"}
    assert {play.queue(task) for task in tasks} == {"own"}
    play.slots(ann, "default", capacity=20)
    known = play.task(attributes={"agent": ann})
    assert (play.holder(known), play.queue(known)) == (ann, "own")
    play.wait(9)
    assert {play.status(task) for task in tasks} == {"pending"}
    play.wait(1)
    assert {play.holder(task) for task in tasks} == {ann}
    assert {play.queue(task) for task in tasks} == {"rest"}


@scenario(
    Site(
        queues={"french": Queue("skills HAS 'fr'")},
        workflows={
            "main": Flow(
                one_filter(
                    {
                        "queue": "french",
                        "known_worker_friendly_name": "task.agent",
                        "expression": "worker.level > task.level",
                    }
                )
            )
        },
    )
)
def the_known_worker_has_to_suit_the_queue_and_the_step(play: Play) -> None:
    """Semantics 6.6: combined with an expression both must hold."""
    ann = play.worker("ann", level=1)
    play.worker("bo", skills=["fr"], level=9)
    task = play.task(attributes={"agent": "ann", "level": 3})
    for attributes in ('{"skills": ["fr"], "level": 1}', '{"skills": [], "level": 9}'):
        play.update_worker(ann, attributes=attributes)
        assert play.status(task) == "pending"
    play.update_worker(ann, attributes='{"skills": ["fr"], "level": 9}')
    assert play.holder(task) == ann


@scenario(BY_SID)
def a_worker_grabs_a_waiting_task_by_changing_its_attributes(play: Play) -> None:
    """Semantics 2.11: the attribute is read again when the Task starts anew."""
    ann, bo = play.worker("ann"), play.worker("bo")
    task = play.task(attributes={"agent": {}})
    assert play.status(task) == "pending"
    play.update_task(task, attributes=f'{{"agent": {{"sid": "{bo}"}}}}')
    assert play.holder(task) == bo
    play.update_task(task, attributes=f'{{"agent": {{"sid": "{ann}"}}}}')
    assert play.holder(task) == bo
    play.reject(task)
    assert play.holder(task) == ann


@scenario(
    flow(
        one_filter(
            {"queue": "own", "known_worker_sid": "task.agent", "skip_if": "workers.available < 2"},
            default={"queue": "rest"},
        ),
        "own", "rest",
    )
)  # fmt: skip
def a_task_of_a_known_worker_may_skip_for_the_whole_queue(play: Play) -> None:
    """Semantics 6.8: the counts are of the queue, whoever is known."""
    ann, bo = play.worker("ann"), play.worker("bo")
    play.slots(ann, "default", available=False)
    task = play.task(attributes={"agent": ann})
    assert play.queue(task) == "own"
    play.slots(bo, "default", available=False)
    assert play.queue(task) == "own"
    play.move(bo, "Offline")
    assert (play.queue(task), play.status(task)) == ("rest", "pending")


@scenario(
    flow(
        by_kind(
            {"expression": "by == 'sid'", "targets": [{"queue": "all", "known_worker_sid": "task.agent"}]},
            default={"queue": "all", "known_worker_friendly_name": "task.agent"},
        ),
        "all",
    )
)
def whoever_cannot_be_known_is_told_by_an_alert(play: Play) -> None:
    """Semantics 6.6: 40154, 40155, and nothing for null."""
    ann = play.worker("ann", activity="Offline")
    told: list[tuple[dict[str, Any], int | None]] = [
        ({"by": "sid"}, 40154),
        ({"by": "sid", "agent": 7}, 40154),
        ({"by": "sid", "agent": "ann"}, 40154),
        ({"by": "sid", "agent": "WK" + "0" * 32}, 40155),
        ({"by": "sid", "agent": None}, None),
        ({"by": "sid", "agent": ann}, None),
        ({}, 40154),
        ({"agent": ["ann"]}, 40154),
        ({"agent": "Ann"}, 40154),
        ({"agent": None}, None),
        ({"agent": "ann"}, None),
    ]
    expected = []
    for attributes, code in told:
        task = play.task(attributes=attributes)
        expected += [] if code is None else [(task, code)]
        assert (play.alerts(), play.look(task)["revision"]) == (expected, 0)


@scenario(ELSE_ALL)
def an_alert_is_told_when_the_step_is_entered_and_not_again(play: Play) -> None:
    task = play.task()
    play.update_task(task, priority=3)
    play.worker("ann", activity="Offline")
    play.wait(9)
    assert play.alerts() == [(task, 40154)]
    play.update_task(task, attributes='{"agent": "nobody"}')
    assert play.alerts() == [(task, 40154)] * 2
    play.wait(10)
    assert (play.queue(task), play.alerts()) == ("rest", [(task, 40154)] * 2)


@scenario(ELSE_ALL)
def an_alert_is_not_told_again_where_the_queue_gets_other_rules(play: Play) -> None:
    play.update_queue("own", target="level > 1")
    task = play.task(attributes={"agent": play.worker("ann")})
    assert play.alerts() == [(task, 40152)]
    play.update_queue("own", target="level > 2")
    assert (play.queue(task), play.alerts()) == ("own", [(task, 40152)])
