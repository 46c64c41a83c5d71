"""A help desk as its author would write it for the original: nothing here knows which server it talks to.

Customers' questions become Tasks; agents speak languages; an assignment callback accepts for them; a page shows the
day's figures, and a question's history can be read.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator
from twilio.rest import Client


class Hooks:
    """The application's web server: /assignment accepts, /events writes down. Calls not signed get a 403."""

    def __init__(self, auth_token: str) -> None:
        self._validator = RequestValidator(auth_token)
        self.url = ""
        self.assignments: list[dict[str, str]] = []
        self.events: list[dict[str, str]] = []

    def answer(self, path: str, form: dict[str, str], signature: str) -> tuple[int, dict[str, Any]]:
        if not self._validator.validate(f"{self.url}{path}", form, signature):
            return 403, {}
        if path == "/assignment":
            self.assignments.append(form)
            return 200, {"instruction": "accept"}
        self.events.append(form)
        return 200, {}


@contextmanager
def serving(auth_token: str) -> Iterator[Hooks]:
    hooks = Hooks(auth_token)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = dict(parse_qsl(body, keep_blank_values=True))
            status, told = hooks.answer(self.path, form, self.headers.get("X-Twilio-Signature", ""))
            answer = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="hooks", daemon=True)
    thread.start()
    try:
        hooks.url = f"http://127.0.0.1:{server.server_port}"
        yield hooks
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class HelpDesk:
    """The application. `hooks_url` is where its web server is reached; without one, agents accept by hand."""

    def __init__(self, client: Client, hooks_url: str | None = None, *, events: bool = False) -> None:
        workspaces = client.taskrouter.v1.workspaces
        callback = {"event_callback_url": f"{hooks_url}/events"} if events else {}
        made = workspaces.create("Help desk", multi_task_enabled=True, **callback)
        self.workspace: Any = workspaces(made.sid)
        activities = {activity.friendly_name: activity.sid for activity in self.workspace.activities.list()}
        self.on, self.off = activities["Available"], activities["Offline"]
        self.pause = self.workspace.activities.create("On a break", available=False).sid
        queues = {language: self._queue(language) for language in ("en", "es")}
        routing = {
            "filters": [
                {
                    "filter_friendly_name": language,
                    "expression": f"language == '{language}'",
                    "targets": [{"queue": sid, "priority": "10", "timeout": "300"}],
                }
                for language, sid in queues.items()
            ],
            "default_filter": {"queue": queues["en"]},
        }
        assignment = {"assignment_callback_url": f"{hooks_url}/assignment"} if hooks_url else {}
        self.queues = queues
        self.workflow = self.workspace.workflows.create(
            friendly_name="Questions",
            configuration=json.dumps({"task_routing": routing}),
            task_reservation_timeout=30,
            **assignment,
        )

    def _queue(self, language: str) -> str:
        queue = self.workspace.task_queues.create(language, target_workers=f'languages HAS "{language}"')
        sid: str = queue.sid
        return sid

    def hire(self, name: str, *languages: str) -> str:
        attributes = json.dumps({"languages": languages, "contact_uri": f"client:{name}"})
        sid: str = self.workspace.workers.create(friendly_name=name, attributes=attributes).sid
        return sid

    def starts(self, worker: str) -> None:
        self.workspace.workers(worker).update(activity_sid=self.on)

    def pauses(self, worker: str) -> None:
        """Work that the agent was offered and has not taken goes to others."""
        self.workspace.workers(worker).update(activity_sid=self.pause, reject_pending_reservations=True)

    def asked(self, question: str, language: str) -> str:
        attributes = json.dumps({"language": language, "question": question})
        task = self.workspace.tasks.create(attributes=attributes, workflow_sid=self.workflow.sid)
        sid: str = task.sid
        return sid

    def offered(self, worker: str) -> list[Any]:
        found: list[Any] = self.workspace.workers(worker).reservations.list(reservation_status="pending")
        return found

    def accepted(self, worker: str) -> list[Any]:
        found: list[Any] = self.workspace.workers(worker).reservations.list(reservation_status="accepted")
        return found

    def answered(self, task: str) -> None:
        self.workspace.tasks(task).update(assignment_status="wrapping", reason="answered")
        self.workspace.tasks(task).update(assignment_status="completed", reason="answered")

    def board(self) -> dict[str, Any]:
        """The page with figures."""
        day = self.workspace.cumulative_statistics().fetch(minutes=60)
        now = self.workspace.real_time_statistics().fetch()
        rows = {row.task_queue_sid: row.realtime for row in self.workspace.task_queues.statistics.list()}
        return {
            "asked": day.tasks_created,
            "answered": day.tasks_completed,
            "wait": day.wait_duration_until_accepted["avg"],
            "open": now.total_tasks,
            "agents": {row["friendly_name"]: row["workers"] for row in now.activity_statistics},
            "queues": {name: rows[sid]["total_eligible_workers"] for name, sid in self.queues.items()},
        }

    def history(self, task: str) -> list[str]:
        """The names of what happened to a question, oldest first."""
        return [event.event_type for event in self.workspace.events.list(task_sid=task)][::-1]

    def closes(self) -> None:
        self.workspace.delete()
