"""A generator: one process with its callers and agents, told when to end by the one that started it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

import msgspec
import uvloop

from benchmarks.suite.agents import Agents
from benchmarks.suite.book import Book
from benchmarks.suite.callers import Callers
from benchmarks.suite.ledger import Message, Share
from benchmarks.suite.plan import Job
from benchmarks.suite.wire import Wire

TELL_S: Final = 0.25
STOP, END = b"stop", b"end"  # no more arrivals; no more of anything


async def generate(
    job: Job, stopping: asyncio.Event, ending: asyncio.Event, tell: Callable[[Message], None]
) -> Share:
    """Run until `ending`. `stopping` ends arrivals only. `tell` gets the totals every TELL_S."""
    book, site, opened = Book(job), job.site, asyncio.Event()
    wire = Wire(site.url, site.account_sid, site.token, connections=job.plan.connections)
    agents_wire = Wire(site.url, site.account_sid, site.token, connections=job.plan.connections)
    try:
        async with asyncio.TaskGroup() as group:
            calling = group.create_task(_call(job, wire, book, opened, stopping))
            working = group.create_task(Agents(job, agents_wire, book, opened).run(ending))
            telling = group.create_task(_tell(job, book, tell))
            await ending.wait()
            stopping.set()
            await calling
            await working
            telling.cancel()
    finally:
        wire.close()
        agents_wire.close()
    return book.share()


async def _call(job: Job, wire: Wire, book: Book, opened: asyncio.Event, stopping: asyncio.Event) -> None:
    """The backlog first, then shifts may begin, and the load."""
    callers, plan = Callers(job, wire, book), job.plan
    if plan.backlog:
        await callers.backlog(len(range(job.number, plan.backlog, plan.generators)), stopping)
    opened.set()
    await callers.run(stopping)


async def _tell(job: Job, book: Book, tell: Callable[[Message], None]) -> None:
    while True:
        tell(Message(job.number, totals=book.totals))
        await asyncio.sleep(TELL_S)


def child(raw: bytes, connection: Connection) -> None:
    """The main function of a generator process. Ctrl-C is the parent's business: it tells when to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job = msgspec.msgpack.decode(raw, type=Job)

    def tell(message: Message) -> None:
        connection.send_bytes(msgspec.msgpack.encode(message))

    async def main() -> Share:
        loop, stopping, ending = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

        def told() -> None:
            try:
                word = connection.recv_bytes()
            except (EOFError, OSError):  # the parent is gone
                word = END
                loop.remove_reader(connection.fileno())
            (ending if word == END else stopping).set()

        loop.add_reader(connection.fileno(), told)
        os.set_blocking(
            connection.fileno(), True
        )  # uvloop made it non-blocking, and a share is sent in one go
        try:
            return await generate(job, stopping, ending, tell)
        finally:
            loop.remove_reader(connection.fileno())

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            tell(Message(job.number, share=runner.run(main())))
    except (BrokenPipeError, ConnectionResetError):
        return  # nobody is left to be told
    except Exception as error:
        tell(Message(job.number, failed=f"{type(error).__name__}: {error}"))
