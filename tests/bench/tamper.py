"""A proxy that is honest but for one thing: what a test tells it to do to a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

Meddle = Callable[[bytes], bytes | None]  # a request -> the answer it gets instead of being passed on

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def listening(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """The URL of a server of the test's own; every connection has ended when the block has."""
    open_ones: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_ones.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side has closed
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            writer.close()
            open_ones.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        ending = list(open_ones)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending)


@asynccontextmanager
async def proxy(url: str, meddle: Meddle) -> AsyncIterator[str]:
    """The URL of a proxy in front of `url`."""
    parts = urlsplit(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            while True:
                request = await message(reader)
                answer = meddle(request)
                if answer is None:
                    behind_writer.write(request)
                    answer = await message(behind_reader)
                writer.write(answer)
                await writer.drain()
        finally:
            behind_writer.close()

    async with listening(serve) as found:
        yield found


async def message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer whose length is declared."""
    head = await reader.readuntil(b"\r\n\r\n")
    _, found, after = head.lower().partition(b"content-length: ")
    return head + (await reader.readexactly(int(after.partition(b"\r\n")[0])) if found else b"")
