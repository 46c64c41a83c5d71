"""What instructions do to Tasks and Reservations, on any laboratory."""

from __future__ import annotations

from typing import Any

from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.play import Play


def a_setup_is_confirmed(lab: Lab, site: EngineDriver) -> None:
    task, offer = _set_up(lab, site)
    _report(lab, site, task, offer, "confirmed")
    assert Play(site).status(task) == "assigned"


def a_setup_fails(lab: Lab, site: EngineDriver) -> None:
    task, offer = _set_up(lab, site)
    _report(lab, site, task, offer, "failed")
    assert _status(lab, site, task, offer) == "canceled"


def the_setup_of_the_thousandth_offer_fails(lab: Lab, site: EngineDriver) -> None:
    task, offer = _set_up(lab, site)
    key = site.keys.task(task)
    status, revision, updated, _, open_ones = lab.run(lab.pipeline.call("HGET", key, "s")).decode().split("|")
    packed = "|".join((status, revision, updated, "1000", open_ones))
    lab.run(lab.pipeline.call("HSET", key, "s", packed))
    _report(lab, site, task, offer, "failed")
    assert Play(site).status(task) == "canceled"


def a_setup_is_not_reported(lab: Lab, site: EngineDriver) -> None:
    task, offer = _set_up(lab, site)
    site.now_ms += 600_000
    lab.run(lab.rest())
    assert _status(lab, site, task, offer) == "canceled"


def of_two_offers_the_one_that_is_set_up_wins(lab: Lab, site: EngineDriver) -> None:
    queues = lab.run(lab.engine.task_queues.list(lab.account, site.workspace)).value.items
    for queue in queues:
        lab.run(lab.engine.task_queues.update(lab.account, site.workspace, queue.sid, max_reserved_workers=2))
    Play(site).worker("bo")
    task, offer = _set_up(lab, site)
    _report(lab, site, task, offer, "confirmed")
    found = lab.run(lab.engine.reservations.of_task(lab.account, site.workspace, task)).value.items
    assert sorted(reservation.status for reservation in found) == ["accepted", "rescinded"]


MEDIA_WAYS = (
    a_setup_is_confirmed,
    a_setup_fails,
    the_setup_of_the_thousandth_offer_fails,
    a_setup_is_not_reported,
    of_two_offers_the_one_that_is_set_up_wins,
)


def _set_up(lab: Lab, site: EngineDriver) -> tuple[str, str]:
    """A Task and its Reservation, which is being set up."""
    at = (lab.account, site.workspace)
    lab.run(lab.engine.workspaces.update(*at, media_adapter_url="https://media.example/"))
    play = Play(site)
    play.worker("ann")
    task = play.task()
    offer, *_ = lab.run(lab.engine.reservations.of_task(*at, task)).value.items
    to: dict[str, Any] = {"instruction": "conference", "given": {"to": ["client:ann"]}, "base_url": ""}
    lab.run(lab.engine.setups.instruct(*at, offer.sid, task=task, **to))
    return task, offer.sid


def _report(lab: Lab, site: EngineDriver, task: str, offer: str, outcome: str) -> None:
    lab.run(lab.engine.setups.report(lab.account, site.workspace, task, offer, outcome=outcome))


def _status(lab: Lab, site: EngineDriver, task: str, offer: str) -> str:
    found = lab.run(lab.engine.reservations.fetch_of_task(lab.account, site.workspace, task, offer))
    return found.value.status
