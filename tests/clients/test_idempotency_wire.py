"""Idempotency-Key over HTTP, through both doors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

import httpx
import pytest

from tests.clients.site import Site
from tests.clients.stack import Stack

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
DOCUMENT: Final = '{"task_routing": {"filters": []}}'
FORMS: Final[Mapping[str, dict[str, str]]] = {
    "/Activities": {"FriendlyName": "Lunch", "Available": "true"},
    "/TaskChannels": {"FriendlyName": "Fax", "UniqueName": "fax"},
    "/TaskQueues": {"FriendlyName": "q", "TaskOrder": "LIFO"},
    "/Workflows": {"FriendlyName": "w", "Configuration": DOCUMENT},
    "/Workers": {"FriendlyName": "Bo", "Attributes": '{"level": 1}'},
    "/Tasks": {"Attributes": '{"n": 1}', "Priority": "5", "Timeout": "60"},
}
OTHER: Final = {"/Tasks": {"Priority": "6"}, "/TaskChannels": {"FriendlyName": "other"}}
WRONG_KEYS: Final = (b"", b"k" * 256, "schlüssel".encode(), b"a\tb")
creating = pytest.mark.parametrize("folder", list(FORMS))
_keys: Final = count(1)


def fresh() -> str:
    return f"order {next(_keys)}"


def rows(site: Site, folder: str) -> list[Any]:
    body = site.get(folder).json()
    found: list[Any] = body[body["meta"]["key"]]
    return found


@creating
def test_a_repeat_is_answered_like_the_first_and_says_so(site: Site, folder: str) -> None:
    form, key = FORMS[folder], fresh()
    if folder == "/Tasks":
        site.post(f"/Workers/{site.worker['sid']}", {"ActivitySid": site.workspace["default_activity_sid"]})
    first = site.post(folder, form, **{HEADER: key})
    again = site.post(folder, dict(reversed(form.items())), **{HEADER: key})
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert {**again.json(), "age": 0} == {**first.json(), "age": 0}
    assert again.headers.get("ETag") == first.headers.get("ETag")
    assert REPLAYED in again.headers["Access-Control-Expose-Headers"]


@creating
def test_other_content_is_refused_by_name_and_changes_nothing(site: Site, folder: str) -> None:
    form, key = FORMS[folder], fresh()
    made = site.post(folder, form, **{HEADER: key}).json()
    refused = site.post(folder, {**form, **OTHER.get(folder, {"FriendlyName": "other"})}, **{HEADER: key})
    assert (refused.status_code, refused.json()["code"]) == (422, 20422)
    assert refused.json()["message"].startswith("Idempotency-Key: ")
    assert site.post(folder, form, **{HEADER: key}).json()["sid"] == made["sid"]


@creating
def test_what_was_deleted_is_named_and_does_not_come_back(site: Site, folder: str) -> None:
    form, key = FORMS[folder], fresh()
    sid = site.post(folder, form, **{HEADER: key}).json()["sid"]
    assert site.http.delete(site.path(f"{folder}/{sid}")).status_code == 204
    gone = site.post(folder, form, **{HEADER: key})
    assert (gone.status_code, gone.json()["code"]) == (404, 20404)
    resource = site.path(f"{folder}/{sid}").removeprefix("/v1")
    assert gone.json()["message"].startswith(f"The requested resource {resource} was not found: ")


@creating
@pytest.mark.parametrize("key", WRONG_KEYS, ids=["empty", "long", "bytes", "control"])
def test_a_key_of_another_form_is_refused(site: Site, folder: str, key: bytes) -> None:
    before = rows(site, folder)
    refused = site.http.post(site.path(folder), data=FORMS[folder], headers={HEADER.encode(): key})
    assert (refused.status_code, refused.json()["code"]) == (400, 20001)
    assert refused.json()["message"] == "Idempotency-Key: must have 1 to 255 printable ASCII characters"
    assert rows(site, folder) == before


def test_a_workspace_is_created_once_and_its_secret_shown_again(
    stack: Stack, credentials: tuple[str, str]
) -> None:
    key = fresh()
    form = {"FriendlyName": "W", "MediaAdapterUrl": "http://127.0.0.1:9/"}
    with httpx.Client(base_url=stack.open_url, auth=credentials) as http:
        first, again = [http.post("/v1/Workspaces", data=form, headers={HEADER: key}) for _ in range(2)]
        assert first.json()["media_adapter_secret"]
        assert again.json() == first.json()
        assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
        refused = http.post("/v1/Workspaces", data={"FriendlyName": "X"}, headers={HEADER: key})
        assert refused.status_code == 422
        path = f"/v1/Workspaces/{first.json()['sid']}"
        http.delete(path)
        gone = http.post("/v1/Workspaces", data=form, headers={HEADER: key})
        assert gone.status_code == 404
        assert path.removeprefix("/v1") in gone.json()["message"]


def test_another_account_has_keys_of_its_own(served_url: str, stack: Stack) -> None:
    key, sids = fresh(), []
    for credentials in (stack.credentials, stack.stranger):
        answer = httpx.post(
            f"{served_url}/v1/Workspaces",
            data={"FriendlyName": "W"},
            headers={HEADER: key},
            auth=credentials,
        )
        assert answer.status_code == 201
        assert REPLAYED not in answer.headers
        sids.append(answer.json()["sid"])
        httpx.delete(answer.json()["url"], auth=credentials)
    assert sids[0] != sids[1]


async def test_many_at_the_same_moment_have_one_effect(
    site: Site, served_url: str, credentials: tuple[str, str]
) -> None:
    key = fresh()
    async with httpx.AsyncClient(base_url=served_url, auth=credentials) as http:

        async def post(priority: int) -> httpx.Response:
            form = {"Attributes": "{}", "Priority": str(priority)}
            return await http.post(site.path("/Tasks"), data=form, headers={HEADER: key})

        answers = await asyncio.gather(*(post(7 + n % 2) for n in range(20)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert len(made) == 10
    assert len({answer.json()["sid"] for answer in made}) == 1
    assert [answer.headers.get(REPLAYED) for answer in made].count(None) == 1
    assert {answer.status_code for answer in answers} == {201, 422}
    assert len(site.get("/Tasks").json()["tasks"]) == 1


def test_the_encoding_of_the_body_does_not_matter(site: Site) -> None:
    key = fresh()
    first = site.post("/Tasks", {"Attributes": '{"n":1}', "Priority": "5"}, **{HEADER: key}).json()
    others: list[dict[str, Any]] = [
        {"json": {"Priority": 5, "Attributes": {"n": 1}}},
        {"files": {"Attributes": (None, '{"n":1}'), "Priority": (None, "5")}},
        {
            "content": "Priority=005&Attributes=%7B%22n%22:1%7D&Unknown=x",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
    ]
    for sent in others:
        headers = {**sent.pop("headers", {}), HEADER: key}
        again = site.http.post(site.path("/Tasks"), headers=headers, **sent)
        assert (again.status_code, again.json()["sid"]) == (201, first["sid"]), json.dumps(sent)


def test_a_key_is_for_creations_only(site: Site) -> None:
    key = {HEADER: fresh()}
    task = site.post("/Tasks", {"Attributes": "{}"}, **key).json()
    for priority in ("1", "2"):
        changed = site.post(f"/Tasks/{task['sid']}", {"Priority": priority}, **key)
        assert (changed.status_code, changed.json()["priority"]) == (200, int(priority))
        assert REPLAYED not in changed.headers
