"""Bearer tokens: signed JWTs that a client made itself, which allow a part of what its account may do (clients 4).

capability token  `iss` is an Account; signed with its auth token, HS256; carries its policies
access token      `iss` is an API key; signed with its secret, HS256, HS384 or HS512; its role decides

A process remembers a token that was good for as long as credentials are, 2 s, and never beyond its expiry.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from time import monotonic, time
from typing import Any, Final, Literal

import msgspec
from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import DecodeError, PyJWTError
from jwt.utils import base64url_decode
from msgspec import Struct

from api.auth import REMEMBERED_S, Admitted
from api.policies import Grant, Policy
from api.roles import TaskRouterGrant, policies_of
from engine.model import Account, ApiKey
from engine.sids import is_sid

MAX_TOKEN: Final = 8_192  # bytes; a Worker's token with all policies of the libraries has about 4,200
REMEMBERED: Final = 1_024  # tokens; some 10 kB each. Past that the oldest is forgotten
AHEAD_S: Final = 3.0  # how far the clock of the token's maker may be before ours

Seconds = float  # since the epoch; the parser refuses a number that no float can hold
AccountOf = Callable[[str], Awaitable[Account | None]]
KeyOf = Callable[[str], Awaitable[ApiKey | None]]


class _Issuer(Struct):
    iss: str


class _Capability(Struct):
    iss: str
    exp: Seconds
    version: Literal["v1"]
    account_sid: str
    workspace_sid: str
    channel: str
    policies: list[Policy]
    nbf: Seconds = 0
    worker_sid: str | None = None
    taskqueue_sid: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether the SIDs in it fit each other."""
        subject = {"WK": self.worker_sid, "WQ": self.taskqueue_sid, "WS": self.workspace_sid}
        kind = self.channel[:2]
        return (
            self.iss == self.account_sid
            and is_sid(self.workspace_sid, "WS")
            and is_sid(self.channel, kind)
            and subject.get(kind) == self.channel
        )


class _Grants(Struct):
    task_router: TaskRouterGrant | None = None


class _Access(Struct):
    iss: str
    sub: str
    exp: Seconds
    grants: _Grants
    nbf: Seconds = 0


class _Hmac(HMACAlgorithm):
    def check_key_length(self, key: Any) -> None:
        """No warning about short ones: the engine decides how long a secret is."""


# What libraries raise about a text that is no good token; the last one for thousands of nested brackets.
_WRONG: Final = (PyJWTError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NO_SECRET: Final = "0" * 32  # checked against when there is no such issuer, so that it takes as long
_HASHES: Final = {
    "HS256": HMACAlgorithm.SHA256,
    "HS384": HMACAlgorithm.SHA384,
    "HS512": HMACAlgorithm.SHA512,
}
_issuer: Final = msgspec.json.Decoder(_Issuer).decode
_capability: Final = msgspec.json.Decoder(_Capability).decode
_access: Final = msgspec.json.Decoder(_Access).decode


def _signatures() -> PyJWS:
    checker = PyJWS(algorithms=[])
    for name, digest in _HASHES.items():
        checker.register_algorithm(name, _Hmac(digest))
    return checker


_JWS: Final = _signatures()


class Tokens:
    """Says what a bearer token allows, and for which Account.

    `account_of` and `key_of` are the engine's; `clock` counts seconds and never goes back, `wall` gives seconds
    since the epoch.
    """

    def __init__(
        self,
        account_of: AccountOf,
        key_of: KeyOf,
        clock: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        self._account_of, self._key_of, self._clock, self._wall = account_of, key_of, clock, wall
        self._known: dict[bytes, tuple[Admitted, float]] = {}  # digest -> whom, asked again when

    async def admit(self, token: bytes) -> Admitted | None:
        """Whom a token speaks for; None for one that is not good, whatever is wrong with it.

        One round trip unless it was good within the last 2 s, and none for what cannot be a token. The signature
        takes 0.7 ms of CPU for 4 kB, good or not.
        """
        if not token or len(token) > MAX_TOKEN:
            return None
        digest, started = sha256(token).digest(), self._clock()
        known = self._known.get(digest)
        if known is not None and started < known[1]:
            return known[0]
        now_s = self._wall()
        try:
            found = await self._read(token, now_s)
        except _WRONG:
            return None
        if found is None:
            return None
        admitted, expires_s = found
        self._known.pop(digest, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[digest] = (admitted, started + min(REMEMBERED_S, expires_s - now_s))
        return admitted

    async def _read(self, token: bytes, now_s: float) -> tuple[Admitted, float] | None:
        """Whom it speaks for and when it expires (seconds since the epoch). Raises what parsers raise."""
        issuer = _issuer_of(token)
        if is_sid(issuer, "AC"):
            return await self._capability(token, issuer, now_s)
        if is_sid(issuer, "SK"):
            return await self._access_token(token, issuer, now_s)
        return None

    async def _capability(self, token: bytes, issuer: str, now_s: float) -> tuple[Admitted, float] | None:
        account = await self._account_of(issuer)
        text = _signed(token, _NO_SECRET if account is None else account.token, ["HS256"])
        if account is None or account.status != "active":
            return None
        claims = _capability(text)
        if not claims.agrees or not _is_current(claims.nbf, claims.exp, now_s):
            return None
        return Admitted(account.sid, Grant(tuple(claims.policies))), claims.exp

    async def _access_token(self, token: bytes, issuer: str, now_s: float) -> tuple[Admitted, float] | None:
        key = await self._key_of(issuer)
        text = _signed(token, _NO_SECRET if key is None else key.secret, list(_HASHES))
        if key is None or not key.account_active:
            return None
        claims = _access(text)
        if claims.sub != key.account_sid or not _is_current(claims.nbf, claims.exp, now_s):
            return None
        policies = policies_of(claims.grants.task_router or TaskRouterGrant())
        return Admitted(key.account_sid, Grant(policies)), claims.exp


def _issuer_of(token: bytes) -> str:
    """Who claims to have signed it: not believed, only asked about. Raises what parsers raise."""
    parts = token.split(b".")
    if len(parts) != 3:
        raise DecodeError("a token has three parts")
    try:
        payload = base64url_decode(parts[1])
    except ValueError as error:
        raise DecodeError("the payload is not Base64") from error
    return _issuer(payload).iss


def _signed(token: bytes, secret: str, algorithms: list[str]) -> bytes:
    """The claims, once the signature has been found right. Raises PyJWTError."""
    payload: bytes = _JWS.decode_complete(token, secret, algorithms=algorithms)["payload"]
    return payload


def _is_current(not_before_s: float, expires_s: float, now_s: float) -> bool:
    return not_before_s <= now_s + AHEAD_S and now_s < expires_s
