"""/openapi.json and /docs as browsers and programs meet them: no credentials, an ETag, nothing from elsewhere."""

from __future__ import annotations

import re

import httpx
import pytest

from api.openapi import document
from api.v1 import ROUTES

PATHS = {
    "/openapi.json": "application/json",
    "/docs": "text/html; charset=utf-8",
    "/docs/docs.css": "text/css; charset=utf-8",
    "/docs/docs.js": "text/javascript; charset=utf-8",
}


@pytest.mark.parametrize("path", list(PATHS))
def test_a_file_is_served_once_and_then_known_by_its_etag(anonymous: httpx.Client, path: str) -> None:
    first = anonymous.get(path)
    assert (first.status_code, first.headers["content-type"]) == (200, PATHS[path])
    assert first.headers["cache-control"] == "no-cache"
    head = anonymous.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(first.content))
    tag = first.headers["etag"]
    for asked in (tag, f'"other", W/{tag}', "*"):
        again = anonymous.get(path, headers={"If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert anonymous.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert anonymous.post(path).status_code == 405


def test_the_description_is_that_of_what_is_served(anonymous: httpx.Client) -> None:
    assert anonymous.get("/openapi.json").json() == document([route.name for route in ROUTES])


def test_the_page_needs_nothing_from_elsewhere(anonymous: httpx.Client) -> None:
    page = anonymous.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    named = [name for path in PATHS for name in re.findall(r"https?://[^\s\"')]+", anonymous.get(path).text)]
    assert {name for name in named if "/docs/errors/" not in name} == set()
    linked = re.findall(r'(?:src|href)="(/[^"]*)"', page.text)
    assert [anonymous.get(path).status_code for path in linked] == [200] * len(linked)


def test_the_root_leads_to_the_page(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
