"""Statistics by plain HTTP: every field of every view, parameters, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.surface import OPERATIONS
from tests.clients.fields import complaints
from tests.clients.site import Site, created
from tests.clients.stack import Stack

NOBODY = "0" * 32
BULK_PATH = "/TaskQueues/RealTimeStatistics"
BULK, LIST_ROW = "bulk_real_time_statistics", "task_queues_statistics"
ROOT = "/v1/Workspaces/{WorkspaceSid}"
VIEWS = {  # path below the Workspace -> its resource
    one.path.removeprefix(ROOT): one.resource
    for one in OPERATIONS.values()
    if one.path.endswith("Statistics") and one.resource not in (BULK, LIST_ROW)
}
PAST = [view for view in VIEWS if "RealTime" not in view] + ["/TaskQueues/Statistics"]
SPLIT = [view for view in PAST if "Workers" not in view]


pytestmark = pytest.mark.usefixtures("made_log")


def path_of(view: str, site: Site) -> str:
    return view.format(
        TaskQueueSid=site.queue["sid"], WorkflowSid=site.workflow["sid"], WorkerSid=site.worker["sid"]
    )


def bulk(site: Site, body: Any) -> httpx.Response:
    return site.http.post(site.path(BULK_PATH), json=body)


@pytest.mark.parametrize("view", list(VIEWS))
def test_a_view_has_every_field_in_its_type_and_no_other(site: Site, view: str) -> None:
    path, query = path_of(view, site), {"TaskChannel": "default", "SplitByWaitTime": "5,30"}
    for asked in ({}, query):
        response = site.get(path, **asked)
        assert response.status_code == 200, response.text
        assert complaints(VIEWS[view], response.json()) == []
        assert response.json()["url"] == f"{str(site.http.base_url).rstrip('/')}{site.path(path)}"
    site.offer(site.task(Priority=7))
    assert complaints(VIEWS[view], site.get(path).json()) == []


def test_the_list_has_a_row_for_each_queue_and_pages_like_any_other(site: Site) -> None:
    made = [site.queue["sid"]]
    made += [created(site.post("/TaskQueues", {"FriendlyName": n}))["sid"] for n in ("B", "C", "C")]
    body = site.get("/TaskQueues/Statistics", PageSize=3, SplitByWaitTime="5").json()
    assert [complaints(LIST_ROW, row) for row in body["task_queues_statistics"]] == [[], [], []]
    meta = body["meta"]
    assert (meta["key"], meta["page_size"]) == ("task_queues_statistics", 3)
    assert "SplitByWaitTime=5&PageSize=3" in meta["next_page_url"]
    rest = site.http.get(meta["next_page_url"]).json()
    sids = [row["task_queue_sid"] for part in (body, rest) for row in part["task_queues_statistics"]]
    assert sids == made
    named = site.get("/TaskQueues/Statistics", FriendlyName="C").json()["task_queues_statistics"]
    assert [row["task_queue_sid"] for row in named] == made[2:]
    assert site.get("/TaskQueues/Statistics", FriendlyName="D").json()["task_queues_statistics"] == []


def test_bulk_statistics_take_each_spelling_and_a_form_that_is_called_json(site: Site) -> None:
    sid = site.queue["sid"]
    for name in ("queueSids", "QueueSids", "TaskQueueSids", "task_queue_sids"):
        response = bulk(site, {name: [sid]})
        assert (response.status_code, complaints(BULK, response.json())) == (200, [])
    mislabelled = site.http.post(
        site.path(BULK_PATH),
        content=f"queueSids={sid}&queueSids=WQ{NOBODY}",
        headers={"content-type": "application/json"},
    )
    form = site.http.post(site.path(BULK_PATH), data={"queueSids": [sid, f"WQ{NOBODY}"]})
    for response in (mislabelled, form):
        assert response.status_code == 200
        assert [row["task_queue_sid"] for row in response.json()["task_queue_data"]] == [sid, f"WQ{NOBODY}"]


def test_bulk_statistics_of_a_queue_that_is_not_there_are_zero(site: Site, stack: Stack) -> None:
    site.offer(site.task())
    with httpx.Client(base_url=site.http.base_url, auth=stack.stranger, timeout=10) as http:
        theirs = created(http.post("/v1/Workspaces", data={"FriendlyName": "T", "Template": "FIFO"}))
        root = f"/v1/Workspaces/{theirs['sid']}"
        foreign = http.get(f"{root}/TaskQueues").json()["task_queues"][0]["sid"]
        sids = [f"WQ{NOBODY}", site.queue["sid"], foreign, site.queue["sid"]]
        body = bulk(site, {"queueSids": sids}).json()
        http.delete(root)
    assert complaints(BULK, body) == []
    assert body["task_queue_response_count"] == 3
    rows = {row["task_queue_sid"]: row for row in body["task_queue_data"]}
    assert list(rows) == sids[:3]
    mine = rows[site.queue["sid"]]
    assert (mine["total_tasks"], mine["total_eligible_workers"], mine["total_available_workers"]) == (1, 1, 1)
    for sid in (sids[0], foreign):
        row = rows[sid]
        assert (row["total_tasks"], row["total_eligible_workers"], row["longest_task_waiting_sid"]) == (
            0,
            0,
            None,
        )
        assert {activity["workers"] for activity in row["activity_statistics"]} == {0}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "queueSids: must have 1 to 50 TaskQueue SIDs, not 0"),
        ({"queueSids": []}, "queueSids: must have 1 to 50"),
        ({"queueSids": [f"WQ{n:032x}" for n in range(51)]}, "queueSids: must have 1 to 50"),
        ({"QueueSids": ["WQ1"]}, "QueueSids: must be SIDs: WQ and"),
        ({"queueSids": ["WW" + NOBODY]}, "queueSids: must be SIDs"),
        ({"queueSids": [1]}, "queueSids: must be SIDs"),
        ({"queueSids": {"a": 1}}, "queueSids: must be SIDs"),
        ({"queueSids": ["WQ" + NOBODY], "TaskChannel": "fax"}, "TaskChannel: is neither"),
        ([], "The post body is not a JSON object"),
        (["WQ" + NOBODY], "The post body is not a JSON object"),
    ],
)
def test_a_bad_bulk_body_is_refused(standing: Site, body: Any, message: str) -> None:
    refused = bulk(standing, body)
    assert (refused.status_code, refused.json()["code"]) == (400, 20001)
    assert refused.json()["message"].startswith(message)


def test_fifty_queues_are_not_too_many(standing: Site) -> None:
    body = bulk(standing, {"queueSids": [f"WQ{n:032x}" for n in range(50)]}).json()
    assert body["task_queue_response_count"] == 50


def test_the_bulk_path_is_for_posts_and_the_literal_paths_win(standing: Site) -> None:
    gone = standing.get(BULK_PATH)
    assert (gone.status_code, gone.json()["code"]) == (404, 20404)
    assert gone.json()["message"].endswith(f"{BULK_PATH} was not found")
    assert standing.post("/Workers/Statistics").status_code == 405
    assert standing.get("/Workers/RealTimeStatistics").json()["total_workers"] == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"Minutes": "0"}, "Minutes: must be an integer from 1 to 43200"),
        ({"Minutes": "43201"}, "Minutes: must be an integer from 1 to 43200"),
        ({"Minutes": "ten"}, "Minutes: must be"),
        ({"StartDate": "yesterday"}, "StartDate: must be a date-time"),
        ({"StartDate": "2001-01-01T00:00:00Z"}, "StartDate: is too old: statistics reach back 30 days"),
        ({"StartDate": "2999-01-01"}, "StartDate: lies in the future"),
        ({"EndDate": "2001-01-01T00:00:00Z"}, "EndDate: is too old"),
        ({"TaskChannel": "fax"}, "TaskChannel: is neither the SID nor the unique name of a Task Channel"),
    ],
)
def test_a_bad_interval_is_refused_by_every_view(standing: Site, query: dict[str, str], message: str) -> None:
    for view in PAST:
        refused = standing.get(path_of(view, standing), **query)
        assert (view, refused.status_code, refused.json()["code"]) == (view, 400, 20001)
        assert refused.json()["message"].startswith(message)


@pytest.mark.parametrize("text", ["5,x", "-1", "1,2,3,4,5,6,7,8,9,10,11"])
def test_bad_thresholds_are_refused_where_there_are_any(standing: Site, text: str) -> None:
    for view in SPLIT:
        refused = standing.get(path_of(view, standing), SplitByWaitTime=text)
        assert (refused.status_code, refused.json()["code"]) == (400, 20001)
        assert refused.json()["message"].startswith("SplitByWaitTime: ")
        assert standing.get(path_of(view, standing), SplitByWaitTime="").status_code == 200


def test_an_end_before_the_beginning_is_refused(standing: Site) -> None:
    made = standing.get("/CumulativeStatistics").json()
    query = {"StartDate": made["end_time"], "EndDate": made["start_time"]}
    refused = standing.get("/CumulativeStatistics", **query)
    assert refused.json()["message"] == "EndDate: is before StartDate"


def test_an_unknown_channel_is_refused_by_real_time_views(standing: Site) -> None:
    for view in VIEWS.keys() - set(PAST):
        refused = standing.get(path_of(view, standing), TaskChannel="fax")
        assert (refused.status_code, refused.json()["message"][:12]) == (400, "TaskChannel:")


@pytest.mark.parametrize(
    "tail",
    [
        f"/TaskQueues/WQ{NOBODY}/",
        "/TaskQueues/x/",
        f"/Workflows/WW{NOBODY}/",
        "/Workflows/x/",
    ],
)
def test_views_of_what_is_not_there_are_404(standing: Site, tail: str) -> None:
    for view in ("Statistics", "CumulativeStatistics", "RealTimeStatistics"):
        assert standing.get(tail + view).status_code == 404


def test_statistics_of_other_accounts_and_unknown_workers_are_404(standing: Site, stack: Stack) -> None:
    assert standing.get(f"/Workers/WK{NOBODY}/Statistics").status_code == 404
    assert standing.get("/Workers/x/Statistics").status_code == 404
    with httpx.Client(base_url=standing.http.base_url, auth=stack.stranger, timeout=10) as http:
        for view in (*VIEWS, "/TaskQueues/Statistics"):
            assert http.get(standing.path(path_of(view, standing))).status_code == 404
        posted = http.post(standing.path(BULK_PATH), json={"queueSids": [standing.queue["sid"]]})
        assert posted.status_code == 404


def test_worker_views_are_narrowed_by_queue_and_name(site: Site) -> None:
    created(site.post("/Workers", {"FriendlyName": "Bo", "Attributes": '{"skill": "x"}'}))
    narrow = created(site.post("/TaskQueues", {"FriendlyName": "N", "TargetWorkers": "skill == 'x'"}))

    def total(**query: str) -> int:
        answered = site.get("/Workers/Statistics", **query)
        assert answered.status_code == 200
        found: int = answered.json()["realtime"]["total_workers"]
        return found

    assert total() == 2
    assert total(TaskQueueSid=narrow["sid"]) == total(TaskQueueName="N") == total(FriendlyName="bO") == 1
    assert total(TaskQueueSid=narrow["sid"], FriendlyName="Ann") == 0
    assert (
        total(TaskQueueSid=f"WQ{NOBODY}") == total(TaskQueueName="nobody's") == total(FriendlyName="x") == 0
    )
    assert total(TaskQueueSid="", TaskQueueName="", FriendlyName="") == 2
    refused = site.get("/Workers/Statistics", TaskQueueSid="WQ1")
    assert refused.json()["message"].startswith("TaskQueueSid: must be a SID")


def test_without_a_log_cumulative_figures_are_refused_and_not_zero(standing: Site, stack: Stack) -> None:
    stack.engine.statistics.log = stack.engine.worker_statistics.log = None
    for view in PAST:
        assert standing.get(path_of(view, standing)).status_code == 503
    assert standing.get("/RealTimeStatistics").status_code == 200
