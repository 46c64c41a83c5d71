"""What links begin with behind a proxy: what it forwards if it is trusted, and never what a stranger writes."""

from __future__ import annotations

from typing import Any

import pytest

from api.app import build
from api.proxies import Proxies
from engine.settings import networks
from tests.clients.test_doors import ROOT, WT, ScriptedEngine, post, whole

NEAR = Proxies(networks("10.0.0.0/8, 127.0.0.1,fd00::/8"))
TLS = {b"x-forwarded-proto": b"https", b"x-forwarded-host": b"router.example"}


def asked_for(peer: str | None, headers: dict[bytes, bytes]) -> tuple[str, bytes | None]:
    return NEAR.asked_for(None if peer is None else (peer, 4711), "http", {b"host": b"inner:8780", **headers})


@pytest.mark.parametrize("peer", ["10.1.2.3", "127.0.0.1", "fd00::7", "::ffff:10.1.2.3", "fd00::7%eth0"])
def test_a_trusted_proxy_is_believed(peer: str) -> None:
    assert asked_for(peer, TLS) == ("https", b"router.example")


@pytest.mark.parametrize(
    "peer", [None, "11.1.2.3", "127.0.0.2", "::1", "::ffff:11.1.2.3", "", "unix", "10.1.2.3.4"]
)
def test_nobody_else_is(peer: str | None) -> None:
    assert asked_for(peer, TLS) == ("http", b"inner:8780")


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({b"x-forwarded-proto": b"HTTPS"}, ("https", b"inner:8780")),
        ({b"x-forwarded-host": b"router.example:8443"}, ("http", b"router.example:8443")),
        ({b"x-forwarded-host": b"[fd00::1]:443"}, ("http", b"[fd00::1]:443")),
        ({b"x-forwarded-host": b"evil.example, router.example"}, ("http", b"router.example")),
        ({b"x-forwarded-proto": b"ftp, https"}, ("https", b"inner:8780")),
        ({b"forwarded": b"for=1.2.3.4;proto=https;host=router.example"}, ("https", b"router.example")),
        ({b"forwarded": b'host=evil.example, Host="router.example:8443" ; Proto=https'},
         ("https", b"router.example:8443")),
        ({b"forwarded": b'for="[2001:db8::1]:9"'}, ("http", b"inner:8780")),
        ({**TLS, b"forwarded": b"host=evil.example;proto=http"}, ("https", b"router.example")),
    ],
)  # fmt: skip
def test_the_nearest_proxy_has_the_last_word(headers: dict[bytes, bytes], told: tuple[str, bytes]) -> None:
    assert asked_for("10.0.0.1", headers) == told


@pytest.mark.parametrize(
    "value",
    [
        b"evil.example/path", b'a"b', b"a b", b"user@host", b"", b",", b"host:port", b"a" * 2000, b"\xff\xfe",
        b"h:123456", b"x\r\ny", b"javascript:alert(1)", b"[::1", b"?q", b"#",
    ],
)  # fmt: skip
def test_a_hostile_value_is_as_if_not_sent(value: bytes) -> None:
    for name in (b"x-forwarded-host", b"x-forwarded-proto"):
        assert asked_for("10.0.0.1", {name: value}) == ("http", b"inner:8780")
    for forwarded in (b"host=" + value, b'host="' + value + b'"', b"proto=" + value, value):
        assert asked_for("10.0.0.1", {b"forwarded": forwarded}) == ("http", b"inner:8780")


def test_a_forwarded_header_that_breaks_its_grammar_says_nothing() -> None:
    for broken in (
        b"host=a;;",
        b"host",
        b"host=a b",
        b'host="a',
        b"=a",
        b"host=router.example; =",
        b"host = a",
    ):
        assert asked_for("10.0.0.1", {b"forwarded": broken}) == ("http", b"inner:8780")


def test_addresses_are_remembered_within_bounds() -> None:
    proxies = Proxies(networks("10.0.0.0/8"))
    for number in range(1_000):
        assert proxies.asked_for((f"10.0.{number // 256}.{number % 256}", 1), "http", TLS)[0] == "https"
    assert len(proxies._known) <= 256


@pytest.mark.parametrize("in_front", [True, False], ids=["door", "litestar"])
@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({}, "https://router.example:81"),
        ({"trusted_proxies": networks("10.0.0.0/8")}, "https://router.example:81"),
        ({"trusted_proxies": networks("127.0.0.1")}, "http://outer.example"),
        ({"trusted_proxies": networks("127.0.0.1"), "public_url": "https://said.example"}, "https://said.example"),
    ],
)  # fmt: skip
async def test_links_begin_with_what_is_believed(in_front: bool, given: dict[str, Any], base: str) -> None:
    engine: Any = ScriptedEngine()
    app = build(engine, ready=list, door=in_front, **given)
    sent = {"x_forwarded_proto": b"http", "x_forwarded_host": b"outer.example", "host": b"router.example:81"}
    reply = await post(app, f"{ROOT}/Tasks", whole(b""), **sent)
    assert f'"url":"{base}{ROOT}/Tasks/{WT}"'.encode() in reply.body
