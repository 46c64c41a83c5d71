"""Answers as the bytes of HTTP/1.1, for the requests that do not go through ASGI."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from api.answer import CORS, JSON, UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.answer import Answer, Header


class Wire:
    """Renders Answers with a JSON body; has what most of them begin with ready."""

    def __init__(self) -> None:
        self._defaults: list[Header] = []
        self._openings: dict[int, bytes] = {}  # by status: everything up to the headers of the one answer

    def render(self, answer: Answer, defaults: list[Header]) -> bytes:
        """The whole response; `defaults` are the server's own headers, a new list whenever one of them changes."""
        if defaults is not self._defaults:
            self._defaults = defaults
            self._openings.clear()
        opening = self._openings.get(answer.status)
        if opening is None:
            opening = self._openings[answer.status] = self._opening(answer.status)
        own = answer.headers if answer.rate is UNLIMITED else (*answer.rate, *answer.headers)
        limits = _UNLIMITED if answer.rate is UNLIMITED else b""
        return b"%b%b%bcontent-length: %d\r\n\r\n%b" % (
            opening,
            limits,
            lines(own),
            len(answer.body),
            answer.body,
        )

    def _opening(self, status: int) -> bytes:
        return b"HTTP/1.1 %d %b\r\n%b" % (
            status,
            HTTPStatus(status).phrase.encode(),
            lines((*self._defaults, *CORS, JSON)),
        )


def lines(headers: Iterable[Header]) -> bytes:
    """Headers as they are sent. Nothing of them comes from a request, so there is nothing in them to escape."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


_UNLIMITED: Final = lines(UNLIMITED)
