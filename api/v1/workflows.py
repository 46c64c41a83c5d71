"""Workflows: which queue a Task goes to, and what happens when nobody takes it there."""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import NO_CONTENT, Answer, json, replayed
from api.bodies import WORKFLOW_LIMIT
from api.call import Call
from api.errors import ParameterError
from api.forms import Form, given
from api.render import iso
from api.routes import WORKSPACE, Route
from engine.model import Workflow, WorkspaceConfig

NAME: Final = 255  # characters
CONFIGURATION: Final = 1_038_576  # characters here; the engine holds the UTF-8 text to as many bytes
MAX_RESERVATION_S: Final = 86_400
PATH: Final = f"{WORKSPACE}/Workflows"


def render(call: Call, config: WorkspaceConfig, workflow: Workflow) -> dict[str, Any]:
    url = f"{call.workspace_url(config.workspace.sid)}/Workflows/{workflow.sid}"
    return {
        "account_sid": config.workspace.account_sid,
        "assignment_callback_url": workflow.assignment_callback_url,
        "configuration": workflow.configuration,
        "date_created": iso(workflow.created_ms),
        "date_updated": iso(workflow.updated_ms),
        "document_content_type": "application/json",
        "fallback_assignment_callback_url": workflow.fallback_assignment_callback_url,
        "friendly_name": workflow.friendly_name,
        "sid": workflow.sid,
        "task_reservation_timeout": workflow.task_reservation_timeout,
        "workspace_sid": config.workspace.sid,
        "url": url,
        "links": {
            "statistics": f"{url}/Statistics",
            "real_time_statistics": f"{url}/RealTimeStatistics",
            "cumulative_statistics": f"{url}/CumulativeStatistics",
        },
    }


async def index(call: Call) -> Answer:
    page = paging.asked(call, "FriendlyName")
    found = await call.engine.workflows.list(
        call.account,
        *call.params,
        friendly_name=page.query.filter("FriendlyName"),
        after=page.after,
        limit=page.size,
    )
    rows = [render(call, found.config, workflow) for workflow in found.value.items]
    return paging.answer(call, page, "workflows", rows, found.value)


async def create(call: Call) -> Answer:
    form = call.form
    found = await call.engine.workflows.create(
        call.account,
        *call.params,
        friendly_name=form.required("FriendlyName", 1, NAME),
        configuration=form.required("Configuration", 1, CONFIGURATION),
        assignment_callback_url=call.callback_url("AssignmentCallbackUrl"),
        fallback_assignment_callback_url=call.callback_url("FallbackAssignmentCallbackUrl"),
        task_reservation_timeout=given(form.integer("TaskReservationTimeout", 1, MAX_RESERVATION_S)),
        idempotency_key=call.idempotency_key(),
    )
    return json(201, render(call, found.config, found.value), *replayed(found))


async def fetch(call: Call) -> Answer:
    found = await call.engine.workflows.fetch(call.account, *call.params)
    return json(200, render(call, found.config, found.value))


async def update(call: Call) -> Answer:
    form = call.form
    found = await call.engine.workflows.update(
        call.account,
        *call.params,
        friendly_name=given(form.text("FriendlyName", 1, NAME)),
        configuration=given(form.text("Configuration", 1, CONFIGURATION)),
        assignment_callback_url=call.callback_url("AssignmentCallbackUrl"),
        fallback_assignment_callback_url=call.callback_url("FallbackAssignmentCallbackUrl"),
        task_reservation_timeout=given(form.integer("TaskReservationTimeout", 1, MAX_RESERVATION_S)),
        re_evaluate_tasks=_re_evaluate(form),
    )
    return json(200, render(call, found.config, found.value))


def _re_evaluate(form: Form) -> bool:
    """A text in the original, which only `true` sets (semantics 6.9); a word that means neither is refused."""
    word = (form.raw("ReEvaluateTasks") or "false").lower()
    if word not in {"true", "false"}:
        raise ParameterError("ReEvaluateTasks", "must be true or false")
    return word == "true"


async def delete(call: Call) -> Answer:
    await call.engine.workflows.delete(call.account, *call.params)
    return NO_CONTENT


ROUTES: Final = (
    Route("GET", PATH, "ListWorkflow", index),
    Route("POST", PATH, "CreateWorkflow", create, WORKFLOW_LIMIT),
    Route("GET", f"{PATH}/{{Sid}}", "FetchWorkflow", fetch),
    Route("POST", f"{PATH}/{{Sid}}", "UpdateWorkflow", update, WORKFLOW_LIMIT),
    Route("DELETE", f"{PATH}/{{Sid}}", "DeleteWorkflow", delete),
)
