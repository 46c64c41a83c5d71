"""What is refused, and in which words: bad values, foreign and unknown things, hostile bodies."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.clients.site import Site
from tests.clients.stack import Stack

NOBODY = "0" * 32
DEEP = '{"a":' * 33 + "1" + "}" * 33


def body_of(response: httpx.Response) -> dict[str, Any]:
    """The error's body, which has exactly four members that agree with the status."""
    body: dict[str, Any] = response.json()
    assert sorted(body) == ["code", "message", "more_info", "status"]
    assert body["status"] == response.status_code
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{body['code']}"
    assert response.headers["content-type"].startswith("application/json")
    return body


def refusal(response: httpx.Response) -> tuple[int, int, str]:
    body = body_of(response)
    return response.status_code, body["code"], body["message"]


@pytest.mark.parametrize(
    ("tail", "form", "message"),
    [
        ("/Activities", {}, "Missing required parameter FriendlyName in the post body"),
        ("/Activities", {"FriendlyName": ""}, "FriendlyName: must have 1 to 64 characters"),
        ("/Activities", {"FriendlyName": "x" * 65}, "FriendlyName: must have 1 to 64 characters"),
        ("/Workers", {"FriendlyName": "x", "ActivitySid": "WA1"}, "ActivitySid: must be a SID"),
        ("/Workers", {"FriendlyName": "x", "ActivitySid": "WA" + NOBODY}, "ActivitySid: "),
        ("/Workers", {"FriendlyName": "x", "Attributes": "[]"}, "Attributes: must be a JSON object"),
        ("/TaskChannels", {"FriendlyName": "x"}, "Missing required parameter UniqueName in the post body"),
        ("/TaskChannels", {"FriendlyName": "x", "UniqueName": "a-b"}, "UniqueName: "),
        ("/TaskQueues", {"FriendlyName": "x", "TaskOrder": "fifo"}, "TaskOrder: must be one of FIFO, LIFO"),
        ("/TaskQueues", {"FriendlyName": "x", "MaxReservedWorkers": "51"}, "MaxReservedWorkers: must be"),
        ("/TaskQueues", {"FriendlyName": "x", "TargetWorkers": "skill HAS"}, "TargetWorkers: "),
        ("/Workflows", {"FriendlyName": "x"}, "Missing required parameter Configuration in the post body"),
        ("/Workflows", {"FriendlyName": "x", "Configuration": "{"}, "Configuration: "),
        (
            "/Workflows",
            {"FriendlyName": "x", "Configuration": "{}", "AssignmentCallbackUrl": "http://127.0.0.1/"},
            "AssignmentCallbackUrl: must not point into a private network",
        ),
        (
            "/Workflows",
            {"FriendlyName": "x", "Configuration": "{}", "TaskReservationTimeout": "86401"},
            "TaskReservationTimeout: must be an integer from 1 to 86400",
        ),
        ("/Tasks", {"Attributes": "nonsense"}, "Attributes: is not valid JSON"),
        ("/Tasks", {"Attributes": '{"a": NaN}'}, "Attributes: is not valid JSON"),
        ("/Tasks", {"Attributes": '{"a": "\\ud800"}'}, "Attributes: is not valid JSON"),
        ("/Tasks", {"Attributes": DEEP}, "Attributes: must not be nested deeper than 32 levels"),
        ("/Tasks", {"Attributes": '{"a":"' + "x" * 4089 + '"}'}, "Attributes: must have at most 4096"),
        ("/Tasks", {"Priority": "-1"}, "Priority: must be an integer from 0 to 2147483647"),
        ("/Tasks", {"Priority": "1.5"}, "Priority: must be an integer from 0 to 2147483647"),
        ("/Tasks", {"Timeout": "0"}, "Timeout: must be an integer from 1 to 1209600"),
        ("/Tasks", {"TaskChannel": "pigeon"}, "TaskChannel: "),
        ("/Tasks", {"WorkflowSid": "WW" + NOBODY}, "WorkflowSid: "),
        ("/Tasks", {"VirtualStartTime": "2999-01-01"}, "VirtualStartTime: must not lie in the future"),
        ("/Tasks", {"VirtualStartTime": "yesterday"}, "VirtualStartTime: must be a date-time"),
        ("/Tasks", {"VirtualStartTime": "1899-12-31T23:59:59Z"}, "VirtualStartTime: must not be before"),
        ("", {"PrioritizeQueueOrder": "RANDOM"}, "PrioritizeQueueOrder: must be one of FIFO, LIFO"),
        ("", {"MultiTaskEnabled": "perhaps"}, "MultiTaskEnabled: must be true or false"),
        ("", {"EventCallbackUrl": "ftp://example.com/"}, "EventCallbackUrl: must be an absolute"),
        ("", {"DefaultActivitySid": "WA" + NOBODY}, "DefaultActivitySid: "),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_with_its_parameter_named(
    standing: Site, tail: str, form: dict[str, str], message: str
) -> None:
    status, code, told = refusal(standing.post(tail, form))
    assert (status, code) == (400, 20001)
    assert told.startswith(message)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "Missing required parameter ReservationStatus in the post body"),
        ({"ReservationStatus": "taken"}, "ReservationStatus: must be one of pending, accepted"),
        ({"ReservationStatus": "timeout"}, "ReservationStatus: "),
        (
            {"Instruction": "conference"},
            "Instruction: conference needs a media adapter: set MediaAdapterUrl of the Workspace",
        ),
        ({"Instruction": "dance"}, "Instruction: must be one of accept, reject"),
        (
            {"Instruction": "accept", "ReservationStatus": "rejected"},
            "Instruction: contradicts ReservationStatus",
        ),
        ({"ReservationStatus": "rejected", "WorkerActivitySid": "x"}, "WorkerActivitySid: must be a SID"),
    ],
)
def test_an_answer_that_means_nothing_leaves_the_reservation_pending(
    site: Site, form: dict[str, str], message: str
) -> None:
    offer = site.offer(site.task())
    for tail in (f"/Tasks/{offer['task_sid']}", f"/Workers/{offer['worker_sid']}"):
        status, code, told = refusal(site.post(f"{tail}/Reservations/{offer['sid']}", form))
        assert (status, code) == (400, 20001)
        assert told.startswith(message)
    fetched = site.get(f"/Tasks/{offer['task_sid']}/Reservations/{offer['sid']}")
    assert fetched.json()["reservation_status"] == "pending"


@pytest.mark.parametrize(
    "tail",
    [
        "/Tasks/WT" + NOBODY,
        "/Tasks/nonsense",
        "/Tasks/WT" + NOBODY + "/Reservations",
        "/TaskQueues/RealTimeStatistics",
        "/Events/EV" + NOBODY,
        "/Events/nonsense",
        "/Workers/WK" + NOBODY + "/Channels/voice",
        "/TaskChannels/pigeon",
        "/Nowhere/at/all",
    ],
)
def test_what_does_not_exist_is_named_without_the_version(standing: Site, tail: str) -> None:
    assert refusal(standing.get(tail)) == (
        404,
        20404,
        f"The requested resource {standing.path(tail).removeprefix('/v1')} was not found",
    )


def test_an_unknown_path_outside_the_api_is_404_in_the_same_form(live: httpx.Client) -> None:
    for path in ("/v1", "/v2/Workspaces", "/v1/Workspaces/WS1/Tasks/WT1/Reservations/WR1/More"):
        assert refusal(live.get(path))[:2] == (404, 20404)


def test_a_wrong_method_is_405_and_says_which_are_right(standing: Site) -> None:
    refused = standing.http.put(standing.path("/Tasks"))
    assert refusal(refused)[:2] == (405, 20004)
    assert refused.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    refused = standing.http.delete(standing.path(f"/Workers/{standing.worker['sid']}/Channels/voice"))
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")


def test_another_account_sees_nothing_of_this_one(site: Site, stack: Stack) -> None:
    offer = site.offer(site.task())
    stranger = httpx.Client(base_url=site.http.base_url, auth=stack.stranger)
    with stranger as http:
        assert http.get("/v1/Workspaces").json()["workspaces"] == []
        tails = ("", "/Tasks", f"/Tasks/{offer['task_sid']}", f"/Workers/{offer['worker_sid']}/Reservations")
        for tail in tails:
            answers = [
                http.get(site.path(tail)),
                http.get(site.path(tail).replace(site.workspace["sid"], "WS" + NOBODY)),
            ]
            assert [a.status_code for a in answers] == [404, 404]
        posts = {
            "/Tasks": {"Attributes": "{}"},
            f"/Tasks/{offer['task_sid']}": {"AssignmentStatus": "canceled"},
            f"/Tasks/{offer['task_sid']}/Reservations/{offer['sid']}": {"ReservationStatus": "accepted"},
            f"/Workers/{offer['worker_sid']}/Reservations/{offer['sid']}": {"ReservationStatus": "accepted"},
        }
        for tail, form in posts.items():
            assert refusal(http.post(site.path(tail), data=form))[:2] == (404, 20404)
        assert http.delete(site.path("")).status_code == 404
    assert site.get(f"/Tasks/{offer['task_sid']}").json()["assignment_status"] == "reserved"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "case", ["none", "scheme", "base64", "utf8", "colon", "user", "token", "long", "empty"]
)
def test_every_failed_login_gets_the_same_401(
    standing: Site, anonymous: httpx.Client, case: str, credentials: tuple[str, str]
) -> None:
    sid, token = credentials
    headers = {
        "none": {},
        "scheme": {"Authorization": "Bearer " + token},
        "base64": {"Authorization": "Basic ***"},
        "utf8": {"Authorization": "Basic /////w=="},
        "colon": {"Authorization": basic(sid + token)},
        "user": {"Authorization": basic(f"AC{NOBODY}:{token}")},
        "token": {"Authorization": basic(f"{sid}:{token}x")},
        "long": {"Authorization": basic(f"{sid}:{token}" + "x" * 4000)},
        "empty": {"Authorization": ""},
    }[case]
    for method, tail in (("GET", ""), ("POST", "/Tasks"), ("DELETE", "/Tasks/x")):
        form = {"Attributes": "{}"} if method == "POST" else None
        refused = anonymous.request(method, standing.path(tail), headers=headers, data=form)
        assert refusal(refused) == (401, 20003, "Authenticate")
        assert refused.headers["www-authenticate"].startswith("Basic ")


def test_a_body_declared_too_large_is_refused_before_it_is_sent(
    standing: Site, credentials: tuple[str, str]
) -> None:
    limits = {"/Tasks": 65_536, "/Workers": 65_536, "/Workflows": 4_194_304}
    for tail, limit in limits.items():
        connection = http.client.HTTPConnection(urlsplit(str(standing.http.base_url)).netloc, timeout=10)
        connection.putrequest("POST", standing.path(tail))
        connection.putheader("Authorization", basic(":".join(credentials)))
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", str(limit + 1))
        connection.endheaders()
        response = connection.getresponse()
        assert (tail, response.status, response.getheader("connection")) == (tail, 413, "close")
        assert json.loads(response.read())["code"] == 20001
        connection.close()


def test_a_workflow_may_be_as_large_as_its_document_needs(site: Site) -> None:
    document = {
        "task_routing": {"filters": [], "default_filter": {"queue": site.queue["sid"]}},
        "pad": "",
    }
    document["pad"] = "x" * 500_000
    form = {"FriendlyName": "Large", "Configuration": json.dumps(document)}
    assert site.post("/Workflows", form).json()["configuration"] == form["Configuration"]


def test_a_body_of_undeclared_length_is_counted_while_it_is_read(standing: Site) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}

    def chunks(size: int) -> list[bytes]:
        return [b"Attributes=%7B%7D&Unknown=", *[b"x" * 1024] * (size // 1024)]

    assert (
        standing.http.post(standing.path("/Tasks"), content=iter(chunks(60_000)), headers=form).status_code
        == 201
    )
    refused = standing.http.post(standing.path("/Tasks"), content=iter(chunks(70_000)), headers=form)
    assert refusal(refused)[:2] == (413, 20001)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/x-www-form-urlencodedx"])
def test_a_body_in_an_unknown_encoding_is_415(standing: Site, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    refused = standing.http.post(standing.path("/Tasks"), content=b"Attributes=%7B%7D", headers=headers)
    assert refusal(refused)[:2] == (415, 20001)


def test_json_multipart_and_urlencoded_bodies_mean_the_same(standing: Site) -> None:
    form = {"Attributes": '{"name":"Zoë & co","n":[1,2]}', "Priority": "3"}
    answers = [
        standing.http.post(standing.path("/Tasks"), data=form),
        standing.http.post(
            standing.path("/Tasks"), json={"Attributes": {"name": "Zoë & co", "n": [1, 2]}, "Priority": 3}
        ),
        standing.http.post(
            standing.path("/Tasks"), files={name: (None, value) for name, value in form.items()}
        ),
        standing.http.post(
            standing.path("/Tasks"),
            content=str(httpx.QueryParams(form)).encode(),
            headers={"content-type": "application/x-www-form-urlencoded; charset=ISO-8859-1"},
        ),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert {answer.json()["attributes"] for answer in answers} == {form["Attributes"]}
    assert {answer.json()["priority"] for answer in answers} == {3}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"Attributes=%ff"),
        ("application/x-www-form-urlencoded", b"Attributes=\xff"),
        ("application/x-www-form-urlencoded", b"a&" * 1001),
        ("application/json", b"[1]"),
        ("application/json", b'{"Attributes": '),
        ("application/json", b'{"Attributes":' + b"[" * 30_000),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
    ],
)
def test_a_body_that_its_encoding_does_not_allow_is_400(standing: Site, kind: str, body: bytes) -> None:
    refused = standing.http.post(standing.path("/Tasks"), content=body, headers={"content-type": kind})
    assert refusal(refused)[:2] == (400, 20001)


def test_a_host_that_is_no_host_name_is_not_echoed(standing: Site) -> None:
    for host in ("evil.example/x", 'a"b', "a b"):
        answer = standing.http.get(standing.path(""), headers={"Host": host})
        if answer.status_code == 200:
            assert answer.json()["url"] == f"{str(standing.http.base_url).rstrip('/')}{standing.path('')}"
    told = standing.http.get(
        standing.path(""), headers={"Host": "router.example:81", "X-Forwarded-Host": "evil.example"}
    )
    assert told.json()["url"] == f"http://router.example:81{standing.path('')}"


def test_unknown_parameters_are_ignored(standing: Site) -> None:
    form = {"Attributes": "{}", "OperatingUnitSid": "x", "priority": "nonsense"}
    assert standing.post("/Tasks", form).status_code == 201


def test_head_is_get_without_a_body_and_options_needs_no_login(
    standing: Site, anonymous: httpx.Client
) -> None:
    got, head = standing.get(""), standing.http.head(standing.path(""))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    options = anonymous.options(standing.path("/Tasks/WT1"))
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, POST, DELETE, OPTIONS")
    assert options.headers["access-control-allow-origin"] == "*"


def test_health_needs_no_login(anonymous: httpx.Client) -> None:
    assert anonymous.get("/healthz").status_code == 200
    assert anonymous.get("/readyz").json() == {"ready": True, "reasons": []}
