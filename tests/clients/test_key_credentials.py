"""API keys over HTTP: they do what their account's own credentials do, and nothing for anybody else."""

from __future__ import annotations

import httpx
import pytest
from twilio.rest import Client

from tests.clients.desk import Desk
from tests.clients.site import Site
from tests.clients.stack import Stack

NOBODY = "0" * 32


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Desk:
    return Desk(stack.redis_url)


def asked(http: httpx.Client, user: str, password: str) -> httpx.Response:
    return http.get("/v1/Workspaces", auth=(user, password))


def test_a_key_works_wherever_its_account_does(
    desk: Desk, credentials: tuple[str, str], served_url: str, site: Site
) -> None:
    key = desk.key(credentials[0])
    client = Client(key.sid, key.secret, credentials[0])
    client.taskrouter.base_url = served_url
    workspace = client.taskrouter.v1.workspaces(site.workspace["sid"])
    assert workspace.fetch().account_sid == credentials[0]
    task = workspace.tasks.create(attributes="{}")
    assert task.account_sid == credentials[0]
    offer = site.offer({"sid": task.sid})
    answered = task.reservations(offer["sid"]).update(reservation_status="accepted")
    assert (answered.account_sid, answered.reservation_status) == (credentials[0], "accepted")
    client.http_client.session.close()


def test_a_key_of_another_account_finds_nothing(
    desk: Desk, stack: Stack, anonymous: httpx.Client, standing: Site
) -> None:
    key = desk.key(stack.stranger[0])
    refused = anonymous.get(standing.path(""), auth=(key.sid, key.secret))
    assert (refused.status_code, refused.json()["code"]) == (404, 20404)


def test_every_wrong_pair_is_refused_in_the_same_words(
    desk: Desk, credentials: tuple[str, str], anonymous: httpx.Client
) -> None:
    key, revoked, suspended = desk.key(credentials[0]), desk.key(credentials[0]), desk.account()
    its_key = desk.key(suspended.sid)
    desk.revoke(revoked.sid)
    desk.suspend(suspended.sid)
    bodies = set()
    for user, password in (
        (key.sid, "wrong"),
        (key.sid, ""),
        (key.sid, credentials[1]),
        (credentials[0], key.secret),
        ("SK" + NOBODY, key.secret),
        (revoked.sid, revoked.secret),
        (its_key.sid, its_key.secret),
        (suspended.sid, suspended.token),
    ):
        refused = asked(anonymous, user, password)
        assert refused.status_code == 401, user
        assert refused.headers["www-authenticate"] == 'Basic realm="TaskRouter"'
        bodies.add(refused.content)
    assert len(bodies) == 1


def test_a_suspension_counts_for_keys_and_ends(desk: Desk, anonymous: httpx.Client) -> None:
    account = desk.account()
    key = desk.key(account.sid)
    desk.suspend(account.sid)
    assert asked(anonymous, key.sid, key.secret).status_code == 401
    desk.activate(account.sid)
    assert asked(anonymous, key.sid, key.secret).status_code == 200
    assert asked(anonymous, account.sid, account.token).status_code == 200


def test_a_new_secret_replaces_the_old_one(desk: Desk, anonymous: httpx.Client) -> None:
    account = desk.account()
    key = desk.key(account.sid)
    rotated, renewed = desk.rotate_key(key.sid), desk.rotate(account.sid)
    assert asked(anonymous, key.sid, key.secret).status_code == 401
    assert asked(anonymous, key.sid, rotated.secret).status_code == 200
    assert asked(anonymous, account.sid, account.token).status_code == 401
    assert asked(anonymous, account.sid, renewed.token).status_code == 200
