"""Checks of single values that several services share. Each returns the value to store or raises Invalid."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any, Final

import msgspec

from engine.errors import Invalid
from engine.model import Order

SHORT_NAME: Final = 64  # characters: Workspaces, Activities, Task Channels
LONG_NAME: Final = 255  # characters: TaskQueues, Workflows
NO_WRAPPING: Final = "wrapping needs a Workspace with multi_task_enabled"

_UNIQUE_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")

_ACTIONS: Final = {
    "workspace": "created updated deleted",
    "activity": "created updated deleted",
    "task-channel": "created updated deleted",
    "task-queue": "created deleted expression.updated entered moved timeout",
    "workflow": "created updated deleted entered target-matched timeout skipped",
    "worker": "created deleted activity.update attributes.update capacity.update channel.availability.update",
    "task": "created updated canceled wrapup completed deleted system-deleted transfer-initiated"
    " transfer-attempt-failed transfer-failed transfer-canceled transfer-completed",
    "reservation": "created accepted rejected timeout canceled rescinded wrapup completed failed",
}
EVENT_TYPES: Final = frozenset(
    f"{subject}.{action}" for subject, actions in _ACTIONS.items() for action in actions.split()
)


def text(field: str, value: str) -> str:
    """A text that can be stored: half of a surrogate pair has no UTF-8 form."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Invalid(field, f"must be Unicode text; character {error.start} is half of a pair") from None
    return value


def name(field: str, value: str, longest: int) -> str:
    """A name of 1 to `longest` characters that are not all blank."""
    if not 1 <= len(value) <= longest:
        raise Invalid(field, f"must have 1 to {longest} characters, not {len(value)}")
    if value.isspace():
        raise Invalid(field, "must not be blank")
    return text(field, value)


def unique_name(field: str, value: str) -> str:
    """A Task Channel's unique name: letters, digits, _ and $, no digit first, at most 64 characters."""
    if len(value) > SHORT_NAME or not _UNIQUE_NAME.match(value):
        raise Invalid(
            field,
            f"must have 1 to {SHORT_NAME} letters, digits, _ or $ and not begin with a digit",
        )
    return value


def order(field: str, value: str) -> Order:
    """FIFO or LIFO, in capital letters."""
    if value not in Order.__members__:
        raise Invalid(field, "must be FIFO or LIFO")
    return Order(value)


def integer(field: str, value: int, least: int, most: int) -> int:
    """An integer from `least` to `most`."""
    if not least <= value <= most:
        raise Invalid(field, f"must be an integer from {least} to {most}, not {value}")
    return value


def member(field: str, sid: str, among: Container[str], kind: str) -> str:
    """The SID of something in this Workspace; one of another Workspace is refused like one that never was."""
    if sid not in among:
        raise Invalid(field, f"is not the SID of a {kind} of this Workspace: {sid[:64]!r}")
    return sid


def events_filter(field: str, value: str) -> str | None:
    """A comma list of event types, stored as it came; None for a blank one, which lets all events through."""
    if not value.strip():
        return None
    for item in value.split(","):
        if item.strip() not in EVENT_TYPES:
            raise Invalid(field, f"has an unknown event type: {item.strip()[:64]!r}")
    return value


def json_object(field: str, value: str) -> dict[str, Any]:
    """The object that a JSON text holds."""
    try:
        decoded = msgspec.json.decode(text(field, value))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(field, f"must be a JSON object: {error}") from None
    if not isinstance(decoded, dict):
        raise Invalid(field, "must be a JSON object")
    return decoded
