"""Every scenario once more, on fakeredis: the scripts hold on a second Redis and a second Lua, without a server.

What the scripts do to Tasks, Reservations and Workers on the way is held against docs/states.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import pytest

from engine.scripts import LUA
from tests.redis.every_way import EVERY_WAY
from tests.redis.fake_lab import FakeLab, Step
from tests.scenarios import lifecycle, routing  # noqa: F401  they register
from tests.scenarios.drivers import ModelDriver
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import SCENARIOS, Scenario, one_queue
from tests.unit.states_page import Arrow, drawn, way

# A thousand rejections, 7 ms each here and 0.3 on a server, which plays this one as well.
TOO_LONG: Final = "a_task_is_given_up_after_a_thousand_offers"
BACKLOG: Final = 66  # Tasks that one Worker takes at once: more than the 64 offers of one script
ARROWS: Final = {kind: drawn(kind) for kind in ("Task", "Reservation", "Worker")}


def what_one_script_may_not_finish_another_one_does(play: Play) -> None:
    ann = play.worker("ann", activity="Offline")
    play.slots(ann, "default", capacity=BACKLOG)
    tasks = [play.task() for _ in range(BACKLOG + 1)]
    play.move(ann, "Available")
    seen = play.see()["tasks"]
    assert [seen[task]["status"] for task in tasks] == ["reserved"] * BACKLOG + ["pending"]
    assert play.channel(ann)["open"] == BACKLOG


HANDED_ON: Final = Scenario("handed_on", one_queue(), what_one_script_may_not_finish_another_one_does)
OWN: Final = [HANDED_ON, *EVERY_WAY]
PLAYED: Final = [*EVERY_WAY, *(scenario for scenario in SCENARIOS if scenario.name != TOO_LONG)]


@pytest.fixture(scope="module")
def lab() -> Iterator[FakeLab]:
    with FakeLab() as opened:
        yield opened


def play_on(lab: FakeLab, scenario: Scenario) -> None:
    driver = EngineDriver(lab, scenario.site)
    try:
        scenario.run(Play(driver))
    finally:
        driver.delete()


@cache
def way_of(step: Step) -> list[Arrow]:
    return way(ARROWS[step.kind], step.before, step.after, step.script)


def ways_of(lab: FakeLab) -> Iterator[tuple[Step, list[Arrow]]]:
    """Every step that was seen, with the arrows that explain it. A deleted Workspace takes everything with it."""
    for step in lab.fake.steps:
        if step.script != "reap_workspace":
            yield step, way_of(step)


@pytest.mark.parametrize("scenario", PLAYED, ids=lambda s: s.name)
def test_scenario_on_fakeredis_along_documented_ways(scenario: Scenario, lab: FakeLab) -> None:
    lab.fake.steps.clear()
    play_on(lab, scenario)
    assert lab.fake.steps
    assert [step for step, arrows in ways_of(lab) if not arrows] == []


@pytest.mark.parametrize("scenario", OWN, ids=lambda s: s.name)
def test_scenario_of_this_folder_on_the_model(scenario: Scenario) -> None:
    scenario.run(Play(ModelDriver(scenario.site)))


def test_only_the_named_scenario_is_left_out() -> None:
    assert len(PLAYED) == len(EVERY_WAY) + len(SCENARIOS) - 1
    assert TOO_LONG in {scenario.name for scenario in SCENARIOS}


def a_worker_goes_before_it_is_indexed(lab: FakeLab, site: EngineDriver) -> None:
    place = (lab.account, site.workspace)
    lab.run(lab.engine.workers.create(*place, friendly_name="ann"))
    (worker,) = lab.run(lab.engine.workers.list(*place)).value.items
    lab.run(lab.engine.workers.delete(*place, worker.sid))


def the_thousandth_offer_is_rejected(lab: FakeLab, site: EngineDriver) -> None:
    play = Play(site)
    play.worker("ann")
    task = play.task()
    state = ("HGET", site.keys.task(task), "s")
    status, revision, updated, _, offer = lab.run(lab.fake.call(*state)).decode().split("|")
    packed = "|".join((status, revision, updated, "1000", offer))
    lab.run(lab.fake.call("HSET", site.keys.task(task), "s", packed))
    play.reject(task)
    assert play.status(task) == "canceled"


def test_settling_pools_that_are_settled_changes_nothing(lab: FakeLab) -> None:
    site = EngineDriver(lab, one_queue())
    play = Play(site)
    play.worker("ann")
    reserved, pending = play.task(), play.task()
    before = play.see()
    pools = b",".join(lab.run(lab.fake.call("HVALS", site.keys.pools)))
    keys = (site.keys.root, site.shard_keys.prefix)
    assert pools
    assert lab.run(lab.engine.scripts.run("settle", keys, (site.now_ms, pools, ""))) == [1]
    assert play.see() == before
    assert (play.status(reserved), play.status(pending)) == ("reserved", "pending")
    site.delete()


def test_all_scenarios_together_run_every_script_and_go_every_documented_way() -> None:
    """In a laboratory of its own, since tests may be split over cores; ends when there is nothing left to see."""
    scripts = {path.stem for path in LUA.glob("*.lua")}
    arrows = {(kind, arrow) for kind, drawing in ARROWS.items() for arrow in drawing}
    with FakeLab() as lab:
        for direct in (a_worker_goes_before_it_is_indexed, the_thousandth_offer_is_rejected):
            site = EngineDriver(lab, one_queue())
            direct(lab, site)
            site.delete()
        for scenario in (HANDED_ON, *PLAYED):
            play_on(lab, scenario)
            seen = {(step.kind, arrow) for step, arrows in ways_of(lab) for arrow in arrows}
            if scripts <= lab.fake.ran and arrows <= seen:
                return
    assert scripts - lab.fake.ran == set()
    assert sorted(map(str, arrows - seen)) == []


def test_a_life_is_three_scripts_and_asks_no_matcher_for_anything(lab: FakeLab) -> None:
    site = EngineDriver(lab, one_queue())
    play = Play(site)
    play.worker("ann")
    play.delete_task(play.task())  # the pool is installed
    lab.fake.calls.clear()
    task = play.task()
    play.accept(task)
    play.complete(task)
    called = [name for name in lab.fake.calls if name != "fire_timers"]
    site.delete()
    assert called == ["create_task", "accept_reservation", "complete_task"]
