"""What holds for every path alike: methods, HEAD and OPTIONS; and the revisions of what has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httpx
import pytest

from api.v1 import ROUTES
from tests.clients.site import Site

ORDER: Final = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
UNKNOWN: Final = ("PUT", "PATCH", "TRACE")
PATHS: Final = sorted({route.path for route in ROUTES})


def methods_of(path: str) -> list[str]:
    has = {route.method for route in ROUTES if route.path == path} | {"OPTIONS"}
    return [method for method in ORDER if method in has or (method == "HEAD" and "GET" in has)]


def filled(path: str, sids: dict[str, str]) -> str:
    """The path of something that is there, as far as `sids` has it."""
    if path.endswith("/{Sid}"):
        sids = {**sids, "Sid": sids.get(path.split("/")[-2], "nothing")}
    return path.format(**sids)


def is_beside(path: str) -> bool:
    """Whether the last segment is a word where others have a SID: what it lacks is then a SID that is unknown."""
    parent, _, last = path.rpartition("/")
    return "{" not in last and f"{parent}/{{Sid}}" in PATHS


@pytest.fixture
def sids(site: Site) -> dict[str, str]:
    """What the parameters of paths stand for; `{Sid}` by the segment before it."""
    offer = site.offer(site.task())
    return {
        "WorkspaceSid": site.workspace["sid"],
        "TaskSid": offer["task_sid"],
        "WorkerSid": offer["worker_sid"],
        "WorkflowSid": site.workflow["sid"],
        "TaskQueueSid": site.queue["sid"],
        "ReservationSid": offer["sid"],
        "Sid": offer["sid"],
        "Tasks": offer["task_sid"],
        "Workers": offer["worker_sid"],
        "Workflows": site.workflow["sid"],
        "TaskQueues": site.queue["sid"],
        "Activities": site.available["sid"],
        "Reservations": offer["sid"],
        "TaskChannels": "voice",
        "Channels": "voice",
    }


def test_every_path_answers_head_options_and_refuses_what_it_lacks(
    site: Site, sids: dict[str, str], anonymous: httpx.Client
) -> None:
    for path in PATHS:
        url, allowed = filled(path, sids), ", ".join(methods_of(path))
        options = anonymous.options(url)
        assert (path, options.status_code, options.headers["allow"]) == (path, 204, allowed)
        assert options.content == b""
        if "GET" in allowed:
            got, head = site.http.get(url), site.http.head(url)
            found = 404 if url.endswith("/nothing") else 200
            assert (path, got.status_code, head.status_code, head.content) == (path, found, found, b"")
            assert head.headers.get("etag") == got.headers.get("etag")
            assert head.headers["content-type"] == got.headers["content-type"]
        for method in ("GET", "HEAD", "POST", "DELETE", *UNKNOWN):
            if method not in allowed:
                refused = site.http.request(method, url)
                if is_beside(path) and method in ("GET", "HEAD"):
                    assert (path, method, refused.status_code) == (path, method, 404)
                    continue
                assert (path, method, refused.status_code) == (path, method, 405)
                assert refused.headers["allow"] == allowed
                assert method == "HEAD" or refused.json()["code"] == 20004


TAGGED: Final = (
    "/Tasks",
    "/Tasks/{Tasks}",
    "/Tasks/{Tasks}/Reservations",
    "/Tasks/{Tasks}/Reservations/{Reservations}",
    "/Workers",
    "/Workers/{Workers}",
    "/Workers/{Workers}/Reservations",
    "/Workers/{Workers}/Reservations/{Reservations}",
)


@pytest.mark.parametrize("tail", TAGGED)
def test_what_has_a_revision_tells_it_and_it_is_the_same_until_something_changes(
    site: Site, sids: dict[str, str], tail: str
) -> None:
    tail = tail.format(**sids)
    first, again = site.get(tail).headers["etag"], site.get(tail).headers["etag"]
    assert first == again
    accepted = {"ReservationStatus": "accepted"}
    assert (
        site.post(f"/Tasks/{sids['Tasks']}/Reservations/{sids['Reservations']}", accepted).status_code == 200
    )
    site.post(f"/Workers/{sids['Workers']}", {"Attributes": '{"changed": true}'})
    assert site.get(tail).headers["etag"] != first


def test_what_is_created_or_changed_tells_its_revision(site: Site, sids: dict[str, str]) -> None:
    reservation = sids["Reservations"]
    task, worker = f"/Tasks/{sids['Tasks']}", f"/Workers/{sids['Workers']}"
    made = [site.post("/Tasks"), site.post("/Workers", {"FriendlyName": "Zoë"})]
    assert [response.headers["etag"] for response in made] == ['"0"', '"0"']
    changes = [
        (task, {"Priority": "1"}),
        (worker, {"FriendlyName": "Ann B."}),
        (f"{task}/Reservations/{reservation}", {"ReservationStatus": "accepted"}),
        (f"{worker}/Reservations/{reservation}", {"ReservationStatus": "completed"}),
    ]
    for tail, form in changes:
        changed = site.post(tail, form)
        assert (tail, changed.status_code) == (tail, 200)
        assert (tail, site.get(tail).headers["etag"]) == (tail, changed.headers["etag"])


Change = Callable[[Site, dict[str, str], dict[str, str]], httpx.Response]

# The six operations that take If-Match, and what shows whether anything has changed.
CONDITIONAL: Final[dict[str, tuple[str, Change]]] = {
    "UpdateTask": ("/Tasks/{Tasks}", lambda s, p, h: s.post(f"/Tasks/{p['Tasks']}", {"Priority": "9"}, **h)),
    "DeleteTask": (
        "/Tasks/{Tasks}",
        lambda s, p, h: s.http.delete(s.path(f"/Tasks/{p['Tasks']}"), headers=h),
    ),
    "UpdateWorker": (
        "/Workers/{Workers}",
        lambda s, p, h: s.post(f"/Workers/{p['Workers']}", {"FriendlyName": "Changed"}, **h),
    ),
    "DeleteWorker": (
        "/Workers/{free}",
        lambda s, p, h: s.http.delete(s.path(f"/Workers/{p['free']}"), headers=h),
    ),
    "UpdateTaskReservation": (
        "/Tasks/{Tasks}/Reservations/{Reservations}",
        lambda s, p, h: s.post(
            f"/Tasks/{p['Tasks']}/Reservations/{p['Reservations']}", {"ReservationStatus": "accepted"}, **h
        ),
    ),
    "UpdateWorkerReservation": (
        "/Workers/{Workers}/Reservations/{Reservations}",
        lambda s, p, h: s.post(
            f"/Workers/{p['Workers']}/Reservations/{p['Reservations']}", {"Instruction": "accept"}, **h
        ),
    ),
}


@pytest.mark.parametrize("operation", list(CONDITIONAL))
def test_a_change_on_another_revision_is_refused_and_changes_nothing(
    site: Site, sids: dict[str, str], operation: str
) -> None:
    sids["free"] = site.post("/Workers", {"FriendlyName": "Free"}).json()["sid"]
    tail, change = CONDITIONAL[operation]
    tail = tail.format(**sids)
    before = site.get(tail)
    revision = int(before.headers["etag"].strip('"'))
    for wrong in (
        str(revision + 1),
        f'"{revision + 7}"',
        f'W/"{revision + 1}"',
        "x",
        f'"{revision}',
        f"{revision}, 9",
    ):
        refused = change(site, sids, {"If-Match": wrong})
        assert (wrong, refused.status_code, refused.json()["code"]) == (wrong, 412, 20412)
    after = site.get(tail)
    assert after.headers["etag"] == before.headers["etag"]
    assert {**after.json(), "age": 0} == {**before.json(), "age": 0}
    done = change(site, sids, {"If-Match": f'W/"{revision}"'})
    assert done.status_code == (204 if operation.startswith("Delete") else 200), done.text
