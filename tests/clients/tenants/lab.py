"""Two accounts on one engine, without a network: every command that a request sends to Redis is written down.

The engine's clock stands still, nothing runs beside the requests, and both accounts have one of everything; so two
requests that differ in a SID only must give the same answer after the same commands.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import uvloop
from msgspec import Struct
from twilio.jwt.taskrouter.capabilities import WorkspaceCapabilityToken

from api.app import build
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.router import Engine
from engine.scripts import install
from tests.clients.tenants.premises import Premises, furnish

T = TypeVar("T")
Answer = httpx.Response

T0_MS: Final = 1_700_000_000_000
OWNED: Final = "OwnedByAnother"  # begins every name and value of the other account
UNDER: Final = "http://router.example"
VOLATILE: Final = ("etag", "content-length")  # of changes: their number and the length of it
_SID: Final = re.compile(r"\b([A-Z]{2})[0-9a-f]{32}\b")


class Recorder(Pipeline):
    """A pipeline that remembers the names of the commands sent, scripts by theirs."""

    def __init__(self, url: RedisURL) -> None:
        super().__init__(url)
        self.trace: list[str] = []

    def send(self, *args: Any) -> asyncio.Future[Any]:
        self.trace.append(" ".join(str(word) for word in args[: 2 if args[0] == "FCALL" else 1]))
        return super().send(*args)


class Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class Seen(Struct):
    """What came of one request, and what it cost."""

    status: int
    headers: dict[str, str]
    text: str
    trace: list[str]


class Lab:
    """Use as a context manager. `mine` and `theirs` are the two accounts; requests are sent as `mine`."""

    def __init__(self, data_dir: Path) -> None:
        self._server = EmbeddedServer(data_dir, durability="everysec")
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._opened = AsyncExitStack()
        self._count = 0

    def __enter__(self) -> Lab:
        self._server.start()
        try:
            self.run(self._open())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._opened.aclose())
        self._runner.close()
        self._server.stop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    async def _open(self) -> None:
        redis = connect(self._server.url)
        self._opened.push_async_callback(redis.aclose)
        self._pipeline = await self._opened.enter_async_context(Recorder(RedisURL.parse(self._server.url)))
        await install(redis)  # so that no request is the first to need a script
        self.engine = Engine(self._pipeline, redis, now_ms=lambda: T0_MS)
        await self._open_helpers(redis)
        self.credentials: dict[str, httpx.Auth] = {}
        self._http = {door: await self._client(door) for door in (True, False)}
        self.theirs = await self._account("theirs", OWNED)
        self.mine = await self._account("mine", "Mine")

    async def _open_helpers(self, redis: Any) -> None:
        """A matcher, and what logs events: beside the engine, so that nothing of them is seen."""
        pipeline = await self._opened.enter_async_context(Pipeline(RedisURL.parse(self._server.url)))
        beside = Engine(pipeline, redis, now_ms=lambda: T0_MS)
        self._matcher = beside.matcher("lab")
        await self._matcher.start()
        self._logger = beside.chronicle()

    async def _settle(self) -> None:
        await self._matcher.run_once()
        await self._log()

    async def _log(self) -> None:
        await self._logger.run_once()

    async def _client(self, door: bool) -> httpx.AsyncClient:
        app = build(self.engine, ready=lambda: [], door=door, clock=lambda: 0.0)  # a login is checked once
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
        client = httpx.AsyncClient(transport=transport, base_url=UNDER)
        return await self._opened.enter_async_context(client)

    async def _account(self, name: str, prefix: str) -> Premises:
        account, token = await self.engine.accounts.create(name)
        auth = self.credentials[name] = httpx.BasicAuth(account.sid, token)
        return await furnish(self._http[True], auth, account.sid, token, prefix, self._settle)

    async def make_key(self, who: str) -> None:
        """An API key of the caller's account, as the credentials `who`."""
        key = await self.engine.api_keys.create(self.mine.account, who)  # type: ignore[attr-defined]
        self.credentials[who] = httpx.BasicAuth(key.sid, key.secret)

    def make_token(self, who: str) -> None:
        """A token for everything in the caller's Workspace, as the credentials `who`."""
        wide = ("fetch", "update", "delete")
        grants = {f"allow_{verb}_{what}": True for verb in wide for what in ("self", "subresources")}
        workspace = self.mine.by_prefix["WS"]
        token = WorkspaceCapabilityToken(self.mine.account, self.mine.token, workspace, **grants)
        self.credentials[who] = Bearer(token.to_jwt())

    def send(self, method: str, path: str, *, door: bool = True, who: str = "mine", **given: Any) -> Seen:
        """One request over one of the two ways in."""
        return self.run(self._send(method, path, door, who, given))

    async def _send(self, method: str, path: str, door: bool, who: str, given: dict[str, Any]) -> Seen:
        auth = self.credentials[who]
        await self._http[door].get("/v1/Workspaces/x", auth=auth)  # the login is remembered from here on
        await self._log()
        self._pipeline.trace.clear()
        answer = await self._http[door].request(method, path, auth=auth, **given)
        return Seen(answer.status_code, dict(answer.headers), answer.text, list(self._pipeline.trace))

    def name(self) -> str:
        """A name that nothing has yet, always of the same length."""
        self._count += 1
        return f"n{self._count:07}"


def alike(lab: Lab, foreign: Seen, absent: Seen, words: Mapping[str, str]) -> None:
    """Both answers are the same but for what was sent, and so is what they cost.

    `words` are those of the other account that were sent, with what stood in their place in the other request.
    """
    assert _told(foreign, words) == _told(absent, words), words
    assert foreign.trace == absent.trace, words
    assert_silent(lab, foreign, *words)


def assert_silent(lab: Lab, seen: Seen, *sent: str) -> None:
    """Nothing of the other account in an answer, but for what the request said itself."""
    text = f"{seen.text} {seen.headers}"
    for word in sent:
        text = text.replace(word, "")
    assert OWNED not in text
    assert not {match[0] for match in _SID.finditer(text)} & lab.theirs.sids, text


def _told(seen: Seen, words: Mapping[str, str]) -> tuple[int, dict[str, str], str]:
    """The answer with the words taken out; SIDs that were made for it, and its running numbers, have no value.

    Both words of a pair count as one: what an earlier request wrote into a resource still stands there.
    """
    text = re.sub(r"\bn\d{7}\b", "<name>", seen.text)
    for foreign, absent in words.items():
        text = text.replace(foreign, "<word>").replace(absent, "<word>")
    headers = {name: value for name, value in seen.headers.items() if name not in VOLATILE}
    return seen.status, headers, _SID.sub(r"\1…", text)
