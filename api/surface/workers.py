"""Workers."""

from __future__ import annotations

from typing import Final

from api.surface.common import (
    ACCOUNT,
    DATES,
    EMPTY_FILTER,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IN,
    IN_WORKSPACE,
    NAME,
    OWN_URL,
    PAGING,
    WORKSPACE,
)
from api.surface.model import (
    BOOLEAN,
    DATE,
    JSON_TEXT,
    TEXT,
    Field,
    Group,
    Link,
    Operation,
    Resource,
    Type,
    form,
    path,
    query,
    sid,
)

_PATH: Final = f"{WORKSPACE}/Workers"
_ONE: Final = (IN, path("Sid", sid("WK"), "the Worker"))
ATTRIBUTES: Final = Type(kind="json", high=4096)
STRICT: Final = "What is no JSON object, or is nested deeper than 32 levels, is refused with 400."
_UNIQUE: Final = "A name that another Worker of the Workspace has, in whatever case, is refused with 400."

RESOURCE: Final = Resource(
    name="worker",
    title="Worker",
    about="Who takes Tasks.",
    fields=(
        ACCOUNT,
        Field("activity_name", TEXT, "name of its Activity"),
        Field("activity_sid", sid("WA"), "its Activity"),
        Field("attributes", JSON_TEXT, "what expressions ask about, as a JSON text"),
        Field("available", BOOLEAN, "whether its Activity is an available one"),
        *DATES,
        Field("date_status_changed", DATE, "when its Activity last changed"),
        Field("friendly_name", TEXT, "name for people"),
        Field("sid", sid("WK"), "SID of the Worker"),
        IN_WORKSPACE,
        OWN_URL,
    ),
    links=(
        Link("channels", "/Workers/{sid}/Channels"),
        Link("activity", "/Activities/{activity_sid}"),
        Link("workspace", ""),
        Link("statistics", "/Workers/Statistics"),
        Link("real_time_statistics", "/Workers/RealTimeStatistics"),
        Link("cumulative_statistics", "/Workers/CumulativeStatistics"),
        Link("worker_statistics", "/Workers/{sid}/Statistics"),
        Link("worker_channels", "/Workers/{sid}/Channels"),
        Link("reservations", "/Workers/{sid}/Reservations"),
    ),
)

_LIST: Final = (
    IN,
    query("ActivityName", TEXT, "only those in the Activity of this name", chosen=EMPTY_FILTER),
    query("ActivitySid", sid("WA"), "only those in this Activity"),
    query("Available", TEXT, "`true`, `1` or `yes`: the available ones; another value: the others"),
    query("FriendlyName", TEXT, "only the one of this name, in whatever case", chosen=EMPTY_FILTER),
    query(
        "TargetWorkersExpression",
        TEXT,
        "only those that meet this expression, which may also name `sid`, `friendly_name`, `activity_sid` and"
        " `activity_name`; limited in rate",
    ),
    query("TaskQueueName", TEXT, "only those in the TaskQueue of this name, whatever their Activity"),
    query("TaskQueueSid", sid("WQ"), "only those in this TaskQueue, whatever their Activity"),
    query(
        "Ordering",
        TEXT,
        "`DateStatusChanged:asc` or `DateStatusChanged:desc`",
        chosen="Left out, they come in order of their SIDs. Any other value is refused with 400.",
    ),
    query(
        "AfterSid",
        sid("WK"),
        "those behind this Worker, in the order asked for; an unknown one is refused with 400",
        extension=True,
    ),
    *PAGING,
)

OPERATIONS: Final = (
    Operation(
        name="ListWorker",
        method="GET",
        path=_PATH,
        summary="The Workers of a Workspace",
        resource="worker",
        rows="workers",
        tagged=True,
        limit="Worker-List-TargetWorkersExpression",
        parameters=_LIST,
    ),
    Operation(
        name="CreateWorker",
        method="POST",
        path=_PATH,
        summary="Create a Worker with capacity 1 on every Task Channel",
        resource="worker",
        status=201,
        tagged=True,
        parameters=(
            IN,
            form("FriendlyName", NAME, "name for people", required=True, chosen=_UNIQUE),
            form("ActivitySid", sid("WA"), "its Activity", default="the Workspace's default Activity"),
            form(
                "Attributes",
                ATTRIBUTES,
                "what expressions ask about: a JSON object",
                default="{}",
                chosen=STRICT,
            ),
            IDEMPOTENCY_KEY,
        ),
    ),
    Operation(
        name="FetchWorker",
        method="GET",
        path=f"{_PATH}/{{Sid}}",
        summary="One Worker",
        resource="worker",
        tagged=True,
        parameters=_ONE,
    ),
    Operation(
        name="UpdateWorker",
        method="POST",
        path=f"{_PATH}/{{Sid}}",
        summary="Change a Worker: its Activity, its attributes, its name",
        resource="worker",
        tagged=True,
        parameters=(
            *_ONE,
            IF_MATCH,
            form(
                "ActivitySid",
                sid("WA"),
                "its new Activity",
                chosen="The one it has already changes nothing: no event, same `date_status_changed`.",
            ),
            form("Attributes", ATTRIBUTES, "replaces all attributes", chosen=STRICT),
            form("FriendlyName", NAME, "name for people", chosen=_UNIQUE),
            form(
                "RejectPendingReservations",
                BOOLEAN,
                "reject what it is offered; only with a new Activity that is not available",
                chosen="Together with an available Activity it is refused with 400.",
            ),
        ),
    ),
    Operation(
        name="DeleteWorker",
        method="DELETE",
        path=f"{_PATH}/{{Sid}}",
        summary="Delete a Worker who has nothing to do",
        status=204,
        parameters=(*_ONE, IF_MATCH),
        chosen=("Refused with 400 while it has a pending, accepted or wrapping Reservation.",),
    ),
)

GROUP: Final = Group(title="Workers", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS)
