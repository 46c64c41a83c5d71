"""Statistics of Workers: of all of them, of those that a filter lets through, and of one."""

from __future__ import annotations

from typing import Any, Final

from api.answer import Answer, json
from api.call import Call
from api.routes import Route
from api.v1 import statistics_shapes as shapes
from api.v1.workers import PATH
from engine.model import Found
from engine.roster import EVERYBODY, WorkerFilter
from engine.worker_statistics import PastOfWorkers


def _filter(call: Call) -> WorkerFilter:
    query = call.query
    return WorkerFilter(
        friendly_name=query.filter("FriendlyName"),
        task_queue_sid=query.sid("TaskQueueSid", "WQ") if query.raw("TaskQueueSid") else None,
        task_queue_name=query.filter("TaskQueueName"),
    )


async def _now(call: Call, wanted: WorkerFilter) -> Found[dict[str, int]]:
    channel = shapes.task_channel(call.query)
    return await call.engine.worker_statistics.now(call.account, call.params[0], wanted, task_channel=channel)


async def _past(call: Call, wanted: WorkerFilter) -> Found[PastOfWorkers]:
    asked = shapes.asked(call.query, split=False)
    return await call.engine.worker_statistics.past(call.account, call.params[0], wanted, asked)


def _now_figures(found: Found[dict[str, int]]) -> dict[str, Any]:
    return {
        "activity_statistics": shapes.activity_statistics(found.config, found.value),
        "total_workers": sum(found.value.values()),
    }


def _past_figures(found: Found[PastOfWorkers], *, whole: bool) -> dict[str, Any]:
    past = found.value
    return {
        **shapes.interval(past.interval),
        "activity_durations": shapes.activity_durations(found.config, past.durations, whole=whole),
        **shapes.reservations(past.tally),
    }


async def realtime(call: Call) -> Answer:
    found = await _now(call, EVERYBODY)
    return json(200, shapes.frame(call, found.config) | _now_figures(found))


async def cumulative(call: Call) -> Answer:
    found = await _past(call, EVERYBODY)
    return json(200, shapes.frame(call, found.config) | _past_figures(found, whole=True))


async def both(call: Call) -> Answer:
    wanted = _filter(call)
    past, now = await _past(call, wanted), await _now(call, wanted)
    figures = {"realtime": _now_figures(now), "cumulative": _past_figures(past, whole=False)}
    return json(200, shapes.frame(call, now.config) | figures)


async def of_one(call: Call) -> Answer:
    asked = shapes.asked(call.query, split=False)
    found = await call.engine.worker_statistics.past_of_one(
        call.account, call.params[0], call.params[1], asked
    )
    figures = {"worker_sid": call.params[1], "cumulative": _past_figures(found, whole=False)}
    return json(200, shapes.frame(call, found.config) | figures)


ROUTES: Final = (
    Route("GET", f"{PATH}/Statistics", "FetchWorkerStatistics", both),
    Route("GET", f"{PATH}/CumulativeStatistics", "FetchWorkersCumulativeStatistics", cumulative),
    Route("GET", f"{PATH}/RealTimeStatistics", "FetchWorkersRealTimeStatistics", realtime),
    Route("GET", f"{PATH}/{{WorkerSid}}/Statistics", "FetchWorkerInstanceStatistics", of_one),
)
