"""Which bearer tokens are good, for whom, and for how long a process believes so."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant
from twilio.jwt.taskrouter.capabilities import (
    TaskQueueCapabilityToken,
    WorkerCapabilityToken,
    WorkspaceCapabilityToken,
)

from api.auth import Admitted
from api.policies import Policy
from api.tokens import AHEAD_S, MAX_TOKEN, REMEMBERED, Tokens
from engine.model import Account, ApiKey

AC, SK, WS, WK, WQ = (prefix + "1" * 32 for prefix in ("AC", "SK", "WS", "WK", "WQ"))
OTHER, NOBODY = "AC" + "2" * 32, "AC" + "3" * 32
TOKEN, SECRET = "t" * 32, "s" * 64  # 64, so that the test's own library does not warn about HS512
NOW_S = 1_700_000_000.0
ALL: dict[str, Any] = {"iss": AC, "account_sid": AC, "workspace_sid": WS, "channel": WS, "version": "v1"}
GRANT: dict[str, Any] = {"workspace_sid": WS, "worker_sid": WK, "role": "worker"}


class Office:
    """Accounts and keys of the test, its two clocks, and what was asked."""

    def __init__(self) -> None:
        self.account = Account(sid=AC, name="n", token=TOKEN, created_ms=0)
        self.others = {OTHER: Account(sid=OTHER, name="o", token="o" * 32, created_ms=0)}
        self.key = ApiKey(sid=SK, account_sid=AC, name="k", secret=SECRET, account_active=True, created_ms=0)
        self.asked: list[str] = []
        self.clock_s, self.wall_s = 50.0, NOW_S
        self.tokens = Tokens(self.account_of, self.key_of, lambda: self.clock_s, lambda: self.wall_s)

    async def account_of(self, sid: str) -> Account | None:
        self.asked.append(sid)
        return self.account if sid == AC else self.others.get(sid)

    async def key_of(self, sid: str) -> ApiKey | None:
        self.asked.append(sid)
        return self.key if sid == SK else None

    async def admit(self, token: str | bytes) -> Admitted | None:
        return await self.tokens.admit(token if isinstance(token, bytes) else token.encode())

    def pass_time(self, seconds: float) -> None:
        self.clock_s += seconds
        self.wall_s += seconds


def capability(secret: str = TOKEN, algorithm: str = "HS256", **claims: Any) -> str:
    """A Workspace's capability token with these claims; one that is None is left out."""
    whole = {**ALL, "policies": [], "exp": NOW_S + 3600, "nbf": NOW_S, **claims}
    return jwt.encode({k: v for k, v in whole.items() if v is not None}, secret, algorithm=algorithm)


def access(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    whole = {"iss": SK, "sub": AC, "exp": NOW_S + 3600, "grants": {"task_router": GRANT}, **claims}
    return jwt.encode({k: v for k, v in whole.items() if v is not None}, secret, algorithm=algorithm)


def segment(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hand(
    header: bytes | dict[str, Any],
    payload: bytes | dict[str, Any],
    secret: str = TOKEN,
    digest: str = "sha256",
) -> str:
    """Any two texts with a right signature under `secret`."""
    signed = f"{segment(header)}.{segment(payload)}"
    return f"{signed}.{segment(hmac.digest(secret.encode(), signed.encode(), digest))}"


CLAIMS: dict[str, Any] = {**ALL, "policies": [], "exp": NOW_S + 3600}
HS256: dict[str, Any] = {"typ": "JWT", "alg": "HS256"}

MADE: dict[str, Callable[[], Any]] = {
    "worker": lambda: WorkerCapabilityToken(AC, TOKEN, WS, WK, valid_until=NOW_S + 9, nbf=NOW_S),
    "queue": lambda: TaskQueueCapabilityToken(AC, TOKEN, WS, WQ, valid_until=NOW_S + 9, nbf=NOW_S),
    "workspace": lambda: WorkspaceCapabilityToken(AC, TOKEN, WS, valid_until=NOW_S + 9, nbf=None),
    "access": lambda: AccessToken(
        AC, SK, SECRET, [TaskRouterGrant(WS, WK, "worker")], "bob", nbf=NOW_S, valid_until=NOW_S + 9
    ),
}


@pytest.mark.parametrize("kind", MADE)
async def test_the_tokens_of_the_client_library_are_good(kind: str) -> None:
    office = Office()
    admitted = await office.admit(MADE[kind]().to_jwt())
    assert admitted is not None
    assert admitted.account == AC
    assert admitted.grant is not None
    assert admitted.grant.policies
    assert office.asked == [SK if kind == "access" else AC]


async def test_the_policies_of_a_capability_token_are_what_it_says() -> None:
    policy = {"url": "https://e.org/x", "method": "GET", "allow": False, "more": 1}
    admitted = await Office().admit(capability(policies=[policy], friendly_name=7, nbf=None))
    assert admitted is not None
    assert admitted.grant is not None
    assert admitted.grant.policies == (Policy("https://e.org/x", "GET", False),)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_access_tokens_may_be_signed_by_any_of_three_hashes(algorithm: str) -> None:
    assert await Office().admit(access(algorithm=algorithm)) is not None


@pytest.mark.parametrize("grants", [{}, {"identity": "bob"}, {"task_router": {}}, {"video": {"room": "x"}}])
async def test_an_access_token_for_something_else_is_good_and_allows_nothing(grants: dict[str, Any]) -> None:
    admitted = await Office().admit(access(grants=grants))
    assert admitted is not None
    assert admitted.grant is not None
    assert admitted.grant.policies == ()


HOSTILE: dict[str, str | bytes] = {
    "empty": "",
    "a word": "token",
    "two parts": "a.b",
    "four parts": capability() + ".x",
    "not Base64": "!!!.???.###",
    "not ASCII": "é.é.é".encode(),
    "header not JSON": by_hand(b"{", CLAIMS),
    "header a list": by_hand(b"[]", CLAIMS),
    "no algorithm": by_hand({"typ": "JWT"}, CLAIMS),
    "algorithm of another type": by_hand({"alg": ["HS256"]}, CLAIMS),
    "none, unsigned": f"{segment({'alg': 'none'})}.{segment(CLAIMS)}.",
    "none, signed": by_hand({"alg": "none"}, CLAIMS),
    "None in other letters": by_hand({"alg": "NoNe"}, CLAIMS),
    "another algorithm": by_hand({"alg": "RS256"}, CLAIMS),
    "a longer hash for a capability": by_hand({"alg": "HS384"}, CLAIMS, digest="sha384"),
    "HS512 for a capability": by_hand({"alg": "HS512"}, CLAIMS, digest="sha512"),
    "detached payload": by_hand({"alg": "HS256", "b64": False, "crit": ["b64"]}, CLAIMS),
    "unknown extension": by_hand({"alg": "HS256", "crit": ["x"], "x": 1}, CLAIMS),
    "key named in the header": by_hand({"alg": "HS256", "kid": 7}, CLAIMS),
    "no signature": capability().rpartition(".")[0] + ".",
    "a changed claim": capability().replace(".", "." + segment({**CLAIMS, "exp": 1e11}) + ".", 1),
    "signed with nothing": by_hand(HS256, CLAIMS, ""),
    "signed with its issuer": by_hand(HS256, CLAIMS, AC),
    "signed with the stand-in for unknown accounts": by_hand(HS256, {**CLAIMS, "iss": NOBODY}, "0" * 32),
    "signed with another account's token": capability("o" * 32),
    "signed with an API key's secret": capability(SECRET),
    "unknown issuer": capability(iss=NOBODY, account_sid=NOBODY),
    "another account inside": capability(account_sid=OTHER),
    "an issuer that is no SID": capability(iss="bob"),
    "an issuer of another type": capability(iss=None),
    "payload not JSON": by_hand(HS256, b"{"),
    "payload a list": by_hand(HS256, b"[]"),
    "payload not UTF-8": by_hand(HS256, b'{"iss":"\xff"}'),
    "payload of brackets": by_hand(HS256, b'{"x":' + b"[" * 5_000),
    "payload with brackets": by_hand(HS256, b'{"iss":"' + AC.encode() + b'","x":' + b"[" * 2_500 + b"]" * 2_500 + b"}"),
    "header of brackets": by_hand(b"[" * 5_000, CLAIMS),
    "no expiry": capability(exp=None),
    "expiry in words": capability(exp=str(NOW_S + 60)),
    "expiry true": capability(exp=True),
    "expiry beyond counting": by_hand(HS256, json.dumps(CLAIMS).replace(str(NOW_S + 3600), "9" * 400).encode()),
    "expiry infinite": by_hand(HS256, json.dumps(CLAIMS).replace(str(NOW_S + 3600), "1e999").encode()),
    "expired now": capability(exp=NOW_S),
    "expired long ago": capability(exp=1),
    "not yet valid": capability(nbf=NOW_S + AHEAD_S + 1),
    "another version": capability(version="v2"),
    "no version": capability(version=None),
    "no Workspace": capability(workspace_sid=None),
    "a Workspace that is no SID": capability(workspace_sid="WS/**", channel="WS/**"),
    "a Worker of a Workspace that is no SID": capability(channel=WK, worker_sid=WK, workspace_sid="WS1"),
    "a Worker that is no SID": capability(channel="WK1", worker_sid="WK1"),
    "a channel of no kind": capability(channel=AC),
    "a channel of another Workspace": capability(channel="WS" + "9" * 32),
    "no Worker for its channel": capability(channel=WK),
    "another Worker than its channel": capability(channel=WK, worker_sid="WK" + "9" * 32),
    "a queue for a Worker's channel": capability(channel=WK, taskqueue_sid=WK),
    "no policies": capability(policies=None),
    "policies an object": capability(policies={}),
    "a policy in words": capability(policies=["GET"]),
    "a policy without address": capability(policies=[{"method": "GET", "allow": True}]),
    "a policy that allows in words": capability(policies=[{"url": "u", "method": "GET", "allow": "true"}]),
    "a filter that is a list": capability(
        policies=[{"url": "u", "method": "GET", "allow": True, "post_filter": []}]
    ),
    "a filter without rules": capability(
        policies=[{"url": "u", "method": "GET", "allow": True, "query_filter": {"A": "b"}}]
    ),
    "too long": capability(friendly_name="x" * MAX_TOKEN),
    "20 kB": b"a" * 20_000,
    "access: another account": access(sub=OTHER),
    "access: no account": access(sub=None),
    "access: unknown key": access(iss="SK" + "9" * 32),
    "access: signed with the account's token": access(TOKEN),
    "access: expired": access(exp=NOW_S),
    "access: not yet valid": access(nbf=NOW_S + AHEAD_S + 1),
    "access: no grants": access(grants=None),
    "access: grants a list": access(grants=[]),
    "access: a role of another type": access(grants={"task_router": {"role": 1}}),
    "access: none": f"{segment({'alg': 'none'})}.{segment({'iss': SK, 'sub': AC, 'exp': 1e11, 'grants': {}})}.",
}  # fmt: skip


@pytest.mark.parametrize("wrong", HOSTILE)
async def test_a_token_that_is_not_good_is_refused_and_raises_nothing(wrong: str) -> None:
    office = Office()
    assert await office.admit(HOSTILE[wrong]) is None
    assert await office.admit(capability()) is not None


async def test_what_cannot_be_a_token_is_refused_without_asking() -> None:
    office = Office()
    for name in ("empty", "two parts", "20 kB", "too long", "an issuer that is no SID", "payload not JSON"):
        await office.admit(HOSTILE[name])
    assert office.asked == []


async def test_tokens_of_a_suspended_account_are_refused() -> None:
    office = Office()
    office.account = Account(sid=AC, name="n", token=TOKEN, status="suspended", created_ms=0)
    office.key = ApiKey(sid=SK, account_sid=AC, name="k", secret=SECRET, account_active=False, created_ms=0)
    assert await office.admit(capability()) is None
    assert await office.admit(access()) is None


async def test_a_short_auth_token_signs_without_a_warning() -> None:
    office = Office()
    office.account = Account(sid=AC, name="n", token="t" * 16, created_ms=0)
    assert await office.admit(by_hand(HS256, CLAIMS, "t" * 16)) is not None


async def test_a_token_made_by_a_clock_that_is_a_little_ahead_is_good() -> None:
    assert await Office().admit(capability(nbf=NOW_S + AHEAD_S)) is not None


async def test_a_good_token_is_remembered_for_two_seconds_and_a_bad_one_never() -> None:
    office = Office()
    good, bad = capability(), capability("o" * 32)
    for _ in range(2):
        await office.admit(good)
        await office.admit(bad)
        office.pass_time(1.999)
    assert office.asked == [AC, AC, AC]
    office.pass_time(0.001)
    office.account = Account(sid=AC, name="n", token="new" * 8, created_ms=0)
    assert await office.admit(good) is None


async def test_a_remembered_token_ends_with_its_expiry() -> None:
    office = Office()
    for make in (capability, access):
        token = make(exp=office.wall_s + 1.5)
        assert await office.admit(token) is not None
        office.pass_time(1.499)
        assert await office.admit(token) is not None
        office.pass_time(0.001)
        assert await office.admit(token) is None


async def test_a_token_that_took_long_to_check_is_forgotten_two_seconds_after_its_beginning() -> None:
    office = Office()
    ask = office.account_of

    async def slow(sid: str) -> Account | None:
        found = await ask(sid)
        office.pass_time(1.5)
        return found

    tokens = Tokens(slow, office.key_of, lambda: office.clock_s, lambda: office.wall_s)
    token = capability().encode()
    await tokens.admit(token)
    office.pass_time(0.5)
    await tokens.admit(token)
    assert office.asked == [AC, AC]


async def test_the_oldest_token_makes_room_for_a_new_one() -> None:
    office = Office()
    tokens = [capability(friendly_name=str(n)) for n in range(REMEMBERED + 1)]
    for token in tokens:
        await office.admit(token)
    office.asked.clear()
    await office.admit(tokens[1])
    assert office.asked == []
    await office.admit(tokens[0])
    assert office.asked == [AC]


async def test_a_token_asked_again_counts_as_new() -> None:
    office = Office()
    tokens = [capability(friendly_name=str(n)) for n in range(REMEMBERED + 2)]
    for n, token in enumerate(tokens[:REMEMBERED]):
        office.pass_time(1.5 if n == 2 else 0)
        await office.admit(token)
    office.pass_time(0.5)
    for token in (tokens[1], *tokens[REMEMBERED:]):
        await office.admit(token)
    office.asked.clear()
    await office.admit(tokens[1])
    assert office.asked == []
