"""Lists over HTTP: what every filter and order means, and what a page token is good for."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest
from msgspec import Struct

from tests.clients.site import Site, build_site, created
from tests.clients.stack import Stack

NOBODY: Final = "0" * 32


class Shop(Struct):
    """A Workspace whose things have names; nothing in it changes any more."""

    site: Site
    sids: dict[str, str]  # of everything, by name

    def names(self, tail: str, key: str, query: Any) -> list[str]:
        """The names of what a list shows, in its order."""
        response = self.site.http.get(self.site.path(tail.format(**self.sids)), params=self.filled(query))
        assert response.status_code == 200, response.text
        by_sid = {sid: name for name, sid in self.sids.items()}
        return [by_sid[row["sid"]] for row in response.json()[key]]

    def filled(self, query: Any) -> list[tuple[str, str]]:
        """The query with `@name` replaced by a SID."""
        pairs = query.items() if isinstance(query, dict) else query
        return [(name, self.sids[value[1:]] if value[:1] == "@" else value) for name, value in pairs]


@pytest.fixture(scope="module")
def shop(connection: httpx.Client) -> Shop:
    site = build_site(connection)
    sids = {"Everyone": site.queue["sid"], "Flow": site.workflow["sid"], "Ann": site.worker["sid"]}
    for row in site.get("/Activities").json()["activities"]:
        sids[row["friendly_name"]] = row["sid"]

    def add(folder: str, name: str, **form: Any) -> str:
        sids[name] = created(site.post(folder, {"FriendlyName": name, **form}))["sid"]
        return sids[name]

    add("/Activities", "Lunch", Available="false")
    add("/Activities", "Training", Available="yes")
    skilled = add("/TaskQueues", "Skilled", TargetWorkers="skill == 'x'")
    add("/TaskQueues", "Nobody", TargetWorkers="")
    add("/Workers", "Bo", ActivitySid=sids["Lunch"], Attributes='{"skill": "x"}')
    document = {"task_routing": {"default_filter": {"queue": skilled}}}
    add("/Workflows", "Other", Configuration=json.dumps(document))
    add("/TaskChannels", "Fax", UniqueName="fax")
    add("/Workers", "Cy", ActivitySid=sids["Training"], Attributes='{"skill": "x"}')
    for name in ("Ann", "Cy"):
        site.post(f"/Workers/{sids[name]}/Channels/fax", {"Capacity": "0"})
    tasks: dict[str, dict[str, Any]] = {
        "one": {"Priority": 5, "WorkflowSid": sids["Flow"], "Attributes": '{"n": 1}'},
        "two": {"Priority": 0, "WorkflowSid": sids["Other"], "Attributes": '{"n": 2}'},
        "three": {"Priority": 5, "WorkflowSid": sids["Other"], "Attributes": '{"n": 3}'},
        "four": {
            "Priority": 0,
            "RoutingTarget": sids["Bo"],
            "IgnoreCapacity": "false",
            "WorkflowSid": sids["Flow"],
        },
    }
    starts = {"one": "2024-03-01", "two": "2024-01-01", "three": "2024-02-01", "four": "1950-01-01"}
    for name, form in tasks.items():
        sids[name] = site.task(TaskChannel="fax", VirtualStartTime=starts[name], **form)["sid"]
    canceled = site.post(f"/Tasks/{sids['three']}", {"AssignmentStatus": "canceled"})
    assert canceled.status_code == 200
    return Shop(site, sids)


ACTIVITIES, QUEUES, WORKFLOWS = (
    ("/Activities", "activities"),
    ("/TaskQueues", "task_queues"),
    ("/Workflows", "workflows"),
)
WORKERS, TASKS = ("/Workers", "workers"), ("/Tasks", "tasks")
ALL: Final = ["one", "two", "three", "four"]

FILTERS: Final[list[tuple[tuple[str, str], Any, list[str]]]] = [
    (ACTIVITIES, {"FriendlyName": "Lunch"}, ["Lunch"]),
    (ACTIVITIES, {"FriendlyName": "lunch"}, []),
    (ACTIVITIES, {"Available": "true"}, ["Available", "Training"]),
    (ACTIVITIES, {"Available": "YES"}, ["Available", "Training"]),
    (ACTIVITIES, {"Available": "no such word"}, ["Offline", "Unavailable", "Lunch"]),
    (ACTIVITIES, {"Available": "1", "FriendlyName": "Lunch"}, []),
    (QUEUES, {"FriendlyName": "Skilled"}, ["Skilled"]),
    (QUEUES, {"FriendlyName": "skilled"}, []),
    (QUEUES, {"WorkerSid": "@Bo"}, ["Everyone", "Skilled"]),
    (QUEUES, {"WorkerSid": "@Ann"}, ["Everyone"]),
    (QUEUES, {"WorkerSid": "WK" + NOBODY}, []),
    (QUEUES, {"EvaluateWorkerAttributes": '{"skill": "x"}'}, ["Everyone", "Skilled"]),
    (QUEUES, {"EvaluateWorkerAttributes": "{}", "WorkerSid": "@Bo"}, ["Everyone"]),
    (QUEUES, {"Ordering": "DateUpdated:desc", "FriendlyName": "Nobody"}, ["Nobody"]),
    (WORKFLOWS, {"FriendlyName": "Other"}, ["Other"]),
    (WORKFLOWS, {"FriendlyName": "other"}, []),
    (WORKERS, {"FriendlyName": "aNN"}, ["Ann"]),
    (WORKERS, {"FriendlyName": "An"}, []),
    (WORKERS, {"FriendlyName": "Ann", "ActivityName": "Lunch"}, []),
    (WORKERS, {"FriendlyName": "bo", "Ordering": "DateStatusChanged:asc"}, ["Bo"]),
    (WORKERS, {"ActivityName": "Lunch"}, ["Bo"]),
    (WORKERS, {"ActivityName": "lunch"}, []),
    (WORKERS, {"ActivitySid": "@Training"}, ["Cy"]),
    (WORKERS, {"ActivitySid": "WA" + NOBODY}, []),
    (WORKERS, {"Available": "0", "TaskQueueName": "Skilled"}, ["Bo"]),
    (WORKERS, {"Available": "True", "TaskQueueSid": "@Skilled"}, ["Cy"]),
    (WORKERS, {"TaskQueueSid": "@Skilled", "TaskQueueName": "Everyone"}, []),
    (WORKERS, {"TaskQueueName": "Nobody"}, []),
    (WORKERS, {"TaskQueueName": "No such queue"}, []),
    (WORKERS, {"TargetWorkersExpression": "skill == 'x' AND activity_name == 'Lunch'"}, ["Bo"]),
    (WORKERS, {"TargetWorkersExpression": "friendly_name == 'Ann'"}, ["Ann"]),
    (WORKERS, {"Ordering": "DateStatusChanged:asc"}, ["Ann", "Bo", "Cy"]),
    (WORKERS, {"Ordering": "DateStatusChanged:desc"}, ["Cy", "Bo", "Ann"]),
    (WORKERS, {"Ordering": "DateStatusChanged:asc", "AfterSid": "@Ann"}, ["Bo", "Cy"]),
    (TASKS, {}, ALL),
    (TASKS, {"Priority": "5"}, ["one", "three"]),
    (TASKS, {"AssignmentStatus": "canceled"}, ["three"]),
    (TASKS, {"AssignmentStatus": "pending, canceled"}, ALL),
    (TASKS, [("AssignmentStatus", "pending"), ("AssignmentStatus", "canceled,reserved")], ALL),
    (TASKS, {"WorkflowSid": "@Other"}, ["two", "three"]),
    (TASKS, {"WorkflowSid": "WW" + NOBODY}, []),
    (TASKS, {"WorkflowName": "Flow"}, ["one", "four"]),
    (TASKS, {"WorkflowName": "flow"}, []),
    (TASKS, {"TaskQueueSid": "@Skilled"}, ["two", "three"]),
    (TASKS, {"TaskQueueName": "Everyone", "Priority": "5"}, ["one"]),
    (TASKS, {"EvaluateTaskAttributes": "n = 2"}, ["two"]),
    (TASKS, {"EvaluateTaskAttributes": "n >= 2"}, ["two", "three"]),
    (TASKS, {"RoutingTarget": "@Bo"}, ["four"]),
    (TASKS, {"RoutingTarget": "@Flow"}, []),
    (TASKS, {"HasAddons": "true"}, []),
    (TASKS, {"HasAddons": "false"}, ALL),
    (TASKS, {"TaskChannel": "voice", "priority": "9"}, ALL),
    (TASKS, {"Ordering": "DateCreated:desc"}, ALL[::-1]),
    (TASKS, {"Ordering": "Priority:desc"}, ["one", "three", "two", "four"]),
    (TASKS, {"Ordering": "Priority:asc"}, ["two", "four", "one", "three"]),
    (TASKS, {"Ordering": "Priority:asc,DateCreated:desc"}, ["four", "two", "three", "one"]),
    (TASKS, {"Ordering": "DateCreated:desc, Priority:asc"}, ALL[::-1]),
    (TASKS, {"Ordering": "VirtualStartTime:asc"}, ["four", "two", "three", "one"]),
    (TASKS, {"Ordering": "VirtualStartTime:desc"}, ["one", "three", "two", "four"]),
    (TASKS, {"Ordering": "Priority:desc,VirtualStartTime:asc"}, ["three", "one", "four", "two"]),
    (TASKS, {"Ordering": "Priority:desc", "AssignmentStatus": "pending"}, ["one", "two", "four"]),
]  # fmt: skip


@pytest.mark.parametrize(("which", "query", "expected"), FILTERS)
def test_a_filter_or_an_order_means_what_it_says(
    shop: Shop, which: tuple[str, str], query: Any, expected: list[str]
) -> None:
    assert shop.names(*which, query) == expected
    if len(expected) < 2:
        return
    paged, url = [], str(httpx.URL(shop.site.path(which[0]), params=[*shop.filled(query), ("PageSize", "1")]))
    while url:
        body = shop.site.http.get(url).json()
        paged += [row["sid"] for row in body[which[1]]]
        url = body["meta"]["next_page_url"]
    assert paged == [shop.sids[name] for name in expected]


def test_workers_go_on_behind_a_sid(shop: Shop) -> None:
    every = shop.names("/Workers", "workers", {})
    assert every == sorted(("Ann", "Bo", "Cy"), key=shop.sids.get)
    for index, name in enumerate(every):
        assert shop.names("/Workers", "workers", {"AfterSid": shop.sids[name]}) == every[index + 1 :]


LISTS: Final = {
    "/Activities": ("FriendlyName", "Available"),
    "/TaskQueues": ("FriendlyName", "EvaluateWorkerAttributes", "WorkerSid", "Ordering"),
    "/Workflows": ("FriendlyName",),
    "/Workers": (
        "FriendlyName", "ActivityName", "ActivitySid", "Available", "TaskQueueSid", "TaskQueueName",
        "TargetWorkersExpression", "Ordering", "AfterSid",
    ),
    "/Tasks": (
        "Priority", "AssignmentStatus", "WorkflowSid", "WorkflowName", "TaskQueueSid", "TaskQueueName",
        "EvaluateTaskAttributes", "RoutingTarget", "Ordering", "HasAddons",
    ),
    "/TaskChannels": (),
    "/Tasks/{one}/Reservations": ("ReservationStatus", "WorkerSid"),
    "/Workers/{Ann}/Reservations": ("ReservationStatus",),
    "/Workers/{Ann}/Channels": (),
}  # fmt: skip


@pytest.mark.parametrize("tail", list(LISTS))
def test_a_filter_sent_empty_narrows_nothing(shop: Shop, tail: str) -> None:
    tail, names = tail.format(**shop.sids), LISTS[tail]
    plain = shop.site.get(tail)
    empty = shop.site.get(tail, **dict.fromkeys(names, ""))
    assert (empty.status_code, plain.status_code) == (200, 200)
    assert without_age(empty.json()) == without_age(plain.json())


def without_age(body: dict[str, Any]) -> dict[str, Any]:
    for row in body[body["meta"]["key"]]:
        row.pop("age", None)
    return body


BAD: Final = [
    *((tail, name, value, "must be a SID")
      for tail, name in (
          ("/TaskQueues", "WorkerSid"), ("/Workers", "ActivitySid"), ("/Workers", "TaskQueueSid"),
          ("/Workers", "AfterSid"), ("/Tasks", "WorkflowSid"), ("/Tasks", "TaskQueueSid"),
          ("/Tasks/{one}/Reservations", "WorkerSid"),
      )
      for value in ("x", "AC" + NOBODY, "WK" + "g" * 32, "WQ0")),
    ("/Workers", "AfterSid", "WK" + NOBODY, "is not the SID of a Worker of this Workspace"),
    ("/Tasks", "RoutingTarget", "WA" + NOBODY, "must be the SID of a Worker, a TaskQueue or a Workflow"),
    ("/Tasks", "Priority", "-1", "must be an integer"),
    ("/Tasks", "HasAddons", "perhaps", "must be true or false"),
    ("/Tasks", "AssignmentStatus", "pending,lost", "must be one of"),
    ("/Tasks", "EvaluateTaskAttributes", "(((", ""),
    ("/Workers", "TargetWorkersExpression", "skill HAS", ""),
    ("/TaskQueues", "EvaluateWorkerAttributes", "skill == 'x'", ""),
    ("/Tasks/{one}/Reservations", "ReservationStatus", "taken", "must be one of"),
    ("/Workers/{Ann}/Reservations", "ReservationStatus", "Pending", "must be one of"),
    ("/TaskQueues", "Ordering", "DateUpdated", "must be"),
    ("/Workers", "Ordering", "DateCreated:asc", "must be"),
    ("/Tasks", "Ordering", "DateCreated:asc,VirtualStartTime:desc", "takes either DateCreated or VirtualStartTime"),
    *(("/Tasks", "Ordering", value, "must be a comma list of DateCreated, Priority, VirtualStartTime")
      for value in ("Priority", "priority:asc", "Priority:up", "Priority:asc,", "Priority:asc,Priority:asc", ":asc")),
]  # fmt: skip


@pytest.mark.parametrize(("tail", "name", "value", "message"), BAD)
def test_a_bad_filter_is_refused_by_name(shop: Shop, tail: str, name: str, value: str, message: str) -> None:
    refused = shop.site.get(tail.format(**shop.sids), **{name: value})
    assert (refused.status_code, refused.json()["code"]) == (400, 20001)
    assert refused.json()["message"].startswith(f"{name}: {message}")


def test_page_sizes_beyond_the_limit_are_cut_and_a_page_needs_its_token(shop: Shop) -> None:
    for tail in LISTS:
        listed = tail.format(**shop.sids)
        for size in ("1001", "9" * 30):
            assert shop.site.get(listed, PageSize=size).json()["meta"]["page_size"] == 1000
        for query in (
            {"PageSize": "0"},
            {"PageSize": "-3"},
            {"PageSize": "٣"},
            {"Page": "1"},
            {"Page": "9" * 30},
        ):
            refused = shop.site.get(listed, **query)
            assert (refused.status_code, refused.json()["code"]) == (400, 20001)
            assert refused.json()["message"].startswith(f"Invalid {next(iter(query))}")


@pytest.fixture(scope="module")
def token(shop: Shop) -> str:
    """A token of the second page of Tasks with Priority 5."""
    url = shop.site.get("/Tasks", Priority="5", PageSize="1").json()["meta"]["next_page_url"]
    return httpx.URL(url).params["PageToken"]


def test_a_token_opens_its_own_list_only(shop: Shop, token: str) -> None:
    opens = {"Priority": "5", "PageToken": token}
    assert shop.names("/Tasks", "tasks", opens) == ["three"]
    assert shop.names("/Tasks", "tasks", {**opens, "PageSize": "7", "Page": "3", "Unknown": "1"}) == ["three"]
    strange: list[tuple[str, dict[str, str]]] = [
        ("/Tasks", {"PageToken": token}),
        ("/Tasks", {**opens, "Priority": "0"}),
        ("/Tasks", {**opens, "Ordering": "DateCreated:asc"}),
        ("/Workers", opens),
        ("/TaskQueues", opens),
    ]
    for tail, query in strange:
        refused = shop.site.get(tail, **query)
        assert (refused.status_code, refused.json()["message"]) == (400, "Invalid PageToken."), (tail, query)


def test_a_token_of_one_path_does_not_open_another(shop: Shop) -> None:
    plain = httpx.URL(shop.site.get("/Tasks", PageSize="1").json()["meta"]["next_page_url"]).params[
        "PageToken"
    ]
    assert shop.names("/Tasks", "tasks", {"PageToken": plain}) == ALL[1:]
    another = created(shop.site.http.post("/v1/Workspaces", data={"FriendlyName": "Another"}))["sid"]
    for path in (shop.site.path("/Workers"), shop.site.path("/Workflows"), f"/v1/Workspaces/{another}/Tasks"):
        refused = shop.site.http.get(path, params={"PageToken": plain})
        assert (refused.status_code, refused.json()["message"]) == (400, "Invalid PageToken."), path


def test_a_token_that_was_altered_anywhere_is_refused(shop: Shop, token: str) -> None:
    altered = [
        token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        for place in range(len(token))
    ]
    altered += [
        token[:-1],
        token[1:],
        token + "A",
        token + "=",
        token * 2,
        token.swapcase(),
        token[:22],
        "A" * 23,
        "é",
    ]
    for one in altered:
        refused = shop.site.get("/Tasks", Priority="5", PageToken=one)
        assert (refused.status_code, refused.json()["message"]) == (400, "Invalid PageToken."), one


def test_another_account_cannot_use_a_token_and_another_process_can(shop: Shop, stack: Stack) -> None:
    site = shop.site
    for _ in range(2):
        created(site.http.post("/v1/Workspaces", data={"FriendlyName": "Paged"}))
    first = site.http.get("/v1/Workspaces", params={"FriendlyName": "Paged", "PageSize": "1"}).json()
    following = httpx.URL(first["meta"]["next_page_url"]).raw_path.decode()
    rows = [
        httpx.get(url + following, auth=stack.credentials).json()["workspaces"] for url in stack.urls.values()
    ]
    assert rows[0][0]["sid"] == rows[1][0]["sid"] != first["workspaces"][0]["sid"]
    refused = site.http.get(following, auth=stack.stranger)
    assert (refused.status_code, refused.json()["message"]) == (400, "Invalid PageToken.")


def test_page_urls_repeat_the_filters_in_force_and_nothing_else(shop: Shop) -> None:
    query = [("Ordering", "Priority:desc"), ("AssignmentStatus", "pending"), ("AssignmentStatus", "canceled"),
             ("WorkflowName", ""), ("Unknown", "1"), ("PageSize", "1")]  # fmt: skip
    body = shop.site.http.get(shop.site.path("/Tasks"), params=query).json()
    head = f"{str(shop.site.http.base_url).rstrip('/')}{shop.site.path('/Tasks')}"
    filters = "Ordering=Priority%3Adesc&AssignmentStatus=pending&AssignmentStatus=canceled"
    assert body["meta"]["url"] == body["meta"]["first_page_url"] == f"{head}?{filters}&PageSize=1&Page=0"
    assert body["meta"]["next_page_url"].startswith(f"{head}?{filters}&PageSize=1&Page=1&PageToken=")
    second = shop.site.http.get(body["meta"]["next_page_url"]).json()["meta"]
    assert second["url"] == body["meta"]["next_page_url"]
    assert second["previous_page_url"].startswith(f"{head}?{filters}&PageSize=1&Page=0&PageToken=")
