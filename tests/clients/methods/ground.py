"""What a story of the client library happens on: a Workspace of its own, with a Worker and a media adapter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import httpx
from msgspec import Struct, field

from tests.clients.media import AdapterServer
from tests.clients.site import Site, build_site
from tests.clients.stack import Stack


class Ground(Struct):
    """Makes places for stories. They ask there over plain HTTP for what they are not about: that is not watched."""

    stack: Stack
    adapter: AdapterServer
    http: httpx.Client
    kept: dict[str, Any] = field(default_factory=dict)  # what stories share that only read
    ends: ExitStack = field(default_factory=ExitStack)

    def keep(self, site: AbstractContextManager[Site]) -> Site:
        """A site until the end of all stories."""
        return self.ends.enter_context(site)

    @contextmanager
    def site(self) -> Iterator[Site]:
        """A Workspace with one Worker who has room for 50 Tasks, and an adapter that says "later"."""
        site = build_site(self.http)
        answer = site.post("", {"MediaAdapterUrl": self.adapter.url})
        assert answer.status_code == 200, answer.text
        self.adapter.status = 202
        site.post(f"/Workers/{site.worker['sid']}/Channels/default", {"Capacity": "50"})
        yield site
        self.http.delete(site.path(""))
