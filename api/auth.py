"""Who a request speaks for: HTTP Basic with an Account SID and its token, or with the SID of an API key and its
secret; or a bearer token (tokens.py), which allows a part of what they do.

The engine's check costs a look into Redis and a hash. A process remembers a header that passed for 2 s, which
is also the longest time a suspended Account keeps access.
"""

from __future__ import annotations

import binascii
from collections.abc import Awaitable, Callable
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from api.errors import RequestError

if TYPE_CHECKING:
    from api.policies import Grant
    from engine.accounts import Accounts
    from engine.api_keys import ApiKeys

REMEMBERED_S: Final = 2.0
REMEMBERED: Final = 4_096  # headers; about 1 MB. Past that the oldest is forgotten
MAX_HEADER: Final = 512  # bytes; a SID, a colon and a token in Base64 are about 96


class Admitted(Struct, frozen=True):
    """Whom a request speaks for, and what it may do in that name."""

    account: str  # SID
    grant: Grant | None = None  # None: everything


Verify = Callable[[str, str], Awaitable[str | None]]  # user and password -> Account SID
Bearer = Callable[[bytes], Awaitable[Admitted | None]]  # token -> whom


def verify_with(accounts: Accounts, keys: ApiKeys) -> Verify:
    """The engine's check of a user and password. One round trip, whether or not there is such a user."""

    async def verify(user: str, password: str) -> str | None:
        if user.startswith("SK"):
            key = await keys.verify(user, password)
            return None if key is None else key.account_sid
        account = await accounts.verify(user, password)
        return None if account is None else account.sid

    return verify


class Gate:
    """Says which Account a request speaks for.

    `verify` and `bearer` are the checks of the two kinds of header; `clock` counts seconds and never goes back.
    The cache is keyed by the SHA-256 of the header, so no secret stays in memory longer than its request. Headers
    that failed are not remembered, and bearer tokens by `bearer` itself.
    """

    def __init__(self, verify: Verify, bearer: Bearer, clock: Callable[[], float] = monotonic) -> None:
        self._verify, self._bearer, self._clock = verify, bearer, clock
        self._passed: dict[bytes, tuple[str, float]] = {}  # digest -> Account SID, asked again when

    def remembered(self, header: bytes | None) -> str | None:
        """The Account SID of a Basic header that passed within the last 2 s. About 0.6 µs."""
        if header is None or len(header) > MAX_HEADER:
            return None
        known = self._passed.get(sha256(header).digest())
        return known[0] if known is not None and self._clock() < known[1] else None

    async def admit(self, header: bytes | None) -> Admitted:
        """Whom a header speaks for, by asking the engine.

        Raises RequestError (401), in the same words whatever is wrong with the header, the SID, the token or
        the Account.
        """
        if header is not None and header[:7].lower() == b"bearer ":
            admitted = await self._bearer(header[7:].strip())
            if admitted is None:
                raise _unauthorized()
            return admitted
        until = self._clock() + REMEMBERED_S  # from before the check, which may have seen that moment's state
        sid, token = _credentials(header)
        account = await self._verify(sid, token) if sid else None
        if account is None or header is None:
            raise _unauthorized()
        digest = sha256(header).digest()
        self._passed.pop(digest, None)
        if len(self._passed) >= REMEMBERED:
            del self._passed[next(iter(self._passed))]
        self._passed[digest] = (account, until)
        return Admitted(account)


def _unauthorized() -> RequestError:
    return RequestError(401, 20003, "Authenticate", (b"www-authenticate", b'Basic realm="TaskRouter"'))


def _credentials(header: bytes | None) -> tuple[str, str]:
    """User and password; empty texts for a header that cannot be a valid one."""
    if header is None or len(header) > MAX_HEADER or header[:6].lower() != b"basic ":
        return "", ""
    try:
        text = binascii.a2b_base64(header[6:].strip(), strict_mode=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    user, _, password = text.partition(":")
    return user, password
