"""Which operations are limited in rate, and what is answered to a request too many.

A limited operation is wrapped when the app is built, so one that is not limited costs nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from api import errors
from api.answer import Answer, Header, rated
from api.call import Call, Operation
from api.routes import Route
from engine.rates import Counted, Rate

# What the original calls these limits, and the parameter that makes a list cost a look at every row of it.
EXPRESSIONS: Final = {
    "ListTask": ("Task-List-EvaluateTaskAttributes", "EvaluateTaskAttributes"),
    "ListTaskQueue": ("TaskQueue-List-EvaluateWorkerAttributes", "EvaluateWorkerAttributes"),
    "ListWorker": ("Worker-List-TargetWorkersExpression", "TargetWorkersExpression"),
}
BULK: Final = ("CreateTaskQueueBulkRealTimeStatistics", "TaskQueue-Bulk-RealTimeStatistics")
ACCOUNT: Final = "Account"

RETRY_AFTER: Final[Header] = (b"retry-after", b"1")  # by then the next second has begun


class Limits(Struct, frozen=True, kw_only=True):
    """Requests a second an Account; 0 sets no limit."""

    requests: int = 0  # of all kinds together
    expressions: int = 0  # each of the lists in EXPRESSIONS, when asked with its expression
    bulk: int = 0  # real-time statistics of several TaskQueues at once


def limited(routes: Sequence[Route], limits: Limits) -> tuple[Route, ...]:
    """The routes, with their limits in front of the operations."""
    return tuple(_limited(route, limits) for route in routes)


def _limited(route: Route, limits: Limits) -> Route:
    always = [Rate(ACCOUNT, limits.requests)] if limits.requests else []
    if route.name == BULK[0] and limits.bulk:
        always.append(Rate(BULK[1], limits.bulk))
    name, parameter = EXPRESSIONS.get(route.name, ("", ""))
    sometimes = [*always, Rate(name, limits.expressions)] if name and limits.expressions else always
    if not sometimes:
        return route
    return replace(route, operation=_counting(route.operation, always, sometimes, parameter))


def _counting(operation: Operation, always: list[Rate], sometimes: list[Rate], parameter: str) -> Operation:
    """The operation, counted under `always`, and under `sometimes` when `parameter` is in the query."""

    async def counting(call: Call) -> Answer:
        rates = sometimes if parameter and call.query.raw(parameter) else always
        if not rates:
            return await operation(call)
        counted = await call.engine.rates.count(call.account, rates)
        if counted.over:
            return replace(_too_many(counted.rate), rate=_headers(counted))
        try:
            answer = await operation(call)
        except Exception as raised:  # as in operate: here because this answer has figures of its own
            answer = errors.answer(raised, call.path)
        return replace(answer, rate=_headers(counted))

    return counting


def _too_many(rate: Rate) -> Answer:
    return errors.error(
        429, 20429, f"Too many requests: {rate.name} allows {rate.per_second} a second", RETRY_AFTER
    )


def _headers(counted: Counted) -> tuple[Header, ...]:
    rate = counted.rate
    return rated(b"%d" % rate.per_second, b"%d" % counted.remaining, rate.name.encode())
