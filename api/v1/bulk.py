"""Many Tasks in one request: a line of JSON a Task in, and one out (docs/bulk.md). Not in the original API.

    receive ──> lines ──16 at a time──> create_many ──in order of lines──> send

Lines are read while answers are sent. What bounds the memory of a request is that nothing more is received while
WINDOW lines are under way, or KEPT bytes of answers wait for a client that does not read. The latter is more than the
answers to all the Tasks of a request, so a client may send everything before it reads anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Final

import msgspec

from api import errors
from api.answer import Answer
from api.bodies import LIMIT, json_pairs
from api.call import Call, checked_key
from api.errors import CLOSE, RequestError
from api.forms import Form
from api.ndjson import MEDIA_TYPES, Lines
from api.operate import account_of
from api.routes import Route
from api.v1.tasks import PATH, parameters
from engine.model import Found
from engine.new_task import MOST as BATCH
from engine.new_task import NewTask, Outcome

if TYPE_CHECKING:
    from litestar.types import Receive, Send

MOST: Final = 10_000  # Tasks of one request
WINDOW: Final = 256  # lines under way at a time
KEPT: Final = 1_048_576  # bytes of answers; one to a created Task has 72
DRAINED: Final = (
    4_194_304  # bytes that are read beyond the last Task, so that a client comes to reading its answers
)
DRAIN_S: Final = 2.0
PLACE: Final = "line"
CONTENT: Final = (b"content-type", MEDIA_TYPES[0])

_encode: Final = msgspec.json.Encoder().encode
Numbered = tuple[int, bytes | None]  # a line and its place in the body, from 1


async def create(call: Call) -> Answer:
    """Creates a Task for each line of the body; 200 as soon as there is something to read.

    The connection is closed behind the answer: it may be that not all of the body was read.
    """
    media_type = call.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        allowed = " or ".join(name.decode() for name in MEDIA_TYPES)
        raise RequestError(415, 20001, f"The Content-Type of a body must be {allowed}", CLOSE)
    if call.headers.get(b"content-encoding", b"identity") != b"identity":
        raise RequestError(415, 20001, "The body must have no Content-Encoding", CLOSE)
    if b"idempotency-key" in call.headers:
        message = "Idempotency-Key: is not for many Tasks; give each line an IdempotencyKey"
        raise RequestError(400, 20001, message, CLOSE)
    try:
        await call.engine.workspaces.fetch(call.account, *call.params)
    except Exception as raised:
        told = errors.refusal(raised, call.path)
        raise RequestError(told.status, told.code, told.message, *told.headers, CLOSE) from None
    assert call.receive is not None
    bulk = Bulk(call, call.receive)
    await bulk.begin()  # before anything is sent: a client may wait to be told to go on
    return Answer(200, headers=(CONTENT, CLOSE), stream=bulk.send)


class Bulk:
    """One request."""

    def __init__(self, call: Call, receive: Receive) -> None:
        self._call, self._receive, self._lines = call, receive, Lines(LIMIT)
        (self._workspace,) = call.params
        self._number = 0  # of the last line
        self._asked = 0  # lines that were not blank
        self._under_way = 0  # lines that are being created
        self._kept = 0  # bytes of answers that are not sent yet
        self._moved = asyncio.Event()  # one of these two has become less
        self._more = True  # of the body is to come
        self._arrived: list[Numbered] = []
        self._answers: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue()

    async def begin(self) -> None:
        """Wait for the first piece of the body."""
        self._arrived = await self._next_lines()

    async def send(self, send: Send) -> None:
        """Read, create and answer, to the end of the body or of the client."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(group))
            while (creating := await self._answers.get()) is not None:
                text = await creating
                await send({"type": "http.response.body", "body": text, "more_body": True})
                self._kept -= len(text)
                self._moved.set()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _read(self, group: asyncio.TaskGroup) -> None:
        lines = self._arrived
        while True:
            allowed = lines[: MOST - self._asked]
            for start in range(0, len(allowed), BATCH):
                while self._under_way >= WINDOW or self._kept >= KEPT:
                    self._moved.clear()
                    await self._moved.wait()
                batch = allowed[start : start + BATCH]
                self._under_way += len(batch)
                # Asked again and again, since credentials may be withdrawn while a body is coming.
                account = await self._account()
                self._answers.put_nowait(group.create_task(self._create(batch, account)))
            self._asked += len(allowed)
            if len(allowed) < len(lines):
                self._answers.put_nowait(group.create_task(self._refuse(lines[len(allowed)][0])))
                await self._drain()
                break
            if not self._more:
                break
            lines = await self._next_lines()
        self._answers.put_nowait(None)

    async def _next_lines(self) -> list[Numbered]:
        """The lines that the next piece of the body completes, without blank ones."""
        message = await self._receive()
        if message["type"] != "http.request":  # the client is gone: what it had begun to say is not done
            self._more = False
            return []
        lines = self._lines.feed(message["body"])
        self._more = message["more_body"]
        if not self._more:
            lines.append(self._lines.end())
        first = self._number + 1
        self._number += len(lines)
        return [(n, line) for n, line in enumerate(lines, first) if line is None or line.strip()]

    async def _drain(self) -> None:
        """Read on for a while, and forget it."""
        left = DRAINED
        try:
            async with asyncio.timeout(DRAIN_S):
                while self._more and left > 0:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        return
                    self._more = message["more_body"]
                    left -= len(message["body"])
        except TimeoutError:
            pass

    async def _refuse(self, number: int) -> bytes:
        text = self._refusal(
            number,
            RequestError(413, 20001, f"A request has at most {MOST} Tasks; from here on nothing was done"),
        )
        self._kept += len(text)
        return text

    async def _account(self) -> str | Exception:
        """Whom the request speaks for; what is wrong when it speaks for nobody any more."""
        try:
            return await account_of(self._call.face, self._call.headers)
        except Exception as refused:  # told to the caller, or logged
            return refused

    async def _create(self, batch: Sequence[Numbered], account: str | Exception) -> bytes:
        """The answers to a batch; whatever goes wrong is one of them."""
        wishes: list[NewTask] = []
        told: dict[int, Exception | Outcome] = {}
        for number, line in batch:
            try:
                wishes.append(self._wish(line))
            except RequestError as refused:
                told[number] = refused
        try:
            if isinstance(account, Exception):
                raise account
            created = await self._call.engine.tasks.create_many(account, self._workspace, wishes)
            outcomes: Iterator[Exception | Outcome] = iter(created)
        except Exception as raised:  # told to the caller, or logged
            outcomes = repeat(errors.refusal(raised, self._call.path))
        text = b"".join(self._answer(number, told.get(number) or next(outcomes)) for number, _ in batch)
        self._under_way -= len(batch)
        self._kept += len(text)
        self._moved.set()
        return text

    def _wish(self, line: bytes | None) -> NewTask:
        """The Task that a line asks for. Raises RequestError."""
        if line is None:
            raise RequestError(413, 20001, f"A line must have at most {LIMIT} bytes")
        form = Form(json_pairs(line, PLACE), PLACE)
        if self._call.permit is not None:
            self._call.permit.check(form)
        key = form.raw("IdempotencyKey")
        return NewTask(
            **parameters(form), idempotency_key=None if key is None else checked_key("IdempotencyKey", key)
        )

    def _answer(self, number: int, outcome: Exception | Outcome) -> bytes:
        if not isinstance(outcome, Found):
            return self._refusal(number, errors.refusal(outcome, self._call.path))
        again = b',"replayed":true' if outcome.replayed else b""
        return b'{"line":%d,"sid":"%b","status":201%b}\n' % (number, outcome.value.sid.encode(), again)

    @staticmethod
    def _refusal(number: int, told: RequestError) -> bytes:
        body = {"line": number, "status": told.status, "code": told.code, "message": told.message}
        return _encode(body) + b"\n"


ROUTES: Final = (Route("POST", f"{PATH}/Bulk", "CreateTaskBulk", create, body_limit=None),)
