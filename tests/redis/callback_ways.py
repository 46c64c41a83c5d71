"""What callbacks do to Tasks and Reservations, on any laboratory."""

from __future__ import annotations

from typing import Final

from engine.unsent import FIRST_PAUSE_MS, Unsent
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


def events_are_taken_to_be_told(lab: Lab, site: EngineDriver) -> None:
    """By one relay at a time, which leaves assignments to others."""
    lab.run(lab.pipeline.call("DEL", site.shard_keys.calls))
    number = str(site.number)
    for kind in ("event", "assignment", "event", "event"):
        fields = ("k", kind, "w", number, "v", kind)
        lab.run(lab.pipeline.call("XADD", site.shard_keys.calls, "*", *fields))
    lab.run(lab.pipeline.call("XGROUP", "CREATE", site.shard_keys.calls, "event", "0", "MKSTREAM"))
    assert [_taken(lab, site, "one", 3), _taken(lab, site, "two", 3)] == [(2, 3, 0), (0, 0, 1)]
    assert [_taken(lab, site, "one", 3), _taken(lab, site, "one", 3)] == [(1, 1, 0), (0, 0, 0)]
    lab.run(lab.pipeline.call("DEL", site.shard_keys.calls))


def what_was_told_is_logged(lab: Lab, site: EngineDriver) -> None:
    assert lab.run(lab.engine.chronicle().run_once()) > 0


def an_event_is_kept_and_told_again(lab: Lab, site: EngineDriver) -> None:
    config = lab.run(lab.engine.config.get(lab.account, site.workspace))
    unsent = Unsent(lab.engine._live, lab.engine.scripts)
    assert lab.run(unsent.keep(config, "EV1", failed=False)) == (False, 0)
    assert lab.run(unsent.keep(config, "EV1", failed=True)) == (True, 0)
    assert lab.run(unsent.keep(config, "EV2", failed=False)) == (True, 0)
    assert lab.run(unsent.take(site.shard_keys)) is None
    site.now_ms += FIRST_PAUSE_MS
    assert lab.run(unsent.take(site.shard_keys)) == site.number
    assert lab.run(unsent.take(site.shard_keys)) is None
    assert lab.run(unsent.oldest(0, site.number, 5)) == ["EV1", "EV2"]
    assert lab.run(unsent.settle(0, site.number, ["EV1"], pause_ms=1)) == 1
    assert lab.run(unsent.settle(0, site.number, ["EV2"], pause_ms=1)) == 0


CALLBACK_WAYS: Final = (
    a_wrong_answer_is_told_and_changes_nothing,
    delayed_tasks_end_in_every_way,
    delayed_tasks_that_change_begin_anew,
    a_delay_ends_by_itself,
    what_was_told_is_logged,
    events_are_taken_to_be_told,
    an_event_is_kept_and_told_again,
)


def _taken(lab: Lab, site: EngineDriver, name: str, count: int) -> tuple[int, int, int]:
    """How many entries a relay was given, how many it read, and whether another one has some in hand."""
    keys = (site.shard_keys.prefix, site.shard_keys.prefix)
    _, items, read, busy = lab.run(lab.engine.scripts.run("take_calls", keys, ("event", name, count)))
    return len(items), read, busy


def _delayed(lab: Lab, site: EngineDriver) -> str:
    """A Task that was offered to a Worker who is gone since."""
    play = Play(site)
    worker = play.worker("zoe")
    task = play.task(timeout=TTL_S)
    play.fail_callback(task)
    play.delete_worker(worker)
    return task
