"""Another account's SIDs and names as values: in forms, filters, documents, expressions, page tokens and bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.routes import Route
from api.v1 import ROUTES
from tests.clients.tenants.forms import FORMS, body_of, document, form_of
from tests.clients.tenants.lab import Lab, Seen, alike, assert_silent
from tests.clients.tenants.paths import Cut, absent_like, filled
from tests.clients.tenants.reading import Parameter, reading

INSTRUCTIONS = ("conference", "dequeue", "redirect", "supervise")
KINDS = ("WS", "WK", "WQ", "WW", "TC", "WA")
PAGING = {"PageSize", "Page", "PageToken"}
MEDIA = {"UpdateTaskReservation", "UpdateWorkerReservation"}

# What a value looks like where it is not text by itself: `%s` is the SID or name.
WRITTEN = {
    "Attributes": '{"kind": "%s"}',
    "TaskAttributes": '{"kind": "%s"}',
    "EvaluateTaskAttributes": "kind == '%s'",
    "EvaluateWorkerAttributes": '{"kind": "%s"}',
    "TargetWorkers": "sid == '%s'",
    "TargetWorkersExpression": "sid == '%s' OR activity_sid == '%s' OR friendly_name == '%s'",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """For what changes nothing."""
    with Lab(tmp_path_factory.mktemp("tenants")) as running:
        yield running


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """For what changes the caller's own resources, with the values that are tried."""
    with Lab(tmp_path_factory.mktemp("tenants")) as running:
        yield running


def read_by(lab: Lab, route: Route) -> list[Parameter]:
    """The parameters of a route that may hold a SID or a name."""
    with reading() as read:
        for form in forms(lab, route):
            ask(lab, route, form, {})
    return sorted((p for p in read if p.name not in PAGING), key=lambda p: (p.place, p.name, p.prefix))


def forms(lab: Lab, route: Route) -> list[dict[str, Any]]:
    """Forms that between them make an operation read all that it reads."""
    if route.method != "POST":
        return [{}]
    kinds = [{"Instruction": kind} for kind in INSTRUCTIONS] if route.name in MEDIA else []
    answers = [{"ReservationStatus": "rejected"}] if route.name in MEDIA else []
    return [form_of(lab, lab.mine, route.name), *kinds, *answers]


def ask(lab: Lab, route: Route, form: dict[str, Any], query: dict[str, Any]) -> Seen:
    path = filled(route.path, lab, Cut(()), None)
    body = body_of(route.name, form) if route.method == "POST" else {}
    return lab.send(route.method, path, params=query, **body)


def words(lab: Lab, parameter: Parameter) -> list[str]:
    """The other account's SIDs, or SIDs and names, that a parameter is given."""
    theirs = lab.theirs
    if parameter.prefix:
        return [theirs.by_prefix[parameter.prefix]] if parameter.prefix in theirs.by_prefix else []
    return [*(theirs.by_prefix[kind] for kind in KINDS), *theirs.names]


def value(parameter: Parameter, word: str) -> str:
    if parameter.name == "Configuration":
        return document(word)
    return WRITTEN.get(parameter.name, "%s").replace("%s", word)


def routes(method: str) -> list[Route]:
    return [route for route in ROUTES if route.method == method]


@pytest.mark.parametrize("route", routes("GET"), ids=lambda route: route.name)
def test_a_filter_for_another_account_finds_what_one_for_nothing_finds(lab: Lab, route: Route) -> None:
    try_all(lab, route)


@pytest.mark.parametrize("route", routes("POST"), ids=lambda route: route.name)
def test_a_value_of_another_account_is_one_that_nothing_has(changing: Lab, route: Route) -> None:
    try_all(changing, route)


def try_all(lab: Lab, route: Route) -> None:
    """Every parameter of a route with every word of the other account, and with one that nothing has."""
    for parameter in read_by(lab, route):
        base = forms(lab, route)
        if route.name in MEDIA and not parameter.prefix:
            continue  # addresses, URLs and words for the media adapter: nothing is looked up by them
        for form in base:
            for word in words(lab, parameter):
                given = {word: "", absent_like(word): ""}
                seen = [_with(lab, route, form, parameter, value(parameter, one)) for one in given]
                alike(lab, *seen, {word: absent_like(word)})


def _with(lab: Lab, route: Route, form: dict[str, Any], parameter: Parameter, text: str) -> Seen:
    fresh = {name: lab.name() if FORMS[route.name].get(name) == "<name>" else v for name, v in form.items()}
    if parameter.in_query:
        return ask(lab, route, fresh, {parameter.name: text})
    return ask(lab, route, {**fresh, parameter.name: text}, {})


def test_parameters_with_sids_are_among_those_that_are_tried(changing: Lab) -> None:
    """The way they are found does find them."""
    read = {(route.name, p.name, p.prefix) for route in ROUTES for p in _sometimes(changing, route)}
    assert read >= {
        ("CreateTask", "WorkflowSid", "WW"),
        ("CreateTask", "RoutingTarget", ""),
        ("CreateTask", "TaskQueueSid", "WQ"),
        ("CreateTask", "TaskChannel", ""),
        ("CreateWorker", "ActivitySid", "WA"),
        ("UpdateWorkspace", "DefaultActivitySid", "WA"),
        ("UpdateTaskReservation", "WorkerActivitySid", "WA"),
        ("CreateWorkflow", "Configuration", ""),
        ("ListTask", "WorkflowSid", "WW"),
        ("ListTaskQueue", "WorkerSid", "WK"),
        ("ListWorker", "TargetWorkersExpression", ""),
    }


def _sometimes(lab: Lab, route: Route) -> list[Parameter]:
    wanted = ("CreateTask", "CreateWork", "UpdateWorkspace", "UpdateTaskRes", "ListTask", "ListWorker")
    return read_by(lab, route) if route.name.startswith(wanted) else []


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.name.startswith("List")], ids=lambda route: route.name
)
def test_a_page_token_of_another_account_opens_nothing(lab: Lab, route: Route) -> None:
    rows = lab.send("GET", _theirs(lab, route), who="theirs", params={"PageSize": "1"})
    following = json.loads(rows.text)["meta"]["next_page_url"]
    if following is None:
        return
    token = following.partition("PageToken=")[2]
    seen = ask(lab, route, {}, {"PageToken": token, "Page": "1", "PageSize": "1"})
    absent = ask(lab, route, {}, {"PageToken": token[::-1], "Page": "1", "PageSize": "1"})
    assert (seen.status, seen.text) == (absent.status, absent.text)
    assert seen.status == 400
    assert_silent(lab, seen, token)


def _theirs(lab: Lab, route: Route) -> str:
    path = filled(route.path, lab, Cut(()), None)
    for prefix, sid in lab.mine.by_prefix.items():
        path = path.replace(sid, lab.theirs.by_prefix[prefix])
    return path


@pytest.mark.parametrize(
    ("tail", "operation", "name", "prefix"),
    [
        pytest.param(tail, operation, name, prefix, id=f"{operation}.{name}")
        for tail, operation, name, prefix in (
            ("/TaskQueues/RealTimeStatistics", "CreateTaskQueueBulkRealTimeStatistics", "queueSids", "WQ"),
            ("/Tasks/Bulk", "CreateTaskBulk", "WorkflowSid", "WW"),
            ("/Tasks/Bulk", "CreateTaskBulk", "RoutingTarget", "WQ"),
        )
    ],
)
def test_a_sid_in_a_body_that_is_no_form_is_one_that_nothing_has(
    lab: Lab, tail: str, operation: str, name: str, prefix: str
) -> None:
    word = lab.theirs.by_prefix[prefix]
    bodies = [body_of(operation, {name: one}) for one in (word, absent_like(word))]
    seen = [lab.send("POST", lab.mine.root + tail, **body) for body in bodies]
    assert seen[0].status == 200
    alike(lab, *seen, {word: absent_like(word)})
