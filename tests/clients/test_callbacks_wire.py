"""Callbacks over the wire: an application that answers them, the original's client and validator, and a real relay."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from twilio.request_validator import RequestValidator

from tests.clients.site import Site, build_site, created, until
from tests.clients.stack import Stack


class Application:
    """Remembers what it was told; answers by path. `valid` is whether every signature was right."""

    def __init__(self, token: str) -> None:
        self.root = ""
        self.answers: dict[str, tuple[int, str]] = {}
        self.told: list[tuple[str, dict[str, str]]] = []
        self.valid = True
        self._validator = RequestValidator(token)

    def take(self, path: str, host: str, signature: str, body: bytes) -> tuple[int, str]:
        form = dict(parse_qsl(body.decode(), strict_parsing=True))
        self.valid &= self._validator.validate(f"http://{host}{path}", form, signature)
        self.told.append((path, form))
        return self.answers.get(path, (200, ""))

    def about(self, path: str, **fields: str) -> dict[str, str]:
        """What a path was told that has these fields, once it was."""

        def look() -> dict[str, str] | None:
            found = (form for at, form in list(self.told) if at == path and fields.items() <= form.items())
            return next(found, None)

        return until(look)


@contextmanager
def running(token: str) -> Iterator[Application]:
    app = Application(token)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, text = app.take(self.path, self.headers["Host"], self.headers["X-Twilio-Signature"], body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="application", daemon=True)
    thread.start()
    try:
        app.root = f"http://127.0.0.1:{server.server_port}"
        yield app
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def app(stack: Stack) -> Iterator[Application]:
    with running(stack.credentials[1]) as made:
        yield made


@pytest.fixture
def centre(stack: Stack) -> Iterator[Site]:
    """A Workspace whose callbacks may go to this machine."""
    with httpx.Client(base_url=stack.open_url, auth=stack.credentials, timeout=10) as http:
        made = build_site(http)
        yield made
        http.delete(made.path(""))


def callbacks(centre: Site, app: Application, first: str, second: str = "") -> None:
    form = {"AssignmentCallbackUrl": app.root + first}
    if second:
        form["FallbackAssignmentCallbackUrl"] = app.root + second
    assert centre.post(f"/Workflows/{centre.workflow['sid']}", form).status_code == 200


def test_an_application_accepts_by_its_answer(centre: Site, app: Application) -> None:
    app.answers["/assign?x=1"] = (200, json.dumps({"instruction": "accept"}))
    callbacks(centre, app, "/assign?x=1")
    task = centre.task(Attributes='{"topic": "é"}')
    form = app.about("/assign?x=1")
    offer = centre.offer(task)
    assert form == {
        "AccountSid": centre.workspace["account_sid"],
        "WorkspaceSid": centre.workspace["sid"],
        "WorkflowSid": centre.workflow["sid"],
        "TaskQueueSid": centre.queue["sid"],
        "WorkerSid": centre.worker["sid"],
        "WorkerAttributes": '{"skill": "é"}',
        "TaskSid": task["sid"],
        "TaskAttributes": '{"topic": "é"}',
        "TaskAge": "0",
        "TaskPriority": "0",
        "ReservationSid": offer["sid"],
        "Timestamp": form["Timestamp"],
    }
    until(lambda: centre.get(f"/Tasks/{task['sid']}").json()["assignment_status"] == "assigned" or None)
    assert (app.valid, len(app.told)) == (True, 1)


def test_the_fallback_is_asked_where_the_first_fails(centre: Site, app: Application) -> None:
    app.answers["/first"] = (500, "")
    app.answers["/second"] = (200, json.dumps({"instruction": "reject", "activity_sid": ""}))
    offline = next(a for a in centre.get("/Activities").json()["activities"] if not a["available"])
    app.answers["/second"] = (200, json.dumps({"instruction": "reject", "activity_sid": offline["sid"]}))
    callbacks(centre, app, "/first", "/second")
    task = centre.task()
    form = app.about("/second")
    assert (form["ErrorCode"], form["ErrorUrl"]) == ("15003", f"{app.root}/first")
    worker = f"/Workers/{centre.worker['sid']}"
    until(lambda: centre.get(worker).json()["activity_sid"] == offline["sid"] or None)
    assert centre.offer(task)["reservation_status"] == "rejected"
    assert app.valid


def test_nobody_there_cancels_the_reservation_and_routes_the_task_again(
    centre: Site, app: Application
) -> None:
    app.answers["/dead"] = (503, "")
    callbacks(centre, app, "/dead")
    task = centre.task()
    first = app.about("/dead")["ReservationSid"]

    def again() -> dict[str, Any] | None:
        rows = centre.get(f"/Tasks/{task['sid']}/Reservations").json()["reservations"]
        return {row["sid"]: row for row in rows} if len(rows) == 2 else None

    assert until(again)[first]["reservation_status"] == "canceled"


def test_an_application_is_told_of_every_event(centre: Site, app: Application) -> None:
    form = {"EventCallbackUrl": f"{app.root}/events", "EventsFilter": "task.created,task.completed"}
    assert centre.post("", form).status_code == 200
    task = centre.task()
    offer = f"/Tasks/{task['sid']}/Reservations/{centre.offer(task)['sid']}"
    for status in ("accepted", "completed"):
        assert centre.post(offer, {"ReservationStatus": status}).status_code == 200
    told = app.about("/events", EventType="task.completed")
    assert [form["EventType"] for _, form in app.told] == ["task.created", "task.completed"]
    assert (told["TaskSid"], told["ResourceType"], told["ResourceSid"]) == (task["sid"], "task", task["sid"])
    found = centre.get("/Events", EventType="task.completed").json()["events"]
    assert [event["sid"] for event in found] == [told["Sid"]]
    assert told["TimestampMs"] == str(found[0]["event_date_ms"])
    assert app.valid


def test_another_accounts_callbacks_are_signed_with_its_own_token(stack: Stack, app: Application) -> None:
    """I19: nothing of one Account helps to read or forge what another one is told."""
    with httpx.Client(base_url=stack.open_url, auth=stack.stranger, timeout=10) as http:
        foreign = build_site(http)
        callbacks(foreign, app, "/foreign")
        created(foreign.post("/Tasks", {"Attributes": "{}"}))
        assert app.about("/foreign")["AccountSid"] == stack.stranger[0]
        assert not app.valid
        http.delete(foreign.path(""))
