"""Both doors over an engine of the test's: the same answers, whatever the engine says or the sender does."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from functools import cache
from typing import Any

import pytest

from api.app import build
from engine.errors import Gone, IllegalState, Invalid, NotFound, RevisionMismatch, TrunklineError, Unavailable
from engine.model import (
    Account,
    Found,
    Reservation,
    ReservationStatus,
    Task,
    TaskChannel,
    TaskQueue,
    TaskStatus,
    Workflow,
    Workspace,
    WorkspaceConfig,
)

AC, WS, WT, WR, WK = (prefix + "1" * 32 for prefix in ("AC", "WS", "WT", "WR", "WK"))
WQ, WW, TC, WA = (prefix + "2" * 32 for prefix in ("WQ", "WW", "TC", "WA"))
T0_MS = 1_700_000_000_999
ROOT = f"/v1/Workspaces/{WS}"
HOT = {
    f"{ROOT}/Tasks": b"Attributes=%7B%7D&Priority=3",
    f"{ROOT}/Tasks/{WT}": b"Priority=4",
    f"{ROOT}/Tasks/{WT}/Reservations/{WR}": b"ReservationStatus=accepted",
    f"{ROOT}/Workers/{WK}/Reservations/{WR}": b"Instruction=reject",
}

DATES: dict[str, Any] = {"created_ms": T0_MS, "updated_ms": T0_MS}
CONFIG = WorkspaceConfig(
    shard=0,
    version=1,
    workspace=Workspace(
        sid=WS,
        account_sid=AC,
        number=1,
        friendly_name="W",
        default_activity_sid=WA,
        timeout_activity_sid=WA,
        **DATES,
    ),
    channels={TC: TaskChannel(sid=TC, number=1, unique_name="default", friendly_name="Default", **DATES)},
    queues={WQ: TaskQueue(sid=WQ, friendly_name="Q", **DATES)},
    workflows={WW: Workflow(sid=WW, friendly_name="F", configuration="{}", **DATES)},
)
TASK = Task(
    sid=WT,
    status=TaskStatus.PENDING,
    attributes="{}",
    priority=3,
    timeout=60,
    task_queue_sid=None,
    task_queue_entered_ms=None,
    workflow_sid=WW,
    task_channel_number=1,
    virtual_start_ms=T0_MS,
    revision=7,
    **DATES,
)
OFFER = Reservation(
    sid=WR,
    task_sid=WT,
    worker_sid=WK,
    worker_name="Ann",
    status=ReservationStatus.ACCEPTED,
    revision=2,
    **DATES,
)


class ScriptedEngine:
    """An engine that has one answer to everything and notes what it was asked."""

    def __init__(self) -> None:
        self.outcome: Exception | None = None
        self.held: asyncio.Event | None = None  # what its answers wait for
        self.asked: list[dict[str, Any]] = []
        self.accounts = self.api_keys = self.tasks = self.reservations = self

    async def verify(self, sid: str, token: str) -> Account | None:
        account = Account(sid=AC, name="n", token="token", created_ms=0)
        return account if (sid, token) == (AC, "token") else None

    async def get(self, sid: str) -> None:
        return None

    async def _say(self, otherwise: Any, asked: dict[str, Any]) -> Any:
        self.asked.append(asked)
        if self.held is not None:
            await self.held.wait()
        if self.outcome is not None:
            raise self.outcome
        return Found(CONFIG, otherwise, T0_MS + 5_000)

    async def create(self, *_: str, **asked: Any) -> Any:
        return await self._say(TASK, asked)

    update = create

    async def answer_of_task(self, *_: str, **asked: Any) -> Any:
        return await self._say(OFFER, asked)

    answer_of_worker = answer_of_task


class Reply:
    """What an app sent back."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


async def post(app: Any, path: str, *messages: Any, **changed: bytes | None) -> Reply:
    """One request in process; `messages` are what the server would hand on, `changed` headers by name."""
    headers = {
        "host": b"router.example",
        "authorization": b"Basic " + b64encode(f"{AC}:token".encode()),
        "content-type": b"application/x-www-form-urlencoded",
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    pending = list(messages)

    async def receive() -> Any:
        return pending.pop(0)

    reply = Reply()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "state": {},
        "headers": [(name.encode(), value) for name, value in headers.items() if value is not None],
        "server": ("127.0.0.1", 8080), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await app(scope, receive, reply.send)
    return reply


def whole(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": False}


def part(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": True}


@cache  # building one takes 30 ms
def standing(in_front: bool) -> tuple[ScriptedEngine, Any]:
    engine: Any = ScriptedEngine()
    return engine, build(engine, ready=lambda: [], door=in_front)


def app_of(in_front: bool, outcome: Exception | None = None) -> tuple[ScriptedEngine, Any]:
    """An engine that answers with `outcome`, and an app over it."""
    engine, app = standing(in_front)
    engine.outcome, engine.held = outcome, None
    engine.asked.clear()
    return engine, app


@pytest.mark.parametrize("path", list(HOT))
@pytest.mark.parametrize("authorized", [True, False])
async def test_both_doors_give_the_same_answer_to_the_byte(path: str, authorized: bool) -> None:
    changed = {} if authorized else {"authorization": b"Basic x"}
    engines, apps = zip(app_of(True), app_of(False), strict=True)
    by_door, by_litestar = [await post(app, path, whole(HOT[path]), **changed) for app in apps]
    expected = (201 if path.endswith("/Tasks") else 200) if authorized else 401
    assert by_door.status == by_litestar.status == expected
    assert by_door.body == by_litestar.body
    assert by_door.headers == by_litestar.headers
    assert engines[0].asked == engines[1].asked
    assert len(engines[0].asked) == authorized


async def test_the_door_alone_takes_the_hot_paths() -> None:
    async def closed(*_: Any) -> None:
        raise AssertionError("went to Litestar")

    app = build(ScriptedEngine(), ready=lambda: [])  # type: ignore[arg-type]
    app._inner = closed  # type: ignore[attr-defined]

    for path, body in HOT.items():
        assert (await post(app, path, whole(body))).status in (200, 201)
    for elsewhere in (
        f"{ROOT}/Workers",
        f"{ROOT}/Tasks/",
        f"{ROOT}/Tasks/{WT}/Reservations",
        "/v1/Workspaces",
    ):
        with pytest.raises(AssertionError, match="went to Litestar"):
            await post(app, elsewhere, whole(b"a=b"))
    with pytest.raises(AssertionError, match="went to Litestar"):
        await post(app, f"{ROOT}/Tasks", whole(b"{}"), content_type=b"application/json")


@pytest.mark.parametrize("in_front", [True, False], ids=["door", "litestar"])
@pytest.mark.parametrize(
    ("raised", "status", "code", "message"),
    [
        (NotFound(WT), 404, 20404, f"The requested resource /Workspaces/{WS}/Tasks was not found"),
        (Invalid("friendly_name", "must not be blank"), 400, 20001, "FriendlyName: must not be blank"),
        (Invalid("re_evaluate_tasks", "no"), 400, 20001, "ReEvaluateTasks: no"),
        (Invalid("virtual_start_ms", "is in the future"), 400, 20001, "VirtualStartTime: is in the future"),
        (IllegalState("it is in use"), 400, 20001, "it is in use"),
        (Gone("it has ended"), 410, 20410, "it has ended"),
        (RevisionMismatch(WT, 8), 412, 20412, f"{WT} is at revision 8; nothing was changed"),
        (
            Unavailable("redis at 10.0.0.7 is away", outcome_unknown=False),
            503,
            20503,
            "The service is unavailable for the moment. Nothing was changed.",
        ),
        (
            Unavailable("redis at 10.0.0.7 is away", outcome_unknown=True),
            503,
            20503,
            "The service is unavailable for the moment. It is unknown whether the change was made.",
        ),
        (TrunklineError("secret"), 500, 20500, "An internal error occurred"),
        (KeyError("secret"), 500, 20500, "An internal error occurred"),
    ],
)
async def test_every_error_of_the_engine_has_its_status_and_words(
    in_front: bool, raised: Exception, status: int, code: int, message: str
) -> None:
    _, app = app_of(in_front, raised)
    reply = await post(app, f"{ROOT}/Tasks", whole(b""))
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    assert reply.status == status
    assert reply.body.decode() == (
        f'{{"code":{code},"message":"{message}","more_info":"{more_info}","status":{status}}}'
    )
    assert (reply.headers.get("retry-after") == "1") is (status == 503)


@pytest.mark.parametrize("in_front", [True, False], ids=["door", "litestar"])
async def test_a_mistake_of_ours_is_logged_with_its_trace(
    in_front: bool, caplog: pytest.LogCaptureFixture
) -> None:
    _, app = app_of(in_front, KeyError("lost"))
    with caplog.at_level(logging.ERROR, logger="trunkline.api"):
        await post(app, f"{ROOT}/Tasks", whole(b""))
    (record,) = caplog.records
    assert record.getMessage() == f"unexpected error at {ROOT}/Tasks"
    assert record.exc_info is not None
    assert repr(record.exc_info[1]) == "KeyError('lost')"


@pytest.mark.parametrize("in_front", [True, False], ids=["door", "litestar"])
async def test_a_body_in_pieces_is_put_together_and_one_cut_short_changes_nothing(in_front: bool) -> None:
    engine, app = app_of(in_front)
    pieces = (part(b"Prio"), part(b"rity=5&Attr"), whole(b"ibutes=%7B%7D"))
    assert (await post(app, f"{ROOT}/Tasks", *pieces)).status == 201
    assert engine.asked[0]["priority"] == 5
    cut = await post(app, f"{ROOT}/Tasks", part(b"Priority=5"), {"type": "http.disconnect"})
    assert (cut.status, cut.headers["connection"]) == (400, "close")
    assert len(engine.asked) == 1


@pytest.mark.parametrize("in_front", [True, False], ids=["door", "litestar"])
async def test_the_declared_length_is_judged_before_anything_is_read(in_front: bool) -> None:
    _, app = app_of(in_front)
    for length, status in ((b"65537", 413), (b"9" * 25, 400), (b"-1", 400), (b"x", 400)):
        refused = await post(app, f"{ROOT}/Tasks", content_length=length)
        assert (refused.status, refused.headers["connection"]) == (status, "close")


async def test_what_was_sent_reaches_the_engine_in_its_own_types() -> None:
    engine, app = app_of(True)
    sent = (
        "Attributes=%7B%22a%22%3A1%7D&Priority=5&Timeout=60&TaskChannel=voice&VirtualStartTime=2024-01-02"
        f"&WorkflowSid={WW}&RoutingTarget={WK}&IgnoreCapacity=yes&TaskQueueSid={WQ}"
    )
    await post(app, f"{ROOT}/Tasks", whole(sent.encode()))
    await post(app, f"{ROOT}/Tasks", whole(b""))
    assert engine.asked == [
        {
            "attributes": '{"a":1}',
            "priority": 5,
            "timeout": 60,
            "task_channel": "voice",
            "workflow_sid": WW,
            "virtual_start_ms": 1_704_153_600_000,
            "routing_target": WK,
            "ignore_capacity": True,
            "task_queue_sid": WQ,
            "idempotency_key": None,
        },
        {
            "attributes": "{}",
            "priority": None,
            "timeout": 86_400,
            "task_channel": None,
            "workflow_sid": None,
            "virtual_start_ms": None,
            "routing_target": None,
            "ignore_capacity": None,
            "task_queue_sid": None,
            "idempotency_key": None,
        },
    ]


async def test_links_start_with_the_public_url_when_there_is_one_and_an_unset_one_is_null() -> None:
    engine: Any = ScriptedEngine()
    app = build(engine, ready=lambda: [], public_url="https://public.example/")
    reply = await post(app, f"{ROOT}/Tasks", whole(b""))
    assert f'"url":"https://public.example{ROOT}/Tasks/{WT}"'.encode() in reply.body
    assert b'"task_queue":null' in reply.body
    assert b'"age":5,' in reply.body
    assert reply.headers["etag"] == '"7"'
    _, plain = app_of(True)
    reply = await post(plain, f"{ROOT}/Tasks", whole(b""), host=b'bad"host')
    assert f'"url":"https://127.0.0.1:8080{ROOT}/Tasks/{WT}"'.encode() in reply.body


async def test_readiness_lists_what_is_missing() -> None:
    reasons = ["Redis does not answer"]
    app = build(ScriptedEngine(), ready=lambda: reasons)  # type: ignore[arg-type]
    reply = Reply()
    scope: Any = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/readyz", "raw_path": b"/readyz", "query_string": b"", "root_path": "", "headers": [],
        "state": {},
        "server": ("127.0.0.1", 8080), "client": None,
    }  # fmt: skip

    async def receive() -> Any:
        return whole(b"")

    await app(scope, receive, reply.send)
    assert (reply.status, reply.body) == (503, b'{"ready":false,"reasons":["Redis does not answer"]}')
