"""An HTTP client that costs less than what it measures: a pool of keep-alive connections, some 40 us a call.

A complete client takes 200 us a call, as much as the server under test; on one machine it would measure itself.
Parsing is httptools', so chunked answers and proxies are fine.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

import httptools
import msgspec
from msgspec import Struct

LIMIT_S: Final = 10.0  # for one call, the wait for a free connection included
LINES_S: Final = 120.0  # for a request of many lines
IDLE_S: Final = 2.0  # idle for longer, a connection is not used again: the other side may be closing it


class Unanswered(Exception):
    """No answer came, in time or at all. Whether the call had its effect is not known."""


class Answer(Struct, frozen=True):
    status: int
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Wire:
    """One account at one deployment. Not more than `connections` at a time; who comes later waits in line."""

    def __init__(
        self, url: str, account_sid: str, token: str, *, connections: int = 64, limit_s: float = LIMIT_S
    ) -> None:
        """Raises ValueError for what is no http(s) URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http:// or https:// URL")
        self._host, self._tls = parts.hostname, parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._base = parts.path.rstrip("/")
        credentials = b64encode(f"{account_sid}:{token}".encode()).decode()
        self._head = (
            f" HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nAuthorization: Basic {credentials}\r\n"
            "Accept: application/json\r\nUser-Agent: trunkline-bench\r\n"
        )
        self._free: list[_Connection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._left, self._limit_s = connections, limit_s

    async def get(self, path: str) -> Answer:
        """Raises Unanswered."""
        return await self.call("GET", path)

    async def post(self, path: str, form: Mapping[str, str]) -> Answer:
        """Raises Unanswered."""
        return await self.call("POST", path, form)

    async def call(self, method: str, path: str, form: Mapping[str, str] | None = None) -> Answer:
        """One call, sent once. Raises Unanswered."""
        request = f"{method} {self._base}{path}{self._head}"
        if form is None:
            raw = f"{request}\r\n".encode()
        else:
            body = urlencode(form).encode()
            kind = "Content-Type: application/x-www-form-urlencoded\r\n"
            raw = f"{request}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._sent(raw)
        except TimeoutError:
            raise Unanswered(f"{method} {path}: no answer within {self._limit_s:g} s") from None
        except OSError as error:
            raise Unanswered(f"{method} {path}: {error}") from error

    async def lines(self, path: str, body: bytes) -> tuple[Answer, bool]:
        """POST lines of JSON on a connection of its own: what was answered, and whether that is all of it.

        What came before a connection broke, or LINES_S were over, is not lost; the status is 0 if nothing did.
        """
        kind = "Content-Type: application/x-ndjson\r\n"
        head = f"POST {self._base}{path}{self._head}{kind}Content-Length: {len(body)}\r\n\r\n"
        connection = None
        try:
            async with asyncio.timeout(LINES_S):
                connection = await self._connect()
                return await connection.ask(head.encode() + body), True
        except OSError:  # TimeoutError is one
            return (connection.heard() if connection is not None else Answer(0, b"")), False
        finally:
            if connection is not None:
                connection.close()

    async def _sent(self, raw: bytes) -> Answer:
        while self._left == 0:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._next()  # it was this one's turn: pass it on
                raise
        self._left -= 1
        connection = self._free.pop() if self._free else None
        try:
            if connection is None or not connection.fresh(asyncio.get_running_loop().time()):
                if connection is not None:
                    connection.close()
                connection = await self._connect()
            answer = await connection.ask(raw)
            if connection.usable:
                connection.idle_from_s = asyncio.get_running_loop().time()
                self._free.append(connection)
            return answer
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        finally:
            self._left += 1
            self._next()

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _connect(self) -> _Connection:
        context = ssl.create_default_context() if self._tls else None
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self._host, self._port, ssl=context)
        return connection

    def close(self) -> None:
        for connection in self._free:
            connection.close()
        self._free.clear()


class _Connection(asyncio.Protocol):
    """One call at a time. `usable` is False once it was closed by either side."""

    def __init__(self) -> None:
        self.usable = True
        self.idle_from_s = 0.0  # of the loop's clock
        self._answer: asyncio.Future[Answer] | None = None

    def fresh(self, now_s: float) -> bool:
        """Whether it can be used again."""
        return self.usable and now_s - self.idle_from_s <= IDLE_S

    async def ask(self, raw: bytes) -> Answer:
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._transport.write(raw)
        return await self._answer

    def heard(self) -> Answer:
        """What came so far of the answer to the last call."""
        return Answer(self._parser.get_status_code(), b"".join(self._body))

    def close(self) -> None:
        self.usable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"what came is not HTTP: {error}")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._fail(str(exc or "the connection was closed"))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._answer is None or self._answer.done():
            return
        if not self._parser.should_keep_alive():
            self.close()
        self._answer.set_result(self.heard())

    def _fail(self, said: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(said))
