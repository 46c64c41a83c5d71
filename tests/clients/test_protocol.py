"""The server's protocol: what comes over a connection, in whatever pieces and order, is answered as elsewhere."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

import pytest
from uvicorn.server import ServerState

from api.door import Door
from api.protocol import Protocol
from api.server import KEEP_ALIVE_S, server_of
from engine.errors import NotFound
from tests.clients.test_doors import AC, HOT, ROOT, WT, app_of

TASKS: Final = f"{ROOT}/Tasks"
KEY: Final = b64encode(f"{AC}:token".encode()).decode()
DATE: Final = [(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")]


class Wire:
    """A transport that keeps what is sent."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = self.reading_paused = False

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 8780)}.get(name)

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading_paused = True

    def resume_reading(self) -> None:
        self.reading_paused = False


class Loop:
    """The running loop with a clock of the test's and its timers."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.timers: list[tuple[float, Callable[[], None], asyncio.Future[None]]] = []
        self._real = asyncio.get_running_loop()
        self.create_task = self._real.create_task

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, act: Callable[[], None]) -> asyncio.Future[None]:
        handle: asyncio.Future[None] = self._real.create_future()
        self.timers.append((self.now_s + delay_s, act, handle))
        return handle

    def advance(self, seconds: float) -> None:
        """Move the clock and run what is due."""
        self.now_s += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now_s]
        self.timers = [timer for timer in self.timers if timer[0] > self.now_s]
        for _, act, handle in due:
            if not handle.cancelled():
                act()


class Caller:
    """One connection to an app; `held` lets the engine's answers wait for `allowed`."""

    def __init__(self, outcome: Exception | None = None, *, door: bool = True, held: bool = False) -> None:
        self.engine, app = app_of(door, outcome)
        self.allowed = self.engine.held = asyncio.Event()
        if not held:
            self.allowed.set()
        self.wire, self.loop, self.state = Wire(), Loop(), ServerState()
        self.state.default_headers = list(DATE)
        config = server_of(app).config
        loop: Any = self.loop
        self.protocol = Protocol(config, self.state, {}, loop)
        transport: Any = self.wire
        self.protocol.connection_made(transport)

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)

    async def finish(self) -> None:
        """Wait until no request is under way."""
        for _ in range(3):
            if not self.state.tasks:
                return
            await asyncio.wait(self.state.tasks, timeout=2)
            await asyncio.sleep(0)  # what ended is taken from the set by a callback
        raise AssertionError("requests do not end")

    async def ask(self, data: bytes) -> bytes:
        self.wire.sent = b""
        self.send(data)
        await self.finish()
        return self.wire.sent

    @property
    def short(self) -> bool:
        """Whether the last request took the short way."""
        return type(self.protocol.cycle).__name__ == "Exchange"


def request(
    path: str = TASKS, body: bytes = b"Priority=3", version: str = "1.1", **changed: str | None
) -> bytes:
    headers: dict[str, str | None] = {
        "Host": "router.example",
        "Authorization": f"Basic {KEY}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"POST {path} HTTP/{version}\r\n{''.join(lines)}\r\n".encode() + body


def head_and_body(answer: bytes) -> tuple[list[bytes], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return sorted(head.lower().split(b"\r\n")), body


@pytest.mark.parametrize("path", [*HOT, f"{TASKS}/nothing/Reservations/x"])
@pytest.mark.parametrize("outcome", [None, NotFound(WT)], ids=["found", "not-found"])
@pytest.mark.parametrize("key", [KEY, "wrong"], ids=["known", "stranger"])
async def test_the_short_way_answers_as_litestar_does_to_the_byte(
    path: str, outcome: Exception | None, key: str
) -> None:
    answers = []
    for door in (True, False):
        caller = Caller(outcome, door=door)
        sent = request(path, HOT.get(path, b"ReservationStatus=accepted"), Authorization=f"Basic {key}")
        answers.append(head_and_body(await caller.ask(sent)))
        assert caller.short is door
    assert answers[0] == answers[1]
    assert DATE[0][0] + b": " + DATE[0][1].lower() in answers[0][0]


@pytest.mark.parametrize(
    "sent",
    [
        request(f"{TASKS}?x=1"),
        request(TASKS.replace("Tasks", "T%61sks")),
        request(Expect="100-continue"),
        request(Content_Length=None, Transfer_Encoding="chunked", body=b"a\r\nPriority=3\r\n0\r\n\r\n"),
        request(Content_Type="application/json", body=b'{"Priority":3}'),
        request(body=b"Priority=3&Reason=" + b"x" * 65_536),
        request(Content_Length=None, body=b""),
        request(f"{TASKS}/Bulk", body=b"{}\n"),
        request(f"{ROOT}/Workers", body=b"FriendlyName=a"),
    ],
    ids=["query", "escape", "expect", "chunked", "json", "long", "no-length", "bulk", "elsewhere"],
)
async def test_everything_else_goes_the_ordinary_way_and_is_answered(sent: bytes) -> None:
    caller = Caller()
    answer = await caller.ask(sent)
    assert answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").startswith(b"HTTP/1.1 ")
    assert not caller.short


async def test_pieces_of_any_size_make_one_request() -> None:
    caller = Caller()
    sent = request(body=b"Priority=7&Attributes=%7B%22a%22%3A1%7D")
    for place in range(len(sent)):
        caller.send(sent[place : place + 1])
    await caller.finish()
    assert caller.wire.sent.startswith(b"HTTP/1.1 201 Created\r\n")
    assert [(asked["priority"], asked["attributes"]) for asked in caller.engine.asked] == [(7, '{"a":1}')]


@pytest.mark.parametrize("middle", [TASKS, TASKS + "?x=1"], ids=["short", "ordinary"])
async def test_requests_sent_ahead_are_answered_one_after_the_other(middle: str) -> None:
    caller = Caller(held=True)
    sent = [request(path, body=b"Priority=%d" % n) for n, path in enumerate((TASKS, middle, TASKS), 1)]
    caller.send(b"".join(sent))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [asked["priority"] for asked in caller.engine.asked] == [1]
    assert caller.wire.reading_paused
    caller.allowed.set()
    await caller.finish()
    assert [asked["priority"] for asked in caller.engine.asked] == [1, 2, 3]
    assert caller.wire.sent.count(b"HTTP/1.1 201 Created\r\n") == caller.state.total_requests == 3
    assert not caller.wire.reading_paused


@pytest.mark.parametrize(
    ("sent", "closes"),
    [
        (request(), False),
        (request(Connection="close"), True),
        (request(version="1.0"), True),
        (request(version="1.0", Connection="keep-alive"), True),
    ],
)
async def test_a_connection_is_kept_unless_the_caller_says_otherwise(sent: bytes, closes: bool) -> None:
    for door in (True, False):
        caller = Caller(door=door)
        answer = await caller.ask(sent)
        assert caller.wire.closed is closes
        assert len(caller.loop.timers) == (not closes)
        # Not every uvicorn says so to a caller of HTTP/1.0.
        assert answer.lower().count(b"\r\nconnection: close\r\n") == closes or not door


async def test_a_caller_that_left_is_not_written_to_and_its_request_still_done() -> None:
    caller = Caller(held=True)
    caller.send(request())
    await asyncio.sleep(0)
    caller.protocol.connection_lost(ConnectionResetError())
    caller.allowed.set()
    await caller.finish()
    assert len(caller.engine.asked) == 1
    assert caller.wire.sent == b""


async def test_a_body_that_never_ends_does_nothing() -> None:
    caller = Caller()
    caller.send(request()[:-1])
    caller.protocol.connection_lost(None)
    await caller.finish()
    assert caller.engine.asked == []
    assert caller.wire.sent == b""


async def test_the_end_waits_for_what_was_begun() -> None:
    begun, arriving, idle = callers = Caller(held=True), Caller(held=True), Caller(held=True)
    begun.send(request())
    arriving.send(request()[:-1])
    await asyncio.sleep(0)
    for caller in callers:
        caller.protocol.shutdown()
    assert [caller.wire.closed for caller in callers] == [False, False, True]
    arriving.send(request()[-1:])
    idle.allowed.set()  # their engine is the same
    for caller in (begun, arriving):
        await caller.finish()
        assert b"\r\nconnection: close\r\n" in caller.wire.sent
        assert caller.wire.closed


async def test_a_request_given_up_at_the_end_is_told_that_nobody_knows() -> None:
    caller = Caller(held=True)
    caller.send(request())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (task,) = caller.state.tasks
    task.cancel()
    await caller.finish()
    assert task.cancelled()
    assert caller.wire.sent.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"It is unknown whether the change was made." in caller.wire.sent
    assert caller.wire.closed


async def test_a_client_that_does_not_read_is_not_written_to() -> None:
    caller = Caller()
    caller.protocol.pause_writing()
    caller.send(request())
    for _ in range(5):
        await asyncio.sleep(0)
    assert caller.wire.sent == b""
    caller.protocol.resume_writing()
    await caller.finish()
    assert caller.wire.sent.startswith(b"HTTP/1.1 201 Created\r\n")


both: Final = pytest.mark.parametrize("sent", [request(), request(TASKS + "?x=1")], ids=["short", "ordinary"])


@both
async def test_a_connection_is_closed_when_it_was_idle_for_75_seconds(sent: bytes) -> None:
    caller = Caller()
    await caller.ask(sent)
    caller.loop.advance(KEEP_ALIVE_S - 1)
    await caller.ask(sent)
    caller.loop.advance(1)  # the timer of the first answer looks, and goes on
    assert len(caller.loop.timers) == 1
    caller.loop.advance(KEEP_ALIVE_S - 2)
    assert not caller.wire.closed
    caller.loop.advance(1)
    assert caller.wire.closed


@both
async def test_a_connection_is_not_idle_while_a_request_is_under_way(sent: bytes) -> None:
    caller = Caller()
    await caller.ask(sent)
    caller.allowed.clear()
    caller.send(sent)
    await asyncio.sleep(0)
    caller.loop.advance(10 * KEEP_ALIVE_S)
    assert not caller.wire.closed
    caller.allowed.set()
    await caller.finish()
    caller.loop.advance(KEEP_ALIVE_S - 1)
    assert not caller.wire.closed
    caller.loop.advance(1)
    assert caller.wire.closed


async def test_a_connection_that_ended_leaves_no_timer() -> None:
    caller = Caller()
    await caller.ask(request())
    caller.protocol.connection_lost(None)
    assert [handle.cancelled() for _, _, handle in caller.loop.timers] == [True]


async def test_the_servers_own_headers_are_those_of_the_moment() -> None:
    caller = Caller()
    assert b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n" in await caller.ask(request())
    caller.state.default_headers = [(b"date", b"Thu, 01 Jan 2026 00:00:01 GMT")]
    answer = await caller.ask(request())
    assert answer.count(b"date: ") == 1
    assert b"date: Thu, 01 Jan 2026 00:00:01 GMT\r\n" in answer


async def test_answers_of_one_connection_have_each_their_own_status() -> None:
    caller = Caller()
    assert (await caller.ask(request())).startswith(b"HTTP/1.1 201 Created\r\n")
    stranger = await caller.ask(request(Authorization="Basic x"))
    assert stranger.startswith(b"HTTP/1.1 401 Unauthorized\r\n")


async def test_a_mistake_of_ours_past_the_last_net_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: Any) -> Any:
        raise KeyError("lost")

    caller = Caller()
    monkeypatch.setattr(Door, "answer", broken)
    caller.send(request())
    (task,) = caller.state.tasks
    await caller.finish()
    assert isinstance(task.exception(), KeyError)
    assert caller.wire.closed
