"""Who may come in, and for how long a process remembers it."""

from __future__ import annotations

from base64 import b64encode

import pytest

from api.auth import MAX_HEADER, REMEMBERED, Admitted, Gate
from api.errors import RequestError
from api.policies import Grant

SID = "AC" + "1" * 32
NOTHING = Grant(())


class Desk:
    """Accounts of the test: every token but "wrong" is right until `closed`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.closed = False
        self.now_s = 100.0

    async def verify(self, sid: str, token: str) -> str | None:
        self.asked.append((sid, token))
        return None if self.closed or token == "wrong" or sid != SID else SID

    async def bearer(self, token: bytes) -> Admitted | None:
        self.asked.append(("bearer", token.decode()))
        return None if token == b"wrong" else Admitted(SID, NOTHING)

    def gate(self) -> Gate:
        return Gate(self.verify, self.bearer, lambda: self.now_s)


def basic(text: str, scheme: str = "Basic") -> bytes:
    return scheme.encode() + b" " + b64encode(text.encode())


async def test_a_header_that_passed_is_remembered_for_two_seconds_and_not_longer() -> None:
    desk = Desk()
    gate, header = desk.gate(), basic(f"{SID}:token")
    assert gate.remembered(header) is None
    assert await gate.admit(header) == Admitted(SID)
    desk.now_s += 1.999
    assert gate.remembered(header) == SID
    desk.now_s += 0.001
    assert gate.remembered(header) is None
    assert desk.asked == [(SID, "token")]


async def test_an_account_suspended_during_the_check_is_out_two_seconds_after_its_beginning() -> None:
    desk = Desk()

    async def slow(sid: str, token: str) -> str | None:
        found = await desk.verify(sid, token)
        desk.now_s += 1.5
        return found

    gate, header = Gate(slow, desk.bearer, lambda: desk.now_s), basic(f"{SID}:token")
    await gate.admit(header)
    desk.closed = True
    desk.now_s += 0.5
    assert gate.remembered(header) is None
    with pytest.raises(RequestError):
        await gate.admit(header)


async def test_a_failed_header_is_asked_about_every_time() -> None:
    desk = Desk()
    gate, header = desk.gate(), basic(f"{SID}:wrong")
    for _ in range(2):
        with pytest.raises(RequestError) as refused:
            await gate.admit(header)
        assert (refused.value.status, refused.value.code) == (401, 20003)
        assert gate.remembered(header) is None
    assert len(desk.asked) == 2


async def test_the_oldest_header_makes_room_for_a_new_one() -> None:
    desk = Desk()
    gate = desk.gate()
    headers = [basic(f"{SID}:{n}") for n in range(REMEMBERED + 1)]
    for header in headers:
        await gate.admit(header)
    assert gate.remembered(headers[0]) is None
    assert gate.remembered(headers[1]) == SID
    assert gate.remembered(headers[-1]) == SID


async def test_a_header_asked_again_counts_as_new() -> None:
    desk = Desk()
    gate = desk.gate()
    headers = [basic(f"{SID}:{n}") for n in range(REMEMBERED + 1)]
    for header in [*headers[:-2], headers[0], *headers[-2:]]:
        await gate.admit(header)
    assert gate.remembered(headers[0]) == SID
    assert gate.remembered(headers[1]) is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!!",
        b"Basic /////w==",
        b"Token " + b64encode(f"{SID}:token".encode()),
        b"Bearer",
        basic(f"{SID}:token") + b"A" * MAX_HEADER,
    ],
)
async def test_a_header_that_cannot_be_right_is_refused_without_asking(header: bytes | None) -> None:
    desk = Desk()
    with pytest.raises(RequestError) as refused:
        await desk.gate().admit(header)
    assert refused.value.message == "Authenticate"
    assert desk.asked == []


async def test_the_scheme_is_read_in_any_case_and_a_token_may_have_colons() -> None:
    desk = Desk()
    assert await desk.gate().admit(basic(f"{SID}:a:b", "bAsIc")) == Admitted(SID)
    assert desk.asked == [(SID, "a:b")]


async def test_a_bearer_token_is_handed_on_and_never_remembered_as_a_whole_account() -> None:
    desk = Desk()
    gate, header = desk.gate(), b"bEaReR  a.b.c "
    for _ in range(2):
        assert await gate.admit(header) == Admitted(SID, NOTHING)
        assert gate.remembered(header) is None
    assert desk.asked == [("bearer", "a.b.c")] * 2


async def test_a_bad_bearer_token_is_refused_like_a_bad_password() -> None:
    refusals = []
    for header in (b"Bearer wrong", basic(f"{SID}:wrong")):
        with pytest.raises(RequestError) as refused:
            await Desk().gate().admit(header)
        error = refused.value
        refusals.append((error.status, error.code, error.message, error.headers))
    assert refusals[0] == refusals[1]
