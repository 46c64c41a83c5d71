"""The client that talks to media adapters: what it sends, and what it makes of answers, hostile ones too."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Final

import pytest
from aiohttp import web
from msgspec.structs import replace

from api import adapter as adapter_module
from api.adapter import MAX_ANSWER, SIGNATURE, AdapterClient, body_of, signature
from engine.media_letters import Letter, Outcome, Reply

AC, WS, WT, WR, WK, SU = (prefix + "1" * 32 for prefix in ("AC", "WS", "WT", "WR", "WK", "SU"))
LETTER: Final = Letter(
    url="http://127.0.0.1/",
    secret="s3cret",
    kind="setup",
    setup_sid=SU,
    attempt=1,
    account_sid=AC,
    workspace_sid=WS,
    task_sid=WT,
    reservation_sid=WR,
    instruction="conference",
    parameters={"to": "client:ann", "timeout": 60, "muted": False, "from": None},
    base_url="https://router.example",
    respond_by_ms=1_700_000_600_000,
    worker_sid=WK,
    worker_name="Ann",
    worker_attributes='{"contact_uri": "client:ann"}',
    task_attributes='{"a": "é"}',
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """The URL of an adapter that answers by `handler`."""
    app = web.Application()
    app.router.add_post("/told", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/told"
    finally:
        await runner.cleanup()


async def answered(
    response: Callable[[], web.Response], letter: Letter = LETTER, *, limit_s: float = 5.0
) -> Reply:
    """What the client makes of an answer."""

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return response()

    async with served(handler) as url, AdapterClient(private=True, limit_s=limit_s) as client:
        return await client.deliver(replace(letter, url=url))


def text(body: str, status: int = 200) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, text=body, content_type="application/json")


async def test_a_letter_is_signed_json_with_all_that_an_adapter_needs() -> None:
    seen: list[tuple[Any, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.headers.copy(), await request.read()))
        return web.json_response({"outcome": "confirmed"})

    client = AdapterClient(private=True, clock=lambda: 1_700_000_000.9)
    async with served(handler) as url, client:
        assert await client.deliver(replace(LETTER, url=url)) == Reply(Outcome.CONFIRMED)
    ((headers, body),) = seen
    digest = hmac.new(b"s3cret", b"1700000000." + body, sha256).hexdigest()
    assert headers[SIGNATURE] == f"t=1700000000,v1={digest}"
    assert headers["Content-Type"] == "application/json"
    assert headers["Accept-Encoding"] == "identity"
    assert json.loads(body) == {
        "kind": "setup",
        "setup_sid": SU,
        "attempt": 1,
        "account_sid": AC,
        "workspace_sid": WS,
        "task_sid": WT,
        "reservation_sid": WR,
        "instruction": "conference",
        "parameters": {"to": "client:ann", "timeout": 60, "muted": False, "from": None},
        "worker": {"sid": WK, "friendly_name": "Ann", "attributes": {"contact_uri": "client:ann"}},
        "task_attributes": {"a": "é"},
        "confirm_url": f"https://router.example/v1/Workspaces/{WS}/Tasks/{WT}/Reservations/{WR}/Setup",
        "confirm_by": "2023-11-14T22:23:20Z",
    }


def test_what_holds_nothing_asks_for_no_report_and_what_is_withdrawn_says_how() -> None:
    sent = json.loads(body_of(replace(LETTER, kind="send")))
    assert (sent["kind"], "confirm_url" in sent, sent["parameters"]["to"]) == ("send", False, "client:ann")
    withdrawn = json.loads(body_of(replace(LETTER, kind="withdrawn", status="rejected")))
    assert (withdrawn["status"], "parameters" in withdrawn) == ("rejected", False)


def test_the_signature_covers_time_body_and_secret() -> None:
    base = signature("a", b"x", 1)
    assert len({base, signature("b", b"x", 1), signature("a", b"y", 1), signature("a", b"x", 2)}) == 4


@pytest.mark.parametrize(
    ("response", "reply"),
    [
        (text('{"outcome": "confirmed"}'), Reply(Outcome.CONFIRMED)),
        (text('{"outcome": "confirmed", "more": 1}', 201), Reply(Outcome.CONFIRMED)),
        (
            text('{"outcome": "confirmed", "task_attributes": {"a": {"b": 1}}}'),
            Reply(Outcome.CONFIRMED, "", {"a": {"b": 1}}),
        ),
        (text('{"outcome": "failed", "reason": "busy"}'), Reply(Outcome.FAILED, "busy")),
        (text('{"outcome": "pending"}'), Reply(Outcome.PENDING)),
        (text("", 202), Reply(Outcome.PENDING)),
        (text('{"outcome": "confirmed"}', 202), Reply(Outcome.PENDING)),
        (text("", 400), Reply(Outcome.FAILED, "answered 400")),
        (text("", 404), Reply(Outcome.FAILED, "answered 404")),
        (text("", 408), Reply(Outcome.BROKEN, "answered 408")),
        (text("", 429), Reply(Outcome.BROKEN, "answered 429")),
        (text("", 500), Reply(Outcome.BROKEN, "answered 500")),
        (text('{"outcome": "confirmed"}', 503), Reply(Outcome.BROKEN, "answered 503")),
    ],
)  # fmt: skip
async def test_an_answer_has_one_meaning(response: Callable[[], web.Response], reply: Reply) -> None:
    assert await answered(response) == reply


@pytest.mark.parametrize(
    "body",
    [
        "",
        "OK",
        "{}",
        "[]",
        "null",
        '"confirmed"',
        '{"outcome": "Confirmed"}',
        '{"outcome": null}',
        '{"outcome": "confirmed", "task_attributes": [1]}',
        '{"outcome": "confirmed", "task_attributes": {"a": NaN}}',
        '{"outcome": "confirmed", "reason": 1}',
        '{"outcome": "confirmed", "task_attributes": ' + '{"a":' * 40 + "1" + "}" * 40 + "}",
        "[" * 60_000,
        '{"outcome": "confirmed", "pad": "' + "x" * MAX_ANSWER + '"}',
    ],
)
async def test_garbage_is_worth_another_try_and_no_outcome(body: str) -> None:
    reply = await answered(text(body))
    assert reply.outcome is Outcome.BROKEN
    assert reply.reason.startswith("answered ")


async def test_bytes_that_are_no_text_are_garbage() -> None:
    assert (await answered(lambda: web.Response(body=b"\xff\xfe"))).outcome is Outcome.BROKEN


@pytest.mark.parametrize("kind", ["send", "withdrawn"])
async def test_what_asks_for_no_outcome_is_done_with_any_2xx(kind: str) -> None:
    for status in (200, 202, 204):
        assert await answered(text("", status), replace(LETTER, kind=kind)) == Reply(Outcome.CONFIRMED)


async def test_redirects_are_not_followed() -> None:
    told: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        told.append(request.path_qs)
        return web.Response(status=307, headers={"Location": "/told?again"})

    async with served(handler) as url, AdapterClient(private=True) as client:
        assert await client.deliver(replace(LETTER, url=url)) == Reply(Outcome.FAILED, "answered 307")
    assert told == ["/told"]


async def test_an_adapter_that_hangs_or_drips_is_cut_off_at_the_limit() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    for handler in (hang, drip):
        async with served(handler) as url, AdapterClient(private=True, limit_s=0.3) as client:
            assert await client.deliver(replace(LETTER, url=url)) == Reply(
                Outcome.BROKEN, "no answer within 0.3 s"
            )


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b"x" * 65_536)
            written += 65_536
        return response

    async with served(flood) as url, AdapterClient(private=True) as client:
        reply = await client.deliver(replace(LETTER, url=url))
    assert reply == Reply(Outcome.BROKEN, f"answered more than {MAX_ANSWER} bytes")
    assert written < 100 * 65_536  # what fits into the buffers of both ends


async def test_nobody_there_is_worth_another_try() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with AdapterClient(private=True) as client:
            reply = await client.deliver(replace(LETTER, url=f"http://127.0.0.1:{taken.getsockname()[1]}/"))
    assert reply.outcome is Outcome.BROKEN
    assert reply.reason.startswith("not connected")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_private_address_is_refused_where_it_is_connected_to(host: str) -> None:
    """Whatever led there: the URL was checked when it was saved, but a name may mean another address by now."""
    told: list[bytes] = []

    async def handler(request: web.Request) -> web.Response:
        told.append(await request.read())
        return web.json_response({"outcome": "confirmed"})

    async with served(handler) as url, AdapterClient() as client:
        port = url.rpartition(":")[2]
        reply = await client.deliver(replace(LETTER, url=f"http://{host}:{port}"))
    assert reply == Reply(Outcome.FAILED, "its address is in a private network")
    assert told == []


async def test_an_unusable_url_is_not_tried_again() -> None:
    async with AdapterClient(private=True) as client:
        reply = await client.deliver(replace(LETTER, url="http://exa mple:99999/"))
    assert reply.outcome is Outcome.FAILED


def test_the_page_about_adapters_says_the_limits() -> None:
    assert (adapter_module.LIMIT_S, MAX_ANSWER) == (5.0, 65_536)
