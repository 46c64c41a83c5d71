"""api/surface says what the program does: the same operations, and each reads the parameters named there, no others."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from typing import Any, Final, NoReturn

import pytest

from api.answer import Answer
from api.call import Call, Face
from api.errors import RequestError
from api.forms import Form
from api.routes import Route
from api.surface import OPERATIONS
from api.surface.model import Operation, Parameter, Type
from api.v1 import ROUTES
from engine.errors import TrunklineError
from engine.instructions import PARAMETERS

ROUTED: Final = {route.name: route for route in ROUTES}
BOTH: Final = sorted(ROUTED.keys() & OPERATIONS.keys())
Read = set[tuple[str, str]]  # place and name


def test_every_route_is_described_and_every_description_is_served() -> None:
    assert ROUTED.keys() == OPERATIONS.keys()
    assert len(ROUTED) == len(ROUTES)


@pytest.mark.parametrize("name", BOTH)
def test_a_route_has_the_method_and_the_path_of_its_description(name: str) -> None:
    one, routed = OPERATIONS[name], ROUTED[name]
    holes = [re.sub(r"\{\w+\}", "{}", path) for path in (one.path, routed.path)]
    assert (one.method, holes[0]) == (routed.method, holes[1])
    named = [parameter.name for parameter in one.parameters if parameter.place == "path"]
    assert named == re.findall(r"\{(\w+)\}", one.path)


def test_names_of_parameters_and_fields_are_unique_where_they_stand() -> None:
    for one in OPERATIONS.values():
        named = [(p.place, p.name) for p in one.parameters]
        assert len(named) == len(set(named)), one.name


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """The parameters that were asked for, whoever asked."""
    seen: Read = set()

    def watched(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def ask(self: Form, name: str, *more: Any) -> Any:
            seen.add(("query" if self.place == "query" else "form", name))
            return method(self, name, *more)

        return ask

    for name, method in vars(Form).items():
        if inspect.isfunction(method) and list(inspect.signature(method).parameters)[1:2] == ["name"]:
            monkeypatch.setattr(Form, name, watched(method))
    return seen


class Headers(dict[bytes, bytes]):
    def __init__(self, seen: Read) -> None:
        super().__init__()
        self._seen = seen

    def get(self, name: bytes, default: Any = None) -> Any:
        self._seen.add(("header", name.decode()))
        return default


class Stop(TrunklineError):
    """The engine was reached: what the operation wanted to know it has asked."""


class NoEngine:
    """An engine, and each of its services, whose every call ends the operation."""

    def __getattr__(self, name: str) -> Any:
        return NoEngine()

    def __call__(self, *_: Any, **__: Any) -> Awaitable[NoReturn]:
        async def stop() -> NoReturn:
            raise Stop("reached")

        return stop()


def sample(kind: Type) -> str:
    """A value of this type that is taken."""
    match kind.kind:
        case "sid":
            return (kind.prefix or "WK") + "0" * 32
        case "integer" | "number":
            return str(kind.low or 0)
        case "boolean":
            return "true"
        case "date":
            return "2024-01-02T03:04:05Z"
        case "url":
            return "https://example.com/"
        case "json":
            return "{}"
        case "list":
            assert kind.item is not None
            return sample(kind.item)
        case _:
            return kind.words[0] if kind.words else "x" * (kind.low or 0)


def requests(one: Operation) -> Iterator[dict[tuple[str, str], str]]:
    """Requests that together bring an operation to read all it can: with each of its instructions, if it has any."""
    values: dict[tuple[str, str], str] = {(_where(p), p.name): sample(p.type) for p in one.parameters}
    values[("query", "PageToken")] = ""
    if ("form", "Instruction") not in values:
        yield values
        return
    yield {**values, ("form", "Instruction"): "accept", ("form", "ReservationStatus"): "accepted"}
    for kind in PARAMETERS:
        bare = {
            key: value
            for key, value in values.items()
            if key[1] not in ("ReservationStatus", "WorkerActivitySid")
        }
        yield {**bare, ("form", "Instruction"): kind}


def perform(route: Route, values: dict[tuple[str, str], str], seen: Read) -> None:
    def given(place: str) -> list[tuple[str, str]]:
        return [(name, value) for (where, name), value in values.items() if where == place]

    params = tuple(value for _, value in given("path"))
    face = Face(NoEngine(), None)  # type: ignore[arg-type]
    forms = Form(given("form")), Form(given("query"), "query")
    call = Call(face, "AC" + "0" * 32, route.path, params, "http://x", Headers(seen), *forms)
    with pytest.raises((Stop, RequestError)):
        asyncio.run(_run(route.operation(call)))


async def _run(operation: Awaitable[Answer]) -> Answer:
    return await operation


def _where(one: Parameter) -> str:
    """Where an operation finds a parameter: members of a JSON object come as those of a form."""
    return "form" if one.place == "json" else one.place


def described(one: Operation) -> Read:
    """The parameters of a description."""
    asked = [p for p in one.parameters if p.place != "path"]
    return {(_where(p), p.name.lower() if p.place == "header" else p.name) for p in asked}


def aliases(one: Operation) -> Read:
    return {(_where(p), alias) for p in one.parameters for alias in p.aliases}


@pytest.mark.parametrize("name", [name for name in BOTH if not OPERATIONS[name].media_types])
def test_an_operation_reads_exactly_the_parameters_of_its_description(name: str, read: Read) -> None:
    one = OPERATIONS[name]
    for values in requests(one):
        perform(ROUTED[name], values, read)
    wanted = described(one)
    unread, undescribed = wanted - read, read - wanted - aliases(one)
    assert (unread, undescribed) == (set(), set())
