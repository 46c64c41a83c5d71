"""What callbacks do to Tasks and Reservations, on any laboratory."""

from __future__ import annotations

from typing import Final

from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.play import Play

TTL_S: Final = 10


def a_wrong_answer_is_told_and_changes_nothing(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    play.worker("ann")
    task = play.task()
    offer, before = play.offer_of(task), play.see()
    lab.run(lab.engine.callbacks.alert(lab.account, site.workspace, task, offer, 40001))
    assert play.alerts() == [(task, 40001)]
    assert play.see() == before


def delayed_tasks_end_in_every_way(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    canceled, deleted, expired = _delayed(lab, site), _delayed(lab, site), _delayed(lab, site)
    play.update_task(canceled, assignment_status="canceled")
    play.delete_task(deleted)
    play.skip(TTL_S)
    assert [play.status(task) for task in (canceled, deleted, expired)] == ["canceled", "gone", "canceled"]


def delayed_tasks_that_change_begin_anew(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    waits, elsewhere = _delayed(lab, site), _delayed(lab, site)
    ann = play.worker("ann")
    reserved = play.task()
    play.fail_callback(reserved)
    play.update_task(reserved, attributes='{"a": 1}')
    assert play.holder(reserved) == ann
    play.update_task(waits, attributes='{"a": 1}')
    work = lab.engine.tasks.update(lab.account, site.workspace, elsewhere, task_channel="video")
    lab.run(work)  # no matcher has installed a pool of this channel
    assert (play.status(waits), play.status(elsewhere)) == ("pending", "pending")
    lab.run(lab.rest())
    assert play.holder(elsewhere) == ann


def a_delay_ends_by_itself(lab: Lab, site: EngineDriver) -> None:
    play = Play(site)
    play.worker("ann")
    task = play.task()
    play.fail_callback(task)
    play.wait(1)
    assert play.status(task) == "reserved"


CALLBACK_WAYS: Final = (
    a_wrong_answer_is_told_and_changes_nothing,
    delayed_tasks_end_in_every_way,
    delayed_tasks_that_change_begin_anew,
    a_delay_ends_by_itself,
)


def _delayed(lab: Lab, site: EngineDriver) -> str:
    """A Task that was offered to a Worker who is gone since."""
    play = Play(site)
    worker = play.worker("zoe")
    task = play.task(timeout=TTL_S)
    play.fail_callback(task)
    play.delete_worker(worker)
    return task
