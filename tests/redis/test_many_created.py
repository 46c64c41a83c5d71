"""Several Tasks in one call: each with an outcome of its own, and together what the same calls one by one had done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from engine.errors import Invalid, NotFound, Unavailable
from engine.live import Live
from engine.model import Found
from engine.new_task import MOST, NewTask, Outcome
from engine.router import Engine
from tests.redis.fake_lab import FakeLab
from tests.scenarios.documents import by_kind, flow, kind, steps
from tests.scenarios.drivers import Snapshot
from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue
from tests.scenarios.site import T0_MS, Site

SITES: Final = {
    "plain": one_queue(),
    "filters": flow(by_kind(kind("second", "all", priority=7), default={"queue": "all"}), "all"),
    "rounds": one_queue(max_reserved=2),
    "skipped": flow(
        by_kind(
            steps(
                {"queue": "all", "expression": "worker.level > 9", "skip_if": "workers.available == 0"},
                {"queue": "all"},
                expression="kind == 'second'",
            ),
            default={"queue": "all"},
        ),
        "all",
        single=True,
    ),
}


@pytest.fixture(scope="module", params=["server", "fakeredis"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with FakeLab() if request.param == "fakeredis" else Lab(tmp_path_factory.mktemp("many")) as opened:
        yield opened


def place(lab: Lab, driver: EngineDriver) -> tuple[str, str]:
    return lab.account, driver.workspace


def many(lab: Lab, driver: EngineDriver, *wishes: NewTask) -> list[Outcome]:
    return lab.run(lab.engine.tasks.create_many(*place(lab, driver), wishes))


def one_by_one(lab: Lab, driver: EngineDriver, *wishes: NewTask) -> list[Outcome]:
    return [many(lab, driver, wish)[0] for wish in wishes]


def sid_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Found)
    return str(outcome.value.sid)


def wrong(outcome: Outcome) -> str:
    """The field that an outcome calls invalid."""
    assert isinstance(outcome, Invalid)
    return outcome.field


def told(lab: Lab, driver: EngineDriver) -> list[str]:
    """Every event of the Workspace but its number and time, and the numbers gapless."""
    found = []
    for _, flat in lab.run(lab.pipeline.call("XRANGE", driver.shard_keys.events, "-", "+")):
        if int(flat[1]) == driver.number:
            found += [text.decode().split("|", 3) for text in flat[3::2]]
    assert [int(event[0]) for event in found] == list(range(1, len(found) + 1))
    return [f"{event[1]}|{event[3]}" for event in found if event[1].startswith(("task.", "reservation."))]


def story(lab: Lab, site: Site, creates: Any) -> tuple[Snapshot, list[str]]:
    """Three Workers, five Tasks by way of `creates`, and what is to be seen then."""
    driver = EngineDriver(lab, site)
    play = Play(driver)
    for name in ("ann", "bo", "cy"):
        play.worker(name, activity="Idle" if site.single else "Available")
    play.delete_task(play.task())  # the pool is installed
    second = NewTask(attributes='{"kind": "second"}', timeout=60)
    outcomes = creates(lab, driver, NewTask(priority=3), second, NewTask(), NewTask(priority=9), second)
    lab.run(lab.rest())
    seen, events = play.see(), told(lab, driver)
    assert {sid_of(outcome) for outcome in outcomes} == seen["tasks"].keys()
    driver.delete()
    return seen, events


@pytest.mark.parametrize("site", SITES.values(), ids=list(SITES))
def test_tasks_of_one_call_are_as_if_created_one_after_the_other(lab: Lab, site: Site) -> None:
    assert story(lab, site, many) == story(lab, site, one_by_one)


def test_each_has_its_own_outcome_and_one_that_is_refused_harms_no_other(lab: Lab) -> None:
    driver = EngineDriver(lab, one_queue())
    good = NewTask(priority=4)
    outcomes = many(
        *(lab, driver, good, NewTask(attributes="[]"), NewTask(priority=-1), NewTask(task_channel="none")),
        *(NewTask(virtual_start_ms=T0_MS + 1), NewTask(routing_target="WK" + "0" * 32), good),
    )
    assert [wrong(outcome) for outcome in outcomes[1:-1]] == [
        *("attributes", "priority", "task_channel", "virtual_start_time", "routing_target")
    ]
    listed = lab.run(lab.engine.tasks.list(*place(lab, driver))).value.items
    assert [task.sid for task in listed] == [sid_of(outcomes[0]), sid_of(outcomes[-1])]
    assert isinstance(outcomes[0], Found)
    assert outcomes[0].value == listed[0]
    driver.delete()


def test_one_call_is_one_script_and_no_more_than_sixteen(lab: Lab) -> None:
    driver = EngineDriver(lab, one_queue())
    outcomes = many(lab, driver, *[NewTask()] * MOST)
    assert len({sid_of(outcome) for outcome in outcomes}) == MOST
    entries = lab.run(lab.pipeline.call("XREVRANGE", driver.shard_keys.events, "+", "-", "COUNT", 1))
    assert len(entries[0][1]) == 2 + 2 * MOST
    with pytest.raises(AssertionError):
        many(lab, driver, *[NewTask()] * (MOST + 1))
    driver.delete()


def test_what_is_not_there_or_not_known_is_told_of_each(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = EngineDriver(lab, one_queue())
    bad = NewTask(timeout=0)
    with monkeypatch.context() as patched:
        lost = Unavailable("no reply", outcome_unknown=True)

        async def nothing(*_: Any) -> Any:
            raise lost

        patched.setattr(Live, "script", nothing)
        first, second, third = many(lab, driver, NewTask(), bad, NewTask())
    assert (first, wrong(second), third) == (lost, "timeout", lost)
    driver.delete()
    gone, still = many(lab, driver, NewTask(), bad)
    assert (type(gone), wrong(still)) == (NotFound, "timeout")


def test_nobody_is_refused_by_what_a_process_knew_of_the_workspace(lab: Lab) -> None:
    """Another process has made a Workflow, an Activity and a Task Channel that this one has not heard of."""
    driver = EngineDriver(lab, one_queue())
    at = place(lab, driver)
    other = Engine(lab.pipeline, lab._redis, mint=lab._sid, now_ms=lambda: lab.now_ms)
    workflow = driver.config.workflows[next(iter(driver.config.workflows))]
    another = lab.run(
        other.workflows.create(*at, friendly_name="new", configuration=workflow.configuration)
    ).value.sid
    (found,) = many(lab, driver, NewTask(workflow_sid=another))
    assert isinstance(found, Found)
    activity = lab.run(other.activities.create(*at, friendly_name="new", available=True)).value.sid
    worker = lab.run(lab.engine.workers.create(*at, friendly_name="ann", activity_sid=activity)).value
    assert worker.available
    lab.run(other.task_channels.create(*at, friendly_name="new", unique_name="fax"))
    assert isinstance(
        many(lab, driver, NewTask(workflow_sid=another, task_channel="fax"), NewTask(timeout=0))[0], Found
    )
    driver.delete()
