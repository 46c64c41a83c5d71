"""The HTTP client for whatever users name by a URL: one try at a time, within limits that nobody can stretch.

An address is judged where it is connected to, since a name may lead elsewhere than when its URL was saved. Redirects
are not followed, cookies not kept, answers not unpacked, and no more of a body is read than may be understood.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from importlib.metadata import version
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import AddrInfoType, ClientResponse, ClientTimeout
from msgspec import Struct
from yarl import URL

from api.urls import is_private_host

MAX_ANSWER: Final = 65_536  # bytes
HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a small answer that unpacks to a large one would pass the limit
    "User-Agent": f"Trunkline/{version('trunkline')}",
}


class PrivateAddress(OSError):
    """The name led to an address inside loopback, link-local or private networks."""


class NoAnswer(Exception):
    """Nothing came back. `final` says that another try would not do better."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.final = reason, final


class Answer(Struct, frozen=True):
    """What came back. `body` is empty where nobody wanted it, and longer than MAX_ANSWER where it was too long."""

    status: int
    content_type: str  # lower case, without parameters; "" for none
    body: bytes

    @property
    def too_long(self) -> bool:
        return len(self.body) > MAX_ANSWER


class Outbound:
    """One client. Use as a context manager.

    `private` allows addresses inside private networks; `limit_s` bounds a try from looking up the name to the last
    byte of the answer; `at_once` is how many tries whoever uses it has under way.
    """

    def __init__(self, *, private: bool, limit_s: float, at_once: int) -> None:
        self._private, self._limit_s, self._at_once = private, limit_s, at_once
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            # The caller bounds what is under way: nothing waits here, where it would count towards the limit.
            limit=2 * self._at_once,
            socket_factory=None if self._private else _public_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(
        self,
        url: str | URL,
        body: bytes,
        headers: Mapping[str, str],
        *,
        wanted: Callable[[int], bool],
        limit_s: float | None = None,
    ) -> Answer:
        """Post once; the body of the answer is read where its status is `wanted`. Raises NoAnswer."""
        assert self._session is not None, f"{type(self).__name__} is used as a context manager"
        limit_s = self._limit_s if limit_s is None else limit_s
        try:
            async with self._session.post(
                url,
                data=body,
                headers={**HEADERS, **headers},
                allow_redirects=False,
                timeout=ClientTimeout(total=limit_s),
            ) as answer:
                return Answer(
                    answer.status,
                    answer.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
                    await _read(answer) if wanted(answer.status) else b"",
                )
        except TimeoutError:
            raise NoAnswer(f"no answer within {limit_s:g} s") from None
        except ValueError:  # aiohttp's InvalidURL, and what its parts raise
            raise NoAnswer("its URL cannot be used", final=True) from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddress):
                raise NoAnswer(str(error.os_error), final=True) from error
            raise NoAnswer(f"not connected: {error.os_error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error


async def _read(answer: ClientResponse) -> bytes:
    """The body, but no more of it than a byte over the limit."""
    chunks: list[bytes] = []
    size = 0
    while size <= MAX_ANSWER and (chunk := await answer.content.read(MAX_ANSWER + 1 - size)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


def _public_socket(address_info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = address_info
    if is_private_host(str(address[0])):
        raise PrivateAddress("its address is in a private network")  # the same for each that the name has
    return socket.socket(family, kind, protocol)
