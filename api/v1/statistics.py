"""Statistics of a Workspace and of a Workflow: real-time, cumulative, and both in one."""

from __future__ import annotations

from typing import Any, Final

from api.answer import Answer, json
from api.call import Call
from api.routes import WORKSPACE, Route
from api.v1 import statistics_shapes as shapes
from engine.cumulative import Interval, Tally
from engine.model import Found
from engine.statistics import NowOf, Scope

_WORKFLOW: Final = f"{WORKSPACE}/Workflows/{{WorkflowSid}}"
_OF_WORKSPACE: Final = ("tasks_created", "tasks_timed_out_in_workflow")
_OF_WORKFLOW: Final = ("tasks_timed_out_in_workflow",)

Cumulative = Found[tuple[Interval, Tally]]


async def _now(call: Call, scope: Scope) -> Found[NowOf]:
    channel = shapes.task_channel(call.query)
    return await call.engine.statistics.now(
        call.account, call.params[0], scope, call.params[-1], task_channel=channel
    )


async def _past(call: Call, scope: Scope) -> Cumulative:
    asked = shapes.asked(call.query)
    return await call.engine.statistics.past(call.account, call.params[0], scope, call.params[-1], asked)


def _workspace_now(found: Found[NowOf]) -> dict[str, Any]:
    return {
        **shapes.open_tasks(found.value.tasks, found.now_ms),
        "activity_statistics": shapes.activity_statistics(found.config, found.value.workers),
        "total_workers": sum(found.value.workers.values()),
    }


def _workspace_past(found: Cumulative, *, whole: bool) -> dict[str, Any]:
    used, tally = found.value
    return shapes.tasks(tally, also=_OF_WORKSPACE, whole=whole) | shapes.interval(used)


async def workspace_realtime(call: Call) -> Answer:
    found = await _now(call, Scope.WORKSPACE)
    return json(200, shapes.frame(call, found.config) | _workspace_now(found))


async def workspace_cumulative(call: Call) -> Answer:
    found = await _past(call, Scope.WORKSPACE)
    return json(200, shapes.frame(call, found.config) | _workspace_past(found, whole=True))


async def workspace_both(call: Call) -> Answer:
    past, now = await _past(call, Scope.WORKSPACE), await _now(call, Scope.WORKSPACE)
    both = {"realtime": _workspace_now(now), "cumulative": _workspace_past(past, whole=False)}
    return json(200, shapes.frame(call, now.config) | both)


def _workflow_now(found: Found[NowOf]) -> dict[str, Any]:
    return shapes.open_tasks(found.value.tasks, found.now_ms)


def _workflow_past(found: Cumulative, *, whole: bool) -> dict[str, Any]:
    used, tally = found.value
    figures = shapes.tasks(tally, also=_OF_WORKFLOW, entered="workflow.entered", whole=whole)
    return figures | shapes.interval(used)


def _workflow_frame(call: Call, found: Found[Any]) -> dict[str, Any]:
    return shapes.frame(call, found.config) | {"workflow_sid": call.params[1]}


async def workflow_realtime(call: Call) -> Answer:
    found = await _now(call, Scope.WORKFLOW)
    return json(200, _workflow_frame(call, found) | _workflow_now(found))


async def workflow_cumulative(call: Call) -> Answer:
    found = await _past(call, Scope.WORKFLOW)
    return json(200, _workflow_frame(call, found) | _workflow_past(found, whole=True))


async def workflow_both(call: Call) -> Answer:
    past, now = await _past(call, Scope.WORKFLOW), await _now(call, Scope.WORKFLOW)
    both = {"realtime": _workflow_now(now), "cumulative": _workflow_past(past, whole=False)}
    return json(200, _workflow_frame(call, now) | both)


ROUTES: Final = (
    Route("GET", f"{WORKSPACE}/Statistics", "FetchWorkspaceStatistics", workspace_both),
    Route(
        "GET", f"{WORKSPACE}/CumulativeStatistics", "FetchWorkspaceCumulativeStatistics", workspace_cumulative
    ),
    Route("GET", f"{WORKSPACE}/RealTimeStatistics", "FetchWorkspaceRealTimeStatistics", workspace_realtime),
    Route("GET", f"{_WORKFLOW}/Statistics", "FetchWorkflowStatistics", workflow_both),
    Route(
        "GET", f"{_WORKFLOW}/CumulativeStatistics", "FetchWorkflowCumulativeStatistics", workflow_cumulative
    ),
    Route("GET", f"{_WORKFLOW}/RealTimeStatistics", "FetchWorkflowRealTimeStatistics", workflow_realtime),
)
