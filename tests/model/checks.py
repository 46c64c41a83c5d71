"""What the reference router refuses, as far as it can tell from the value alone."""

from __future__ import annotations

import json
from typing import Final

from engine.errors import IllegalState, Invalid, RevisionMismatch
from engine.model import ReservationStatus, TaskStatus

YEAR_1900_MS: Final = -2_208_988_800_000
MAX_ATTRIBUTES: Final = 4096  # characters, white space included


def check_attributes(text: str) -> None:
    """Invalid unless the text is a JSON object of at most 4,096 characters."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Invalid("attributes", "must be JSON") from error
    if not isinstance(value, dict) or len(text) > MAX_ATTRIBUTES:
        raise Invalid("attributes", f"must be an object of at most {MAX_ATTRIBUTES} characters")


def check_virtual_start(virtual_start_ms: int | None, now_ms: int) -> None:
    """Invalid for an instant in the future or before 1900."""
    if virtual_start_ms is not None and not YEAR_1900_MS <= virtual_start_ms <= now_ms:
        raise Invalid("virtual_start_ms", "must lie between 1900 and now")


def check_revision(sid: str, revision: int, if_match: int | None) -> None:
    """RevisionMismatch when the caller expects another revision; this comes before any question of state."""
    if if_match is not None and if_match != revision:
        raise RevisionMismatch(sid, revision)


def require(status: TaskStatus | ReservationStatus, *allowed: TaskStatus | ReservationStatus) -> None:
    """IllegalState unless the status is one of those."""
    if status not in allowed:
        raise IllegalState(f"not possible while {status}")
