"""The listening socket: opened once, shared by all API processes, and asked whether they are ready."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from api.process import StartFailed

BACKLOG: Final = 2048  # connections the kernel holds until they are accepted
PROBE_LIMIT_S: Final = 1.0  # the kernel takes connections before anybody is there to accept them


def bind(host: str, port: int) -> socket.socket:
    """A TCP socket that listens there; `port` 0 takes a free one. Raises StartFailed if it cannot."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, proto)
    except OSError as error:
        raise StartFailed(
            f"host {host!r} (--host, TRUNKLINE_HOST) cannot be used: {error.strerror}"
        ) from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise StartFailed(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from None
    return listening


async def probe(listening: socket.socket) -> tuple[int, str]:
    """GET /readyz of whichever API process takes the connection: status and body, 0 without an answer."""
    host, port = _local_address(listening)
    request = f"GET /readyz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(PROBE_LIMIT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request.encode())
                head, _, body = (await reader.read()).decode(errors="replace").partition("\r\n\r\n")
            finally:
                writer.close()
    except OSError as error:  # TimeoutError is one
        return 0, str(error) or "no answer"
    words = head.split(maxsplit=2)
    return (int(words[1]), body) if len(words) > 2 and words[1].isdigit() else (0, "no HTTP answer")


def _local_address(listening: socket.socket) -> tuple[str, int]:
    """Where a client on this machine reaches the socket: a wildcard address is no destination."""
    host, port = listening.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104  compared, not bound


def shown_url(listening: socket.socket, public_url: str) -> str:
    """The base URL to tell people."""
    if public_url:
        return public_url.rstrip("/")
    host, port = _local_address(listening)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
