"""One table from errors to HTTP statuses and codes, and the body they all share.

    {"code": 20404, "message": "…", "more_info": "https://www.twilio.com/docs/errors/20404", "status": 404}

Clients branch on `code`, so the codes are those of the original API, and `more_info` leads to its dictionary.
"""

from __future__ import annotations

import logging
from typing import Final

from api.answer import Answer, Header, json
from engine.errors import (
    Gone,
    IllegalState,
    Invalid,
    KeyReused,
    NotFound,
    RevisionMismatch,
    TrunklineError,
    Unavailable,
    Vanished,
)

log: Final = logging.getLogger("trunkline.api")

_STATUS: Final[dict[type[TrunklineError], tuple[int, int]]] = {
    NotFound: (404, 20404),
    Invalid: (400, 20001),
    IllegalState: (400, 20001),
    Gone: (410, 20410),
    RevisionMismatch: (412, 20412),
    KeyReused: (422, 20422),
    Unavailable: (503, 20503),
}

# Engine names that are not the parameter's name in snake_case.
_PARAMETERS: Final = {
    "after": "PageToken",
    "limit": "PageSize",
    "status": "ReservationStatus",
    "virtual_start_ms": "VirtualStartTime",
}

UNKNOWN: Final = "It is unknown whether the change was made."
UNCHANGED: Final = "Nothing was changed."
GONE: Final = "it was created with this Idempotency-Key and is no longer there"

RETRY_AFTER: Final = (b"retry-after", b"1")  # seconds; a Redis restart or failover is over in a few of them
CLOSE: Final = (b"connection", b"close")  # the rest of a refused body is not worth reading


class RequestError(Exception):
    """A request that is answered with an error before, or without, asking the engine."""

    def __init__(self, status: int, code: int, message: str, *headers: Header) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


class ParameterError(RequestError):
    """400 for one parameter, named in PascalCase as the caller wrote it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(400, 20001, f"{name}: {message}")
        self.name = name


def parameter_of(field: str) -> str:
    """The request parameter behind an engine field: `friendly_name` -> `FriendlyName`."""
    known = _PARAMETERS.get(field)
    return known if known is not None else "".join(part.capitalize() for part in field.split("_"))


def error(status: int, code: int, message: str, *headers: Header) -> Answer:
    """The answer for one error."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more_info, "status": status}
    return json(status, body, *headers)


def not_found(path: str) -> Answer:
    return answer(NotFound(path), path)


def answer(raised: Exception, path: str) -> Answer:
    """The answer for whatever an operation raised; see `refusal`."""
    told = refusal(raised, path)
    return error(told.status, told.code, told.message, *told.headers)


def refusal(raised: Exception, path: str) -> RequestError:
    """What the caller is told of whatever an operation raised.

    Errors of the engine and refusals are told to the caller. Anything else is our mistake: its trace goes to
    the log "trunkline.api", and the caller learns no more than that it happened.
    """
    if isinstance(raised, RequestError):
        return raised
    resource = path.removeprefix("/v1")
    if isinstance(raised, Vanished):
        return RequestError(
            404, 20404, f"The requested resource {resource}/{raised.sid} was not found: {GONE}"
        )
    if isinstance(raised, NotFound):
        return RequestError(404, 20404, f"The requested resource {resource} was not found")
    status, code = next((s for kind, s in _STATUS.items() if isinstance(raised, kind)), (500, 20500))
    if status == 500 or not isinstance(raised, TrunklineError):
        log.error("unexpected error at %s", path, exc_info=raised)
        return RequestError(500, 20500, "An internal error occurred")
    if isinstance(raised, Invalid):
        return RequestError(status, code, f"{parameter_of(raised.field)}: {raised.message}")
    if isinstance(raised, KeyReused):
        return RequestError(status, code, f"Idempotency-Key: {raised.message}")
    if isinstance(raised, Unavailable):
        outcome = UNKNOWN if raised.outcome_unknown else UNCHANGED
        message = f"The service is unavailable for the moment. {outcome}"
        return RequestError(status, code, message, RETRY_AFTER)
    return RequestError(status, code, raised.message)
