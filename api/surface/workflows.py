"""Workflows."""

from __future__ import annotations

from typing import Final

from api.surface.common import (
    ACCOUNT,
    CLEARS,
    DATES,
    EMPTY_FILTER,
    IDEMPOTENCY_KEY,
    IN,
    IN_WORKSPACE,
    LONG_NAME,
    OWN_URL,
    PAGING,
    PUBLIC,
    WORKSPACE,
)
from api.surface.model import (
    JSON_TEXT,
    TEXT,
    URL,
    Field,
    Group,
    Link,
    Operation,
    Resource,
    Type,
    form,
    integer,
    path,
    query,
    sid,
    words,
)

_PATH: Final = f"{WORKSPACE}/Workflows"
_ONE: Final = (IN, path("Sid", sid("WW"), "the Workflow"))
_DOCUMENT: Final = Type(kind="json", low=1, high=1_038_576)
_SECONDS: Final = integer(1, 86_400)
_TRUE_OR_FALSE: Final = Type(kind="text", pattern="([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])?")

RESOURCE: Final = Resource(
    name="workflow",
    title="Workflow",
    about="Which TaskQueue a Task goes to, and what happens when nobody takes it there.",
    fields=(
        ACCOUNT,
        Field("assignment_callback_url", TEXT, "what is asked when a Worker is reserved", True),
        Field("configuration", JSON_TEXT, "the routing document, byte for byte as it was sent"),
        *DATES,
        Field("document_content_type", words("application/json"), "form of the document"),
        Field("fallback_assignment_callback_url", TEXT, "what is asked when the first cannot be", True),
        Field("friendly_name", TEXT, "name for people"),
        Field("sid", sid("WW"), "SID of the Workflow"),
        Field("task_reservation_timeout", _SECONDS, "seconds a Worker has to answer"),
        IN_WORKSPACE,
        OWN_URL,
    ),
    links=(
        Link("statistics", "/Workflows/{sid}/Statistics"),
        Link("real_time_statistics", "/Workflows/{sid}/RealTimeStatistics"),
        Link("cumulative_statistics", "/Workflows/{sid}/CumulativeStatistics"),
    ),
)

_CALLBACKS: Final = (
    form(
        "AssignmentCallbackUrl", URL, "what is asked when a Worker is reserved", chosen=CLEARS, refused=PUBLIC
    ),
    form(
        "FallbackAssignmentCallbackUrl",
        URL,
        "what is asked when the first cannot be",
        chosen=CLEARS,
        refused=PUBLIC,
    ),
)
_CONFIGURATION: Final = "routing document: JSON with `task_routing`, at most 1,038,576 bytes"
_KEPT: Final = "It comes back byte for byte. Keys that are not known are kept and have no effect."

OPERATIONS: Final = (
    Operation(
        name="ListWorkflow",
        method="GET",
        path=_PATH,
        summary="The Workflows of a Workspace",
        resource="workflow",
        rows="workflows",
        parameters=(IN, query("FriendlyName", TEXT, "only those of this name", chosen=EMPTY_FILTER), *PAGING),
    ),
    Operation(
        name="CreateWorkflow",
        method="POST",
        path=_PATH,
        summary="Create a Workflow",
        resource="workflow",
        status=201,
        parameters=(
            IN,
            form(
                "FriendlyName", LONG_NAME, "name for people", required=True, chosen="At most 255 characters."
            ),
            form("Configuration", _DOCUMENT, _CONFIGURATION, required=True, chosen=_KEPT),
            *_CALLBACKS,
            form("TaskReservationTimeout", _SECONDS, "seconds a Worker has to answer", default="120"),
            IDEMPOTENCY_KEY,
        ),
    ),
    Operation(
        name="FetchWorkflow",
        method="GET",
        path=f"{_PATH}/{{Sid}}",
        summary="One Workflow",
        resource="workflow",
        parameters=_ONE,
    ),
    Operation(
        name="UpdateWorkflow",
        method="POST",
        path=f"{_PATH}/{{Sid}}",
        summary="Change a Workflow",
        resource="workflow",
        parameters=(
            *_ONE,
            form("FriendlyName", LONG_NAME, "name for people", chosen="At most 255 characters."),
            *_CALLBACKS,
            form("Configuration", _DOCUMENT, _CONFIGURATION, chosen=_KEPT),
            form("TaskReservationTimeout", _SECONDS, "seconds a Worker has to answer"),
            form(
                "ReEvaluateTasks",
                _TRUE_OR_FALSE,
                "`true`: pending Tasks begin anew at the first filter",
                default="false",
                chosen="Reserved Tasks follow when they next become pending."
                " A word that is neither is refused with 400.",
            ),
        ),
    ),
    Operation(
        name="DeleteWorkflow",
        method="DELETE",
        path=f"{_PATH}/{{Sid}}",
        summary="Delete a Workflow that no open Task follows",
        status=204,
        parameters=_ONE,
        chosen=("Refused with 400 while an open Task follows it.",),
    ),
)

GROUP: Final = Group(title="Workflows", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS)
