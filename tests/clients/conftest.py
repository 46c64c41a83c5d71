"""A whole deployment for the tests of this folder: server, engine, matcher, relay, and HTTP through both doors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from twilio.rest import Client

from tests.clients.media import AdapterServer, running_adapter
from tests.clients.site import Site, build_site
from tests.clients.stack import Stack, running_stack
from tests.made_events import MadeLog

DOORS = {"door": True, "litestar": False}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with running_stack(folder) as running:
        yield running


@pytest.fixture(scope="session", params=list(DOORS))
def door(request: pytest.FixtureRequest) -> bool:
    """Whether hot paths are taken by the door; False leaves them to Litestar. Live tests run both ways."""
    return DOORS[request.param]


@pytest.fixture(scope="session")
def served_url(stack: Stack, door: bool) -> str:
    return stack.urls[door]


@pytest.fixture(scope="session")
def credentials(stack: Stack) -> tuple[str, str]:
    return stack.credentials


@pytest.fixture
def client(served_url: str, credentials: tuple[str, str]) -> Iterator[Client]:
    """The original's Python client, pointed at this server as its users are told to."""
    twilio = Client(*credentials)
    twilio.taskrouter.base_url = served_url
    yield twilio
    twilio.http_client.session.close()


@pytest.fixture(scope="session")
def connection(served_url: str, credentials: tuple[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served_url, auth=credentials, timeout=10) as http:
        yield http


@pytest.fixture
def live(connection: httpx.Client) -> httpx.Client:
    """Plain HTTP with the credentials of the test's Account."""
    connection.cookies.clear()
    return connection


@pytest.fixture(scope="session")
def standing(connection: httpx.Client) -> Site:
    """One Workspace for all tests that change nothing in it, since what they send is refused."""
    return build_site(connection)


@pytest.fixture(scope="session")
def anonymous(served_url: str) -> Iterator[httpx.Client]:
    """Plain HTTP without credentials."""
    with httpx.Client(base_url=served_url, timeout=10) as http:
        yield http


@pytest.fixture(scope="session")
def adapters() -> Iterator[AdapterServer]:
    with running_adapter() as running:
        yield running


@pytest.fixture
def adapter(adapters: AdapterServer) -> AdapterServer:
    """A media adapter that confirms everything, unless the test says otherwise."""
    adapters.forget()
    return adapters


@pytest.fixture
def site(live: httpx.Client) -> Iterator[Site]:
    """A Workspace of the test's own, with one Worker who is available."""
    made = build_site(live)
    yield made
    live.delete(made.path(""))


@pytest.fixture
def made_log(stack: Stack) -> Iterator[MadeLog]:
    """A log of the test's own that statistics are counted from; it begins empty."""
    engine, made = stack.engine, MadeLog()
    kept = engine.statistics.log
    engine.statistics.log = engine.worker_statistics.log = made
    yield made
    engine.statistics.log = engine.worker_statistics.log = kept
