"""Many Tasks in one request, over HTTP and through both doors."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from api.bodies import LIMIT
from api.server import GRACE_S
from api.v1.bulk import KEPT, MOST, WINDOW
from tests.clients.site import Site
from tests.clients.stack import Stack

NDJSON: Final = "application/x-ndjson"
WQ, WW, WK = (prefix + "0" * 32 for prefix in ("WQ", "WW", "WK"))
# Lines that CreateTask takes as its JSON body as well, and what is wrong with each: "" for nothing.
LINES: Final = [
    ({}, ""),
    ({"Attributes": {"a": [1, {"b": None}]}, "Priority": 7, "Timeout": 60}, ""),
    ({"Attributes": '{"a": "é"}', "Priority": "7", "Unknown": [1]}, ""),
    ({"Attributes": None, "TaskChannel": "voice", "VirtualStartTime": "2024-01-02"}, ""),
    ({"Attributes": [1]}, "Attributes"),
    ({"Attributes": "{"}, "Attributes"),
    ({"Attributes": {"a": "x" * 4_096}}, "Attributes"),
    ({"Attributes": '{"a":' * 40 + "1" + "}" * 40}, "Attributes"),
    ({"Attributes": '{"a": NaN}'}, "Attributes"),
    ({"Priority": -1}, "Priority"),
    ({"Priority": 1.5}, "Priority"),
    ({"Priority": {"a": 1}}, "Priority"),
    ({"Timeout": 0}, "Timeout"),
    ({"Timeout": True}, "Timeout"),
    ({"TaskChannel": ""}, "TaskChannel"),
    ({"TaskChannel": "none"}, "TaskChannel"),
    ({"WorkflowSid": "x"}, "WorkflowSid"),
    ({"WorkflowSid": WW}, "WorkflowSid"),
    ({"VirtualStartTime": "soon"}, "VirtualStartTime"),
    ({"VirtualStartTime": "2999-01-01"}, "VirtualStartTime"),
    ({"RoutingTarget": WK}, "RoutingTarget"),
    ({"RoutingTarget": WQ}, "RoutingTarget"),
    ({"IgnoreCapacity": "true"}, "IgnoreCapacity"),
    ({"TaskQueueSid": "WQ"}, "TaskQueueSid"),
]
_keys: Final = count(1)
PAGE: Final = (Path(__file__).parents[2] / "docs" / "bulk.md").read_text()


def bulk(site: Site, content: bytes | str | Iterator[bytes], **headers: str) -> httpx.Response:
    return site.http.post(
        site.path("/Tasks/Bulk"), content=content, headers={"Content-Type": NDJSON, **headers}
    )


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == NDJSON
    assert response.text.endswith("\n") or not response.text
    return [json.loads(line) for line in response.text.splitlines()]


def lines_of(*lines: Any) -> str:
    return "\n".join(json.dumps(line) for line in lines)


def test_the_page_shows_what_happens(site: Site) -> None:
    asked, shown = (re.findall(rf"^{begin}.*$", PAGE, re.MULTILINE) for begin in ('{"Attributes"', '{"line"'))
    told = bulk(site, "\n".join(asked)).text.splitlines()
    assert len(told) == len(asked) == len(shown) == 2
    assert [re.sub("WT[0-9a-f]{32}", "WT", line) for line in told] == [
        re.sub("WT[0-9a-f]{32}", "WT", line) for line in shown
    ]


def test_the_page_has_the_numbers_of_the_program() -> None:
    for said in (
        f"{MOST:,} a request",
        f"up to {LIMIT // 1024} kB",
        f"{WINDOW} lines",
        f"request {GRACE_S} s",
    ):
        assert said in PAGE
    assert f"Beyond {KEPT // 1024**2} MiB" in PAGE
    created = b'{"line":10000,"sid":"%b","status":201,"replayed":true}\n' % (b"x" * 34)
    assert MOST * len(created) < KEPT


def tasks_in(site: Site) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page = site.get("/Tasks", PageSize=1000).json()
    while True:
        rows += page["tasks"]
        if page["meta"]["next_page_url"] is None:
            return rows
        page = site.http.get(page["meta"]["next_page_url"]).json()


def test_ten_thousand_lines_are_ten_thousand_tasks_in_their_order(site: Site) -> None:
    body = b"".join(b'{"Attributes":{"n":%d},"Priority":%d}\n' % (n, n % 7) for n in range(MOST))
    told = answers(bulk(site, body))
    assert [one["line"] for one in told] == list(range(1, MOST + 1))
    assert {(len(one), one["status"]) for one in told} == {(3, 201)}
    sids = [one["sid"] for one in told]
    assert len(set(sids)) == MOST
    rows = tasks_in(site)
    assert [row["sid"] for row in rows] == sids
    seen = [(json.loads(row["attributes"])["n"], row["priority"]) for row in rows[::97]]
    assert seen == [(n, n % 7) for n in range(MOST)][::97]


def test_a_line_is_told_what_the_same_request_alone_is_told(site: Site) -> None:
    told = answers(bulk(site, lines_of(*(line for line, _ in LINES))))
    assert [one["line"] for one in told] == list(range(1, len(LINES) + 1))
    for (line, wrong), one in zip(LINES, told, strict=True):
        alone = site.http.post(site.path("/Tasks"), json=line)
        assert one["status"] == alone.status_code == (400 if wrong else 201), line
        if wrong:
            assert (one["code"], one["message"]) == (20001, alone.json()["message"])
            assert one["message"].startswith(wrong)
            continue
        made, other = site.get(f"/Tasks/{one['sid']}").json(), alone.json()
        same = ("attributes", "priority", "timeout", "task_channel_unique_name", "workflow_sid")
        assert {name: made[name] for name in same} == {name: other[name] for name in same}
    assert len(tasks_in(site)) == 2 * sum(not wrong for _, wrong in LINES)


def test_what_is_no_object_harms_no_other_line(site: Site) -> None:
    good = b'{"Priority":1}'
    odd = [
        *(b"[]", b"1", b"null", b'"{}"', b"{", b"{}{}", b"\xff\xfe", b"Priority=1", b"[" * 60_000),
        b'{"Priority":"\\ud800"}',
    ]
    body = b"\n".join(part for line in odd for part in (line, good))
    told = answers(bulk(site, body))
    assert [one["status"] for one in told] == [400, 201] * len(odd)
    assert {one["message"] for one in told[:-2:2]} == {"The line is not a JSON object"}
    assert len(tasks_in(site)) == len(odd)


def test_a_line_of_more_than_64_kb_is_refused_by_itself(site: Site) -> None:
    just = b'{"Unknown":"' + b"x" * (65_536 - 14) + b'"}'
    told = answers(bulk(site, b"\n".join([just, just + b" ", b"x" * 500_000, b"{}"])))
    assert [(one["line"], one["status"]) for one in told] == [(1, 201), (2, 413), (3, 413), (4, 201)]
    assert told[1]["message"] == "A line must have at most 65536 bytes"


def test_blank_lines_are_counted_and_not_answered(site: Site) -> None:
    told = answers(bulk(site, b"\n \r\n{}\r\n\n\t\n{}\n\n{}"))
    assert [one["line"] for one in told] == [3, 6, 8]
    assert {one["status"] for one in told} == {201}
    for nothing in (b"", b"\n\n \n"):
        assert answers(bulk(site, nothing)) == []
    assert len(tasks_in(site)) == 3


def test_what_is_beyond_ten_thousand_is_refused_in_one_line_and_the_connection_closed(site: Site) -> None:
    """By a client that reads nothing before it has sent everything, 2 MB behind what is taken too."""
    body = b'{"TaskChannel":"none"}\n' * MOST + b"\n" + b'{"Priority":1}\n' * 140_000
    response = bulk(site, body)
    told = answers(response)
    assert response.headers["connection"] == "close"
    assert len(told) == MOST + 1
    assert {one["status"] for one in told[:-1]} == {400}
    assert (told[-1]["line"], told[-1]["status"], told[-1]["code"]) == (MOST + 2, 413, 20001)
    assert tasks_in(site) == []


def test_a_key_makes_a_line_safe_to_repeat(site: Site) -> None:
    keys = [f"bulk {next(_keys)}" for _ in range(3)]
    lines = [{"Priority": n, "IdempotencyKey": key} for n, key in enumerate(keys)]
    first = answers(bulk(site, lines_of(*lines, lines[0])))
    again = answers(bulk(site, lines_of(*lines, {**lines[1], "Priority": 9})))
    sids = [one["sid"] for one in first]
    assert sids[3] == sids[0]
    assert [one.get("replayed") for one in first] == [None, None, None, True]
    assert [one.get("sid") for one in again] == [*sids[:3], None]
    assert [one.get("replayed") for one in again[:3]] == [True] * 3
    assert (again[3]["status"], again[3]["code"]) == (422, 20422)
    alone = site.post("/Tasks", {"Priority": "1"}, **{"Idempotency-Key": keys[1]})
    assert (alone.status_code, alone.json()["sid"]) == (201, sids[1])
    assert len(tasks_in(site)) == 3
    for wrong in ("", "ü", "x" * 256):
        (told,) = answers(bulk(site, lines_of({"IdempotencyKey": wrong})))
        assert told["message"].startswith("IdempotencyKey: must have 1 to 255 printable ASCII")


def test_a_deleted_task_of_a_key_is_told_by_its_line(site: Site) -> None:
    line = lines_of({"IdempotencyKey": f"bulk {next(_keys)}"})
    sid = answers(bulk(site, line))[0]["sid"]
    site.http.delete(site.path(f"/Tasks/{sid}"))
    (gone,) = answers(bulk(site, line))
    assert (gone["status"], gone["code"]) == (404, 20404)
    assert sid in gone["message"]


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"Content-Type": "application/json"}, 415, "must be application/x-ndjson or application/jsonl"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "must be application/x-ndjson"),
        ({"Content-Type": ""}, 415, "must be application/x-ndjson"),
        ({"Content-Encoding": "gzip"}, 415, "Content-Encoding"),
        ({"Idempotency-Key": "a"}, 400, "Idempotency-Key: "),
    ],
)
def test_a_request_that_cannot_be_taken_is_refused_before_anything_is_done(
    site: Site, headers: dict[str, str], status: int, said: str
) -> None:
    refused = bulk(site, b"{}\n", **headers)
    assert refused.status_code == refused.json()["status"] == status
    assert said in refused.json()["message"]
    assert tasks_in(site) == []


def test_a_stranger_is_told_nothing(site: Site, anonymous: httpx.Client) -> None:
    refused = anonymous.post(
        site.path("/Tasks/Bulk"), content=b"{}", headers={"Content-Type": NDJSON, "Authorization": "Basic x"}
    )
    assert (refused.status_code, refused.json()["code"]) == (401, 20003)
    assert tasks_in(site) == []


def test_types_that_are_taken(site: Site) -> None:
    for kind in ("application/jsonl", "Application/X-NDJSON; charset=utf-8"):
        assert answers(bulk(site, b"{}", **{"Content-Type": kind}))[0]["status"] == 201


def test_a_workspace_that_is_not_there_is_answered_like_a_foreign_one(
    site: Site, stack: Stack, served_url: str
) -> None:
    for workspace, credentials in (
        ("WS" + "0" * 32, stack.credentials),
        (site.workspace["sid"], stack.stranger),
    ):
        path = f"/v1/Workspaces/{workspace}/Tasks/Bulk"
        refused = httpx.post(
            served_url + path, content=b"{}", headers={"Content-Type": NDJSON}, auth=credentials
        )
        assert (refused.status_code, refused.json()["code"]) == (404, 20404)
        assert refused.json()["message"] == f"The requested resource {path[3:]} was not found"
    assert tasks_in(site) == []


def test_the_path_is_not_that_of_a_task(site: Site) -> None:
    path = site.path("/Tasks/Bulk")
    asked = site.http.options(path)
    assert (asked.status_code, asked.headers["allow"]) == (204, "POST, OPTIONS")
    assert site.http.get(path).status_code == 404  # as a SID it is unknown
    assert site.http.delete(path).status_code == 405


@contextmanager
def spoken(url: str, site: Site, credentials: tuple[str, str]) -> Iterator[socket.socket]:
    """A connection on which a chunked request to Tasks/Bulk has begun."""
    host, port = url.removeprefix("http://").split(":")
    request = site.http.build_request(
        "POST",
        site.path("/Tasks/Bulk"),
        headers={"Content-Type": NDJSON, "Transfer-Encoding": "chunked"},
    )
    request = next(httpx.BasicAuth(*credentials).auth_flow(request))
    head = b"".join(
        b"%b: %b\r\n" % header for header in request.headers.raw if header[0] != b"Content-Length"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST %b HTTP/1.1\r\n%b\r\n" % (request.url.raw_path, head))
        yield connection


def say(connection: socket.socket, text: bytes) -> None:
    connection.sendall(b"%x\r\n%b\r\n" % (len(text), text))


def hear(connection: socket.socket, heard: bytes, until: bytes) -> bytes:
    while until not in heard:
        piece = connection.recv(65_536)
        assert piece, heard
        heard += piece
    return heard


def test_an_answer_comes_before_the_next_line_is_sent(
    site: Site, served_url: str, credentials: tuple[str, str]
) -> None:
    with spoken(served_url, site, credentials) as connection:
        heard = b""
        for n in range(1, 6):
            say(connection, b'{"Priority":%d}\n{"Prio' % n)
            heard = hear(connection, heard, b'"line":%d,' % (2 * n - 1))
            assert len(tasks_in(site)) == n
            say(connection, b'rity":-1}\n')
            heard = hear(connection, heard, b'"line":%d,' % (2 * n))
        say(connection, b"")
        heard = hear(connection, heard, b"\r\n0\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert heard.count(b'"status":201}') == heard.count(b'"status":400,') == 5


def test_a_client_that_leaves_has_what_it_said_and_no_more(
    site: Site, served_url: str, credentials: tuple[str, str]
) -> None:
    with spoken(served_url, site, credentials) as connection:
        say(connection, b"{}\n" * 40 + b'{"Priority":1}')
        hear(connection, b"", b'"line":40,')
    assert len(tasks_in(site)) == 40
    assert answers(bulk(site, b"{}"))[0]["status"] == 201
    assert len(tasks_in(site)) == 41
