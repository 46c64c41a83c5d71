"""uvicorn's HTTP protocol with a short way for the hot POSTs.

ASGI costs twice what the operation behind it does: a scope, a receive, two messages back and the inspection of every
header in them. A request that the door takes, and whose body is short and comes whole, needs none of that: it is parsed
by the same parser, waits in the same queue of its connection, and is answered with one write.

Everything else goes the ordinary way: bodies without a length or too long, `Expect`, upgrades, escapes or a query in
the address. The ordinary way is uvicorn's own code, but for the timer of idle connections. From uvicorn this uses what
its own protocol keeps: the parser's callbacks, `cycle` and `pipeline`. A cycle is a request under way.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import errors
from api.bodies import LIMIT, URLENCODED
from api.call import Head
from api.door import Door
from api.wire import Wire
from engine.errors import Unavailable

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from api.answer import Answer
    from api.door import Taken

_PLAIN: Final = re.compile(rb"/v1/Workspaces/[A-Za-z0-9/]+")  # an address without anything to take apart
_ELSEWHERE: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade"})  # they say how the body comes
_ENDED: Final = "the server is being stopped"

_wire: Final = Wire()


class Exchange:
    """A hot POST whose body is here: in the place of uvicorn's cycle, from its start to its answer."""

    __slots__ = (
        "_connection",
        "_taken",
        "body",
        "disconnected",
        "head",
        "keep_alive",
        "response_complete",
        "task",
    )

    message_event: Final = asyncio.Event()  # uvicorn sets it; nobody waits, since the body is here

    def __init__(self, connection: Protocol, taken: Taken, head: Head, *, keep_alive: bool) -> None:
        self._connection, self._taken, self.head, self.keep_alive = connection, taken, head, keep_alive
        self.body = b""
        self.task: asyncio.Task[None] | None = None  # set when it is started
        self.disconnected = self.response_complete = False

    async def run_asgi(self, door: Door) -> None:
        """What uvicorn runs as the request's task, and waits for at the end."""
        connection = self._connection
        try:
            answer = await door.answer(self._taken, self.head, self.body)
            if connection.flow.write_paused:  # the client does not read
                await connection.flow.drain()
            connection.respond(self, answer)
        except asyncio.CancelledError:
            self.keep_alive = False
            unknown = Unavailable(_ENDED, outcome_unknown=True)
            connection.respond(self, errors.answer(unknown, self.head.path))
            raise
        finally:
            connection.tasks.discard(self.task)
            if not self.response_complete:  # the client left, or our mistake: asyncio logs it
                connection.transport.close()


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        plain = not config.root_path and config.limit_concurrency is None and not self.access_log
        self._door = self.app if plain and isinstance(self.app, Door) else None
        self._arriving: Exchange | None = None  # its body is still coming
        self._idle_since: float | None = None  # by the loop's clock; None once something of a request came

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def _unset_keepalive_if_required(self) -> None:
        """Something was received or answered. The timer goes on, and looks when it is due: a new one costs 3 µs."""
        self._idle_since = None

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._watch(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for as long as it may; look again when it may have been."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:  # a request is under way: its answer winds the timer up
            return
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._watch(left_s)
        else:
            super().timeout_keep_alive_handler()

    def _watch(self, delay_s: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(delay_s, self.timeout_keep_alive_handler)

    def shutdown(self) -> None:
        if self._arriving is None:
            super().shutdown()
        else:
            self._arriving.keep_alive = False

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._arriving = None if self._door is None else self._hot(self._door)
        if self._arriving is None:
            self._as_uvicorn()

    def _as_uvicorn(self) -> None:
        """Let uvicorn see what the parser has found so far."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for header in headers:
            super().on_header(*header)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._arriving is None:
            super().on_body(body)
        else:
            self._arriving.body += body  # at most LIMIT bytes, mostly in one piece

    def on_message_complete(self) -> None:
        exchange, self._arriving = self._arriving, None
        if exchange is None:
            super().on_message_complete()
            return
        before, self.cycle = self.cycle, exchange  # type: ignore[assignment]
        if before is None or before.response_complete:
            self._start(self.cycle, self.app)
        else:  # the client did not wait for the answer to its last request
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start(self, cycle: Any, app: Any) -> None:
        """Begin a request as a task, which uvicorn waits for at the end."""
        task = self.loop.create_task(cycle.run_asgi(app))
        self.tasks.add(task)
        if type(cycle) is Exchange:
            cycle.task = task  # takes itself out of the set: a callback for that costs a turn of the loop
        else:
            task.add_done_callback(self.tasks.discard)

    def _hot(self, door: Door) -> Exchange | None:
        """The request whose headers have come, if it is one for the short way."""
        if self.parser.get_method() != b"POST" or _PLAIN.fullmatch(self.url) is None:
            return None
        headers = dict(self.headers)
        if not _ELSEWHERE.isdisjoint(headers):
            return None
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or len(length) > 5 or int(length) > LIMIT:
            return None
        kind = headers.get(b"content-type", b"")
        if kind != URLENCODED and not kind.startswith(URLENCODED + b";"):
            return None
        path = self.url.decode("ascii")
        taken = door.taken(path)
        if taken is None or taken[0].body_limit != LIMIT:
            return None
        assert self.scheme is not None
        head = Head(path, b"", headers, self.scheme, self.client, self.server)
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        return Exchange(self, taken, head, keep_alive=keep_alive)

    def respond(self, exchange: Exchange, answer: Answer) -> None:
        """Send the answer to the request under way, in one write."""
        if exchange.disconnected:
            return
        closes = errors.CLOSE in answer.headers
        if not exchange.keep_alive and not closes:
            answer.headers += (errors.CLOSE,)
            closes = True
        self.transport.write(_wire.render(answer, self.server_state.default_headers))
        exchange.response_complete = True
        if closes:
            self.transport.close()
        self.on_response_complete()
