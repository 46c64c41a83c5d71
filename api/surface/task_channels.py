"""Task Channels."""

from __future__ import annotations

from typing import Final

from api.surface.common import (
    ACCOUNT,
    DATES,
    IDEMPOTENCY_KEY,
    IN,
    IN_WORKSPACE,
    NAME,
    OWN_URL,
    PAGING,
    WORKSPACE,
)
from api.surface.model import BOOLEAN, TEXT, Field, Group, Link, Operation, Resource, Type, form, path, sid

_PATH: Final = f"{WORKSPACE}/TaskChannels"
_ONE: Final = (IN, path("Sid", TEXT, "the Task Channel, by its SID or unique name"))
_OPTIMIZED: Final = "offer Tasks of this channel by the time since the last Task on it, not on any channel"

RESOURCE: Final = Resource(
    name="task_channel",
    title="Task Channel",
    about="A kind of work that Workers have a separate capacity for.",
    fields=(
        ACCOUNT,
        *DATES,
        Field("friendly_name", TEXT, "name for people"),
        Field("sid", sid("TC"), "SID of the Task Channel"),
        Field("unique_name", TEXT, "name for programs"),
        IN_WORKSPACE,
        Field("channel_optimized_routing", BOOLEAN, _OPTIMIZED),
        OWN_URL,
    ),
    links=(Link("workspace", ""),),
)

OPERATIONS: Final = (
    Operation(
        name="ListTaskChannel",
        method="GET",
        path=_PATH,
        summary="The Task Channels of a Workspace",
        resource="task_channel",
        rows="channels",
        parameters=(IN, *PAGING),
    ),
    Operation(
        name="CreateTaskChannel",
        method="POST",
        path=_PATH,
        summary="Create a Task Channel; every Worker has capacity 1 on it",
        resource="task_channel",
        status=201,
        parameters=(
            IN,
            form("FriendlyName", NAME, "name for people", required=True),
            form(
                "UniqueName",
                Type(kind="text", low=1, high=64, pattern="[A-Za-z_$][A-Za-z0-9_$]*"),
                "name for programs: letters, digits, `_` and `$`, no digit first; it never changes",
                required=True,
                chosen="Unique in the Workspace, whatever the case of its letters; a second one is refused with 400.",
            ),
            form("ChannelOptimizedRouting", BOOLEAN, _OPTIMIZED, default="false"),
            IDEMPOTENCY_KEY,
        ),
        chosen=("Workers that are there already get capacity 1 on it, and are available.",),
    ),
    Operation(
        name="FetchTaskChannel",
        method="GET",
        path=f"{_PATH}/{{Sid}}",
        summary="One Task Channel",
        resource="task_channel",
        parameters=_ONE,
    ),
    Operation(
        name="UpdateTaskChannel",
        method="POST",
        path=f"{_PATH}/{{Sid}}",
        summary="Change a Task Channel",
        resource="task_channel",
        parameters=(
            *_ONE,
            form("FriendlyName", NAME, "name for people"),
            form("ChannelOptimizedRouting", BOOLEAN, _OPTIMIZED),
        ),
    ),
    Operation(
        name="DeleteTaskChannel",
        method="DELETE",
        path=f"{_PATH}/{{Sid}}",
        summary="Delete a Task Channel of your own that no open Task uses",
        status=204,
        parameters=_ONE,
        chosen=(
            "Refused with 400 for the five that every Workspace begins with, and while an open Task uses it. The"
            " Worker Channels go along.",
        ),
    ),
)

GROUP: Final = Group(
    title="Task Channels", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS
)
