"""Every operation answers with the status, the headers and exactly the fields that api/surface says."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest

from api.surface import OPERATIONS
from api.surface.model import Operation
from api.v1 import ROUTES
from tests.clients.fields import complaints, page_complaints
from tests.clients.places import sids
from tests.clients.site import Site, until

NO_FORM: Final = {"CreateTaskBulk"}  # answered line by line: not a resource
SERVED: Final = [route.name for route in ROUTES if route.name in OPERATIONS and route.name not in NO_FORM]


def forms(site: Site) -> dict[str, dict[str, str]]:
    """What the POSTs are told."""
    document = json.dumps({"task_routing": {"default_filter": {"queue": site.queue["sid"]}}})
    return {
        "CreateWorkspace": {
            "FriendlyName": "W",
            "EventsFilter": "task.created",
            "MediaAdapterUrl": "https://media.example/",
        },
        "UpdateWorkspace": {"FriendlyName": "W2", "EventCallbackUrl": "https://events.example/"},
        "CreateActivity": {"FriendlyName": "Lunch", "Available": "yes"},
        "UpdateActivity": {"FriendlyName": "At lunch"},
        "CreateTaskChannel": {"FriendlyName": "Fax", "UniqueName": "fax"},
        "CreateTaskQueue": {"FriendlyName": "Q", "AssignmentActivitySid": site.available["sid"]},
        "CreateWorkflow": {"FriendlyName": "F", "Configuration": document},
        "UpdateWorkflow": {"AssignmentCallbackUrl": "https://assign.example/"},
        "CreateWorker": {"FriendlyName": "Bo", "Attributes": '{"a": 1}'},
        "UpdateWorker": {"Attributes": '{"b": 2}'},
        "UpdateWorkerChannel": {"Capacity": "3"},
        "CreateTask": {"Attributes": '{"c": 3}', "RoutingTarget": site.worker["sid"]},
        "UpdateTask": {"Priority": "5"},
        "UpdateTaskReservation": {"ReservationStatus": "accepted"},
        "UpdateWorkerReservation": {"ReservationStatus": "rejected"},
        "ReportReservationSetup": {"Outcome": "confirmed"},
    }


def call(site: Site, one: Operation) -> httpx.Response:
    path = one.path.format(**sids(site, one))
    if one.name == "CreateTaskQueueBulkRealTimeStatistics":
        return site.http.post(path, json={"queueSids": [site.queue["sid"]]})
    if one.name == "ReportReservationSetup":
        return told_of_a_setup(site, path)
    return site.http.request(
        one.method, path, data=forms(site).get(one.name) if one.method == "POST" else None
    )


def told_of_a_setup(site: Site, path: str) -> httpx.Response:
    """The adapter of this Workspace cannot be reached, so the report is what ends the setup."""
    site.post("", {"MediaAdapterUrl": "https://media.invalid/"})
    site.post(
        path.split(site.workspace["sid"])[1].removesuffix("/Setup"),
        {"Instruction": "dequeue", "DequeueTo": "x"},
    )
    return site.http.post(path, data={"Outcome": "confirmed"})


def wrong_with(one: Operation, response: httpx.Response) -> list[str]:
    if one.status == 204:
        return [] if response.content == b"" else ["a body"]
    body: dict[str, Any] = response.json()
    if one.rows:
        return page_complaints(one.resource, one.rows, body)
    return complaints(one.resource, body)


@pytest.mark.parametrize("name", SERVED)
def test_an_operation_answers_as_described(site: Site, name: str) -> None:
    one = OPERATIONS[name]
    response = call(site, one)
    assert response.status_code == one.status, response.text
    assert wrong_with(one, response) == []
    assert ("etag" in response.headers) is one.tagged
    if one.status != 204:
        assert response.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("name", [name for name in SERVED if OPERATIONS[name].rows])
def test_a_list_that_is_not_empty_has_rows_as_described(site: Site, name: str) -> None:
    one = OPERATIONS[name]
    path = one.path.format(**sids(site, one))
    body = until(lambda: found if (found := site.http.get(path).json())[one.rows] else None)
    assert page_complaints(one.resource, one.rows, body) == []
