"""Paths with another account's SIDs: exactly as if they did not exist, for every route there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.routes import Route
from api.v1 import ROUTES
from tests.clients.tenants.forms import FORMS, body_of, form_of
from tests.clients.tenants.lab import Lab, Seen, alike
from tests.clients.tenants.paths import Cut, absent_like, cuts, filled, placeholders, words_of

NUMBERED = {"If-Match": "0"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("tenants")) as running:
        yield running


def with_sids() -> list[Route]:
    return [route for route in ROUTES if placeholders(route.path)]


def sent(lab: Lab, route: Route, **headers: str) -> dict[str, Any]:
    """A body that the route takes, so that nothing but the path can be wrong."""
    body = body_of(route.name, form_of(lab, lab.mine, route.name)) if route.method == "POST" else {}
    return {**body, "headers": {**body.get("headers", {}), **headers}}


@pytest.mark.parametrize("door", [True, False], ids=["door", "litestar"])
@pytest.mark.parametrize("route", with_sids(), ids=lambda route: route.name)
def test_a_path_to_another_accounts_resource_leads_nowhere(lab: Lab, route: Route, door: bool) -> None:
    for headers in ({}, NUMBERED):
        for cut in cuts(route.path):
            absent = compare(lab, route, cut, door=door, **headers)
            assert absent.status == 404, absent.text


def compare(
    lab: Lab, route: Route, cut: Cut, *, door: bool = True, who: str = "mine", **headers: str
) -> Seen:
    """Asks for the other account's resource and for one that nobody has; the answer to the latter."""
    paths = [filled(route.path, lab, cut, other) for other in (lab.theirs.by_prefix, None)]
    foreign, absent = (
        lab.send(route.method, path, door=door, who=who, **sent(lab, route, **headers)) for path in paths
    )
    alike(lab, foreign, absent, words_of(route.path, lab, cut))
    return absent


def test_an_api_key_leads_no_further_than_its_account(lab: Lab) -> None:
    who = "key"
    lab.run(lab.make_key(who))
    for route in with_sids():
        for cut in cuts(route.path):
            assert compare(lab, route, cut, who=who).status == 404


def test_a_token_leads_no_further_than_its_workspace(lab: Lab) -> None:
    """Outside of it no policy matches; inside, what is not there is not found."""
    who = "bearer"
    lab.make_token(who)
    for route in with_sids():
        for cut in cuts(route.path):
            assert compare(lab, route, cut, who=who).status == (403 if 0 in cut.places else 404)


@pytest.mark.parametrize("route", with_sids(), ids=lambda route: route.name)
def test_the_same_path_to_ones_own_resource_leads_there(lab: Lab, route: Route) -> None:
    """Otherwise the tests above would say nothing."""
    if route.name.startswith("No"):  # a path that exists for another method only
        return
    own = filled(route.path, lab, Cut(()), None)
    if route.method == "DELETE":
        above = own.rpartition("/")[0]
        form = form_of(lab, lab.mine, route.name.replace("Delete", "Create"))
        made = lab.send("POST", above, data=form)
        own = f"{above}/{json.loads(made.text)['sid']}"
    answer = lab.send(route.method, own, **sent(lab, route))
    assert answer.status in {200, 201, 204} or "is not being set up" in answer.text, answer.text


def test_every_route_that_takes_a_body_is_sent_one() -> None:
    assert {route.name for route in ROUTES if route.method == "POST"} <= set(FORMS)


def test_names_of_another_account_lead_nowhere_either(lab: Lab) -> None:
    own, other = lab.mine, lab.theirs.names[-1]
    for tail in ("/TaskChannels/", f"/Workers/{own.by_prefix['WK']}/Channels/"):
        foreign, absent = (lab.send("GET", own.root + tail + name) for name in (other, absent_like(other)))
        assert absent.status == 404
        alike(lab, foreign, absent, {other: absent_like(other)})
        assert lab.send("GET", own.root + tail + own.names[-1]).status == 200
