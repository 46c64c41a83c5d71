"""The wire, by plain HTTP: every field of every resource, statuses, ETags and paging."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.clients.fields import LINKED, complaints, expected_links
from tests.clients.site import Site, created, until

LISTS = {
    "activity": ("/Activities", "activities"),
    "event": ("/Events", "events"),
    "task": ("/Tasks", "tasks"),
    "task_channel": ("/TaskChannels", "channels"),
    "task_queue": ("/TaskQueues", "task_queues"),
    "worker": ("/Workers", "workers"),
    "workflow": ("/Workflows", "workflows"),
}
TAGGED = ("task", "worker", "reservation")
ANYWHERE = (
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "x-rate-limit-limit",
    "x-rate-limit-remaining",
    "x-rate-limit-config",
)


def one_of(site: Site, kind: str) -> str:
    """The path of one resource of a kind, below the Workspace."""
    if kind == "reservation":
        task = site.task()
        return f"/Tasks/{task['sid']}/Reservations/{site.offer(task)['sid']}"
    if kind == "worker_channel":
        return f"/Workers/{site.worker['sid']}/Channels/voice"
    if kind == "task":
        task = site.task()
        site.offer(task)  # from here on nothing happens to it by itself
        return f"/Tasks/{task['sid']}"
    if kind == "workspace":
        return ""
    folder, key = LISTS[kind]
    if kind == "event":
        until(lambda: site.get(folder).json()[key] or None)  # the log is some milliseconds behind
    return f"{folder}/{site.get(folder).json()[key][0]['sid']}"


@pytest.mark.parametrize("kind", LINKED)
def test_links_are_absolute_and_lead_below_the_workspace_on_the_host_that_was_asked(
    site: Site, kind: str
) -> None:
    body = site.get(one_of(site, kind)).json()
    root = f"{str(site.http.base_url).rstrip('/')}{site.path('')}"
    assert body["links"] == expected_links(kind, body, root)
    assert body["url"].startswith(root)
    assert site.http.get(body["url"]).json()["sid"] == body["sid"]


@pytest.mark.parametrize("kind", list(LISTS))
def test_rows_of_a_list_are_the_resources_as_fetched(site: Site, kind: str) -> None:
    path, (folder, key) = one_of(site, kind), LISTS[kind]
    fetched, listed = site.get(path).json(), site.get(folder)
    assert listed.status_code == 200
    row = next(row for row in listed.json()[key] if row["sid"] == fetched["sid"])
    assert complaints(kind, row) == []
    assert {**row, "age": 0} == {**fetched, "age": 0}
    assert ("etag" in listed.headers) is (kind in TAGGED)


def test_workspaces_are_listed_by_name(site: Site, live: httpx.Client) -> None:
    body = live.get("/v1/Workspaces", params={"FriendlyName": "Wire"}).json()
    assert site.workspace["sid"] in [row["sid"] for row in body["workspaces"]]
    assert complaints("workspace", body["workspaces"][0]) == []
    assert "FriendlyName=Wire" in body["meta"]["url"]
    assert live.get("/v1/Workspaces", params={"FriendlyName": "Nobody"}).json()["workspaces"] == []


def test_every_answer_carries_the_headers_browsers_and_clients_read(
    site: Site, anonymous: httpx.Client
) -> None:
    answers = [
        site.get("/Tasks"),
        site.post("/Tasks"),
        site.get("/Nowhere"),
        site.http.delete(site.path("/Activities")),
        site.http.delete(site.path(f"/Workers/{site.worker['sid']}")),
        anonymous.get("/v1/Workspaces"),
    ]
    assert [a.status_code for a in answers][:2] == [200, 201]
    for answer in answers:
        assert [name for name in ANYWHERE if name not in answer.headers] == []


def test_the_revision_is_a_quoted_integer_that_rises_with_each_change(site: Site) -> None:
    task = site.post("/Tasks", {"TaskChannel": "sms", "WorkflowSid": site.workflow["sid"]})
    tail = f"/Tasks/{task.json()['sid']}"
    assert task.headers["etag"] == '"0"'
    before = until(
        lambda: response if (response := site.get(tail)).json()["assignment_status"] == "reserved" else None
    )
    changed = site.post(tail, {"Priority": 3})
    assert changed.json()["priority"] == 3
    assert int(changed.headers["etag"].strip('"')) == int(before.headers["etag"].strip('"')) + 1
    assert site.get(tail).headers["etag"] == changed.headers["etag"]


@pytest.mark.parametrize("form", ["{}", '"{}"', 'W/"{}"'])
def test_if_match_lets_the_stored_revision_pass_in_any_spelling(site: Site, form: str) -> None:
    tail = f"/Workers/{site.worker['sid']}"
    revision = site.get(tail).headers["etag"].strip('"')
    assert site.post(tail, {"FriendlyName": "Bea"}, **{"If-Match": form.format(revision)}).status_code == 200
    late = site.post(tail, {"FriendlyName": "Cleo"}, **{"If-Match": form.format(revision)})
    assert (late.status_code, late.json()["code"]) == (412, 20412)
    assert site.get(tail).json()["friendly_name"] == "Bea"


def test_if_match_star_is_no_condition_and_garbage_matches_nothing(site: Site) -> None:
    tail = f"/Workers/{site.worker['sid']}"
    assert site.post(tail, {"FriendlyName": "Dee"}, **{"If-Match": "*"}).status_code == 200
    for garbage in ('"x"', "-1", "1, 2", '"1', "", "99999999999999999999"):
        refused = site.post(tail, {"FriendlyName": "Eve"}, **{"If-Match": garbage})
        assert (garbage, refused.status_code, refused.json()["code"]) == (garbage, 412, 20412)
    assert site.get(tail).json()["friendly_name"] == "Dee"


def test_if_match_guards_deletes_and_reservations_as_well(site: Site) -> None:
    task = site.task()
    offer = site.offer(task)
    wrong = {"If-Match": "77"}
    refused = [
        site.post(
            f"/Tasks/{task['sid']}/Reservations/{offer['sid']}", {"ReservationStatus": "accepted"}, **wrong
        ),
        site.post(
            f"/Workers/{offer['worker_sid']}/Reservations/{offer['sid']}", {"Instruction": "accept"}, **wrong
        ),
        site.post(f"/Tasks/{task['sid']}", {"Priority": 9}, **wrong),
        site.http.delete(site.path(f"/Tasks/{task['sid']}"), headers=wrong),
        site.http.delete(site.path(f"/Workers/{site.worker['sid']}"), headers=wrong),
    ]
    assert [r.status_code for r in refused] == [412] * 5
    assert site.get(f"/Tasks/{task['sid']}").json()["priority"] == 0


def test_a_reservation_is_the_same_under_its_task_and_its_worker(site: Site) -> None:
    offer = site.offer(site.task())
    of_task = site.get(f"/Tasks/{offer['task_sid']}/Reservations/{offer['sid']}")
    of_worker = site.get(f"/Workers/{offer['worker_sid']}/Reservations/{offer['sid']}")
    assert of_task.headers["etag"] == of_worker.headers["etag"]
    assert of_worker.json()["url"].endswith(f"/Workers/{offer['worker_sid']}/Reservations/{offer['sid']}")
    assert {**of_worker.json(), "url": ""} == {**of_task.json(), "url": ""}
    listed = site.get(f"/Workers/{offer['worker_sid']}/Reservations", ReservationStatus="pending")
    assert [row["sid"] for row in listed.json()["reservations"]] == [offer["sid"]]
    assert listed.json()["reservations"][0] == of_worker.json()
    assert (
        site.get(f"/Workers/{offer['worker_sid']}/Reservations", ReservationStatus="timeout").json()[
            "reservations"
        ]
        == []
    )


def test_a_life_of_a_task_over_plain_http(site: Site) -> None:
    task = site.task(Priority=7, Attributes='{"who": "Zoë"}', Timeout=60)
    assert (task["priority"], task["timeout"], json.loads(task["attributes"])) == (7, 60, {"who": "Zoë"})
    offer = site.offer(task)
    path = f"/Tasks/{task['sid']}/Reservations/{offer['sid']}"
    for status, task_status in (
        ("accepted", "assigned"),
        ("wrapping", "wrapping"),
        ("completed", "completed"),
    ):
        answered = site.post(path, {"ReservationStatus": status})
        assert (answered.status_code, answered.json()["reservation_status"]) == (200, status)
        assert site.get(f"/Tasks/{task['sid']}").json()["assignment_status"] == task_status
    again = site.post(path, {"ReservationStatus": "wrapping"})
    assert (again.status_code, again.json()["code"]) == (400, 20001)


def test_rejecting_moves_the_worker_to_the_activity_that_was_named(site: Site) -> None:
    offer = site.offer(site.task())
    offline = site.workspace["default_activity_sid"]
    path = f"/Workers/{offer['worker_sid']}/Reservations/{offer['sid']}"
    rejected = site.post(path, {"Instruction": "reject", "WorkerActivitySid": offline})
    assert rejected.json()["reservation_status"] == "rejected"
    assert site.get(f"/Workers/{offer['worker_sid']}").json()["activity_sid"] == offline
    assert site.post(path, {"ReservationStatus": "accepted"}).status_code == 410


def test_deletes_answer_204_with_neither_body_nor_content_type(site: Site) -> None:
    extra = {
        "Activities": created(site.post("/Activities", {"FriendlyName": "Break"})),
        "TaskChannels": created(site.post("/TaskChannels", {"FriendlyName": "Fax", "UniqueName": "fax"})),
        "TaskQueues": created(site.post("/TaskQueues", {"FriendlyName": "Spare"})),
        "Tasks": site.task(),
    }
    for folder, resource in extra.items():
        gone = site.http.delete(site.path(f"/{folder}/{resource['sid']}"))
        assert (folder, gone.status_code, gone.content) == (folder, 204, b"")
        assert "content-type" not in gone.headers
        assert site.get(f"/{folder}/{resource['sid']}").status_code == 404


def test_a_list_is_paged_to_its_end_and_back(site: Site) -> None:
    made = [site.task(Priority=4)["sid"] for _ in range(7)]
    url: str | None = site.path("/Tasks") + "?PageSize=3&Priority=4&Unknown=1"
    seen: list[str] = []
    metas: list[dict[str, Any]] = []
    while url:
        body = site.http.get(url).json()
        seen += [row["sid"] for row in body["tasks"]]
        metas.append(body["meta"])
        url = body["meta"]["next_page_url"]
    assert seen == made
    assert [meta["page"] for meta in metas] == [0, 1, 2]
    assert metas[0]["previous_page_url"] is None
    assert metas[0]["first_page_url"] == metas[0]["url"]
    assert metas[0]["url"].endswith("/Tasks?Priority=4&PageSize=3&Page=0")
    assert metas[2]["previous_page_url"].split("PageToken=")[0] == metas[1]["url"].split("PageToken=")[0]
    back = site.http.get(metas[2]["previous_page_url"]).json()
    assert [row["sid"] for row in back["tasks"]] == made[3:6]
    begin = site.http.get(back["meta"]["previous_page_url"]).json()
    assert [row["sid"] for row in begin["tasks"]] == made[:3]
    assert begin["meta"]["previous_page_url"] is None
    assert site.http.get(begin["meta"]["next_page_url"]).json()["tasks"] == back["tasks"]
    assert all(meta["key"] == "tasks" and meta["page_size"] == 3 for meta in metas)


def test_a_full_last_page_has_no_next_page(site: Site) -> None:
    for _ in range(2):
        site.task()
    assert site.get("/Tasks", PageSize=2).json()["meta"]["next_page_url"] is None
    assert site.get("/Tasks", PageSize=5000).json()["meta"]["page_size"] == 1000
    assert site.get("/Tasks", Page=0).json()["meta"]["page_size"] == 50


def test_filters_are_repeated_in_page_urls_as_they_were_sent(site: Site) -> None:
    query = {"AssignmentStatus": ["pending", "reserved"], "PageSize": "1"}
    meta = site.get("/Tasks", **query).json()["meta"]
    assert "AssignmentStatus=pending&AssignmentStatus=reserved&PageSize=1&Page=0" in meta["url"]
    meta = site.get("/Tasks", AssignmentStatus="pending,reserved").json()["meta"]
    assert "AssignmentStatus=pending%2Creserved" in meta["first_page_url"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"PageSize": "0"}, "Invalid PageSize."),
        ({"PageSize": "-1"}, "Invalid PageSize."),
        ({"PageSize": "x"}, "Invalid PageSize."),
        ({"PageSize": ""}, "Invalid PageSize."),
        ({"Page": "2"}, "Invalid Page: follow next_page_url instead."),
        ({"PageToken": "garbage"}, "Invalid PageToken."),
        ({"PageToken": "é"}, "Invalid PageToken."),
        ({"PageToken": "x" * 5000}, "Invalid PageToken."),
        ({"PageToken": "W10"}, "Invalid PageToken."),
        ({"PageToken": "WyIiXQ"}, "Invalid PageToken."),
        ({"PageToken": "WyJub3doZXJlIl0"}, "Invalid PageToken."),
        ({"AssignmentStatus": "pending,lost"}, "AssignmentStatus: must be one of"),
        ({"Ordering": "Colour:asc"}, "Ordering: "),
        ({"WorkflowSid": "WQ" + "0" * 32}, "WorkflowSid: must be a SID"),
        ({"Priority": "high"}, "Priority: must be an integer from 0 to 2147483647"),
        ({"EvaluateTaskAttributes": "((("}, "EvaluateTaskAttributes: "),
    ],
)
def test_a_bad_query_is_refused_with_the_parameter_named(
    standing: Site, query: dict[str, str], message: str
) -> None:
    refused = standing.get("/Tasks", **query)
    assert (refused.status_code, refused.json()["code"]) == (400, 20001)
    assert refused.json()["message"].startswith(message)
