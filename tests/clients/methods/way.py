"""The four ways in which the client library offers each call, behind one: `await way(target, "fetch")`.

    fetch   fetch_async   fetch_with_http_info   fetch_with_http_info_async

Each answer is judged as it comes: records by the library's own declarations, status and headers where it shows them.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct
from twilio.base.instance_resource import InstanceResource
from twilio.base.page import Page
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from tests.clients.methods import library
from tests.clients.stack import Stack

STATUS: Final = {"create": 201, "delete": 204}
REVISED: Final = ("Task", "Worker", "Reservation")  # what has an ETag
LIMIT: Final = 100
EVERYTHING: Final[Mapping[str, Any]] = {}

Filters = Mapping[str, Any]
Case = tuple[Filters, Sequence[str]]


class Way(Struct, frozen=True):
    """One way of calling. A call returns what it is about: the record, True, the rows, the page."""

    client: Client
    asynchronous: bool
    info: bool

    @property
    def workspaces(self) -> Any:
        return self.client.taskrouter.v1.workspaces

    async def __call__(
        self, target: Any, verb: str, *given: Any, status: int | None = None, **named: Any
    ) -> Any:
        """Calls `verb` of `target` this way. Create has to answer 201 and delete 204, or what `status` says."""
        wanted = STATUS.get(verb, 200) if status is None else status
        told = self.info and hasattr(target, f"{verb}_with_http_info")
        name = verb + ("_with_http_info" if told else "") + ("_async" if self.asynchronous else "")
        answer = getattr(target, name)(*given, **named)
        if inspect.isawaitable(answer):
            answer = await answer
        if told:
            answer = self._told(type(target).__name__, verb, wanted, answer)
        return await _judged(answer)

    def _told(self, kind: str, verb: str, status: int, answer: Any) -> Any:
        """The answer without its status and headers, which have to be right."""
        if isinstance(answer, tuple):
            data, code, raw = answer
        else:
            data, code, raw = answer.data, answer.status_code, answer.headers
        headers = {name.lower(): value for name, value in raw.items()}
        assert code == status, (kind, verb, code)
        assert headers["x-rate-limit-limit"]
        assert ("content-type" in headers) == (status != 204)
        resource = next(
            kind.removesuffix(end) for end in ("Instance", "Context", "List") if kind.endswith(end)
        )
        assert ("etag" in headers) == (resource in REVISED and verb != "delete"), (kind, verb, headers)
        return data


async def _judged(answer: Any) -> Any:
    """The answer, its records looked at. What streams is read to its end."""
    if isinstance(answer, AsyncIterator):
        answer = [row async for row in answer]
    elif isinstance(answer, Iterator) and not isinstance(answer, Page):
        answer = list(answer)
    for record in answer if isinstance(answer, list) else [answer]:
        if isinstance(record, InstanceResource):
            assert library.complaints(record) == [], type(record)
    return answer


@asynccontextmanager
async def all_ways(stack: Stack) -> AsyncIterator[list[Way]]:
    """Plain calls go through the door, those that show status and headers through Litestar alone."""
    async with AsyncTwilioHttpClient() as first, AsyncTwilioHttpClient() as second:
        transports = {(True, False): first, (True, True): second}
        ways = []
        for asynchronous in (False, True):
            for info in (False, True):
                client = Client(*stack.credentials, http_client=transports.get((asynchronous, info)))
                client.taskrouter.base_url = stack.urls[not info]
                ways.append(Way(client, asynchronous, info))
        yield ways
        for way in ways:
            if not way.asynchronous:
                way.client.http_client.session.close()


async def listed(
    way: Way, source: Any, rows: Sequence[str], *cases: Case, by: str = "sid", among: Filters = EVERYTHING
) -> None:
    """Reads a list by all its methods. It has `rows`, at least two; each case is filters and what they leave.

    `among` are filters of every call, for a list that is not the test's own.
    """
    for filters, expected in (({}, rows), *cases):
        wanted = {**among, **filters}
        found = [
            await way(source, "list", **wanted, limit=LIMIT, page_size=2),
            await way(source, "stream", **wanted, limit=LIMIT, page_size=2),
            list(await way(source, "page", **wanted, page_size=LIMIT)),
        ]
        for one in found:
            assert [getattr(row, by) for row in one] == list(expected), filters
    for verb in ("list", "stream"):
        assert [getattr(row, by) for row in await way(source, verb, **among, limit=1)] == [rows[0]]
    for name in library.properties_of(type(source)):
        assert vars(getattr(source, name))["_solution"] == vars(source)["_solution"]
    await _walked(way, source, rows, by, among)


async def _walked(way: Way, source: Any, rows: Sequence[str], by: str, among: Filters) -> None:
    """From page to page and back, by link and by hand."""
    first = await way(source, "page", **among, page_size=1)
    link, query = first.next_page_url, parse_qs(urlsplit(first.next_page_url).query)
    second = await way(first, "next_page")
    assert [getattr(row, by) for page in (first, second) for row in page] == list(rows[:2])
    back = await way(second, "previous_page")
    assert [getattr(row, by) for row in back] == [rows[0]]
    assert await way(back, "previous_page") is None
    by_hand = await way(
        source,
        "page",
        **among,
        page_token=query["PageToken"][0],
        page_number=int(query["Page"][0]),
        page_size=int(query["PageSize"][0]),
    )
    by_link = await way(source, "get_page", link)
    assert [getattr(row, by) for page in (by_hand, by_link) for row in page] == [rows[1]] * 2


async def both(way: Way, source: Any, sid: str) -> tuple[Any, Any]:
    """The record of a SID, and its context: fetched by either way into the list, through either of the two."""
    context = source.get(sid)
    record = await way(source(sid), "fetch")
    again = await way(record, "fetch")
    assert record.sid == again.sid
    assert record.url == again.url
    assert (await way(context, "fetch")).url == record.url
    for name in library.properties_of(type(context)):  # what is below it is the same, reached either way
        one, other = getattr(record, name), getattr(context, name)
        assert (type(one), vars(one)["_solution"]) == (type(other), vars(other)["_solution"])
    return record, context
