"""How a bulk request goes on: in order, within bounds, and not beyond its client. In process, by an engine and a client
of the test's.
"""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from api.app import build
from api.v1 import bulk
from engine.errors import Invalid, NotFound, Unavailable
from engine.model import Account, Found
from engine.new_task import MOST as BATCH
from engine.new_task import NewTask
from tests.clients.test_doors import AC, CONFIG, ROOT, T0_MS, TASK

ROUNDS: Final = 50  # of the event loop, after which nothing moves any more that does not wait
LINE: Final = b'{"Priority":%d}\n'
both: Final = pytest.mark.parametrize("in_front", [True, False], ids=["door", "litestar"])


class Gated:
    """An engine that creates when it is let, and notes what it was asked."""

    def __init__(self) -> None:
        self.accounts = self.api_keys = self.workspaces = self.tasks = self
        self.let = asyncio.Event()
        self.let.set()
        self.asked: list[list[int | None]] = []
        self.raised: Exception | None = None
        self.suspended = False
        self.slow = 0  # calls that are let go behind all others

    async def get(self, _: str) -> None:
        """Nobody signs a token here."""

    async def verify(self, sid: str, token: str) -> Account | None:
        account = Account(sid=AC, name="n", token="", created_ms=0)
        return None if self.suspended else account

    async def fetch(self, account: str, sid: str) -> Any:
        if self.raised is not None:
            raise self.raised
        return Found(CONFIG, CONFIG.workspace, T0_MS)

    async def create_many(self, account: str, workspace: str, wishes: Sequence[NewTask]) -> list[Any]:
        self.asked.append([wish.priority for wish in wishes])
        await self.let.wait()
        if self.slow:
            self.slow -= 1
            for _ in range(5):
                await asyncio.sleep(0)
        if self.raised is not None:
            raise self.raised
        return [Found(CONFIG, TASK, T0_MS) for _ in wishes]

    @property
    def lines(self) -> int:
        return sum(map(len, self.asked))


class Talk:
    """One request, in which the test says and hears."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self.heard = b""
        self.began = self.ended = False
        self.listens = asyncio.Event()
        self.listens.set()

    def say(self, body: bytes, *, more: bool = True) -> None:
        self._said.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        self._said.put_nowait({"type": "http.disconnect"})

    @property
    def unread(self) -> int:
        return self._said.qsize()

    async def receive(self) -> Any:
        return await self._said.get()

    async def send(self, message: Any) -> None:
        await self.listens.wait()
        if message["type"] == "http.response.start":
            self.began = True
            return
        self.heard += message["body"]
        self.ended = not message["more_body"]

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.heard.splitlines()]

    @property
    def numbers(self) -> list[int]:
        return [answer["line"] for answer in self.answers]


@asynccontextmanager
async def talking(engine: Any, in_front: bool = True, **settings: Any) -> AsyncIterator[Talk]:
    """A request under way; the block has to bring it to its end."""
    talk = Talk()
    key = b"Basic " + b64encode(f"{AC}:token".encode())
    scope: Any = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": f"{ROOT}/Tasks/Bulk", "raw_path": f"{ROOT}/Tasks/Bulk".encode(), "query_string": b"",
        "root_path": "", "state": {}, "server": ("127.0.0.1", 1), "client": ("127.0.0.1", 1),
        "headers": [
            (b"host", b"h"), (b"authorization", key), (b"content-type", b"application/x-ndjson"),
        ],
    }  # fmt: skip
    app = build(engine, ready=list, door=in_front, **settings)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(app(scope, talk.receive, talk.send))  # type: ignore[arg-type]
        yield talk


async def settle() -> None:
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


async def deaf(talk: Talk) -> None:
    """From the beginning of the answer on."""
    talk.say(b"")
    await settle()
    assert talk.began
    talk.listens.clear()


@both
async def test_each_piece_is_answered_before_the_next_one_comes(in_front: bool) -> None:
    async with talking(Gated(), in_front) as talk:
        await settle()
        assert not talk.began  # a client may wait for leave to send
        talk.say(b"{}\n{}\n{")
        await settle()
        assert talk.began
        assert talk.numbers == [1, 2]
        talk.say(b"}\n")
        await settle()
        assert talk.numbers == [1, 2, 3]
        assert not talk.ended
        talk.say(b"", more=False)
    assert talk.ended
    assert talk.numbers == [1, 2, 3]


async def test_no_more_than_a_window_of_lines_is_under_way() -> None:
    engine = Gated()
    engine.let.clear()
    async with talking(engine) as talk:
        for n in range(40):
            talk.say(b"".join(LINE % (n * 20 + k) for k in range(20)))
        talk.say(b"", more=False)
        await settle()
        assert bulk.WINDOW <= engine.lines < bulk.WINDOW + BATCH
        assert talk.unread >= 40 - bulk.WINDOW // 20 - 2
        assert talk.heard == b""
        engine.let.set()
    assert [n for asked in engine.asked for n in asked] == list(range(800))
    assert talk.numbers == list(range(1, 801))


async def test_a_client_that_does_not_read_is_not_read_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is kept for one that reads when it has sent everything."""
    monkeypatch.setattr(bulk, "KEPT", 10_000)
    engine = Gated()
    async with talking(engine) as talk:
        await deaf(talk)
        for _ in range(100):
            talk.say(b"{}\n" * 20)
        talk.say(b"", more=False)
        for _ in range(20):
            await settle()
        taken = engine.lines
        assert 10_000 / 72 < taken < 10_000 / 72 + bulk.WINDOW + BATCH
        assert talk.unread > 80
        talk.listens.set()
    assert talk.numbers == list(range(1, 2_001))
    assert engine.lines == 2_000


async def test_all_that_a_request_may_ask_for_is_kept_for_a_client_that_reads_last() -> None:
    engine = Gated()
    async with talking(engine) as talk:
        await deaf(talk)
        for _ in range(100):
            talk.say(b"{}\n" * 100)
        talk.say(b"", more=False)
        while engine.lines < bulk.MOST:
            await settle()
        assert talk.unread == 0
        talk.listens.set()
    assert len(talk.answers) == bulk.MOST


async def test_answers_are_in_order_of_lines_whatever_is_done_first() -> None:
    engine = Gated()
    engine.slow = 3
    async with talking(engine) as talk:
        talk.say(b"{}\n" * 160, more=False)
    assert talk.numbers == list(range(1, 161))


@both
async def test_nothing_more_is_done_for_a_client_that_left(in_front: bool) -> None:
    engine = Gated()
    engine.let.clear()
    async with talking(engine, in_front) as talk:
        talk.say(b"{}\n" * 20 + b"{}")
        await settle()
        talk.leave()
        talk.say(b"{}\n" * 20, more=False)
        await settle()
        engine.let.set()
    assert engine.lines == 20


async def test_what_fails_is_told_of_its_lines_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    engine = Gated()
    async with talking(engine) as talk:
        talk.say(b"")
        await settle()
        for raised in (
            Unavailable("away", outcome_unknown=True),
            None,
            KeyError("secret"),
            Invalid("x", "y"),
        ):
            engine.raised = raised
            talk.say(b"{}\n[]\n")
            await settle()
        talk.say(b"", more=False)
    assert [(one["line"], one["status"]) for one in talk.answers] == [
        *((1, 503), (2, 400), (3, 201), (4, 400), (5, 500), (6, 400), (7, 400), (8, 400))
    ]
    assert talk.answers[0]["message"].endswith("It is unknown whether the change was made.")
    assert "secret" not in talk.heard.decode()
    (logged,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert logged.exc_info is not None


async def test_credentials_that_are_withdrawn_count_no_more() -> None:
    """Semantics of a suspension: within 2 s, also in the middle of a request."""
    engine, now_s = Gated(), [0.0]
    async with talking(engine, clock=lambda: now_s[0]) as talk:
        talk.say(b"{}\n")
        await settle()
        engine.suspended = True
        talk.say(b"{}\n")
        await settle()
        now_s[0] = 2.0
        talk.say(b"{}\n{}\n", more=False)
    assert [one["status"] for one in talk.answers] == [201, 201, 401, 401]
    assert engine.lines == 2


async def test_a_client_that_goes_on_beyond_the_most_is_listened_to_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "MOST", 20)
    monkeypatch.setattr(bulk, "DRAINED", 100)
    engine = Gated()
    async with talking(engine) as talk:
        talk.say(b"{}\n" * 21)
        await settle()
        assert talk.numbers == list(range(1, 22))
        assert not talk.ended
        for _ in range(10):
            talk.say(b"x" * 40)
    assert talk.ended
    assert talk.unread == 7
    assert talk.answers[-1]["status"] == 413
    assert engine.lines == 20


async def test_a_client_that_waits_beyond_the_most_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST", 20)
    monkeypatch.setattr(bulk, "DRAIN_S", 0.0)
    async with talking(Gated()) as talk:
        talk.say(b"{}\n" * 21)
    assert talk.ended


@both
@pytest.mark.parametrize(
    ("raised", "status"), [(NotFound("WS"), 404), (Unavailable("away", outcome_unknown=False), 503)]
)
async def test_what_is_wrong_from_the_beginning_is_told_as_ever(
    in_front: bool, raised: Exception, status: int
) -> None:
    engine = Gated()
    engine.raised = raised
    async with talking(engine, in_front) as talk:
        pass
    assert talk.answers[0]["status"] == status
    assert engine.asked == []
