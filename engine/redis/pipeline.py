"""The pipelining client: every script call and stream read of this process over one connection.

    callers --send()--> queue --one write per loop turn--> Connection --> server
                          |                                    |
                    not sent yet                     written, reply awaited
                 may be repeated safely                outcome unknown

A call is in exactly one of the two places. It moves to the right once and never back, so nothing is
ever sent twice. Gathering the calls of one turn of the event loop costs no delay and saves most of the
work: about 2-4 us of client CPU per call instead of 46-72 with a connection pool, and the server
parses batches. Deadlines need no timer per call: calls are in order of their deadlines, so one timer
looks at the oldest.
"""

import asyncio
import logging
import random as _random
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from engine.redis.connection import Arg, Call, Connection, connect_to, pack
from engine.redis.errors import DeadlineExceeded, NotSent, Overloaded, PipelineError, ServerError
from engine.redis.script import Library, Script
from engine.redis.url import RedisURL

UNKNOWN: Final = "ERR Function not found"

BACKOFF_MIN_S = 0.01  # a restarted server is back within milliseconds
BACKOFF_MAX_S = 1.0  # and a thousand clients knock at most a thousand times a second when it is not
WRITE_CALLS = 1000  # most calls in one write, so that back-pressure is seen before everything is written
SWEEP_MIN_S = 0.025  # least time between two looks for overdue calls; a deadline may be late by this
STALL_S = 0.1  # a timer later than this means that this process stood still, not the server

log = logging.getLogger(__name__)


def backoff_s(failures: int, fraction: float) -> float:
    """Seconds to wait before the next attempt: full jitter, doubling from 10 ms to at most 1 s.

    `failures` counts attempts in a row that failed, from 1; `fraction` is random in [0, 1).
    """
    return fraction * min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2.0 ** min(failures - 1, 10))


class Pipeline:
    """One connection to one server, shared by all callers of this event loop; reconnects by itself.

    `deadline_s` bounds each call in total, waiting for a connection included. Blocking commands hold up
    everything behind them: give them a Pipeline of their own whose `deadline_s` exceeds their BLOCK time.
    Subscriptions are not possible. `max_in_flight` bounds the calls queued or awaiting a reply, those of
    callers that gave up included. `clock` gives seconds that never go back, `random` numbers in [0, 1).
    """

    def __init__(
        self,
        url: RedisURL,
        *,
        max_in_flight: int = 10_000,
        deadline_s: float = 2.0,
        connect_timeout_s: float = 2.0,
        name: str = "trunkline",
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random.random,
    ) -> None:
        if not name.isascii() or not name.isprintable() or " " in name:
            raise ValueError(f"a connection's name must be printable ASCII without spaces, got {name!r}")
        self.url = url
        self.connects = 0  # connections made so far
        self.last_error = ""  # why the last connection, or attempt at one, ended
        self._ssl = url.ssl_context()
        self._max_in_flight, self._deadline_s = max_in_flight, deadline_s
        self._connect_timeout_s, self._name = connect_timeout_s, name
        self._clock, self._random = clock, random
        self._loop: asyncio.AbstractEventLoop | None = None  # set while calls are accepted
        self._runner: asyncio.Task[None] | None = None
        self._attempted = asyncio.Event()
        self._connection: Connection | None = None
        self._queue: list[Call] = []  # not written yet; oldest first
        self._flush_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_s = 0.0
        self._stalled = False
        self._loading: dict[str, asyncio.Future[Any]] = {}

    async def start(self) -> None:
        """Start connecting and wait for the outcome of the first attempt.

        A failed attempt is no error here: `connected` is False, `last_error` says why, and attempts go on.
        """
        assert self._runner is None, "a Pipeline is started once"
        self._loop = asyncio.get_running_loop()
        self._runner = self._loop.create_task(self._run(), name=f"pipeline {self._name}")
        await self._attempted.wait()

    async def stop(self) -> None:
        """Refuse new calls, wait for those under way (at most their deadline), then disconnect.

        Without a connection the waiting calls get NotSent at once. A second time is no error.
        """
        self._loop = None
        if self._runner is None:
            return
        try:
            if waiting := self._waiting():
                await asyncio.wait(waiting)
        finally:
            self._runner.cancel()
            await asyncio.wait([self._runner])
            self._fail_queue(len(self._queue), "the pipeline was stopped")
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if not self._runner.cancelled():
            self._runner.result()  # it ends by cancellation only: anything else is our bug, and shown

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def connected(self) -> bool:
        """Whether calls made now are written at once (back-pressure aside)."""
        return self._connection is not None and self._connection.alive

    @property
    def in_flight(self) -> int:
        """Calls queued or awaiting a reply, those of callers that gave up included."""
        return len(self._queue) + (len(self._connection.sent) if self._connection is not None else 0)

    def send(self, *args: Arg) -> asyncio.Future[Any]:
        """Queue one command; the reply, or a PipelineError, comes in the future.

        Raises at once, with nothing sent: Overloaded at the bound on calls in flight, NotSent before
        `start` and after `stop`, TypeError for an argument that is not text, bytes or a number.
        Cancelling the future gives up the reply; the command may still run.
        """
        loop = self._loop
        if loop is None:
            raise NotSent("the pipeline is not running")
        queue, connection = self._queue, self._connection
        # `in_flight`, spelled out: a property costs 5 % of a call.
        if len(queue) + (len(connection.sent) if connection is not None else 0) >= self._max_in_flight:
            raise Overloaded(f"{self._max_in_flight} calls are in flight")
        future = loop.create_future()
        queue.append((future, self._clock() + self._deadline_s, pack(args)))
        if not self._flush_due:
            self._flush_due = True
            loop.call_soon(self._flush)
        return future

    async def call(self, *args: Arg) -> Any:
        """Run one command. Replies are bytes, int, None or lists of them; an error inside a list stays there.

        Raises PipelineError.
        """
        return await self.send(*args)

    async def script(self, script: Script, keys: Sequence[Arg], args: Sequence[Arg]) -> Any:
        """Run a script by its name on the server; if the server does not know it, load its library and run it, once.

        Raises PipelineError. A reply that there is no such function means that nothing ran, so this repeat is safe;
        all of it together has one deadline.
        """
        deadline_s = self._clock() + self._deadline_s
        try:
            return await self.send("FCALL", script.function, len(keys), *keys, *args)
        except ServerError as error:
            if error.message != UNKNOWN:
                raise
        try:
            async with asyncio.timeout(deadline_s - self._clock()):
                await asyncio.shield(self._load(script.library))
                return await self.send("FCALL", script.function, len(keys), *keys, *args)
        except TimeoutError:
            raise DeadlineExceeded(f"{script.name} got no reply in {self._deadline_s} s") from None

    def sweep(self) -> None:
        """Fail the calls whose deadline has passed; drop a connection that has gone silent.

        Silent: a call is overdue and nothing at all was read for `deadline_s`. The timer calls this.
        O(overdue calls).
        """
        now_s = self._clock()
        overdue = next((i for i, call in enumerate(self._queue) if call[1] > now_s), len(self._queue))
        self._fail_queue(overdue, f"no connection in {self._deadline_s} s: {self.last_error or 'connecting'}")
        connection = self._connection
        if connection is None or not connection.sent or connection.sent[0][1] > now_s:
            return
        for future, deadline_s, _ in connection.sent:
            if deadline_s > now_s:
                break
            if not future.done():
                future.set_exception(DeadlineExceeded(f"no reply in {self._deadline_s} s"))
        if now_s - connection.last_read_s >= self._deadline_s:
            connection.drop(f"the server sent nothing for {self._deadline_s} s")

    def _load(self, library: Library) -> asyncio.Future[Any]:
        """The load of a library: one, however many callers met UNKNOWN at the same time."""
        loading = self._loading.get(library.name)
        if loading is None:
            # REPLACE: another process may be loading the same text
            self._loading[library.name] = loading = self.send("FUNCTION", "LOAD", "REPLACE", library.text)
            loading.add_done_callback(partial(self._loaded, library.name))
        return loading

    def _loaded(self, name: str, loading: asyncio.Future[Any]) -> None:
        del self._loading[name]
        loading.exception()  # seen, even when everybody who waited for it has left

    def _flush(self) -> None:
        self._flush_due = False
        connection, queue = self._connection, self._queue
        if self._timer is None and queue:
            self._set_timer(queue[0][1])
        while queue and connection is not None and connection.alive and not connection.paused:
            batch = queue[:WRITE_CALLS]
            del queue[:WRITE_CALLS]
            if live := [call for call in batch if not call[0].done()]:  # a caller that gave up is not sent
                connection.write(live)

    def _set_timer(self, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        delay_s = max(due_s - self._clock(), SWEEP_MIN_S)
        self._timer_due_s = self._clock() + delay_s
        self._timer = loop.call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._clock() - self._timer_due_s > STALL_S and not self._stalled:
            # This process stood still (a long computation, a suspended laptop). The replies may lie unread
            # in the socket, so the loop gets one round of reading before anything is called overdue.
            self._stalled = True
            self._set_timer(0.0)
            return
        self._stalled = False
        self.sweep()
        oldest = [calls[0][1] for calls in (self._queue, self._sent()) if calls]
        if oldest:
            self._set_timer(min(oldest))

    def _sent(self) -> Sequence[Call]:
        return self._connection.sent if self._connection is not None else ()

    def _waiting(self) -> list[asyncio.Future[Any]]:
        """The futures that a connection may still answer."""
        calls: Iterable[Call] = (*self._queue, *self._sent()) if self.connected else ()
        return [future for future, _, _ in calls if not future.done()]

    def _fail_queue(self, count: int, reason: str) -> None:
        for future, _, _ in self._queue[:count]:
            if not future.done():
                future.set_exception(NotSent(f"{reason}; nothing was sent"))
        del self._queue[:count]

    async def _run(self) -> None:
        """Keep a connection until cancelled."""
        failures = 0
        while True:
            lived_s = await self._connect_and_hold()
            # A server that lets us in and drops us at once has failed too, or we would knock without a pause.
            failures = 1 if lived_s > BACKOFF_MAX_S else failures + 1
            await asyncio.sleep(backoff_s(failures, self._random()))

    async def _connect_and_hold(self) -> float:
        """One connection from its first byte to its end. Returns how long it could be used, in seconds."""
        connection = Connection(self._clock, self._flush)
        timeout_s = self._connect_timeout_s
        try:
            await connect_to(self.url, connection, tls=self._ssl, name=self._name, timeout_s=timeout_s)
        except (OSError, PipelineError) as error:
            self._note_failure(str(error) or f"no connection in {timeout_s} s")
            return 0.0
        finally:
            self._attempted.set()
        begun_s = self._clock()
        self._connection = connection
        self.connects += 1
        log.info("connected to %s", self.url)
        self._flush()
        try:
            await connection.ended.wait()
        finally:
            await connection.close("the pipeline was stopped")
        self._note_failure(connection.end_reason)
        return self._clock() - begun_s

    def _note_failure(self, reason: str) -> None:
        if reason != self.last_error:  # a server that is away is one line in the log, not one per attempt
            log.warning("not connected to %s: %s", self.url, reason)
        self.last_error = reason
