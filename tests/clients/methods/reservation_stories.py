"""Stories of Reservations, reached under their Task and under their Worker: every answer, every instruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.clients.methods import library
from tests.clients.methods.config_stories import workspace_of
from tests.clients.methods.ground import Ground
from tests.clients.methods.way import Way, both, listed
from tests.clients.methods.work_stories import revision
from tests.clients.site import Site, created
from tests.clients.test_instructions_wire import CALL, CONFERENCE, DEQUEUE, REDIRECT

INSTRUCTIONS = ("conference", "dequeue", "call", "redirect")
PARAMETERS: dict[str, dict[str, Any]] = {  # what the adapter has to be told, by the names it is told them
    "conference": {"to": "client:ann", "from": "+15550001", "beep": "onEnter", "max_participants": 7},
    "dequeue": {"to": "client:ann", "from": "+15550001", "record": "record-from-answer"},
    "call": {"to": "client:ann", "url": CALL["call_url"], "accept": True},
    "redirect": {"call_sid": REDIRECT["redirect_call_sid"], "accept": True},
}
Source = Callable[[dict[str, Any]], Any]  # the list that an offer is reached in


async def of_task(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        tasks = workspace_of(way, site).tasks
        await _answers(way, ground, site, lambda offer: tasks(offer["task_sid"]).reservations)
        await _list_of_task(way, site)


async def of_worker(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        workers = workspace_of(way, site).workers
        await _answers(way, ground, site, lambda offer: workers(offer["worker_sid"]).reservations)
        source = workers(created(_second(site))["sid"]).reservations
        assert await way(source, "list", limit=1) == []
        source = workers(site.worker["sid"]).reservations
        pending = [row.sid for row in await way(source, "list", reservation_status="pending")]
        rows = [row.sid for row in await way(source, "list")]
        assert len(pending) >= 2
        await listed(way, source, rows, ({"reservation_status": "pending"}, pending))


async def _list_of_task(way: Way, site: Site) -> None:
    """A Task that two Workers were asked about."""
    queue = created(site.post("/TaskQueues", {"FriendlyName": "Two", "MaxReservedWorkers": "2"}))
    bo = created(_second(site))
    task = created(site.post("/Tasks", {"RoutingTarget": queue["sid"]}))
    site.offer(task)
    source = workspace_of(way, site).tasks(task["sid"]).reservations
    offers = await way(source, "list")
    assert {offer.worker_sid for offer in offers} == {site.worker["sid"], bo["sid"]}
    his = [offer.sid for offer in offers if offer.worker_sid == bo["sid"]]
    await listed(
        way,
        source,
        [offer.sid for offer in offers],
        ({"reservation_status": "pending", "worker_sid": bo["sid"]}, his),
        ({"reservation_status": "rejected"}, []),
    )


def _second(site: Site) -> Any:
    return site.post("/Workers", {"FriendlyName": "Bo", "ActivitySid": site.available["sid"]})


async def _answers(way: Way, ground: Ground, site: Site, source: Source) -> None:
    for through_record in (True, False):
        await _instructed(way, ground, site, source, through_record)
        await _worked_off(way, site, source, through_record)
        away = site.workspace["default_activity_sid"]
        target = await _offer(way, site, source, through_record)
        refused = await way(target, "update", reservation_status="rejected", worker_activity_sid=away)
        assert refused.reservation_status == "rejected"
        assert site.get(f"/Workers/{site.worker['sid']}").json()["activity_sid"] == away
        site.post(f"/Workers/{site.worker['sid']}", {"ActivitySid": site.available["sid"]})


async def _offer(way: Way, site: Site, source: Source, through_record: bool) -> Any:
    """A new Reservation: its record, or its context."""
    offer = site.offer(site.task(WorkflowSid=site.workflow["sid"]))
    context = source(offer)(offer["sid"])
    if not through_record:
        return context
    record = await way(context, "fetch")
    assert (record.worker_name, record.task_sid) == ("Ann", offer["task_sid"])
    return record


async def _instructed(way: Way, ground: Ground, site: Site, source: Source, through_record: bool) -> None:
    """Sends the parameters of all instructions at once: those of the one that is given count."""
    away = site.workspace["default_activity_sid"]
    instruction = INSTRUCTIONS[(way.asynchronous * 2 + way.info + through_record * 2) % 4]
    target = await _offer(way, site, source, through_record)
    offer, task = await _known(way, source, target)
    held = await way(
        target,
        "update",
        if_match=revision(site.get(f"/Tasks/{task}/Reservations/{offer}")),
        instruction=instruction,
        **CONFERENCE,
        **DEQUEUE,
        **CALL,
        **REDIRECT,
        call_accept=True,
        redirect_accept=True,
        post_work_activity_sid=away,
        dequeue_post_work_activity_sid=away,
    )
    assert (held.sid, held.reservation_status) == (offer, "pending")
    told = ground.adapter.about(offer)
    assert told["instruction"] == instruction
    assert told["parameters"].items() >= PARAMETERS[instruction].items()


async def _known(way: Way, source: Source, target: Any) -> tuple[str, str]:
    """The SIDs of a Reservation and of its Task; it is found in the list too."""
    found = await way(target, "fetch")
    place = {"task_sid": found.task_sid, "worker_sid": found.worker_sid}
    record, _ = await both(way, source(place), found.sid)
    return record.sid, record.task_sid


async def _worked_off(way: Way, site: Site, source: Source, through_record: bool) -> None:
    """Accepted, listened in on where this release of the client can ask for it, and completed."""
    target = await _offer(way, site, source, through_record)
    assert (await way(target, "update", reservation_status="accepted")).reservation_status == "accepted"
    if "supervisor" in library.parameters_of(type(target).update):
        form = {"FriendlyName": f"Boss {through_record}", "Attributes": '{"contact_uri": "client:boss"}'}
        boss = created(site.post("/Workers", form))["sid"]
        joined = await way(
            target, "update", instruction="supervise", supervisor=boss, supervisor_mode="whisper"
        )
        assert joined.reservation_status == "accepted"
    assert (await way(target, "update", reservation_status="completed")).reservation_status == "completed"
    with pytest.raises(TwilioRestException) as refused:
        await way(target, "update", reservation_status="accepted")
    assert (refused.value.status, refused.value.code) == (400, 20001)
