"""Workflow documents over the wire: a good one comes back byte for byte, a bad one is refused where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.clients.site import Site, build_site, created
from tests.clients.stack import Stack

LARGEST: Final = 1_038_576  # bytes
UNKNOWN: Final = "WQ" + "0" * 32
FILTER: Final = "task_routing.filters[0]"
STEP: Final = f"{FILTER}.targets[0]"
DEFAULT: Final = "task_routing.default_filter"


def routed(*filters: Any, **more: Any) -> dict[str, Any]:
    return {"task_routing": {"filters": list(filters), **more}}


def one(filter_: dict[str, Any] | None = None, /, **step: Any) -> dict[str, Any]:
    """A document of one filter with one step."""
    return routed({"expression": "1==1", "targets": [{"queue": "@queue", **step}], **(filter_ or {})})


@pytest.fixture(scope="module")
def foreign(stack: Stack) -> Iterator[Site]:
    """A Workspace of another Account."""
    with httpx.Client(base_url=stack.open_url, auth=stack.stranger) as http:
        site = build_site(http)
        yield site
        http.delete(site.path(""))


def sent(site: Site, text: str) -> httpx.Response:
    return site.post("/Workflows", {"FriendlyName": "F", "Configuration": text})


def refusal(site: Site, text: str) -> str:
    """In which words a document is refused, for a new Workflow and for one that there is."""
    before = site.get(f"/Workflows/{site.workflow['sid']}").json()
    told = set()
    for tail in ("/Workflows", f"/Workflows/{site.workflow['sid']}"):
        answer = site.post(tail, {"FriendlyName": "F", "Configuration": text})
        assert (answer.status_code, answer.json()["code"]) == (400, 20001), answer.text[:500]
        told.add(answer.json()["message"])
    assert site.get(f"/Workflows/{site.workflow['sid']}").json() == before
    message: str
    (message,) = told
    assert message.startswith("Configuration: ")
    assert len(message) < 1_000
    return message.removeprefix("Configuration: ")


def text_of(document: Any, site: Site) -> str:
    sid: str = site.queue["sid"]
    return json.dumps(document).replace("@queue", sid)


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ([], "", "expected an object, found an array"),
        ({}, "task_routing", "expected an object under the key 'task_routing'"),
        ({"task_routing": []}, "task_routing", "expected an object, found an array"),
        ({"task_routing": {}}, "task_routing", "expected filters or default_filter"),
        (routed("x"), "task_routing.filters[0]", "expected an object, found a string"),
        (routed({"targets": []}), f"{FILTER}.expression", "expected a string under the key 'expression'"),
        (routed({"expression": "1==1"}), f"{FILTER}.targets", "expected an array under the key 'targets'"),
        (routed({"expression": "1==1", "targets": []}), f"{FILTER}.targets", "expected at least one target"),
        (routed({"expression": "1==1", "targets": [{}]}), f"{STEP}.queue", "expected the SID of a TaskQueue"),
        (one({"expression": "a =="}), f"{FILTER}.expression", "position 4: expected a value or an attribute"),
        (one({"expression": "(" * 4_000}), f"{FILTER}.expression", "position 64: brackets are more than 64"),
        (one(queue=UNKNOWN), f"{STEP}.queue", f"no TaskQueue '{UNKNOWN}' in this Workspace"),
        (one(queue="everyone"), f"{STEP}.queue", "no TaskQueue 'everyone' in this Workspace"),
        (one(queue=5), f"{STEP}.queue", "expected a string, found a number"),
        (one(timeout=-1), f"{STEP}.timeout", "expected an integer from 1 to 2147483647"),
        (one(timeout=1.5), f"{STEP}.timeout", "expected an integer from 1 to 2147483647"),
        (one(timeout="soon"), f"{STEP}.timeout", "expected an integer from 1 to 2147483647"),
        (one(priority=-1), f"{STEP}.priority", "expected an integer from 0 to 2147483647"),
        (one(priority=2**31), f"{STEP}.priority", "expected an integer from 0 to 2147483647"),
        (one(expression="worker.level >"), f"{STEP}.expression", "position 14: expected a value"),
        (one(skip_if="workers.available =="), f"{STEP}.skip_if", "position 20: expected a value"),
        (one(order_by="worker.level SIDEWAYS"), f"{STEP}.order_by", "position 0: expected worker.<attribute> ASC"),
        (
            one(known_worker_sid="task.a", known_worker_friendly_name="task.b"),
            STEP,
            "expected known_worker_sid or known_worker_friendly_name, not both",
        ),
        (routed(default_filter={}), f"{DEFAULT}.queue", "expected the SID of a TaskQueue"),
        (routed(default_filter={"queue": UNKNOWN}), f"{DEFAULT}.queue", f"no TaskQueue '{UNKNOWN}'"),
    ],
)  # fmt: skip
def test_a_bad_document_is_refused_where_it_is_wrong(
    standing: Site, document: Any, path: str, expected: str
) -> None:
    told = refusal(standing, text_of(document, standing))
    assert told.startswith(f"{path}: {expected}" if path else expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "must have 1 to"),
        ("{", "position 1: not JSON"),
        ('{"task_routing": NaN}', "not JSON"),
        ('{"task_routing": 1} x', "position 20: not JSON"),
        ('{"task_routing": {"filters": [' + "[" * 100_000, "nested more than 32 deep"),
        ('{"a":' * 200_000, "nested more than 32 deep"),
        ('{"task_routing": {"filters": ' + "9" * 5_000 + "}}", "not JSON"),
        ('{"task_routing": {"filters": []}, "task_routing": {}}', "task_routing"),
    ],
)
def test_what_is_no_json_is_refused_at_its_position(standing: Site, text: str, expected: str) -> None:
    assert expected in refusal(standing, text)


def test_a_document_may_have_1038576_bytes_and_not_one_more(site: Site) -> None:
    document = text_of(one(), site)
    fits = document + " " * (LARGEST - len(document))
    assert created(sent(site, fits))["configuration"] == fits
    for excess in (fits + " ", document + "é" * (LARGEST // 2)):
        refused = sent(site, excess)
        assert (refused.status_code, refused.json()["code"]) == (400, 20001)
        assert "1038576" in refused.json()["message"].replace(",", "")


def test_a_queue_of_another_account_does_not_exist(standing: Site, foreign: Site) -> None:
    told = [
        refusal(standing, text_of(one(queue=sid), standing)).replace(sid, "…")
        for sid in (foreign.queue["sid"], UNKNOWN)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("indent", [None, 0, 7])
def test_a_good_document_comes_back_byte_for_byte(site: Site, indent: int | None) -> None:
    document = routed(
        {
            "filter_friendly_name": "Späte Anrufe \u2028 \U0001f600 \"quoted\" \\ / %41 + &amp;",
            "expression": "type == 'a' AND level > 0.50",
            "targets": [
                {
                    "queue": "@queue",
                    "expression": "task.skill IN worker.skills",
                    "priority": 7,
                    "timeout": 30,
                    "skip_if": "workers.available == 0",
                    "order_by": "worker.level DESC",
                },
                {"queue": "@queue", "known_worker_sid": "task.agent", "timeout": 5, "unknown_key": [1.0, 1e5]},
                {"queue": "@queue", "known_worker_friendly_name": "task.name"},
            ],
        },
        default_filter={"queue": "@queue"},
    )  # fmt: skip
    ascii_only = indent is None
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only).replace("@queue", site.queue["sid"])
    made = created(sent(site, text))
    assert made["configuration"] == text
    tail = f"/Workflows/{made['sid']}"
    assert site.get(tail).json()["configuration"] == text
    assert site.post(tail, {"Configuration": text + "\n"}).json()["configuration"] == text + "\n"
