"""Reservations, under their Task and under their Worker; and what a media adapter reports of one."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from api.surface.common import ACCOUNT, DATES, IF_MATCH, IN, IN_WORKSPACE, OWN_URL, PAGING, WORKSPACE
from api.surface.instructions import ANSWER, MEDIA, STATUSES, SUPERVISE
from api.surface.model import (
    JSON_TEXT,
    TEXT,
    Field,
    Group,
    Link,
    Operation,
    Resource,
    form,
    path,
    query,
    sid,
    text,
    words,
)

_OF_TASK: Final = f"{WORKSPACE}/Tasks/{{TaskSid}}/Reservations"
_OF_WORKER: Final = f"{WORKSPACE}/Workers/{{WorkerSid}}/Reservations"
_TASK: Final = path("TaskSid", sid("WT"), "the Task")
_WORKER: Final = path("WorkerSid", sid("WK"), "the Worker")
_ONE: Final = path("Sid", sid("WR"), "the Reservation")
_STATUS: Final = query("ReservationStatus", STATUSES, "only those in this status")
_NEWEST_FIRST: Final = "The newest comes first."

RESOURCE: Final = Resource(
    name="reservation",
    title="Reservation",
    about="One Task offered to one Worker. It is there as long as its Task.",
    fields=(
        ACCOUNT,
        *DATES,
        Field("reservation_status", STATUSES, "what became of the offer"),
        Field("sid", sid("WR"), "SID of the Reservation"),
        Field("task_sid", sid("WT"), "the Task"),
        Field("worker_name", TEXT, "name of the Worker"),
        Field("worker_sid", sid("WK"), "the Worker"),
        IN_WORKSPACE,
        OWN_URL,
    ),
    links=(
        Link("task", "/Tasks/{task_sid}"),
        Link("worker", "/Workers/{worker_sid}"),
        Link("workspace", ""),
    ),
)

OPERATIONS: Final = (
    Operation(
        name="ListTaskReservation",
        method="GET",
        path=_OF_TASK,
        summary="The Reservations of a Task",
        resource="reservation",
        rows="reservations",
        tagged=True,
        parameters=(
            IN,
            _TASK,
            _STATUS,
            query("WorkerSid", sid("WK"), "only those of this Worker"),
            *PAGING,
        ),
        chosen=(_NEWEST_FIRST,),
    ),
    Operation(
        name="FetchTaskReservation",
        method="GET",
        path=f"{_OF_TASK}/{{Sid}}",
        summary="One Reservation of a Task",
        resource="reservation",
        tagged=True,
        parameters=(IN, _TASK, _ONE),
    ),
    Operation(
        name="UpdateTaskReservation",
        method="POST",
        path=f"{_OF_TASK}/{{Sid}}",
        summary="Answer a Reservation, or tell it an instruction",
        resource="reservation",
        tagged=True,
        errors=(410,),
        parameters=(IN, _TASK, _ONE, IF_MATCH, *ANSWER, *MEDIA, *SUPERVISE),
    ),
    Operation(
        name="ReportReservationSetup",
        method="POST",
        path=f"{_OF_TASK}/{{Sid}}/Setup",
        summary="What a media adapter says became of an instruction",
        resource="reservation",
        tagged=True,
        extension=True,
        errors=(410,),
        parameters=(
            IN,
            _TASK,
            _ONE,
            form("Outcome", words("confirmed", "failed"), "whether it worked", required=True, extension=True),
            form("Reason", text(0, 1024), "why not", extension=True),
            form(
                "TaskAttributes",
                JSON_TEXT,
                "with `confirmed`: a JSON object that is put over the Task's attributes",
                extension=True,
            ),
        ),
    ),
    Operation(
        name="ListWorkerReservation",
        method="GET",
        path=_OF_WORKER,
        summary="The Reservations of a Worker",
        resource="reservation",
        rows="reservations",
        tagged=True,
        parameters=(IN, _WORKER, _STATUS, *PAGING),
        chosen=(_NEWEST_FIRST,),
    ),
    Operation(
        name="FetchWorkerReservation",
        method="GET",
        path=f"{_OF_WORKER}/{{Sid}}",
        summary="One Reservation of a Worker",
        resource="reservation",
        tagged=True,
        parameters=(IN, _WORKER, _ONE),
        chosen=("It carries an ETag here too.",),
    ),
    Operation(
        name="UpdateWorkerReservation",
        method="POST",
        path=f"{_OF_WORKER}/{{Sid}}",
        summary="Answer a Reservation, or tell it an instruction",
        resource="reservation",
        tagged=True,
        errors=(410,),
        parameters=(
            IN,
            _WORKER,
            _ONE,
            IF_MATCH,
            *ANSWER,
            *MEDIA,
            *(replace(one, extension=True) for one in SUPERVISE),
        ),
        chosen=("It carries an ETag here too, and takes the instruction `supervise`.",),
    ),
)

GROUP: Final = Group(title="Reservations", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS)
