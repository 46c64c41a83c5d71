"""Instructions over the wire, by the original's Python client and by plain HTTP, with a media adapter to obey them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.clients.media import AdapterServer
from tests.clients.site import Site, created, until
from tests.clients.stack import Stack

CA = "CA" + "1" * 32
URL = "https://example.com/voice"
CONFIRM = {"Outcome": "confirmed"}

# Every parameter of the original's client, as it names them, with a value that is not the default.
CONFERENCE: dict[str, Any] = {
    "to": "client:ann",
    "from_": "+15550001",
    "timeout": 20,
    "status_callback": URL,
    "status_callback_method": "GET",
    "status_callback_event": ["initiated", "answered"],
    "record": True,
    "muted": True,
    "beep": "onEnter",
    "start_conference_on_enter": False,
    "end_conference_on_exit": True,
    "end_conference_on_customer_exit": True,
    "beep_on_customer_entrance": False,
    "wait_url": URL,
    "wait_method": "GET",
    "early_media": False,
    "max_participants": 7,
    "conference_status_callback": URL,
    "conference_status_callback_method": "GET",
    "conference_status_callback_event": ["start", "end"],
    "conference_record": "record-from-start",
    "conference_trim": "do-not-trim",
    "recording_channels": "dual",
    "recording_status_callback": URL,
    "recording_status_callback_method": "GET",
    "conference_recording_status_callback": URL,
    "conference_recording_status_callback_method": "GET",
    "region": "ie1",
    "sip_auth_username": "u",
    "sip_auth_password": "p",
    "jitter_buffer_size": "small",
}
DEQUEUE: dict[str, Any] = {
    "dequeue_to": "client:ann",
    "dequeue_from": "+15550001",
    "dequeue_record": "record-from-answer",
    "dequeue_timeout": 20,
    "dequeue_status_callback_url": URL,
    "dequeue_status_callback_event": ["initiated", "completed"],
}
CALL: dict[str, Any] = {
    "call_to": "client:ann",
    "call_from": "+15550001",
    "call_url": URL,
    "call_record": "record-from-answer",
    "call_timeout": 20,
    "call_status_callback_url": URL,
}
REDIRECT: dict[str, Any] = {"redirect_call_sid": CA, "redirect_url": URL}


class Media:
    """A Workspace with an adapter, as the original's client sees it."""

    def __init__(self, client: Client, site: Site) -> None:
        self.site = site
        self.workspace = client.taskrouter.v1.workspaces(site.workspace["sid"])

    def offer(self) -> Any:
        task = self.site.task()
        return self.workspace.tasks(task["sid"]).reservations(self.site.offer(task)["sid"])

    def through_worker(self, offer: Any) -> Any:
        found = offer.fetch()
        return self.workspace.workers(found.worker_sid).reservations(found.sid)


@pytest.fixture
def media(client: Client, site: Site, adapter: AdapterServer, stack: Stack) -> Iterator[Media]:
    """A Worker with room for many Tasks, and an adapter whose secret is known."""
    site.post(f"/Workers/{site.worker['sid']}/Channels/default", {"Capacity": "50"})
    adapter.secret = set_adapter(stack, site, adapter.url)
    yield Media(client, site)
    assert adapter.badly_signed == 0


def set_adapter(stack: Stack, site: Site, url: str) -> str:
    with httpx.Client(base_url=stack.open_url, auth=stack.credentials) as http:
        answer = http.post(site.path(""), data={"MediaAdapterUrl": url})
    assert answer.status_code == 200, answer.text
    secret: str = answer.json()["media_adapter_secret"]
    return secret


def accepted(offer: Any) -> bool:
    return until(lambda: True if offer.fetch().reservation_status == "accepted" else None)


@pytest.mark.parametrize("path", ["task", "worker"])
@pytest.mark.parametrize(
    ("instruction", "given", "prefix"),
    [
        ("conference", CONFERENCE, ""),
        ("dequeue", DEQUEUE, "dequeue_"),
        ("call", {**CALL, "call_accept": True}, "call_"),
        ("redirect", {**REDIRECT, "redirect_accept": True}, "redirect_"),
    ],
)
def test_an_instruction_reaches_the_adapter_whole_and_accepts_when_it_is_confirmed(
    media: Media, adapter: AdapterServer, path: str, instruction: str, given: dict[str, Any], prefix: str
) -> None:
    offer = media.offer()
    reached = offer if path == "task" else media.through_worker(offer)
    held = reached.update(instruction=instruction, **given)
    assert (held.sid, held.reservation_status) == (offer.fetch().sid, "pending") or accepted(offer)
    told = adapter.about(held.sid)
    assert told["instruction"] == instruction
    names = {"from_": "from", "dequeue_status_callback_event": "dequeue_status_callback_events"}
    wanted = {names.get(name, name).removeprefix(prefix): value for name, value in given.items()}
    assert {name: told["parameters"][name] for name in wanted} == wanted
    assert accepted(offer)
    assert media.workspace.tasks(held.task_sid).fetch().assignment_status == "assigned"


def test_a_setup_may_be_reported_later_and_the_task_be_told_about_it(
    media: Media, adapter: AdapterServer, live: httpx.Client
) -> None:
    adapter.status = 202
    offer = media.offer().update(instruction="conference", to="client:ann")
    told = adapter.about(offer.sid)
    assert told["confirm_url"].startswith(str(live.base_url).rstrip("/"))
    assert (
        media.workspace.tasks(offer.task_sid).reservations(offer.sid).fetch().reservation_status == "pending"
    )
    form = {**CONFIRM, "TaskAttributes": '{"conference": {"sid": "CF1"}}'}
    for _ in range(2):  # it may be said twice
        answer = live.post(told["confirm_url"], data=form)
        assert (answer.status_code, answer.json()["reservation_status"]) == (200, "accepted")
        assert answer.json()["sid"] == offer.sid
        assert "etag" in answer.headers
    attributes = json.loads(media.workspace.tasks(offer.task_sid).fetch().attributes)
    assert attributes == {"conference": {"sid": "CF1"}}
    late = live.post(told["confirm_url"], data={"Outcome": "failed"})
    assert (late.status_code, late.json()["code"]) == (400, 20001)


def test_a_failure_gives_the_task_back(media: Media, adapter: AdapterServer, live: httpx.Client) -> None:
    adapter.answer = json.dumps({"outcome": "failed", "reason": "busy"})
    offer = media.offer()
    sid = offer.update(instruction="dequeue", dequeue_to="client:ann").sid
    until(lambda: offer.fetch().reservation_status == "canceled" or None)
    told = adapter.about(sid)
    late = live.post(told["confirm_url"], data=CONFIRM)
    assert (late.status_code, late.json()["code"]) == (410, 20410)
    assert "already in state [canceled]" in late.json()["message"]


def test_what_ends_while_it_is_set_up_is_withdrawn(media: Media, adapter: AdapterServer) -> None:
    adapter.status = 202
    offer = media.offer()
    sid = offer.update(instruction="conference", to="client:ann").sid
    setup = adapter.about(sid)["setup_sid"]
    assert offer.update(reservation_status="rejected").reservation_status == "rejected"
    withdrawn = adapter.about(sid, "withdrawn")
    assert (withdrawn["setup_sid"], withdrawn["status"]) == (setup, "rejected")


def test_calls_that_do_not_accept_leave_the_reservation_as_it_is(
    media: Media, adapter: AdapterServer
) -> None:
    offer = media.offer()
    before = offer.fetch()
    for instruction, given in (("call", CALL), ("redirect", REDIRECT)):
        adapter.told.clear()
        after = offer.update(instruction=instruction, **given)
        assert (after.reservation_status, after.date_updated) == ("pending", before.date_updated)
        told = adapter.about(before.sid, "send")
        assert (told["instruction"], told["parameters"]["accept"]) == (instruction, False)
    assert offer.update(reservation_status="accepted").reservation_status == "accepted"


def test_a_supervisor_joins_accepted_work(media: Media, adapter: AdapterServer) -> None:
    boss = created(
        media.site.post("/Workers", {"FriendlyName": "Boss", "Attributes": '{"contact_uri": "client:boss"}'})
    )
    offer = media.offer()
    for path in (offer, media.through_worker(offer)):
        with pytest.raises(TwilioRestException) as early:
            path.update(instruction="supervise", **({"supervisor": boss["sid"]} if path is offer else {}))
        assert (early.value.status, early.value.code) == (400, 20001)
    offer.update(reservation_status="accepted")
    supervised = offer.update(instruction="supervise", supervisor=boss["sid"], supervisor_mode="whisper")
    assert supervised.reservation_status == "accepted"
    told = adapter.about(supervised.sid, "send")
    assert told["parameters"] == {
        "supervisor": boss["sid"],
        "supervisor_mode": "whisper",
        "to": "client:boss",
    }


def test_accept_and_reject_need_no_adapter(client: Client, site: Site) -> None:
    media = Media(client, site)
    assert media.offer().update(instruction="accept").reservation_status == "accepted"
    site.post(f"/Workers/{site.worker['sid']}/Channels/default", {"Capacity": "2"})
    refused = media.offer().update(
        instruction="reject", worker_activity_sid=site.workspace["default_activity_sid"]
    )
    assert refused.reservation_status == "rejected"


def test_one_instruction_at_a_time(media: Media, adapter: AdapterServer) -> None:
    adapter.status = 202
    offer = media.offer()
    offer.update(instruction="conference", to="client:ann")
    for again in (
        {"instruction": "dequeue", "dequeue_to": "client:ann"},
        {"instruction": "accept"},
        {"reservation_status": "accepted"},
    ):
        with pytest.raises(TwilioRestException) as refused:
            offer.update(**again)
        assert (refused.value.status, refused.value.code) == (400, 20001)
        assert "is being set up" in refused.value.msg


def test_if_match_holds_for_instructions(media: Media) -> None:
    offer = media.offer()
    with pytest.raises(TwilioRestException) as refused:
        offer.update(if_match="77", instruction="conference", to="client:ann")
    assert (refused.value.status, refused.value.code) == (412, 20412)
    assert offer.fetch().reservation_status == "pending"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"Instruction": "conference"}, "To: names no address, and the Worker's attributes have no contact_uri"),
        ({"Instruction": "dequeue"}, "DequeueTo: names no address"),
        ({"Instruction": "call", "CallTo": "x", "CallFrom": "y"}, "CallUrl: is required for the instruction call"),
        ({"Instruction": "call", "CallTo": "x", "CallUrl": URL}, "CallFrom: is required"),
        ({"Instruction": "CALL", "CallUrl": "nonsense"}, "CallUrl: must be an absolute http or https URL"),
        ({"Instruction": "call", "CallUrl": "http://10.0.0.1/"}, "CallUrl: must not point into a private network"),
        ({"Instruction": "redirect", "RedirectUrl": URL}, "RedirectCallSid: is required"),
        ({"Instruction": "redirect", "RedirectCallSid": "CA1"}, "RedirectCallSid: must be a SID: CA"),
        ({"Instruction": "conference", "To": "x", "Timeout": "1000"}, "Timeout: must be an integer from 1 to 999"),
        ({"Instruction": "conference", "To": "sip:x", "Timeout": "601"}, "Timeout: must be an integer from 1 to 600"),
        ({"Instruction": "conference", "To": "x", "Muted": "perhaps"}, "Muted: must be true or false"),
        ({"Instruction": "conference", "To": "x", "MaxParticipants": "1"}, "MaxParticipants: must be an integer"),
        ({"Instruction": "conference", "To": "x", "WaitUrl": "http://127.0.0.1/"}, "WaitUrl: must not point"),
        ({"Instruction": "conference", "To": "x", "PostWorkActivitySid": "WA" + "0" * 32}, "PostWorkActivitySid: "),
        ({"Instruction": "supervise"}, "Supervisor: is required"),
        ({"Instruction": "supervise", "Supervisor": "WK" + "0" * 32}, "Supervisor: is not the SID of a Worker"),
        ({"Instruction": "conference", "To": "x", "ReservationStatus": "accepted"}, "Instruction: conference cannot"),
        ({"Instruction": "call", "WorkerActivitySid": "x"}, "WorkerActivitySid: is only allowed when rejecting"),
    ],
)  # fmt: skip
def test_a_wrong_instruction_is_refused_with_its_parameter_named(
    media: Media, form: dict[str, str], message: str
) -> None:
    offer = media.offer().fetch()
    for tail in (f"/Tasks/{offer.task_sid}", f"/Workers/{offer.worker_sid}"):
        refused = media.site.post(f"{tail}/Reservations/{offer.sid}", form)
        assert (refused.status_code, refused.json()["code"]) == (400, 20001)
        assert refused.json()["message"].startswith(message)
    assert (
        media.workspace.tasks(offer.task_sid).reservations(offer.sid).fetch().reservation_status == "pending"
    )


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "Missing required parameter Outcome in the post body"),
        ({"Outcome": "perhaps"}, "Outcome: must be one of confirmed, failed"),
        ({"Outcome": "confirmed", "TaskAttributes": "[]"}, "TaskAttributes: must be a JSON object"),
        ({"Outcome": "failed", "TaskAttributes": '{"a": 1}'}, "TaskAttributes: is only allowed with"),
        (CONFIRM, "Reservation WR"),
    ],
)
def test_a_report_that_means_nothing_changes_nothing(
    media: Media, form: dict[str, str], message: str
) -> None:
    offer = media.offer().fetch()
    refused = media.site.post(f"/Tasks/{offer.task_sid}/Reservations/{offer.sid}/Setup", form)
    assert (refused.status_code, refused.json()["code"]) == (400, 20001)
    assert refused.json()["message"].startswith(message)


def test_another_account_cannot_report(media: Media, adapter: AdapterServer, stack: Stack) -> None:
    adapter.status = 202
    offer = media.offer().update(instruction="conference", to="client:ann")
    confirm_url = adapter.about(offer.sid)["confirm_url"]
    for credentials, status in ((stack.stranger, 404), (("AC" + "0" * 32, "x" * 20), 401)):
        assert httpx.post(confirm_url, data=CONFIRM, auth=credentials).status_code == status
    unknown = media.site.http.post(confirm_url.replace(offer.sid, "WR" + "0" * 32), data=CONFIRM)
    assert unknown.status_code == 404
    assert (
        media.workspace.tasks(offer.task_sid).reservations(offer.sid).fetch().reservation_status == "pending"
    )


@pytest.mark.parametrize("instruction", ["dequeue", "call", "redirect", "conference", "supervise"])
def test_without_an_adapter_an_instruction_is_refused(client: Client, site: Site, instruction: str) -> None:
    given = {"call": CALL, "redirect": REDIRECT, "supervise": {"supervisor": site.worker["sid"]}}
    offer = Media(client, site).offer()
    with pytest.raises(TwilioRestException) as refused:
        offer.update(instruction=instruction, **given.get(instruction, {}))
    assert (refused.value.status, refused.value.code) == (400, 20001)
    needs = f"Instruction: {instruction} needs a media adapter: set MediaAdapterUrl of the Workspace"
    assert needs in refused.value.msg
    assert offer.fetch().reservation_status == "pending"


def test_the_adapter_of_a_workspace_is_shown_but_its_secret_once(site: Site, live: httpx.Client) -> None:
    url = "https://media.example/hook"
    assert "media_adapter_url" not in site.get("").json()
    set_to = site.post("", {"MediaAdapterUrl": url}).json()
    assert set_to["media_adapter_url"] == url
    secret = set_to["media_adapter_secret"]
    assert len(secret) == 64
    fetched = site.get("").json()
    assert (fetched["media_adapter_url"], "media_adapter_secret" in fetched) == (url, False)
    renamed = site.post("", {"FriendlyName": "Other"}).json()
    assert (renamed["media_adapter_url"], "media_adapter_secret" in renamed) == (url, False)
    listed = live.get("/v1/Workspaces", params={"FriendlyName": "Other"}).text
    assert secret not in listed
    assert site.post("", {"MediaAdapterUrl": url}).json()["media_adapter_secret"] != secret
    cleared = site.post("", {"MediaAdapterUrl": ""}).json()
    assert not {"media_adapter_url", "media_adapter_secret"} & cleared.keys()
    form = {"FriendlyName": "New", "MediaAdapterUrl": url}
    made = created(live.post("/v1/Workspaces", data=form))
    assert (made["media_adapter_url"], len(made["media_adapter_secret"])) == (url, 64)
    live.delete(f"/v1/Workspaces/{made['sid']}")


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://127.0.0.1/", "http://[::1]/", "nonsense"])
def test_an_adapter_that_must_not_be_reached_cannot_be_set(site: Site, url: str) -> None:
    refused = site.post("", {"MediaAdapterUrl": url})
    assert (refused.status_code, refused.json()["code"]) == (400, 20001)
    assert refused.json()["message"].startswith("MediaAdapterUrl: must")
    assert "media_adapter_url" not in site.get("").json()
