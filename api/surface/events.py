"""Events."""

from __future__ import annotations

from typing import Final

from api.surface.common import ACCOUNT, IN, IN_WORKSPACE, OWN_URL, PAGING, WORKSPACE
from api.surface.model import (
    ANY_SID,
    COUNT,
    DATE,
    TEXT,
    URL,
    Field,
    Group,
    Operation,
    Resource,
    integer,
    mapping,
    path,
    query,
    sid,
    text,
)

_PATH: Final = f"{WORKSPACE}/Events"

RESOURCE: Final = Resource(
    name="event",
    title="Event",
    about="Something that happened. Kept for 30 days, unless the deployment says otherwise.",
    fields=(
        ACCOUNT,
        Field("actor_sid", ANY_SID, "who caused it", True),
        Field("actor_type", TEXT, "what that is", True),
        Field("actor_url", URL, "where that is", True),
        Field("description", TEXT, "for people", True),
        Field("event_data", mapping(TEXT), "what is known about it; all values are texts"),
        Field("event_date", DATE, "when it happened"),
        Field("event_date_ms", COUNT, "the same in ms since 1970"),
        Field("event_type", TEXT, "such as `task.created`"),
        Field("resource_sid", ANY_SID, "what it happened to"),
        Field("resource_type", TEXT, "what that is: `task`, `reservation`, `worker` …"),
        Field("resource_url", URL, "where that is", True),
        Field("sid", sid("EV"), "SID of the Event"),
        Field("source", TEXT, "where it comes from", True),
        Field("source_ip_address", TEXT, "not recorded", True),
        OWN_URL,
        IN_WORKSPACE,
    ),
)

MINUTES: Final = integer(1, 10 * 366 * 24 * 60)  # ten years

OPERATIONS: Final = (
    Operation(
        name="ListEvent",
        method="GET",
        path=_PATH,
        summary="The Events of a Workspace, of the last 15 minutes unless told",
        resource="event",
        rows="events",
        parameters=(
            IN,
            query("EndDate", DATE, "until then", default="now"),
            query("EventType", TEXT, "only those of this type"),
            query("Minutes", MINUTES, "of the last minutes", default="15", chosen="StartDate wins over it."),
            query("ReservationSid", sid("WR"), "only those about this Reservation"),
            query("StartDate", DATE, "from then on", chosen="After EndDate it is refused with 400."),
            query("TaskQueueSid", sid("WQ"), "only those about this TaskQueue"),
            query("TaskSid", sid("WT"), "only those about this Task"),
            query("WorkerSid", sid("WK"), "only those about this Worker"),
            query("WorkflowSid", sid("WW"), "only those about this Workflow"),
            query("TaskChannel", text(0, 64), "only those about this Task Channel, by SID or unique name"),
            query("Sid", sid("EV"), "only this one"),
            *PAGING,
        ),
        chosen=("The newest comes first.",),
    ),
    Operation(
        name="FetchEvent",
        method="GET",
        path=f"{_PATH}/{{Sid}}",
        summary="One Event",
        resource="event",
        parameters=(IN, path("Sid", sid("EV"), "the Event")),
    ),
)

GROUP: Final = Group(title="Events", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS)
