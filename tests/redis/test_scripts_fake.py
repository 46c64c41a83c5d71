"""Every scenario once more, on fakeredis: the scripts hold on a second Redis and a second Lua, without a server.

What the scripts do to Tasks, Reservations and Workers on the way is held against docs/states.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import pytest

from engine.scripts import LUA
from tests.redis.callback_ways import CALLBACK_WAYS
from tests.redis.direct_ways import DIRECT_WAYS
from tests.redis.every_way import EVERY_WAY
from tests.redis.fake_lab import FakeLab, Step
from tests.redis.media_ways import MEDIA_WAYS
from tests.scenarios.catalogue import SCENARIOS, Scenario
from tests.scenarios.drivers import ModelDriver
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play
from tests.scenarios.registry import one_queue
from tests.unit.states_page import Arrow, drawn, way

# A thousand rejections, 7 ms each here and 0.3 on a server, which plays this one as well.
TOO_LONG: Final = "a_task_is_given_up_after_a_thousand_offers"
BACKLOG: Final = 34  # Tasks that one Worker takes at once: more than the 32 offers of one script
ARROWS: Final = {kind: drawn(kind) for kind in ("Task", "Pending", "Reservation", "Worker")}


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
# With those of this folder they go every way there is, so that the others need not be played twice.
MANIFOLD: Final = {
    "a_deleted_target_is_waited_for_until_the_minute_or_the_ttl_is_over",
    "a_deleted_worker_is_not_counted_any_more",
    "a_minute_is_not_begun_anew_by_new_attributes",
    "a_new_worker_and_one_that_joins_the_queue_count_at_once",
    "a_rescinded_worker_is_back_where_it_was",
    "a_target_is_reserved_from_any_activity_and_restored_to_it",
    "a_target_that_cannot_be_reserved_for_a_minute_loses_the_task",
    "a_target_that_refuses_is_left_in_peace_until_it_changes",
    "a_worker_has_one_reservation_on_all_channels_together",
    "an_accepted_task_outlives_its_ttl_but_not_24_hours",
    "an_alert_is_told_when_the_step_is_entered_and_not_again",
    "an_offer_taken_back_restores_the_activity",
    "deleting_a_task_frees_its_worker_for_the_next",
    "only_the_one_that_was_accepted_carries_the_work",
}
TOGETHER: Final = sorted([HANDED_ON, *PLAYED], key=lambda s: s not in OWN and s.name not in MANIFOLD)


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
    lab.fake.calls.clear()
    play_on(lab, scenario)
    assert lab.fake.calls
    assert [step for step, arrows in ways_of(lab) if not arrows] == []


@pytest.mark.parametrize("scenario", OWN, ids=lambda s: s.name)
def test_scenario_of_this_folder_on_the_model(scenario: Scenario) -> None:
    scenario.run(Play(ModelDriver(scenario.site)))


def test_only_the_named_scenario_is_left_out() -> None:
    assert {scenario.name for scenario in SCENARIOS} >= MANIFOLD
    assert len(PLAYED) == len(EVERY_WAY) + len(SCENARIOS) - 1
    assert TOO_LONG in {scenario.name for scenario in SCENARIOS}


def test_settling_pools_that_are_settled_changes_nothing(lab: FakeLab) -> None:
    site = EngineDriver(lab, one_queue())
    play = Play(site)
    play.worker("ann")
    reserved, pending = play.task(), play.task()
    before = play.see()
    stored = lab.run(lab.fake.call("HVALS", site.keys.pools))
    pools = b",".join(value.partition(b",")[2] for value in stored)
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
        for direct in (*DIRECT_WAYS, *MEDIA_WAYS, *CALLBACK_WAYS):
            site = EngineDriver(lab, one_queue())
            direct(lab, site)
            site.delete()
        for scenario in TOGETHER:
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
