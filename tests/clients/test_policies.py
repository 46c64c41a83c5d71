"""What policies and roles let through, for every kind of address in the table of routes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec import convert

from api.errors import RequestError
from api.forms import Form
from api.policies import Grant, Policy
from api.roles import TaskRouterGrant, policies_of
from api.v1 import ROUTES

WS, WK, WT, WR, WQ, WC = (prefix + "1" * 32 for prefix in ("WS", "WK", "WT", "WR", "WQ", "WC"))
WS2, WK2 = "WS" + "2" * 32, "WK" + "2" * 32
NAMED = {route.name: route for route in ROUTES}
HOST = "https://taskrouter.twilio.com"
T = f"{HOST}/v1/Workspaces/{WS}"
R = f"{T}/Workers/{WK}"


def policy(method: str, url: str, allow: bool = True, **filters: Any) -> dict[str, Any]:
    return {"method": method, "url": url, "allow": allow, **filters}


def grant(*policies: dict[str, Any]) -> Grant:
    return Grant(tuple(convert(list(policies), list[Policy])))


def allows(
    given: Grant, name: str, *params: str, query: str = "", form: str | list[tuple[str, str]] = ""
) -> bool:
    """Whether an operation is allowed; parameters as "A=1 B=2". A refusal is always the same 403."""
    sent = form if isinstance(form, list) else pairs(form)
    try:
        given.at(NAMED[name], params, Form(pairs(query), "query")).check(Form(sent))
    except RequestError as refused:
        if (refused.status, refused.code) != (403, 20403):
            raise
        return False
    return True


def pairs(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in text.split())]


def test_a_policy_covers_its_own_method_and_address_only() -> None:
    own = grant(policy("GET", R))
    assert allows(own, "FetchWorker", WS, WK)
    assert not allows(own, "UpdateWorker", WS, WK)
    assert not allows(own, "DeleteWorker", WS, WK)
    assert not allows(own, "FetchWorker", WS, WK2)
    assert not allows(own, "FetchWorker", WS2, WK)
    assert not allows(own, "ListWorkerChannel", WS, WK)
    assert not allows(own, "ListWorker", WS)
    assert not allows(grant(), "FetchWorker", WS, WK)


@pytest.mark.parametrize(
    "url",
    [
        R.replace("https", "http"),
        R.replace("taskrouter.twilio.com", "router.example"),
        R.replace("taskrouter", "event-bridge"),
        R.removeprefix(HOST),
        R + "/",
        R + "/*",
        R + "?x",
        R.lower(),
        f"{T}/Workers/*",
        "*",
        "/**",
        "**",
        "",
    ],
)
def test_an_address_that_is_not_the_requests_covers_nothing(url: str) -> None:
    assert not allows(grant(policy("GET", url)), "FetchWorker", WS, WK)


@pytest.mark.parametrize("method", ["get", "*", "", "PUT", "HEAD"])
def test_a_method_that_is_not_the_requests_covers_nothing(method: str) -> None:
    assert not allows(grant(policy(method, R)), "FetchWorker", WS, WK)


def test_two_stars_cover_everything_below_and_for_reading_the_list_itself() -> None:
    reading, writing = grant(policy("GET", f"{T}/Tasks/**")), grant(policy("POST", f"{T}/Tasks/**"))
    assert allows(reading, "FetchTask", WS, WT)
    assert allows(reading, "FetchTaskReservation", WS, WT, WR)
    assert allows(reading, "ListTask", WS)
    assert allows(writing, "UpdateTask", WS, WT)
    assert allows(writing, "UpdateTaskReservation", WS, WT, WR)
    assert not allows(writing, "CreateTask", WS)
    assert not allows(reading, "ListTaskQueue", WS)
    assert not allows(reading, "ListTask", WS2)


def test_two_stars_do_not_cover_the_thing_they_stand_below() -> None:
    for method, name in (("GET", "FetchWorker"), ("POST", "UpdateWorker"), ("DELETE", "DeleteWorker")):
        assert not allows(grant(policy(method, f"{R}/**")), name, WS, WK)
    for method, name in (("GET", "FetchWorkspace"), ("DELETE", "DeleteWorkspace")):
        assert not allows(grant(policy(method, f"{T}/**")), name, WS)
    assert allows(grant(policy("GET", f"{R}/**")), "ListWorkerChannel", WS, WK)
    assert not allows(grant(policy("GET", f"{T}/Worker/**")), "FetchWorker", WS, WK)


def test_a_parameter_in_the_path_cannot_spell_another_address() -> None:
    below = grant(policy("GET", f"{T}/Tasks/**"))
    assert not allows(below, "FetchWorker", WS, "../Tasks/x")
    assert not allows(below, "FetchWorkspace", f"{WS2}/../{WS}/Tasks/x")
    assert not allows(grant(policy("GET", R)), "FetchWorker", WS, "{Sid}")


def test_a_filter_says_what_must_and_what_may_be_sent() -> None:
    rules = {"ActivitySid": {"required": True}, "Attributes": {"required": False}}
    given = grant(policy("POST", R, post_filter=rules))
    assert allows(given, "UpdateWorker", WS, WK, form="ActivitySid=WA")
    assert allows(given, "UpdateWorker", WS, WK, form="Attributes={} ActivitySid=WA")
    assert not allows(given, "UpdateWorker", WS, WK)
    assert not allows(given, "UpdateWorker", WS, WK, form="Attributes={}")
    assert not allows(given, "UpdateWorker", WS, WK, form="ActivitySid=WA FriendlyName=x")
    assert not allows(given, "UpdateWorker", WS, WK, query="ActivitySid=WA")
    assert not allows(given, "UpdateWorker", WS, WK, form="activitysid=WA")


@pytest.mark.parametrize("nothing", [{}, None])
def test_an_empty_filter_says_nothing(nothing: Any) -> None:
    given = grant(policy("POST", R, post_filter=nothing, query_filter=nothing))
    assert allows(given, "UpdateWorker", WS, WK, form="FriendlyName=x", query="a=b")


def test_a_query_has_a_filter_of_its_own() -> None:
    rules = {"TaskQueueSid": {"required": True}}
    given = grant(policy("GET", f"{T}/Tasks", query_filter=rules))
    assert allows(given, "ListTask", WS, query=f"TaskQueueSid={WQ}")
    assert not allows(given, "ListTask", WS)
    assert not allows(given, "ListTask", WS, query=f"TaskQueueSid={WQ} Priority=1")


def test_what_one_policy_forbids_no_other_one_allows() -> None:
    everything = policy("POST", f"{T}/**")
    assert not allows(grant(everything, policy("POST", R, False)), "UpdateWorker", WS, WK)
    assert not allows(grant(policy("POST", R, False), everything), "UpdateWorker", WS, WK)
    assert allows(grant(everything, policy("GET", R, False)), "UpdateWorker", WS, WK)
    assert allows(grant(everything, policy("POST", R, False)), "UpdateWorker", WS, WK2)
    assert not allows(grant(policy("POST", R, False)), "UpdateWorker", WS, WK)


def test_a_forbidden_parameter_is_not_excused_by_others() -> None:
    rules = {"Attributes": {"required": True}}
    given = grant(policy("POST", f"{T}/**"), policy("POST", R, False, post_filter=rules))
    assert allows(given, "UpdateWorker", WS, WK, form="ActivitySid=WA")
    assert not allows(given, "UpdateWorker", WS, WK, form="Attributes={}")
    assert not allows(given, "UpdateWorker", WS, WK, form="Attributes={} ActivitySid=WA")
    asked = grant(policy("GET", f"{T}/**"), policy("GET", f"{T}/Tasks", False, query_filter=rules))
    assert allows(asked, "ListTask", WS)
    assert not allows(asked, "ListTask", WS, query="Attributes=x Page=0")


# What each role may do in its own Workspace. Parameters of the path, then of the form.
OWN: list[tuple[str, tuple[str, ...], str]] = [
    ("FetchWorker", (WS, WK), ""),
    ("ListWorkerReservation", (WS, WK), ""),
    ("FetchWorkerReservation", (WS, WK, WR), ""),
    ("ListWorkerChannel", (WS, WK), ""),
    ("ListActivity", (WS,), ""),
    ("FetchTask", (WS, WT), ""),
    ("UpdateWorker", (WS, WK), "ActivitySid=WA RejectPendingReservations=true"),
    ("UpdateWorker", (WS, WK), "Attributes={}"),
    ("UpdateWorkerReservation", (WS, WK, WR), "ReservationStatus=accepted"),
    ("UpdateTaskReservation", (WS, WT, WR), "Instruction=supervise"),
    ("UpdateTask", (WS, WT), "AssignmentStatus=completed Reason=done"),
    ("CreateTask", (WS,), f"RoutingTarget={WK} WorkflowSid=WW TaskQueueSid=WQ Attributes={{}} TaskChannel=voice"),
]  # fmt: skip
OTHERS: list[tuple[str, tuple[str, ...], str]] = [
    ("FetchWorker", (WS, WK2), ""),
    ("ListWorker", (WS,), ""),
    ("UpdateWorker", (WS, WK2), "Attributes={}"),
    ("UpdateWorker", (WS, WK2), "ActivitySid=WA"),
]
ALL: list[tuple[str, tuple[str, ...], str]] = [
    ("FetchWorkspace", (WS,), ""),
    ("ListTaskQueue", (WS,), ""),
    ("FetchTaskQueue", (WS, WQ), ""),
    ("ListWorkflow", (WS,), ""),
]
NEVER: list[tuple[str, tuple[str, ...], str]] = [
    ("ListWorkspace", (), ""),
    ("UpdateWorkspace", (WS,), "FriendlyName=x"),
    ("DeleteWorkspace", (WS,), ""),
    ("UpdateWorker", (WS, WK), "FriendlyName=x"),
    ("UpdateWorker", (WS, WK), "ActivitySid=WA FriendlyName=x"),
    ("DeleteWorker", (WS, WK), ""),
    ("CreateWorker", (WS,), "FriendlyName=x"),
    ("UpdateWorkerChannel", (WS, WK, WC), "Capacity=9"),
    ("UpdateWorkerChannel", (WS, WK2, WC), "Capacity=9"),
    ("UpdateWorkerReservation", (WS, WK2, WR), "ReservationStatus=accepted"),
    ("CreateTask", (WS,), "Attributes={}"),
    ("CreateTask", (WS,), f"RoutingTarget={WK2} Attributes={{}}"),
    ("CreateTask", (WS,), f"RoutingTarget={WK} Priority=9"),
    ("DeleteTask", (WS, WT), ""),
    ("CreateTaskQueue", (WS,), "FriendlyName=x"),
    ("UpdateWorkflow", (WS, "WW" + "1" * 32), "FriendlyName=x"),
    ("FetchWorker", (WS2, WK), ""),
    ("FetchTask", (WS2, WT), ""),
    ("FetchWorkspace", (WS2,), ""),
]  # fmt: skip
ROLES = {"worker": OWN, "supervisor": OWN + OTHERS, "admin": OWN + OTHERS + ALL}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_its_agents_desktop_asks_for_and_no_more(role: str) -> None:
    given = Grant(policies_of(TaskRouterGrant(WS, WK, role)))
    for name, params, form in OWN + OTHERS + ALL + NEVER:
        expected = (name, params, form) in ROLES[role]
        assert allows(given, name, *params, form=form) == expected, (name, params, form)


def test_a_task_of_ones_own_cannot_be_aimed_at_two_workers() -> None:
    given = Grant(policies_of(TaskRouterGrant(WS, WK, "worker")))
    twice = [("RoutingTarget", WK2), ("RoutingTarget", WK)]
    assert not allows(given, "CreateTask", WS, form=twice)
    assert not allows(given, "CreateTask", WS, form=twice[::-1])


def test_an_admin_needs_no_worker() -> None:
    given = Grant(policies_of(TaskRouterGrant(WS, None, "admin")))
    for name, params, form in ALL + OTHERS:
        assert allows(given, name, *params, form=form)
    assert not allows(given, "UpdateWorkerReservation", WS, WK, WR, form="ReservationStatus=accepted")


@pytest.mark.parametrize(
    "nothing",
    [
        TaskRouterGrant(),
        TaskRouterGrant(WS, WK),
        TaskRouterGrant(WS, WK, "owner"),
        TaskRouterGrant(WS, WK, "Worker"),
        TaskRouterGrant(WS, None, "worker"),
        TaskRouterGrant(WS, None, "supervisor"),
        TaskRouterGrant(WS, WT, "worker"),
        TaskRouterGrant(None, WK, "admin"),
        TaskRouterGrant(WK, WK, "admin"),
        TaskRouterGrant("WS/**", WK, "admin"),
    ],
)
def test_a_grant_without_what_its_role_needs_allows_nothing(nothing: TaskRouterGrant) -> None:
    assert policies_of(nothing) == ()


def test_every_address_of_the_table_can_be_named_by_a_policy() -> None:
    """Two routes never share method and address, or a policy about one would be about the other."""
    addresses = {(route.method, route.path) for route in ROUTES}
    assert len(addresses) == len(ROUTES)
    for route in ROUTES:
        params = tuple(f"P{n}" for n in range(route.path.count("{")))
        url = HOST + re.sub(r"\{\w+\}", "{}", route.path).format(*params)
        assert allows(grant(policy(route.method, url)), route.name, *params)
