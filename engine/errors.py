"""Every error the engine raises, and the status words its scripts answer with.

TrunklineError
├── NotFound           no such resource for this account; nothing has changed
│   └── Vanished       what an Idempotency-Key made is no longer there; nothing has changed
├── Invalid            a value is wrong; `field` names it; nothing has changed
├── IllegalState       the value is fine, the moment is not; nothing has changed
├── Gone               the Reservation ended before this answer came; nothing has changed
├── RevisionMismatch   the caller's revision is not the stored one; nothing has changed
├── KeyReused          an Idempotency-Key came again with other content; nothing has changed
├── Unavailable        Redis could not be asked; `outcome_unknown` says whether the change may be there
└── SettingError       a setting stops the start
"""

from __future__ import annotations


class TrunklineError(Exception):
    """Base of all errors that a caller of the engine is expected to handle."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(TrunklineError):
    """No such resource in this Workspace and account. A foreign SID is answered in the same words."""

    def __init__(self, sid: str) -> None:
        super().__init__(f"{sid} was not found")
        self.sid = sid


class Vanished(NotFound):
    """An Idempotency-Key came again, and what it made the first time was deleted since."""


class Invalid(TrunklineError):
    """A parameter is wrong.

    `field` is the engine's name of it in snake_case ("friendly_name"); the message says what is wrong and what
    would be right, without naming the field again.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class IllegalState(TrunklineError):
    """The change is not allowed in the resource's present state."""


class Gone(TrunklineError):
    """An answer to a Reservation that has already ended."""


class RevisionMismatch(TrunklineError):
    """If-Match named a revision that is not the stored one."""

    def __init__(self, sid: str, revision: int) -> None:
        super().__init__(f"{sid} is at revision {revision}; nothing was changed")
        self.sid, self.revision = sid, revision


class KeyReused(TrunklineError):
    """An Idempotency-Key that was used within 24 h came again with other content."""

    def __init__(self) -> None:
        super().__init__("the key was used for something else within 24 hours; nothing was changed")


class Unavailable(TrunklineError):
    """Redis did not answer in time, or cannot be reached."""

    def __init__(self, message: str, *, outcome_unknown: bool) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class SettingError(TrunklineError):
    """A setting is out of range, or the server's configuration cannot be accepted."""
