"""A TaskRouter client of a few lines: one account, one Workspace, connections kept alive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec

from api.demo.plan import CONNECTIONS
from api.process import StartFailed

PAGE: Final = 1000  # the largest page


class Client:
    """Calls under one base URL, that of a Workspace once there is one."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self.base = base

    async def get(self, path: str) -> dict[str, Any]:
        """GET `path` (or an absolute URL). Raises StartFailed for anything but 200."""
        return await self._call("GET", path, None, 200)

    async def post(self, path: str, form: Mapping[str, str], *, status: int = 200) -> dict[str, Any]:
        """POST a form. Raises StartFailed for any other status."""
        return await self._call("POST", path, form, status)

    async def pages(self, path: str, key: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        following: str | None = f"{path}?PageSize={PAGE}"
        while following:
            page = await self.get(following)
            items += page[key]
            following = page["meta"]["next_page_url"]
        return items

    async def _call(
        self, method: str, path: str, form: Mapping[str, str] | None, status: int
    ) -> dict[str, Any]:
        url = path if path.startswith("http") else self.base + path
        async with self._session.request(method, url, data=form) as response:
            body = await response.read()
            if response.status != status:
                said = body.decode(errors="replace")
                raise StartFailed(f"{method} {url} was answered {response.status}, not {status}: {said}")
        answer: dict[str, Any] = msgspec.json.decode(body)
        return answer


@asynccontextmanager
async def client_of(url: str, account_sid: str, token: str) -> AsyncIterator[Client]:
    """A client whose connections are closed at the end."""
    async with aiohttp.ClientSession(
        auth=aiohttp.BasicAuth(account_sid, token),
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=10.0),
    ) as session:
        yield Client(session, f"{url}/v1/Workspaces")
