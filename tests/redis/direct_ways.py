"""Ways of docs/states.md that no scenario goes, since a matcher works after each step of one, or no model is there."""

from __future__ import annotations

from typing import Any, Final

from engine.pools import UNUSED_MS
from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.play import Play

TTL_S: Final = 60
Given = dict[str, Any]


def a_worker_goes_before_it_is_indexed(lab: Lab, site: EngineDriver) -> None:
    place = (lab.account, site.workspace)
    lab.run(lab.engine.workers.create(*place, friendly_name="ann"))
    (worker,) = lab.run(lab.engine.workers.list(*place)).value.items
    lab.run(lab.engine.workers.delete(*place, worker.sid))


def the_thousandth_offer_is_rejected(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    play.worker("ann")
    task = play.task()
    state = ("HGET", site.keys.task(task), "s")
    status, revision, updated, _, offer = lab.run(lab.pipeline.call(*state)).decode().split("|")
    packed = "|".join((status, revision, updated, "1000", offer))
    lab.run(lab.pipeline.call("HSET", site.keys.task(task), "s", packed))
    play.reject(task)
    assert play.status(task) == "canceled"


def a_task_between_two_steps_is_given_up(lab: Lab, site: EngineDriver) -> None:
    place, play = (lab.account, site.workspace), Play(site)
    canceled, deleted, expired = (_between(lab, site) for _ in range(3))
    lab.run(lab.engine.tasks.update(*place, canceled, assignment_status="canceled"))
    lab.run(lab.engine.tasks.delete(*place, deleted))
    site.now_ms += TTL_S * 1000
    assert lab.run(lab.matcher.fire_timers()) == 1
    assert [play.status(task) for task in (canceled, deleted, expired)] == ["canceled", "gone", "canceled"]


def a_task_between_two_steps_restarts(lab: Lab, site: EngineDriver) -> None:
    """Without a matcher, where its pool is installed."""
    place, play = (lab.account, site.workspace), Play(site)
    first = play.task()
    task = _between(lab, site)
    lab.run(lab.engine.tasks.update(*place, task, task_channel="default"))
    ann = play.worker("ann")
    assert (play.holder(first), play.status(task)) == (ann, "pending")
    play.slots(ann, "default", capacity=2)
    assert play.holder(task) == ann


def a_worker_refuses_while_an_instruction_is_carried_out(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    ann = play.worker("ann")
    task = play.task()
    play.refuse(_hold(lab, site, task), task)
    _hold(lab, site, task)
    play.move(ann, "Offline", reject_pending_reservations=True)
    play.move(ann, "Available")
    _hold(lab, site, task)
    script = lab.engine.scripts.run("refuse_offers", _keys(site), (site.now_ms, ann, site.now_ms))
    assert lab.run(script) == [1]
    assert play.ends(task) == ["pending", "rejected", "rejected", "rejected"]


def a_task_is_given_up_while_an_instruction_is_carried_out(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    play.worker("ann")
    canceled = play.task()
    _hold(lab, site, canceled)
    play.update_task(canceled, assignment_status="canceled")
    assert play.ends(canceled) == ["canceled"]
    deleted = play.task()
    _hold(lab, site, deleted)
    play.delete_task(deleted)
    assert play.status(deleted) == "gone"


def whoever_is_first_ends_the_instructions_of_the_others(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    play.update_queue("all", max_reserved=2)
    ann, bo = play.worker("ann"), play.worker("bo")
    by_hand = play.task()
    _hold(lab, site, by_hand, play.offer_to(by_hand, bo))
    play.accept_by(by_hand, ann)
    play.complete(by_hand)
    by_report = play.task()
    won = play.offer_to(by_report, ann)
    for offer in (won, play.offer_to(by_report, bo)):
        _hold(lab, site, by_report, offer)
    place = (lab.account, site.workspace)
    lab.run(lab.engine.setups.report(*place, by_report, won, outcome="confirmed"))
    assert (play.ends(by_hand), play.ends(by_report)) == (
        ["completed", "rescinded"],
        ["accepted", "rescinded"],
    )


def a_worker_moves_after_the_work(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    ann = play.worker("ann")
    for before, after in (("Available", "Unavailable"), ("Offline", "Available")):
        task = play.task()
        offer = _hold(lab, site, task, post_work_activity_sid=play.activity_sid(after))
        place = (lab.account, site.workspace)
        lab.run(lab.engine.setups.report(*place, task, offer, outcome="confirmed"))
        play.move(ann, before)
        play.complete(task)
        assert play.activity(ann) == after
        play.move(ann, "Available")


def a_pool_goes_when_nobody_uses_it(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    play.worker("ann")
    play.delete_task(play.task())
    site.now_ms += UNUSED_MS + 100_000
    assert lab.run(lab.matcher.matching.sweep()) == 1
    lab.run(lab.rest())
    assert lab.run(lab.pipeline.call("EXISTS", site.keys.pools)) == 0
    assert play.status(play.task()) == "reserved"


def a_relay_logs_what_was_told(lab: Lab, site: EngineDriver) -> None:
    task = Play(site).task()
    assert site.logged()[-1].data["task_sid"] == task


DIRECT_WAYS: Final = (
    a_worker_goes_before_it_is_indexed,
    the_thousandth_offer_is_rejected,
    a_task_between_two_steps_is_given_up,
    a_task_between_two_steps_restarts,
    a_worker_refuses_while_an_instruction_is_carried_out,
    a_task_is_given_up_while_an_instruction_is_carried_out,
    whoever_is_first_ends_the_instructions_of_the_others,
    a_worker_moves_after_the_work,
    a_pool_goes_when_nobody_uses_it,
    a_relay_logs_what_was_told,
)


def _keys(site: EngineDriver) -> tuple[str, str]:
    return (site.keys.root, site.shard_keys.prefix)


def _between(lab: Lab, site: EngineDriver) -> str:
    """A Task whose pool nobody has installed yet."""
    work = lab.engine.tasks.create(
        lab.account, site.workspace, attributes="{}", task_channel="chat", timeout=TTL_S
    )
    return lab.run(work).value.sid


def _hold(lab: Lab, site: EngineDriver, task: str, offer: str | None = None, **parameters: str) -> str:
    """A Reservation of a Task, its only one if none is named, is set up by a media adapter; its SID."""
    place, sid = (lab.account, site.workspace), offer or Play(site).offer_of(task)
    lab.run(lab.engine.workspaces.update(*place, media_adapter_url="https://media.example/"))
    given: Given = {name: [value] for name, value in {"to": "client:ann", **parameters}.items()}
    work = lab.engine.setups.instruct(
        *place, sid, task=task, instruction="conference", given=given, base_url=""
    )
    lab.run(work)
    return sid
