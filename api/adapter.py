"""Posts letters to media adapters: signed JSON, one try at a time, within limits that no adapter can stretch.

What is sent and what may be answered stands in docs/media-adapter.md.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
from msgspec import Raw, Struct

from api.forms import MAX_DEPTH, depth_exceeds
from api.outbound import MAX_ANSWER, Answer, NoAnswer, Outbound
from api.render import iso
from engine.media import AT_ONCE
from engine.media_letters import Letter, Outcome, Reply

LIMIT_S: Final = 5.0  # from looking up the name to the last byte of the answer
SIGNATURE: Final = "X-Trunkline-Signature"
AGAIN: Final = frozenset({408, 425, 429})  # besides 5xx: the same letter may be taken later

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


class AdapterClient(Outbound):
    """One HTTP client for all adapters. `private` allows addresses inside private networks.

    `limit_s` bounds a try in total; `clock` gives the time of signatures, in seconds since the epoch.
    """

    def __init__(
        self, *, private: bool = False, limit_s: float = LIMIT_S, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(private=private, limit_s=limit_s, at_once=AT_ONCE)
        self._clock = clock

    async def deliver(self, letter: Letter) -> Reply:
        """Post it once. Redirects are not followed. Every failure is a Reply."""
        body = body_of(letter)
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(letter.secret, body, int(self._clock())),
        }
        asks = letter.kind == "setup"
        try:
            answer = await self.post(
                letter.url,
                body,
                headers,
                wanted=lambda status: asks and 200 <= status < 300 and status != 202,
            )
        except NoAnswer as none:
            return Reply(Outcome.FAILED if none.final else Outcome.BROKEN, none.reason)
        return _reply(letter, answer)


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


def _reply(letter: Letter, answer: Answer) -> Reply:
    status = answer.status
    if status >= 500 or status in AGAIN:
        return Reply(Outcome.BROKEN, f"answered {status}")
    if not 200 <= status < 300:
        return Reply(Outcome.FAILED, f"answered {status}")
    if letter.kind != "setup":
        return Reply(Outcome.CONFIRMED)
    return Reply(Outcome.PENDING) if status == 202 else _understood(answer.body)


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
