"""Posts letters to media adapters: signed JSON, one try at a time, within limits that no adapter can stretch.

What is sent and what may be answered stands in docs/media-adapter.md.
"""

from __future__ import annotations

import hmac
import socket
import time
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final, Literal, Self

import aiohttp
import msgspec
from aiohttp import AddrInfoType, ClientResponse, ClientTimeout
from msgspec import Raw, Struct

from api.forms import MAX_DEPTH, depth_exceeds
from api.render import iso
from api.urls import is_private_host
from engine.media import AT_ONCE
from engine.media_letters import Letter, Outcome, Reply

LIMIT_S: Final = 5.0  # from looking up the name to the last byte of the answer
MAX_ANSWER: Final = 65_536  # bytes
SIGNATURE: Final = "X-Trunkline-Signature"
AGAIN: Final = frozenset({408, 425, 429})  # besides 5xx: the same letter may be taken later

_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a small answer that unpacks to a large one would pass the limit
    "User-Agent": f"Trunkline/{version('trunkline')}",
}

_encode: Final = msgspec.json.Encoder().encode


class _Answer(Struct):
    outcome: Literal["confirmed", "failed", "pending"]
    reason: str = ""
    task_attributes: dict[str, Any] | None = None


_OUTCOMES: Final = {
    "confirmed": Outcome.CONFIRMED,
    "failed": Outcome.FAILED,
    "pending": Outcome.PENDING,
}
_decode: Final = msgspec.json.Decoder(_Answer).decode


class PrivateAddress(OSError):
    """The name led to an address inside loopback, link-local or private networks."""


class AdapterClient:
    """One HTTP client for all adapters. `private` allows addresses inside private networks.

    `limit_s` bounds a try in total; `clock` gives the time of signatures, in seconds since the epoch.
    """

    def __init__(
        self, *, private: bool = False, limit_s: float = LIMIT_S, clock: Callable[[], float] = time.time
    ) -> None:
        self._private, self._limit_s, self._clock = private, limit_s, clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            # The relay bounds what is under way: nothing waits here, where it would count towards the limit.
            limit=2 * AT_ONCE,
            # The address is judged here, where it is connected to: a name may lead elsewhere than when it was saved.
            socket_factory=None if self._private else _public_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=ClientTimeout(total=self._limit_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def deliver(self, letter: Letter) -> Reply:
        """Post it once. Redirects are not followed. Every failure is a Reply."""
        assert self._session is not None, "an AdapterClient is used as a context manager"
        body = body_of(letter)
        headers = {**_HEADERS, SIGNATURE: signature(letter.secret, body, int(self._clock()))}
        try:
            async with self._session.post(
                letter.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return await _reply(letter, answer)
        except TimeoutError:
            return Reply(Outcome.BROKEN, f"no answer within {self._limit_s:g} s")
        except aiohttp.InvalidURL:
            return Reply(Outcome.FAILED, "its URL cannot be used")
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddress):
                return Reply(Outcome.FAILED, str(error.os_error))
            return Reply(Outcome.BROKEN, f"not connected: {error.os_error}")
        except (aiohttp.ClientError, OSError) as error:
            return Reply(Outcome.BROKEN, str(error) or type(error).__name__)


def signature(secret: str, body: bytes, now_s: int) -> str:
    """What an adapter checks: HMAC-SHA256 of "<t>.<body>" with the Workspace's secret."""
    digest = hmac.new(secret.encode(), b"%d." % now_s + body, sha256).hexdigest()
    return f"t={now_s},v1={digest}"


def body_of(letter: Letter) -> bytes:
    """A letter as JSON."""
    told: dict[str, Any] = {
        "kind": letter.kind,
        "setup_sid": letter.setup_sid,
        "attempt": letter.attempt,
        "account_sid": letter.account_sid,
        "workspace_sid": letter.workspace_sid,
        "task_sid": letter.task_sid,
        "reservation_sid": letter.reservation_sid,
    }
    if letter.kind == "withdrawn":
        return _encode({**told, "status": letter.status})
    told |= {
        "instruction": letter.instruction,
        "parameters": letter.parameters,
        "worker": {
            "sid": letter.worker_sid,
            "friendly_name": letter.worker_name,
            "attributes": Raw(letter.worker_attributes.encode()),
        },
        "task_attributes": Raw(letter.task_attributes.encode()),
    }
    if letter.kind == "setup":
        path = f"/v1/Workspaces/{letter.workspace_sid}/Tasks/{letter.task_sid}"
        confirm_url = f"{letter.base_url}{path}/Reservations/{letter.reservation_sid}/Setup"
        told |= {"confirm_url": confirm_url, "confirm_by": iso(letter.respond_by_ms)}
    return _encode(told)


async def _reply(letter: Letter, answer: ClientResponse) -> Reply:
    status = answer.status
    if status >= 500 or status in AGAIN:
        return Reply(Outcome.BROKEN, f"answered {status}")
    if not 200 <= status < 300:
        return Reply(Outcome.FAILED, f"answered {status}")
    if letter.kind != "setup":
        return Reply(Outcome.CONFIRMED)
    if status == 202:
        return Reply(Outcome.PENDING)
    return _understood(await _read(answer))


async def _read(answer: ClientResponse) -> bytes:
    """The body, but no more of it than a byte over the limit."""
    chunks: list[bytes] = []
    size = 0
    while size <= MAX_ANSWER and (chunk := await answer.content.read(MAX_ANSWER + 1 - size)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


def _understood(body: bytes) -> Reply:
    if len(body) > MAX_ANSWER:
        return Reply(Outcome.BROKEN, f"answered more than {MAX_ANSWER} bytes")
    try:
        if depth_exceeds(body.decode(), MAX_DEPTH + 1):
            return Reply(Outcome.BROKEN, f"answered JSON deeper than {MAX_DEPTH} levels")
        said = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        return Reply(Outcome.BROKEN, f"answered what is no outcome: {wrong}")
    return Reply(_OUTCOMES[said.outcome], said.reason, said.task_attributes)


def _public_socket(address_info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = address_info
    if is_private_host(str(address[0])):
        raise PrivateAddress("its address is in a private network")  # the same for each that the name has
    return socket.socket(family, kind, protocol)
