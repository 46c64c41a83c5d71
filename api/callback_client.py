"""Posts callbacks: signed forms, in the original's words; what is sent and may be answered stands in docs/callbacks.md.

A URL is posted to exactly as it was saved, less its fragment, since the signature covers it.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit

import msgspec
from yarl import URL

from api.forms import MAX_DEPTH, depth_exceeds
from api.outbound import MAX_ANSWER, Answer, NoAnswer, Outbound
from api.urls import refusal_of
from engine.assignment import AT_ONCE as ASSIGNMENTS
from engine.callback_letters import Letter, Outcome, Reply
from engine.event_callbacks import AT_ONCE as EVENTS

ASSIGNMENT_LIMIT_S: Final = 5.0
EVENT_LIMIT_S: Final = 15.0
SIGNATURE: Final = "X-Twilio-Signature"
WRONG_TYPE: Final = 40000
NO_JSON: Final = 40001

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
_decode: Final = msgspec.json.Decoder().decode


class CallbackClient(Outbound):
    """One HTTP client for all callbacks. `private` allows addresses inside private networks.

    `assignment_s` and `event_s` bound a try in total.
    """

    def __init__(
        self,
        *,
        private: bool = False,
        assignment_s: float = ASSIGNMENT_LIMIT_S,
        event_s: float = EVENT_LIMIT_S,
    ) -> None:
        super().__init__(private=private, limit_s=event_s, at_once=ASSIGNMENTS + EVENTS)
        self._assignment_s, self._event_s = assignment_s, event_s

    async def assign(self, letter: Letter) -> Reply:
        """Tell of a Reservation, once, and understand the answer. Every failure is a Reply."""
        try:
            answer = await self._send(letter, self._assignment_s, body_wanted=True)
        except NoAnswer as none:
            return Reply(Outcome.BROKEN, reason=none.reason)
        return _understood(answer)

    async def tell(self, letter: Letter) -> Reply:
        """Tell of an event, once; any 2xx will do. Every failure is a Reply."""
        try:
            answer = await self._send(letter, self._event_s, body_wanted=False)
        except NoAnswer as none:
            return Reply(Outcome.BROKEN, reason=none.reason)
        if 200 <= answer.status < 300:
            return Reply(Outcome.ANSWERED)
        return Reply(Outcome.BROKEN, reason=f"answered {answer.status}")

    async def _send(self, letter: Letter, limit_s: float, *, body_wanted: bool) -> Answer:
        form = {spelled(name): value for name, value in letter.fields.items()}
        if refusal_of(letter.url, private=True):
            raise NoAnswer("its URL cannot be used", final=True)
        parts = urlsplit(letter.url)
        headers = {**_FORM, SIGNATURE: signature(_seen(parts), form, letter.token)}
        return await self.post(
            URL(_asked(parts), encoded=letter.url.isascii()),
            urlencode(form).encode(),
            headers,
            wanted=lambda status: body_wanted and status == 200,
            limit_s=limit_s,
        )


def spelled(name: str) -> str:
    """A field as forms call it: task_sid is TaskSid."""
    return "".join(word.capitalize() for word in name.split("_"))


def signature(url: str, form: Mapping[str, str], token: str) -> str:
    """HMAC-SHA1, in Base64, of the URL and each parameter's name and value by name (semantics 8.4)."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def _asked(parts: SplitResult) -> str:
    """The URL as it is requested: with a path, without a fragment."""
    return parts._replace(path=parts.path or "/", fragment="").geturl()


def _seen(parts: SplitResult) -> str:
    """The URL as its server sees it, by which signatures are checked: without user and password, too."""
    return _asked(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _understood(answer: Answer) -> Reply:
    """The table of semantics 8.2."""
    if answer.status != 200:
        return Reply(Outcome.BROKEN, reason=f"answered {answer.status}")
    if answer.too_long:
        return Reply(Outcome.BROKEN, reason=f"answered more than {MAX_ANSWER} bytes")
    if not answer.body.strip():
        return Reply(Outcome.ANSWERED)
    if answer.content_type != "application/json":
        kind = answer.content_type[:64] or "no Content-Type"
        return Reply(Outcome.BROKEN, WRONG_TYPE, f"answered with {kind!r} and not application/json")
    said = _object(answer.body)
    if said is None:
        return Reply(Outcome.WRONG, NO_JSON, "answered what is no JSON object")
    return Reply(Outcome.ANSWERED, said=said)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        if depth_exceeds(body.decode(), MAX_DEPTH):
            return None
        said = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return said if isinstance(said, dict) else None
