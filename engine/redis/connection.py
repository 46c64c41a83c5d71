"""One connection: calls are written in batches, replies are handed out in the order of the calls.

A Redis connection answers strictly in order, so the n-th reply belongs to the n-th call still waiting.
That holds for callers that gave up as well: their place in `sent` stays until their reply has been read.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from hiredis import ProtocolError, Reader, pack_command

from engine.redis.errors import ConnectionLost, ServerError
from engine.redis.url import RedisURL

# A call: where its reply goes, its deadline in seconds of the pipeline's clock, and its bytes on the wire.
# A tuple and not a Struct, because one is made for every call: 40 ns against 90.
Call = tuple[asyncio.Future[Any], float, bytes]

Arg = str | bytes | int | float

# hiredis' stub declares a tuple of exactly one element.
pack: Callable[[tuple[Arg, ...]], bytes] = pack_command  # type: ignore[assignment]

_MORE = object()  # what the parser answers when the next reply is not complete yet


class Connection(asyncio.Protocol):
    """A connection from before it is made until it has ended; never reused."""

    def __init__(self, clock: Callable[[], float], on_writable: Callable[[], None]) -> None:
        self.alive = True
        self.paused = False  # the transport holds as much unsent data as it should
        self.sent: deque[Call] = deque()  # written, reply not read yet; oldest first
        self.last_read_s = clock()
        self.ended = asyncio.Event()  # no reply will come any more
        self._closed = asyncio.Event()  # the transport is gone as well
        self.end_reason = ""
        self._clock, self._on_writable = clock, on_writable
        self._transport: asyncio.Transport | None = None
        self._reader = Reader(replyError=ServerError, notEnoughData=_MORE)

    async def handshake(self, commands: list[tuple[Arg, ...]], *, name: str) -> None:
        """Log in and choose the database before any call is written.

        Raises ServerError if the server refuses one of the `commands`, ConnectionLost if it breaks.
        A server that forbids naming the connection is used without the name.
        """
        futures = [asyncio.get_running_loop().create_future() for _ in range(len(commands) + 1)]
        packed = [pack(command) for command in [*commands, ("CLIENT", "SETNAME", name)]]
        self.write([(future, 0.0, data) for future, data in zip(futures, packed, strict=True)])
        *replies, named = await asyncio.gather(*futures, return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        if isinstance(named, BaseException) and not isinstance(named, ServerError):
            raise named

    def write(self, calls: list[Call]) -> None:
        """Hand calls to the transport in one write. From here on their outcome is unknown until a reply."""
        assert self._transport is not None
        self.sent.extend(calls)
        self._transport.write(b"".join([call[2] for call in calls]))

    def drop(self, reason: str) -> None:
        """End the connection at once; every call still waiting gets ConnectionLost. Twice is no error."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    async def close(self, reason: str) -> None:
        """`drop`, then wait until the socket is closed: a few turns of the loop."""
        self.drop(reason)
        if self._transport is not None:
            await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self.last_read_s = self._clock()
        reader, sent = self._reader, self.sent
        reader.feed(data)
        try:
            while (reply := reader.gets()) is not _MORE:
                future = sent.popleft()[0]
                if future.done():  # its caller gave up, or its deadline passed
                    continue
                if isinstance(reply, ServerError):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)
        except ProtocolError as error:
            self.drop(f"the server sent what is not a reply: {error}")
        except IndexError:
            self.drop("the server sent a reply that nobody waits for")

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self._on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()
        self._end(f"the connection broke: {exc}" if exc else "the server closed the connection")

    def _end(self, reason: str) -> None:
        if not self.alive:
            return
        self.alive, self.end_reason = False, reason
        self.ended.set()
        waiting, self.sent = self.sent, deque()
        for future, _, _ in waiting:
            if not future.done():
                future.set_exception(ConnectionLost(f"{reason}; whether the call ran is unknown"))


async def connect_to(
    url: RedisURL, connection: Connection, *, tls: ssl.SSLContext | None, name: str, timeout_s: float
) -> None:
    """Connect and log in. Raises OSError (a time-out among them) or PipelineError, with nothing left open."""
    loop = asyncio.get_running_loop()
    login: list[tuple[Arg, ...]] = []
    if url.password:
        login.append(("AUTH", url.username, url.password) if url.username else ("AUTH", url.password))
    if url.db:
        login.append(("SELECT", url.db))
    try:
        async with asyncio.timeout(timeout_s):
            if url.path:
                await loop.create_unix_connection(lambda: connection, url.path)
            else:
                await loop.create_connection(lambda: connection, url.host, url.port, ssl=tls)
            await connection.handshake(login, name=name)
    except BaseException:
        await connection.close("the connection could not be made")
        raise
