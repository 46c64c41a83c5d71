"""Callbacks as letters: what the URLs of Workflows and Workspaces are told, and what their answers say.

Fields go by their names in events, snake_case; how they are spelled and signed on the wire is for whoever posts them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import Any, Final, Protocol

from msgspec import Struct

from engine.callbacks import UNREACHABLE
from engine.events import Event
from engine.model import Account, Found

# Semantics 8.1, and in this order.
OFFERED: Final = (
    "account_sid",
    "workspace_sid",
    "workflow_sid",
    "task_queue_sid",
    "worker_sid",
    "worker_attributes",
    "task_sid",
    "task_attributes",
    "task_age",
    "task_priority",
    "reservation_sid",
)


class Outcome(Enum):
    """What an answer to a callback means."""

    ANSWERED = auto()  # it counts; `said` is the object it holds
    WRONG = auto()  # it counts, but nothing of it is done; `code` says what is wrong
    BROKEN = auto()  # none that counts: another URL, or another try, may do better


class Reply(Struct, frozen=True):
    """An answer to a callback."""

    outcome: Outcome
    code: int = 0  # of the alert (semantics 11.7), 0 for none
    reason: str = ""
    said: dict[str, Any] = {}


class Letter(Struct, frozen=True, kw_only=True):
    """One thing to tell one URL."""

    url: str
    token: str  # the Account's: it signs
    fields: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Letter(url={self.url!r}, fields={self.fields!r})"


Post = Callable[[Letter], Awaitable[Reply]]


class Events(Protocol):
    """Where events are found: EventLog."""

    async def fetch(self, account: str, workspace: str, sid: str) -> Found[Event]:
        """Raises NotFound and Unavailable."""


def offer_letter(url: str, account: Account, event: Event) -> Letter:
    """The assignment callback of a Reservation, from the event of its creation."""
    told = {**event.data, "account_sid": account.sid}
    fields: dict[str, str] = {name: told[name] for name in OFFERED if name in told}
    fields["timestamp"] = str(event.at_ms // 1000)
    return Letter(url=url, token=account.token, fields=fields)


def fallback_letter(url: str, letter: Letter, reply: Reply) -> Letter:
    """The same for the fallback URL, with what was wrong with the first."""
    told = {**letter.fields, "error_code": str(reply.code or UNREACHABLE), "error_url": letter.url}
    return Letter(url=url, token=letter.token, fields=told)


def event_letter(url: str, account: Account, event: Event) -> Letter:
    """The event callback (semantics 9.2 and 9.3)."""
    fields = {
        "event_type": event.type,
        "event_description": event.description,
        "sid": event.sid,
        "account_sid": account.sid,
        "resource_type": event.resource_type,
        "resource_sid": event.resource_sid,
        "timestamp": str(event.at_ms // 1000),
        "timestamp_ms": str(event.at_ms),
    }
    return Letter(url=url, token=account.token, fields={**fields, **event.data})
