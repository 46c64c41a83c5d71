"""Reservations: one Task offered to one Worker, reached under the Task and under the Worker alike.

Answering one is a hot path, taken by the door.
"""

from __future__ import annotations

from typing import Any, Final

from api import paging
from api.answer import Answer, tagged
from api.call import Call
from api.errors import ParameterError, RequestError
from api.forms import Form
from api.render import iso
from api.routes import WORKSPACE, Route
from engine.model import Found, Page, Reservation, ReservationStatus, WorkspaceConfig

STATUSES: Final = tuple(status.value for status in ReservationStatus)
OF_TASK: Final = f"{WORKSPACE}/Tasks/{{TaskSid}}/Reservations"
OF_WORKER: Final = f"{WORKSPACE}/Workers/{{WorkerSid}}/Reservations"

ANSWERS: Final = {"accept": "accepted", "reject": "rejected"}  # instructions that need nothing but the engine
MEDIA: Final = ("dequeue", "call", "redirect", "conference", "supervise")  # they place calls


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
    page, query = paging.asked(call), call.query
    found = await call.engine.reservations.of_task(
        call.account,
        *call.params,
        status=query.one_of("ReservationStatus", STATUSES),
        worker_sid=query.sid("WorkerSid", "WK"),
        after=page.after,
        limit=page.size,
    )
    return _listed(call, page, found, "Tasks", "ReservationStatus", "WorkerSid")


async def index_of_worker(call: Call) -> Answer:
    page = paging.asked(call)
    found = await call.engine.reservations.of_worker(
        call.account,
        *call.params,
        status=call.query.one_of("ReservationStatus", STATUSES),
        after=page.after,
        limit=page.size,
    )
    return _listed(call, page, found, "Workers", "ReservationStatus")


def _listed(
    call: Call, page: paging.Asked, found: Found[Page[Reservation]], parent: str, *filters: str
) -> Answer:
    items = found.value.items
    rows = [render(call, found.config, reservation, parent) for reservation in items]
    return paging.tagged_answer(call, page, "reservations", rows, items, found.value.next_after, *filters)


async def fetch_of_task(call: Call) -> Answer:
    return _one(call, await call.engine.reservations.fetch_of_task(call.account, *call.params), "Tasks")


async def fetch_of_worker(call: Call) -> Answer:
    return _one(call, await call.engine.reservations.fetch_of_worker(call.account, *call.params), "Workers")


async def update_of_task(call: Call) -> Answer:
    workspace, task, sid = call.params
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
    if instruction in MEDIA:
        raise ParameterError("Instruction", f"{instruction} is not supported yet: needs a media adapter")
    if instruction not in ANSWERS:
        raise ParameterError("Instruction", f"must be one of {', '.join((*ANSWERS, *MEDIA))}")
    return ANSWERS[instruction]


ROUTES: Final = (
    Route("GET", OF_TASK, "ListTaskReservation", index_of_task),
    Route("GET", f"{OF_TASK}/{{Sid}}", "FetchTaskReservation", fetch_of_task),
    Route("POST", f"{OF_TASK}/{{Sid}}", "UpdateTaskReservation", update_of_task),
    Route("GET", OF_WORKER, "ListWorkerReservation", index_of_worker),
    Route("GET", f"{OF_WORKER}/{{Sid}}", "FetchWorkerReservation", fetch_of_worker),
    Route("POST", f"{OF_WORKER}/{{Sid}}", "UpdateWorkerReservation", update_of_worker),
)
