"""A deployment that cannot be driven: one line that says why, before anything is set up."""

from __future__ import annotations

import asyncio

import pytest

from api.process import StartFailed
from benchmarks.suite.target import running
from tests.bench.tamper import listening, message


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not accept this token for account AC1"),
        (404, "answered 404 .* the address that `trunkline serve` prints"),
        (503, "answered 503"),
    ],
)
async def test_a_refusal_says_what_to_mend(status: int, said: str) -> None:
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await message(reader)
            writer.write(f"HTTP/1.1 {status} So\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    async with listening(refusing) as url:
        with pytest.raises(StartFailed, match=said):
            await running(url, "AC1", "token")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", r"nothing answers at http://127.0.0.1:1 \(Connection refused\)"),
        ("http://nowhere.invalid", r"nothing answers at http://nowhere.invalid \([^\[]*\)"),
    ],
)
async def test_an_address_where_nobody_is_says_so(url: str, said: str) -> None:
    with pytest.raises(StartFailed, match=said):
        await running(url, "AC1", "token")


async def test_a_server_without_tls_is_told_from_none() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with listening(plain) as url:
        with pytest.raises(StartFailed, match="no TLS"):
            await running(url.replace("http:", "https:"), "AC1", "token")
