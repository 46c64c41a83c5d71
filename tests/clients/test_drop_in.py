"""An application written for the original (help_desk.py) works against this server as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from twilio.rest import Client

from tests.clients.help_desk import HelpDesk, Hooks, serving
from tests.clients.site import until
from tests.clients.stack import Stack


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    """The one line that changes in such an application, at the server that may call back on this machine."""
    twilio = Client(*stack.credentials)
    twilio.taskrouter.base_url = stack.open_url
    yield twilio
    twilio.http_client.session.close()


@pytest.fixture
def hooks(stack: Stack) -> Iterator[Hooks]:
    with serving(stack.credentials[1]) as running:
        yield running


@contextmanager
def desk(client: Client, hooks: Hooks | None = None, *, events: bool = False) -> Iterator[HelpDesk]:
    application = HelpDesk(client, hooks.url if hooks else None, events=events)
    try:
        yield application
    finally:
        application.closes()


def shift(application: HelpDesk) -> str:
    """One question that an agent takes by hand and answers."""
    ana = application.hire("ana", "es", "en")
    application.starts(ana)
    task = application.asked("¿Dónde está mi pedido?", "es")
    offer = until(lambda: next(iter(application.offered(ana)), None))
    assert offer.task_sid == task
    offer.update(reservation_status="accepted")
    application.answered(task)
    return task


def test_agents_take_what_they_speak_and_pass_on_what_they_leave(client: Client) -> None:
    with desk(client) as application:
        task = shift(application)
        done = application.workspace.tasks(task).fetch()
        assert (done.assignment_status, done.reason, done.priority) == ("completed", "answered", 10)
        assert json.loads(done.attributes)["question"] == "¿Dónde está mi pedido?"
        bob, eve = application.hire("bob", "en"), application.hire("eve", "en")
        application.starts(bob)
        (ana,) = application.workspace.workers.list(friendly_name="ana")
        application.pauses(ana.sid)
        second = application.asked("Where is my order?", "en")
        offer = until(lambda: next(iter(application.offered(bob)), None))
        assert offer.task_sid == second
        application.starts(eve)
        application.pauses(bob)
        assert offer.fetch().reservation_status == "rejected"
        passed_on = until(lambda: next(iter(application.offered(eve)), None))
        assert passed_on.task_sid == second


def test_the_assignment_callback_accepts_for_the_agent(client: Client, hooks: Hooks) -> None:
    with desk(client, hooks) as application:
        ana = application.hire("ana", "es")
        application.starts(ana)
        task = application.asked("¿Cuándo?", "es")
        offer = until(lambda: next(iter(application.accepted(ana)), None))
        assert offer.task_sid == task
        (told,) = hooks.assignments
        assert (told["TaskSid"], told["WorkerSid"], told["ReservationSid"]) == (task, ana, offer.sid)
        assert (told["WorkspaceSid"], told["WorkflowSid"]) == (offer.workspace_sid, application.workflow.sid)
        assert told["AccountSid"] == offer.account_sid
        assert json.loads(told["TaskAttributes"])["language"] == "es"
        assert json.loads(told["WorkerAttributes"])["languages"] == ["es"]
        application.answered(task)
        assert application.workspace.tasks(task).fetch().assignment_status == "completed"


def test_what_happens_is_called_out(client: Client, hooks: Hooks) -> None:
    with desk(client, hooks, events=True) as application:
        ana = application.hire("ana", "es")
        application.starts(ana)
        task = application.asked("¿Cuándo?", "es")
        until(lambda: next(iter(application.accepted(ana)), None))
        application.answered(task)
        until(lambda: "task.completed" in {event["EventType"] for event in hooks.events} or None)
        about = [event for event in hooks.events if event.get("TaskSid") == task]
        names = [event["EventType"] for event in about]
        assert names.index("task.created") < names.index("reservation.created")
        assert names.index("reservation.created") < names.index("reservation.accepted")
        assert names.index("reservation.accepted") < names.index("task.completed")
        assert len({event["Sid"] for event in hooks.events}) == len(hooks.events)
        assert {event["AccountSid"] for event in hooks.events} == {client.username}


def test_the_history_of_a_question_can_be_read(client: Client) -> None:
    with desk(client) as application:
        task = shift(application)
        told = until(lambda: _ended(application.history(task)))
        wanted = [
            "task.created",
            "reservation.created",
            "reservation.accepted",
            "task.wrapup",
            "task.completed",
        ]
        assert [name for name in told if name in wanted] == wanted


def _ended(history: list[str]) -> list[str] | None:
    return history if "task.completed" in history else None


def test_the_board_shows_the_day(client: Client) -> None:
    with desk(client) as application:
        shift(application)
        application.asked("?", "es")
        board = until(lambda: board if (board := application.board())["asked"] == 2 else None)
        assert (board["asked"], board["answered"], board["open"]) == (2, 1, 1)
        assert board["agents"]["Available"] == 1
        assert board["agents"]["On a break"] == 0
        assert board["queues"] == {"en": 1, "es": 1}
        assert 0 <= board["wait"] < 60
