"""Logging: one line an event to stderr, as text or as JSON, naming the process that wrote it."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

import msgspec


def configure(role: str, *, level: str, form: Literal["text", "json"], stream: TextIO | None = None) -> None:
    """Send all events of `level` and above to `stream` (stderr), a line each; replaces what was set before.

    `role` says which process it was ("api-2"). An exception's traceback follows its line; in JSON it is the
    member `trace`.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(role) if form == "json" else TextLines(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in (
        "asyncio",
        "uvicorn",
        "uvicorn.error",
    ):  # each says at "info" what the supervisor says better
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


class TextLines(logging.Formatter):
    """`2026-03-01T12:00:00.123Z WARNING api-1 the message`"""

    def __init__(self, role: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {role} %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802  its name there
        return _instant(record)


class JsonLines(logging.Formatter):
    """`{"time":…,"level":…,"role":…,"logger":…,"message":…}`"""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def _instant(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
