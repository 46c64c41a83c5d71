"""What a request too many is answered, and which requests are counted: with a clock of the test's."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, Final

import httpx
import pytest

from api.app import build
from api.limits import BULK, EXPRESSIONS, Limits, limited
from api.surface import OPERATIONS
from api.v1 import ROUTES
from engine.errors import NotFound
from engine.rates import Rates
from engine.settings import read

AC: Final = "AC" + "1" * 32
ROOT: Final = "/v1/Workspaces/WS" + "1" * 32
LISTS: Final = {
    f"{ROOT}/Tasks": "EvaluateTaskAttributes",
    f"{ROOT}/Workers": "TargetWorkersExpression",
    f"{ROOT}/TaskQueues": "EvaluateWorkerAttributes",
}
UNLIMITED: Final = ("unlimited", "unlimited", "none")


class Engine:
    """Finds nothing, and counts in memory."""

    def __init__(self) -> None:
        self.ms, self.asked = 5_000, 0
        self.counts: Counter[str] = Counter()
        self.rates = Rates(self, lambda: self.ms)  # type: ignore[arg-type]
        self.accounts = self.api_keys = self.tasks = self.workers = self.task_queues = self.workspaces = self

    async def together(self, *commands: Any) -> list[int]:
        for name, key, *_ in commands:
            self.counts[key] += name == "INCR"
        return [self.counts[key] for _, key, *_ in commands]

    async def get(self, _: str) -> None:
        """Nobody signs a token here."""

    async def verify(self, sid: str, _: str) -> Any:
        return SimpleNamespace(sid=sid)

    async def fetch(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        raise NotFound("WS")

    create = list = fetch


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture(params=[True, False], ids=["door", "litestar"])
async def http(engine: Engine, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    app = build(engine, ready=list, limits=Limits(expressions=3, bulk=5), door=request.param)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://x", auth=(AC, "t")) as client:
        yield client


def told(answer: httpx.Response) -> tuple[str, str, str]:
    limit, remaining, config = (answer.headers[f"x-rate-limit-{n}"] for n in ("limit", "remaining", "config"))
    return limit, remaining, config


@pytest.mark.parametrize("path", list(LISTS))
async def test_a_list_with_an_expression_is_answered_three_times_a_second(
    http: httpx.AsyncClient, engine: Engine, path: str
) -> None:
    answers = [await http.get(path, params={LISTS[path]: "a == 1"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    name = told(answers[0])[2]
    assert [told(answer) for answer in answers] == [("3", str(n), name) for n in (2, 1, 0, 0)]
    assert name == next(
        one.limit for one in OPERATIONS.values() if one.limit and one.path.endswith(path.split("/")[-1])
    )
    refused = answers[3]
    assert refused.headers["retry-after"] == "1"
    assert refused.json() == {
        "code": 20429,
        "message": f"Too many requests: {name} allows 3 a second",
        "more_info": "https://www.twilio.com/docs/errors/20429",
        "status": 429,
    }
    assert engine.asked == 3
    engine.ms += 1_000
    assert (await http.get(path, params={LISTS[path]: "a == 1"})).status_code == 404


async def test_an_answer_is_counted_whatever_it_is(http: httpx.AsyncClient) -> None:
    bad = await http.get(f"{ROOT}/Tasks", params={"EvaluateTaskAttributes": "a == 1", "Priority": "x"})
    assert (bad.status_code, told(bad)[:2]) == (400, ("3", "2"))


async def test_other_requests_are_not_counted(http: httpx.AsyncClient, engine: Engine) -> None:
    for path in LISTS:
        answer = await http.get(path, params={LISTS[path]: "", "FriendlyName": "x"})
        assert (answer.status_code, told(answer)) == (404, UNLIMITED)
    assert told(await http.post(f"{ROOT}/Tasks", data={"Attributes": "{}"})) == UNLIMITED
    assert not engine.counts


@pytest.mark.parametrize("door", [True, False], ids=["door", "litestar"])
async def test_all_requests_of_an_account_can_be_limited_together(engine: Engine, door: bool) -> None:
    app = build(engine, ready=list, limits=Limits(requests=2), door=door)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        answers = [
            await http.post(f"{ROOT}/Tasks", data={"Attributes": "{}"}, auth=(AC, "t")),
            await http.get(ROOT, auth=(AC, "t")),
            await http.post(f"{ROOT}/Tasks", data={"Attributes": "{}"}, auth=(AC, "t")),
            await http.get(ROOT, auth=("AC" + "2" * 32, "t")),
        ]
    assert [answer.status_code for answer in answers] == [404, 404, 429, 404]
    assert [told(answer) for answer in answers] == [("2", str(n), "Account") for n in (1, 0, 0, 1)]


def test_an_operation_without_a_limit_is_left_as_it_is() -> None:
    wrapped = limited(ROUTES, Limits(expressions=3, bulk=5))
    changed = {new.name for old, new in zip(ROUTES, wrapped, strict=True) if new is not old}
    assert changed == {route.name for route in ROUTES} & {*EXPRESSIONS, BULK[0]}
    assert limited(ROUTES, Limits()) == ROUTES


def test_the_limits_are_those_that_the_surface_names() -> None:
    named = {name: config for name, (config, _) in EXPRESSIONS.items()} | {BULK[0]: BULK[1]}
    assert named == {one.name: one.limit for one in OPERATIONS.values() if one.limit}
    for name, (_, parameter) in EXPRESSIONS.items():
        assert parameter in {one.name for one in OPERATIONS[name].parameters}


def test_the_limits_of_the_original_are_on_unless_told_otherwise() -> None:
    settings = read({}, {})
    assert (settings.rate_limit, settings.rate_limit_expressions, settings.rate_limit_bulk) == (0, 3, 5)
    assert read({"rate_limit_bulk": "0"}, {"TRUNKLINE_RATE_LIMIT": "7"}).rate_limit == 7
