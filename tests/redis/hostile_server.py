"""A Redis server that misbehaves by script, and what tests of the pipeline share.

A *story* is a coroutine that plays the server for one connection: it reads commands and answers, or not.
Nothing here waits for time to pass: stories hold back until a test sets an event.
"""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import hiredis
import pytest
import uvloop

from engine.redis import Pipeline, RedisURL

LIMIT_S = 10.0  # a test that takes longer hangs

Story = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.commands: list[list[bytes]] = []
        self.reads: list[
            int
        ] = []  # bytes of each read: one for each write of the client while writes are small
        self._reader, self._writer = reader, writer
        self._parser = hiredis.Reader(notEnoughData=...)

    async def command(self) -> list[bytes]:
        """The next command. Raises EOFError when the client has left."""
        while (words := self._parser.gets()) is ...:
            data = await self._reader.read(1 << 20)
            if not data:
                raise EOFError
            self.reads.append(len(data))
            self._parser.feed(data)
        self.commands.append(words)
        return words

    def say(self, reply: bytes) -> None:
        self._writer.write(reply)

    async def welcome(self) -> None:
        """Let the client in: accept everything up to the naming of the connection, its last word."""
        while await self.command():
            self.say(b"+OK\r\n")
            if self.commands[-1][:2] == [b"CLIENT", b"SETNAME"]:
                return

    async def echo(self) -> None:
        """Answer every command with its last word until the client leaves."""
        while True:
            word = (await self.command())[-1]
            self.say(b"$%d\r\n%s\r\n" % (len(word), word))

    async def gone(self) -> None:
        """Wait until the client closes the connection, whatever it still says."""
        while await self._reader.read(1 << 20):
            pass

    def cut(self) -> None:
        self._writer.transport.abort()


class HostileServer:
    def __init__(self, stories: tuple[Story, ...]) -> None:
        self.peers: list[Peer] = []
        self._stories = stories

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        story = self._stories[min(len(self.peers), len(self._stories) - 1)]
        self.peers.append(peer := Peer(reader, writer))
        try:
            await story(peer)
        except (EOFError, ConnectionError):
            pass  # the client left: how a story usually ends
        finally:
            writer.transport.abort()
            await writer.wait_closed()


@asynccontextmanager
async def hostile(path: Path, *stories: Story) -> AsyncIterator[HostileServer]:
    """Serve connection n by story n, later ones by the last story. What a story raises fails the test."""
    server = HostileServer(stories)
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []
        listener = await asyncio.start_unix_server(
            lambda reader, writer: tasks.append(group.create_task(server.serve(reader, writer))), path
        )
        try:
            yield server
        finally:
            listener.close()
            for task in tasks:
                task.cancel()


async def accepting(peer: Peer) -> None:
    await peer.welcome()
    await peer.echo()


class Clock:
    """Seconds, moved by the test."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def pipeline(path: Path, **options: Any) -> Pipeline:
    """A pipeline to a unix socket that reconnects without a pause."""
    return Pipeline(RedisURL(path=str(path)), random=lambda: 0.0, **options)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until the condition holds."""
    while not condition():  # noqa: ASYNC110  what it waits for has no event
        await asyncio.sleep(0)


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on asyncio's loop and on uvloop; an error that the loop reports fails it."""

    @pytest.mark.parametrize(
        "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
    )
    @functools.wraps(test)
    def run(new_loop: Callable[[], asyncio.AbstractEventLoop], **fixtures: Any) -> None:
        reported: list[dict[str, Any]] = []

        async def limited() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
            async with asyncio.timeout(LIMIT_S):
                await test(**fixtures)

        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(limited())
        assert reported == []

    signature = inspect.signature(test)
    new_loop = inspect.Parameter("new_loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = signature.replace(parameters=[new_loop, *signature.parameters.values()])  # type: ignore[attr-defined]
    return run
