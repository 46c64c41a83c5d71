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
from msgspec.structs import replace

from benchmarks.suite.agents import Agents
from benchmarks.suite.book import Book
from benchmarks.suite.callers import Callers
from benchmarks.suite.ledger import Message, Opening, Share
from benchmarks.suite.pile import Pile
from benchmarks.suite.plan import Job
from benchmarks.suite.wire import Wire

TELL_S: Final = 0.25
STOP, END = b"stop", b"end"  # no more arrivals; no more of anything. Any other word is an Opening


class Words:
    """What this process has been told."""

    def __init__(self) -> None:
        self.stopping, self.ending = asyncio.Event(), asyncio.Event()
        self.opening: asyncio.Future[Opening | None] = asyncio.get_running_loop().create_future()

    def hear(self, word: bytes) -> None:
        """A word of the one that started this process."""
        if word in (STOP, END):
            self.stopping.set()
        if word == END:
            self.ending.set()
        if word != STOP and not self.opening.done():
            self.opening.set_result(None if word == END else msgspec.msgpack.decode(word, type=Opening))


async def generate(job: Job, words: Words, tell: Callable[[Message], None]) -> Share:
    """Run until the word is END. `tell` gets the totals every TELL_S."""
    book, site = Book(job), job.site
    wires = [
        Wire(site.url, site.account_sid, site.token, connections=job.plan.connections)
        for _ in ("callers", "agents")
    ]
    try:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_tell(job, book, tell))
            await _work(job, wires[0], wires[1], book, words)
            telling.cancel()
    finally:
        for wire in wires:
            wire.close()
    return book.share()


async def _work(job: Job, wire: Wire, agents_wire: Wire, book: Book, words: Words) -> None:
    """The backlog first, where there is one; what follows is told when."""
    pile = Pile(job, wire, book)
    if job.plan.backlog:
        await pile.fill(words.stopping)
        book.totals.filled = True
        opening = await words.opening
        if opening is None:
            return
        job = replace(job, starts_at=opening.starts_at, site=replace(job.site, began_ms=opening.since_ms))
        book.begin(job.starts_at)
    async with asyncio.TaskGroup() as group:
        group.create_task(Callers(job, wire, book).run(words.stopping))
        group.create_task(Agents(job, agents_wire, book).run(words.ending))
        if job.plan.topped_up:
            group.create_task(pile.keep(job.starts_at, words.stopping))


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
        loop, words = asyncio.get_running_loop(), Words()

        def told() -> None:
            try:
                word = connection.recv_bytes()
            except (EOFError, OSError):  # the parent is gone
                word = END
                loop.remove_reader(connection.fileno())
            words.hear(word)

        loop.add_reader(connection.fileno(), told)
        os.set_blocking(
            connection.fileno(), True
        )  # uvloop made it non-blocking, and a share is sent in one go
        try:
            return await generate(job, words, tell)
        finally:
            loop.remove_reader(connection.fileno())

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            tell(Message(job.number, share=runner.run(main())))
    except (BrokenPipeError, ConnectionResetError):
        return  # nobody is left to be told
    except Exception as error:
        tell(Message(job.number, failed=f"{type(error).__name__}: {error}"))
