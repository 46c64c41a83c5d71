"""The client that makes callbacks: what it sends, how it signs, and what it makes of answers, hostile ones too."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from msgspec.structs import replace
from twilio.request_validator import RequestValidator

from api import callback_client as client_module
from api.callback_client import SIGNATURE, CallbackClient, signature, spelled
from api.outbound import MAX_ANSWER
from engine.callback_letters import Letter, Outcome, Reply

TOKEN: Final = "0123456789abcdef0123456789abcdef"
LETTER: Final = Letter(
    url="http://127.0.0.1/",
    token=TOKEN,
    fields={
        "task_sid": "WT1",
        "task_attributes": '{"a": "é & ü", "b": "1+1 %20"}',
        "task_age": "0",
        "sid": "EV1",
    },
)
MANUAL: Final = Reply(Outcome.ANSWERED)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """Scheme, host and port of a server that answers POSTs of any path by `handler`."""
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def answered(response: Callable[[], web.Response], *, event: bool = False) -> Reply:
    """What the client makes of an answer."""

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return response()

    async with served(handler) as root, CallbackClient(private=True) as client:
        post = client.tell if event else client.assign
        return await post(replace(LETTER, url=root + "/"))


def text(
    body: str | bytes, status: int = 200, kind: str | None = "application/json"
) -> Callable[[], web.Response]:
    raw = body if isinstance(body, bytes) else body.encode()
    headers = {} if kind is None else {"Content-Type": kind}
    return lambda: web.Response(status=status, body=raw, headers=headers)


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "/",
        "/told",
        "/told?a=1&b=%2F",
        "/told?b=2&a=1#rc=3&rp=all",
        "/%7Etold/a%20b?x=%7e",
        "/told?",
        "/a;b,c=d@e:f?q=a?b/c",
    ],
)
@pytest.mark.parametrize("user", ["", "user:pass@"])
async def test_a_callback_is_a_form_that_the_originals_validator_accepts(tail: str, user: str) -> None:
    seen: list[tuple[Any, str, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        url = f"http://{request.headers['Host']}{request.raw_path}"
        seen.append((request.headers.copy(), url, await request.read()))
        return web.Response()

    async with served(handler) as root, CallbackClient(private=True) as client:
        url = root.replace("//", f"//{user}") + tail
        assert await client.assign(replace(LETTER, url=url)) == MANUAL
        assert await client.tell(replace(LETTER, url=url)) == MANUAL
    for headers, url, body in seen:
        form = dict(parse_qsl(body.decode(), strict_parsing=True))
        assert form == {
            "TaskSid": "WT1",
            "TaskAttributes": '{"a": "é & ü", "b": "1+1 %20"}',
            "TaskAge": "0",
            "Sid": "EV1",
        }
        assert headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
        assert ("Authorization" in headers) is bool(user)
        assert RequestValidator(TOKEN).validate(url, form, headers[SIGNATURE])
        assert not RequestValidator("f" * 32).validate(url, form, headers[SIGNATURE])
        assert not RequestValidator(TOKEN).validate(url, {**form, "TaskAge": "1"}, headers[SIGNATURE])


def test_the_signature_is_the_documented_one() -> None:
    """The example of the original's documentation."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(url, form, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("sid", "Sid"),
        ("task_queue_target_expression", "TaskQueueTargetExpression"),
        ("worker_time_in_previous_activity_ms", "WorkerTimeInPreviousActivityMs"),
    ],
)
def test_fields_are_spelled_as_in_forms(name: str, form: str) -> None:
    assert spelled(name) == form


@pytest.mark.parametrize(
    ("response", "reply"),
    [
        (text(""), MANUAL),
        (text("", kind="text/plain"), MANUAL),
        (text(" \r\n", kind=None), MANUAL),
        (text("{}"), MANUAL),
        (
            text('{"instruction": "accept"}'),
            Reply(Outcome.ANSWERED, said={"instruction": "accept"}),
        ),
        (
            text('{"instruction": "accept"}', kind="Application/JSON; charset=utf-8"),
            Reply(Outcome.ANSWERED, said={"instruction": "accept"}),
        ),
        (text('{"to": null}'), Reply(Outcome.ANSWERED, said={"to": None})),
        *((text(body), Reply(Outcome.WRONG, 40001, "answered what is no JSON object")) for body in (
            "OK", '"{}"', '"{\\"instruction\\": \\"accept\\"}"', "[]", "null", "7", "{'instruction': 'accept'}",
            '{"instruction": NaN}', "[" * 60_000, '{"a":' * 40 + "1" + "}" * 40, b"\xff\xfe",
        )),
        (
            text("{}", kind="text/html"),
            Reply(Outcome.BROKEN, 40000, "answered with 'text/html' and not application/json"),
        ),
        (
            text("{}", kind="application/jsonp"),
            Reply(Outcome.BROKEN, 40000, "answered with 'application/jsonp' and not application/json"),
        ),
        (text('{"instruction": "accept"}', 201), Reply(Outcome.BROKEN, reason="answered 201")),
        (text("", 204), Reply(Outcome.BROKEN, reason="answered 204")),
        (text("", 302), Reply(Outcome.BROKEN, reason="answered 302")),
        (text("", 404), Reply(Outcome.BROKEN, reason="answered 404")),
        (text('{"instruction": "accept"}', 500), Reply(Outcome.BROKEN, reason="answered 500")),
        (
            text('{"pad": "' + "x" * MAX_ANSWER + '"}'),
            Reply(Outcome.BROKEN, reason=f"answered more than {MAX_ANSWER} bytes"),
        ),
    ],
)  # fmt: skip
async def test_an_answer_about_a_reservation_has_one_meaning(
    response: Callable[[], web.Response], reply: Reply
) -> None:
    assert await answered(response) == reply


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_any_2xx_takes_an_event_whatever_its_body(status: int) -> None:
    assert await answered(text(b"\xff" * 100, status, None), event=True) == MANUAL


@pytest.mark.parametrize("status", [302, 400, 404, 410, 429, 500, 503])
async def test_any_other_status_does_not(status: int) -> None:
    reply = await answered(text("", status), event=True)
    assert reply == Reply(Outcome.BROKEN, reason=f"answered {status}")


async def test_redirects_are_not_followed() -> None:
    told: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        told.append(request.path_qs)
        return web.Response(status=307, headers={"Location": "/again"})

    async with served(handler) as root, CallbackClient(private=True) as client:
        for post in (client.assign, client.tell):
            assert await post(replace(LETTER, url=root + "/told")) == Reply(
                Outcome.BROKEN, reason="answered 307"
            )
    assert told == ["/told", "/told"]


async def hang(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("handler", [hang, drip])
async def test_whoever_hangs_or_drips_is_cut_off_at_the_limit(handler: Handler) -> None:
    async with served(handler) as root, CallbackClient(private=True, assignment_s=0.2, event_s=0.1) as client:
        letter = replace(LETTER, url=root)
        assert await client.assign(letter) == Reply(Outcome.BROKEN, reason="no answer within 0.2 s")
        if handler is hang:
            assert await client.tell(letter) == Reply(Outcome.BROKEN, reason="no answer within 0.1 s")


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for _ in range(160_000):  # 10 GB
            await response.write(b"x" * 65_536)
            written += 65_536
        return response

    async with served(flood) as root, CallbackClient(private=True) as client:
        reply = await client.assign(replace(LETTER, url=root))
        assert reply == Reply(Outcome.BROKEN, reason=f"answered more than {MAX_ANSWER} bytes")
        assert await client.tell(replace(LETTER, url=root)) == MANUAL
    assert written < 200 * 65_536  # what fits into the buffers of both ends


async def test_nobody_there_is_no_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with CallbackClient(private=True) as client:
            reply = await client.assign(replace(LETTER, url=f"http://127.0.0.1:{taken.getsockname()[1]}/"))
    assert reply.outcome is Outcome.BROKEN
    assert reply.reason.startswith("not connected")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_private_address_is_refused_where_it_is_connected_to(host: str) -> None:
    told: list[bytes] = []

    async def handler(request: web.Request) -> web.Response:
        told.append(await request.read())
        return web.Response()

    async with served(handler) as root, CallbackClient() as client:
        letter = replace(LETTER, url=f"http://{host}:{root.rpartition(':')[2]}/")
        for post in (client.assign, client.tell):
            assert await post(letter) == Reply(Outcome.BROKEN, reason="its address is in a private network")
    assert told == []


@pytest.mark.parametrize("url", ["http://exa mple:99999/", "http://[::1", "http:///x", "nonsense", ""])
async def test_an_unusable_url_is_no_answer(url: str) -> None:
    async with CallbackClient(private=True) as client:
        assert (await client.assign(replace(LETTER, url=url))).outcome is Outcome.BROKEN
        assert (await client.tell(replace(LETTER, url=url))).outcome is Outcome.BROKEN


def test_the_page_about_callbacks_says_the_limits() -> None:
    limits = (client_module.ASSIGNMENT_LIMIT_S, client_module.EVENT_LIMIT_S, MAX_ANSWER)
    assert limits == (5.0, 15.0, 65_536)
