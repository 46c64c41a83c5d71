"""Activities."""

from __future__ import annotations

from typing import Final

from api.surface.common import (
    ACCOUNT,
    DATES,
    EMPTY_FILTER,
    IDEMPOTENCY_KEY,
    IN,
    IN_WORKSPACE,
    NAME,
    OWN_URL,
    PAGING,
    WORKSPACE,
)
from api.surface.model import BOOLEAN, TEXT, Field, Group, Link, Operation, Resource, form, path, query, sid

_PATH: Final = f"{WORKSPACE}/Activities"
_ONE: Final = (IN, path("Sid", sid("WA"), "the Activity"))

RESOURCE: Final = Resource(
    name="activity",
    title="Activity",
    about="What a Worker may be doing, and whether it is offered Tasks meanwhile.",
    fields=(
        ACCOUNT,
        Field("available", BOOLEAN, "whether Workers in it are offered Tasks"),
        *DATES,
        Field("friendly_name", TEXT, "name for people"),
        Field("sid", sid("WA"), "SID of the Activity"),
        IN_WORKSPACE,
        OWN_URL,
    ),
    links=(Link("workspace", ""),),
)

OPERATIONS: Final = (
    Operation(
        name="ListActivity",
        method="GET",
        path=_PATH,
        summary="The Activities of a Workspace",
        resource="activity",
        rows="activities",
        parameters=(
            IN,
            query("FriendlyName", TEXT, "only those of this name", chosen=EMPTY_FILTER),
            query("Available", TEXT, "`true`, `1` or `yes`: the available ones; another value: the others"),
            *PAGING,
        ),
    ),
    Operation(
        name="CreateActivity",
        method="POST",
        path=_PATH,
        summary="Create an Activity",
        resource="activity",
        status=201,
        parameters=(
            IN,
            form("FriendlyName", NAME, "name for people", required=True),
            form(
                "Available",
                TEXT,
                "`true`, `1` or `yes`: Workers in it are offered Tasks; another value: they are not",
                default="false",
                chosen="Left out, it is false.",
            ),
            IDEMPOTENCY_KEY,
        ),
        chosen=("A Workspace has at most 100 Activities; one more is refused with 400.",),
    ),
    Operation(
        name="FetchActivity",
        method="GET",
        path=f"{_PATH}/{{Sid}}",
        summary="One Activity",
        resource="activity",
        parameters=_ONE,
    ),
    Operation(
        name="UpdateActivity",
        method="POST",
        path=f"{_PATH}/{{Sid}}",
        summary="Rename an Activity; whether it is available never changes",
        resource="activity",
        parameters=(*_ONE, form("FriendlyName", NAME, "name for people")),
    ),
    Operation(
        name="DeleteActivity",
        method="DELETE",
        path=f"{_PATH}/{{Sid}}",
        summary="Delete an Activity that nothing uses",
        status=204,
        parameters=_ONE,
        chosen=(
            "Refused with 400 while a Worker is in it, a TaskQueue names it, or it is the Workspace's default or"
            " timeout Activity.",
        ),
    ),
)

GROUP: Final = Group(title="Activities", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS)
