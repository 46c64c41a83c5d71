"""Worker Channels."""

from __future__ import annotations

from typing import Final

from api.surface.common import ACCOUNT, DATES, IN, IN_WORKSPACE, OWN_URL, PAGING, WORKSPACE
from api.surface.model import (
    BOOLEAN,
    COUNT,
    TEXT,
    Field,
    Group,
    Operation,
    Resource,
    form,
    integer,
    path,
    sid,
)

_PATH: Final = f"{WORKSPACE}/Workers/{{WorkerSid}}/Channels"
_WORKER: Final = path("WorkerSid", sid("WK"), "the Worker")
_ONE: Final = (
    IN,
    _WORKER,
    path("Sid", TEXT, "the Worker Channel, by its SID, its Task Channel's SID or that one's unique name"),
)

RESOURCE: Final = Resource(
    name="worker_channel",
    title="Worker Channel",
    about="How many Tasks of one Task Channel a Worker takes at once.",
    fields=(
        ACCOUNT,
        Field("assigned_tasks", COUNT, "Reservations that are accepted"),
        Field("available", BOOLEAN, "whether it is offered Tasks of this channel"),
        Field("available_capacity_percentage", integer(0, 100), "free part of the capacity, rounded down"),
        Field("configured_capacity", COUNT, "Tasks at once"),
        *DATES,
        Field("sid", sid("WC"), "SID of the Worker Channel"),
        Field("task_channel_sid", sid("TC"), "the Task Channel"),
        Field("task_channel_unique_name", TEXT, "its unique name"),
        Field("worker_sid", sid("WK"), "the Worker"),
        IN_WORKSPACE,
        OWN_URL,
    ),
)

OPERATIONS: Final = (
    Operation(
        name="ListWorkerChannel",
        method="GET",
        path=_PATH,
        summary="The channels of a Worker",
        resource="worker_channel",
        rows="channels",
        parameters=(IN, _WORKER, *PAGING),
    ),
    Operation(
        name="FetchWorkerChannel",
        method="GET",
        path=f"{_PATH}/{{Sid}}",
        summary="One channel of a Worker",
        resource="worker_channel",
        parameters=_ONE,
    ),
    Operation(
        name="UpdateWorkerChannel",
        method="POST",
        path=f"{_PATH}/{{Sid}}",
        summary="Change a Worker's capacity on a channel",
        resource="worker_channel",
        parameters=(
            *_ONE,
            form(
                "Capacity",
                integer(0, 2_147_483_647),
                "Tasks at once; 0 for none",
                chosen="Above 50,000 it is refused with 400. Capacity 0 shows as 0 per cent free. Setting the value it"
                " has already makes no event.",
            ),
            form("Available", BOOLEAN, "whether it is offered Tasks of this channel"),
        ),
    ),
)

GROUP: Final = Group(
    title="Worker Channels", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS
)
