"""For every POST a body that it takes, so that only what a test puts into it can be refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.clients.tenants.premises import Premises

if TYPE_CHECKING:
    from tests.clients.tenants.lab import Lab

Form = dict[str, Any]

NAMED: Final = "<name>"  # becomes a name that nothing has yet

# The parameters without which an operation refuses, or would change what the other tests need.
FORMS: Final[dict[str, Form]] = {
    "CreateWorkspace": {"FriendlyName": NAMED},
    "UpdateWorkspace": {},
    "CreateActivity": {"FriendlyName": NAMED},
    "UpdateActivity": {},
    "CreateTaskChannel": {"FriendlyName": NAMED, "UniqueName": NAMED},
    "UpdateTaskChannel": {},
    "CreateTaskQueue": {"FriendlyName": NAMED},
    "UpdateTaskQueue": {},
    "CreateWorkflow": {"FriendlyName": NAMED, "Configuration": "<document>"},
    "UpdateWorkflow": {},
    "CreateWorker": {"FriendlyName": NAMED},
    "UpdateWorker": {},
    "UpdateWorkerChannel": {},
    "CreateTask": {"WorkflowSid": "<workflow>"},
    "UpdateTask": {},
    "UpdateTaskReservation": {"Instruction": "call", "CallFrom": "a", "CallUrl": "https://example.com/"},
    "UpdateWorkerReservation": {"Instruction": "call", "CallFrom": "a", "CallUrl": "https://example.com/"},
    "ReportReservationSetup": {"Outcome": "confirmed"},
    "CreateTaskBulk": {"WorkflowSid": "<workflow>"},
    "CreateTaskQueueBulkRealTimeStatistics": {"queueSids": "<queue>"},
}


def form_of(lab: Lab, own: Premises, operation: str) -> Form:
    """A form that the operation takes from this account."""
    queue, workflow = own.by_prefix["WQ"], own.by_prefix["WW"]
    values = {"<document>": document(queue), "<workflow>": workflow, "<queue>": queue}
    form = FORMS[operation].items()
    return {name: lab.name() if value == NAMED else values.get(value, value) for name, value in form}


def body_of(operation: str, form: Form) -> dict[str, Any]:
    """The form in the encoding of the operation, as arguments of a request."""
    if operation == "CreateTaskBulk":
        lines = {"content-type": "application/x-ndjson"}
        return {"content": json.dumps(form).encode() + b"\n", "headers": lines}
    if operation == "CreateTaskQueueBulkRealTimeStatistics":
        return {"json": {name: [sid] for name, sid in form.items()}}
    return {"data": form}


def document(queue: str) -> str:
    return json.dumps({"task_routing": {"default_filter": {"queue": queue}}})
