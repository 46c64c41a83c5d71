"""Bearer tokens over HTTP: made by the client library, they do what they say and nothing else."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant
from twilio.jwt.taskrouter.capabilities import (
    TaskQueueCapabilityToken,
    WorkerCapabilityToken,
    WorkspaceCapabilityToken,
)

from tests.clients.desk import Desk
from tests.clients.site import Site
from tests.clients.stack import Stack


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Desk:
    return Desk(stack.redis_url)


class Bearer:
    """One token at one Workspace."""

    def __init__(self, http: httpx.Client, site: Site, token: str) -> None:
        self.http, self.site, self.headers = http, site, {"authorization": f"Bearer {token}"}

    def ask(
        self, method: str, tail: str, form: dict[str, str] | None = None, **query: str
    ) -> tuple[int, Any]:
        """Status, and the resource or the error's code."""
        answer = self.http.request(
            method, self.site.path(tail), data=form, params=query, headers=self.headers
        )
        body = answer.json() if answer.content else None
        return answer.status_code, body if answer.is_success else body["code"]

    def status(self, method: str, tail: str, form: dict[str, str] | None = None, **query: str) -> int:
        return self.ask(method, tail, form, **query)[0]


def worker_token(stack: Stack, site: Site, **grants: bool) -> str:
    made = WorkerCapabilityToken(*stack.credentials, site.workspace["sid"], site.worker["sid"], **grants)
    return str(made.to_jwt())


FORBIDDEN = (403, 20403)


def test_a_worker_token_reads_what_an_agents_page_shows(
    stack: Stack, anonymous: httpx.Client, site: Site
) -> None:
    bearer = Bearer(anonymous, site, worker_token(stack, site))
    task = site.task()
    offer = site.offer(task)
    itself = f"/Workers/{site.worker['sid']}"
    status, worker = bearer.ask("GET", itself)
    assert (status, worker["account_sid"]) == (200, stack.credentials[0])
    assert bearer.status("HEAD", itself) == 200
    assert bearer.status("GET", "/Activities") == 200
    assert bearer.status("GET", f"/Tasks/{task['sid']}/Reservations") == 200
    status, listed = bearer.ask("GET", f"{itself}/Reservations", ReservationStatus="pending")
    assert (status, listed["reservations"][0]["sid"]) == (200, offer["sid"])
    for method, tail in (
        ("GET", ""),
        ("GET", "/Workers"),
        ("GET", "/TaskQueues"),
        ("GET", f"/Activities/{site.available['sid']}"),
        ("POST", itself),
        ("DELETE", itself),
        ("POST", f"{itself}/Reservations/{offer['sid']}"),
        ("POST", "/Tasks"),
    ):
        assert bearer.ask(method, tail, {"FriendlyName": "x"} if method == "POST" else None) == FORBIDDEN


def test_a_worker_token_accepts_and_completes_if_it_may(
    stack: Stack, anonymous: httpx.Client, site: Site
) -> None:
    bearer = Bearer(anonymous, site, worker_token(stack, site, allow_update_reservations=True))
    task = site.task()
    at = f"/Workers/{site.worker['sid']}/Reservations/{site.offer(task)['sid']}"
    status, offer = bearer.ask("POST", at, {"ReservationStatus": "accepted"})
    assert (status, offer["reservation_status"]) == (200, "accepted")
    assert bearer.status("POST", f"/Tasks/{task['sid']}", {"AssignmentStatus": "completed"}) == 200
    assert site.get(f"/Tasks/{task['sid']}").json()["assignment_status"] == "completed"


def test_a_refused_request_has_changed_nothing(stack: Stack, anonymous: httpx.Client, site: Site) -> None:
    bearer = Bearer(anonymous, site, worker_token(stack, site, allow_update_activities=True))
    itself, activity = f"/Workers/{site.worker['sid']}", site.worker["activity_sid"]
    before = site.get(itself).json()
    for form in (
        {"FriendlyName": "Mallory"},
        {"ActivitySid": activity, "Attributes": '{"skills": ["all"]}'},
        {"Attributes": "{}"},
        {},
    ):
        assert bearer.ask("POST", itself, form) == FORBIDDEN
    assert site.get(itself).json() == before
    assert bearer.status("POST", itself, {"ActivitySid": activity}) == 200


def test_a_json_body_does_not_get_round_a_filter(stack: Stack, anonymous: httpx.Client, site: Site) -> None:
    headers = {
        "authorization": "Bearer " + worker_token(stack, site, allow_update_activities=True),
        "content-type": "application/json",
    }
    url = site.path(f"/Workers/{site.worker['sid']}")
    body = {"ActivitySid": site.worker["activity_sid"], "Attributes": {"level": 9}}
    assert anonymous.post(url, content=json.dumps(body), headers=headers).status_code == 403
    del body["Attributes"]
    assert anonymous.post(url, content=json.dumps(body), headers=headers).status_code == 200


def test_a_body_that_no_policy_allows_is_not_read(stack: Stack, anonymous: httpx.Client, site: Site) -> None:
    """Or a body that is too large, or of no known kind, would be answered with 413 or 415."""
    headers = {"authorization": "Bearer " + worker_token(stack, site), "content-type": "image/png"}
    assert anonymous.post(site.path("/Tasks"), content=b"x", headers=headers).status_code == 403


def test_a_queue_token_and_a_workspace_token_reach_their_subject(
    stack: Stack, anonymous: httpx.Client, site: Site
) -> None:
    workspace = site.workspace["sid"]
    made = TaskQueueCapabilityToken(*stack.credentials, workspace, site.queue["sid"], allow_update_self=True)
    queue = Bearer(anonymous, site, made.to_jwt())
    at = f"/TaskQueues/{site.queue['sid']}"
    assert queue.status("GET", at) == 200
    assert queue.status("POST", at, {"FriendlyName": "renamed"}) == 200
    assert queue.ask("DELETE", at) == FORBIDDEN
    assert queue.ask("GET", "") == FORBIDDEN
    whole = WorkspaceCapabilityToken(
        *stack.credentials, workspace, allow_fetch_subresources=True, allow_delete_subresources=True
    )
    bearer = Bearer(anonymous, site, whole.to_jwt())
    assert bearer.status("GET", "") == 200
    assert bearer.status("GET", "/Tasks", Priority="0") == 200
    assert bearer.status("DELETE", f"/Tasks/{site.task()['sid']}") == 204
    assert bearer.ask("DELETE", "") == FORBIDDEN
    assert bearer.ask("POST", "/Tasks", {"Attributes": "{}"}) == FORBIDDEN


def test_another_workspace_of_the_account_is_out_of_reach(
    stack: Stack, anonymous: httpx.Client, site: Site, standing: Site
) -> None:
    made = WorkspaceCapabilityToken(*stack.credentials, site.workspace["sid"], allow_fetch_subresources=True)
    there = Bearer(anonymous, standing, made.to_jwt())
    assert there.ask("GET", "") == FORBIDDEN
    assert there.ask("GET", "/Workers") == FORBIDDEN
    assert anonymous.get("/v1/Workspaces", headers=there.headers).status_code == 403


def test_another_accounts_workspace_does_not_exist_whatever_the_policies_say(
    stack: Stack, anonymous: httpx.Client, standing: Site
) -> None:
    made = WorkspaceCapabilityToken(
        *stack.stranger, standing.workspace["sid"], allow_fetch_subresources=True, allow_update_self=True
    )
    stranger = Bearer(anonymous, standing, made.to_jwt())
    assert stranger.ask("GET", "") == (404, 20404)
    assert stranger.ask("GET", f"/Workers/{standing.worker['sid']}") == (404, 20404)
    assert stranger.ask("POST", "", {"FriendlyName": "stolen"}) == (404, 20404)


def test_an_access_token_does_what_its_role_does(
    desk: Desk, stack: Stack, anonymous: httpx.Client, site: Site
) -> None:
    key = desk.key(stack.credentials[0])
    bearers = {}
    for role in ("worker", "supervisor", "admin"):
        grant = TaskRouterGrant(site.workspace["sid"], site.worker["sid"], role)
        token = AccessToken(stack.credentials[0], key.sid, key.secret, [grant], identity="bob")
        bearers[role] = Bearer(anonymous, site, token.to_jwt())
    task, own = site.task(), f"/Workers/{site.worker['sid']}"
    at = f"{own}/Reservations/{site.offer(task)['sid']}"
    assert bearers["worker"].status("POST", at, {"ReservationStatus": "accepted"}) == 200
    assert bearers["worker"].status("POST", own, {"Attributes": '{"level": 2}'}) == 200
    status, made = bearers["worker"].ask(
        "POST", "/Tasks", {"RoutingTarget": site.worker["sid"], "Attributes": "{}"}
    )
    assert (status, made["account_sid"]) == (201, stack.credentials[0])
    assert bearers["worker"].ask("POST", "/Tasks", {"Attributes": "{}"}) == FORBIDDEN
    assert bearers["worker"].ask("GET", "/Workers") == FORBIDDEN
    assert bearers["supervisor"].status("GET", "/Workers") == 200
    assert bearers["supervisor"].ask("GET", "/TaskQueues") == FORBIDDEN
    assert bearers["admin"].status("GET", "/TaskQueues") == 200
    assert bearers["admin"].ask("DELETE", own) == FORBIDDEN


def test_every_bad_token_is_answered_like_a_bad_password(
    desk: Desk, stack: Stack, anonymous: httpx.Client, standing: Site
) -> None:
    account = desk.account()
    key, revoked = desk.key(stack.credentials[0]), desk.key(stack.credentials[0])
    suspended = desk.account()
    workspace, now_s = standing.workspace["sid"], int(time.time())
    expired = WorkspaceCapabilityToken(*stack.credentials, workspace, valid_until=now_s - 1)
    early = WorkspaceCapabilityToken(*stack.credentials, workspace, nbf=now_s + 60)
    foreign = WorkspaceCapabilityToken(stack.credentials[0], account.token, workspace)
    rotated = WorkspaceCapabilityToken(account.sid, account.token, workspace)
    asleep = WorkspaceCapabilityToken(suspended.sid, suspended.token, workspace)
    grants = [TaskRouterGrant(workspace, standing.worker["sid"], "worker")]
    gone = AccessToken(stack.credentials[0], revoked.sid, revoked.secret, grants)
    crossed = AccessToken(account.sid, key.sid, key.secret, grants)
    desk.rotate(account.sid)
    desk.revoke(revoked.sid)
    desk.suspend(suspended.sid)
    answers = [anonymous.get("/v1/Workspaces", auth=(stack.credentials[0], "wrong"))]
    made = [token.to_jwt() for token in (expired, early, foreign, rotated, asleep, gone, crossed)]
    for token in (*made, "nonsense", "a.b.c", "x" * 20_000, "é"):
        headers = {"authorization": f"Bearer {token}".encode()}
        answers.append(anonymous.get("/v1/Workspaces", headers=headers))
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["www-authenticate"] for answer in answers}) == 1


def test_a_token_counts_in_the_authorization_header_only(
    stack: Stack, anonymous: httpx.Client, site: Site
) -> None:
    token = worker_token(stack, site)
    url = site.path(f"/Workers/{site.worker['sid']}")
    assert anonymous.get(url, params={"token": token}).status_code == 401
    assert anonymous.get(url, auth=("Token", token)).status_code == 401
    assert anonymous.get(url, auth=(stack.credentials[0], token)).status_code == 401


def test_a_preflight_lets_a_page_send_its_token(anonymous: httpx.Client, site: Site) -> None:
    answer = anonymous.options(site.path("/Tasks"))
    assert answer.status_code == 204
    assert "Authorization" in answer.headers["access-control-allow-headers"]
