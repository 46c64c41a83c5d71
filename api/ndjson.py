"""Newline-delimited JSON: cuts a body that comes in pieces into lines, whatever the pieces are."""

from __future__ import annotations

from typing import Final

MEDIA_TYPES: Final = (b"application/x-ndjson", b"application/jsonl")


class Lines:
    """The lines of one body. Keeps what has come of the last one, and nothing of a line of more than `limit` bytes."""

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._parts: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes | None]:
        """The lines that this piece completes, without their ends; None stands for one that is too long."""
        first, *others = piece.split(b"\n")
        self._add(first)
        if not others:
            return []
        *whole, last = others
        lines = [self._take(), *(line if len(line) <= self._limit else None for line in whole)]
        self._add(last)
        return lines

    def end(self) -> bytes | None:
        """What stands behind the last line end."""
        return self._take()

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _take(self) -> bytes | None:
        line = b"".join(self._parts) if self._size <= self._limit else None
        self._size = 0
        self._parts.clear()
        return line
