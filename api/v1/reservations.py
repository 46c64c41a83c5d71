"""Reservations: one Task offered to one Worker, reached under the Task and under the Worker alike.

Answering one is a hot path, taken by the door. An answer is a ReservationStatus, or an Instruction that means the same
(accept, reject); the other Instructions are for the Workspace's media adapter, which reports back at …/Setup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from api import paging
from api.answer import Answer, tagged
from api.call import Call
from api.errors import ParameterError, RequestError, parameter_of
from api.forms import Form
from api.render import iso
from api.routes import WORKSPACE, Route
from api.urls import check_callback
from engine.instructions import PARAMETERS, Url
from engine.model import Found, Page, Reservation, ReservationStatus, WorkspaceConfig

STATUSES: Final = tuple(status.value for status in ReservationStatus)
OF_TASK: Final = f"{WORKSPACE}/Tasks/{{TaskSid}}/Reservations"
OF_WORKER: Final = f"{WORKSPACE}/Workers/{{WorkerSid}}/Reservations"

ANSWERS: Final = {"accept": "accepted", "reject": "rejected"}  # instructions that need nothing but the engine
REASON: Final = 1_024  # characters
OUTCOMES: Final = ("confirmed", "failed")


def render(call: Call, config: WorkspaceConfig, reservation: Reservation, parent: str) -> dict[str, Any]:
    """A Reservation as JSON; `parent` is Tasks or Workers, whichever path it was reached by."""
    workspace = call.workspace_url(config.workspace.sid)
    task = f"{workspace}/Tasks/{reservation.task_sid}"
    worker = f"{workspace}/Workers/{reservation.worker_sid}"
    return {
        "account_sid": config.workspace.account_sid,
        "date_created": iso(reservation.created_ms),
        "date_updated": iso(reservation.updated_ms),
        "reservation_status": reservation.status,
        "sid": reservation.sid,
        "task_sid": reservation.task_sid,
        "worker_name": reservation.worker_name,
        "worker_sid": reservation.worker_sid,
        "workspace_sid": config.workspace.sid,
        "url": f"{task if parent == 'Tasks' else worker}/Reservations/{reservation.sid}",
        "links": {"task": task, "worker": worker, "workspace": workspace},
    }


async def index_of_task(call: Call) -> Answer:
    page = paging.asked(call, "ReservationStatus", "WorkerSid")
    query = page.query
    found = await call.engine.reservations.of_task(
        call.account,
        *call.params,
        status=query.one_of("ReservationStatus", STATUSES),
        worker_sid=query.sid("WorkerSid", "WK"),
        after=page.after,
        limit=page.size,
    )
    return _listed(call, page, found, "Tasks")


async def index_of_worker(call: Call) -> Answer:
    page = paging.asked(call, "ReservationStatus")
    found = await call.engine.reservations.of_worker(
        call.account,
        *call.params,
        status=page.query.one_of("ReservationStatus", STATUSES),
        after=page.after,
        limit=page.size,
    )
    return _listed(call, page, found, "Workers")


def _listed(call: Call, page: paging.Asked, found: Found[Page[Reservation]], parent: str) -> Answer:
    rows = [render(call, found.config, reservation, parent) for reservation in found.value.items]
    return paging.tagged_answer(call, page, "reservations", rows, found.value)


async def fetch_of_task(call: Call) -> Answer:
    return _one(call, await call.engine.reservations.fetch_of_task(call.account, *call.params), "Tasks")


async def fetch_of_worker(call: Call) -> Answer:
    return _one(call, await call.engine.reservations.fetch_of_worker(call.account, *call.params), "Workers")


async def update_of_task(call: Call) -> Answer:
    workspace, task, sid = call.params
    instruction = _media(call.form)
    if instruction is not None:
        return _one(call, await _instruct(call, instruction, task=task), "Tasks")
    found = await call.engine.reservations.answer_of_task(
        call.account,
        workspace,
        task,
        sid,
        status=_wanted(call.form),
        worker_activity_sid=call.form.sid("WorkerActivitySid", "WA"),
        if_match=call.if_match(),
    )
    return _one(call, found, "Tasks")


async def update_of_worker(call: Call) -> Answer:
    workspace, worker, sid = call.params
    instruction = _media(call.form)
    if instruction is not None:
        return _one(call, await _instruct(call, instruction, worker=worker), "Workers")
    found = await call.engine.reservations.answer_of_worker(
        call.account,
        workspace,
        worker,
        sid,
        status=_wanted(call.form),
        worker_activity_sid=call.form.sid("WorkerActivitySid", "WA"),
        if_match=call.if_match(),
    )
    return _one(call, found, "Workers")


async def report_setup(call: Call) -> Answer:
    """What the media adapter says became of an instruction it was given."""
    form = call.form
    outcome = form.one_of("Outcome", OUTCOMES)
    if outcome is None:
        raise RequestError(400, 20001, f"Missing required parameter Outcome in the {form.place}")
    attributes = form.attributes("TaskAttributes")
    found = await call.engine.setups.report(
        call.account,
        *call.params,
        outcome=outcome,
        reason=form.text("Reason", 0, REASON) or "",
        task_attributes=None if attributes is None else msgspec.json.decode(attributes),
    )
    return _one(call, found, "Tasks")


def _one(call: Call, found: Found[Reservation], parent: str) -> Answer:
    return tagged(200, render(call, found.config, found.value, parent), found.value.revision)


def _wanted(form: Form) -> str:
    """The status an answer asks for, by ReservationStatus or by an Instruction that means the same."""
    status = form.one_of("ReservationStatus", STATUSES)
    instruction = form.raw("Instruction")
    if instruction is not None:
        meant = _meant(instruction.lower())
        if status is not None and status != meant:
            raise ParameterError("Instruction", f"contradicts ReservationStatus {status}")
        return meant
    if status is None:
        raise RequestError(400, 20001, f"Missing required parameter ReservationStatus in the {form.place}")
    return status


def _meant(instruction: str) -> str:
    if instruction not in ANSWERS:
        raise ParameterError("Instruction", f"must be one of {', '.join((*ANSWERS, *PARAMETERS))}")
    return ANSWERS[instruction]


def _media(form: Form) -> str | None:
    """The Instruction, if it is one for the media adapter."""
    instruction = (form.raw("Instruction") or "").lower()
    if instruction not in PARAMETERS:
        return None
    status = form.raw("ReservationStatus")
    if status is not None:
        raise ParameterError("Instruction", f"{instruction} cannot be given together with ReservationStatus")
    if form.raw("WorkerActivitySid"):
        raise ParameterError("WorkerActivitySid", "is only allowed when rejecting")
    return instruction


async def _instruct(call: Call, instruction: str, *, task: str = "", worker: str = "") -> Found[Reservation]:
    return await call.engine.setups.instruct(
        call.account,
        call.params[0],
        call.params[2],
        task=task,
        worker=worker,
        instruction=instruction,
        given=_given(call, instruction),
        base_url=call.base,
        if_match=call.if_match(),
    )


def _given(call: Call, instruction: str) -> dict[str, Sequence[str]]:
    """What was sent of an instruction's parameters, by the engine's names; URLs are held to the rules of callbacks."""
    given: dict[str, Sequence[str]] = {}
    for parameter in PARAMETERS[instruction]:
        name = parameter_of(parameter.field)
        sent = call.form.all(name)
        if sent and isinstance(parameter.kind, Url):
            check_callback(name, sent[-1], private=call.face.allow_private_callbacks)
        given[parameter.field] = sent
    return given


ROUTES: Final = (
    Route("GET", OF_TASK, "ListTaskReservation", index_of_task),
    Route("GET", f"{OF_TASK}/{{Sid}}", "FetchTaskReservation", fetch_of_task),
    Route("POST", f"{OF_TASK}/{{Sid}}", "UpdateTaskReservation", update_of_task),
    Route("POST", f"{OF_TASK}/{{Sid}}/Setup", "ReportReservationSetup", report_setup),
    Route("GET", OF_WORKER, "ListWorkerReservation", index_of_worker),
    Route("GET", f"{OF_WORKER}/{{Sid}}", "FetchWorkerReservation", fetch_of_worker),
    Route("POST", f"{OF_WORKER}/{{Sid}}", "UpdateWorkerReservation", update_of_worker),
)
