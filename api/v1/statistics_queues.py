"""Statistics of TaskQueues: of one, of all as a list, and real-time figures of up to 50 by one request."""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import Answer, json
from api.call import Call
from api.errors import ParameterError
from api.forms import Form
from api.routes import Route
from api.v1 import statistics_shapes as shapes
from api.v1.task_queues import PATH
from engine.cumulative import Interval, Tally
from engine.model import Found, WorkspaceConfig
from engine.sids import is_sid
from engine.statistics import NowOf, Scope

MOST: Final = 50  # TaskQueues of one bulk request
BULK_NAMES: Final = ("queueSids", "QueueSids", "TaskQueueSids", "task_queue_sids")  # clients differ
_CHANNEL_NAMES: Final = ("TaskChannel", "taskChannel", "task_channel")
_FILTERS: Final = ("FriendlyName", *shapes.WINDOW)

Cumulative = Found[tuple[Interval, Tally]]


async def _now(call: Call) -> Found[NowOf]:
    workspace, sid = call.params
    channel = shapes.task_channel(call.query)
    return await call.engine.statistics.now(call.account, workspace, Scope.QUEUE, sid, task_channel=channel)


async def _past(call: Call) -> Cumulative:
    workspace, sid = call.params
    asked = shapes.asked(call.query)
    return await call.engine.statistics.past(call.account, workspace, Scope.QUEUE, sid, asked)


def _now_figures(config: WorkspaceConfig, now: NowOf, now_ms: int) -> dict[str, Any]:
    activities = config.activities
    return {
        **shapes.open_tasks(now.tasks, now_ms),
        **shapes.in_queue(now.tasks, now_ms),
        "activity_statistics": shapes.activity_statistics(config, now.workers),
        "total_eligible_workers": sum(now.workers.values()),
        "total_available_workers": sum(
            count for sid, count in now.workers.items() if activities[sid].available
        ),
    }


def _past_figures(used: Interval, tally: Tally, *, whole: bool) -> dict[str, Any]:
    return {
        **shapes.tasks(tally, also=(), entered="task-queue.entered", whole=whole),
        "wait_duration_in_queue_until_accepted": shapes.duration(tally.accepted_in_queue, whole=whole),
        **shapes.interval(used),
    }


def _frame(call: Call, found: Found[Any]) -> dict[str, Any]:
    return shapes.frame(call, found.config) | {"task_queue_sid": call.params[1]}


async def realtime(call: Call) -> Answer:
    found = await _now(call)
    return json(200, _frame(call, found) | _now_figures(found.config, found.value, found.now_ms))


async def cumulative(call: Call) -> Answer:
    found = await _past(call)
    return json(200, _frame(call, found) | _past_figures(*found.value, whole=True))


async def both(call: Call) -> Answer:
    past, now = await _past(call), await _now(call)
    figures = {
        "cumulative": _past_figures(*past.value, whole=False),
        "realtime": _now_figures(now.config, now.value, now.now_ms),
    }
    return json(200, _frame(call, now) | figures)


async def index(call: Call) -> Answer:
    page, statistics = paging.asked(call, *_FILTERS), call.engine.statistics
    query = page.query
    asked = shapes.asked(query)
    found = await call.engine.task_queues.list(
        call.account,
        *call.params,
        friendly_name=query.filter("FriendlyName"),
        after=page.after,
        limit=page.size,
    )
    sids = [queue.sid for queue in found.value.items]
    past = await statistics.past_of_many(call.account, call.params[0], Scope.QUEUE, sids, asked)
    now = await statistics.now_of_queues(call.account, call.params[0], sids, task_channel=asked.task_channel)
    rows = [
        {
            "account_sid": call.account,
            "cumulative": _past_figures(past.value.interval, past.value.tallies[sid], whole=False),
            "realtime": _now_figures(now.config, now.value[sid], now.now_ms),
            "task_queue_sid": sid,
            "workspace_sid": found.config.workspace.sid,
        }
        for sid in sids
    ]
    return paging.answer(call, page, "task_queues_statistics", rows, found.value)


async def bulk(call: Call) -> Answer:
    """One entry for each SID, in the order sent.

    One that is no TaskQueue of this Workspace has zeros (rest surface 4.8; semantics 10.2, which is older, would leave
    it out).
    """
    sids = _bulk_sids(call.form)
    channel = next((value for name in _CHANNEL_NAMES if (value := call.form.filter(name))), None)
    channel = channel or shapes.task_channel(call.query)
    found = await call.engine.statistics.now_of_queues(
        call.account, call.params[0], sids, task_channel=channel
    )
    rows = [
        {"task_queue_sid": sid} | _now_figures(found.config, now, found.now_ms)
        for sid, now in found.value.items()
    ]
    figures = {"task_queue_data": rows, "task_queue_response_count": len(rows)}
    return json(200, shapes.frame(call, found.config) | figures)


def _bulk_sids(form: Form) -> list[str]:
    sent = [(name, sid) for name in BULK_NAMES for sid in form.all(name)]
    if not 1 <= len(sent) <= MOST:
        raise ParameterError(BULK_NAMES[0], f"must have 1 to {MOST} TaskQueue SIDs, not {len(sent)}")
    for name, sid in sent:
        if not is_sid(sid, "WQ"):
            raise ParameterError(name, "must be SIDs: WQ and 32 hexadecimal digits")
    return list(dict.fromkeys(sid for _, sid in sent))


ROUTES: Final = (
    Route("GET", f"{PATH}/Statistics", "ListTaskQueuesStatistics", index),
    Route(
        "POST", f"{PATH}/RealTimeStatistics", "CreateTaskQueueBulkRealTimeStatistics", bulk, forgiving=True
    ),
    Route("GET", f"{PATH}/{{TaskQueueSid}}/Statistics", "FetchTaskQueueStatistics", both),
    Route(
        "GET",
        f"{PATH}/{{TaskQueueSid}}/CumulativeStatistics",
        "FetchTaskQueueCumulativeStatistics",
        cumulative,
    ),
    Route("GET", f"{PATH}/{{TaskQueueSid}}/RealTimeStatistics", "FetchTaskQueueRealTimeStatistics", realtime),
)
