"""Workspaces."""

from __future__ import annotations

from typing import Final

from api.surface.common import (
    ACCOUNT,
    CLEARS,
    DATES,
    EMPTY_FILTER,
    IDEMPOTENCY_KEY,
    IN,
    NAME,
    OWN_URL,
    PAGING,
    PUBLIC,
    WORKSPACE,
    WORKSPACES,
)
from api.surface.model import (
    BOOLEAN,
    TEXT,
    URL,
    Field,
    Group,
    Link,
    Operation,
    Resource,
    form,
    query,
    sid,
    words,
)

_ORDER: Final = words("FIFO", "LIFO")

RESOURCE: Final = Resource(
    name="workspace",
    title="Workspace",
    about="The container of everything else. Nothing is shared between two of them.",
    fields=(
        ACCOUNT,
        *DATES,
        Field("default_activity_name", TEXT, "name of the Activity of new Workers"),
        Field("default_activity_sid", sid("WA"), "Activity of new Workers"),
        Field("event_callback_url", TEXT, "where events are posted; empty for nowhere"),
        Field("events_filter", TEXT, "comma list of the event types that are posted; null for all", True),
        Field("friendly_name", TEXT, "name for people"),
        Field("multi_task_enabled", BOOLEAN, "whether a Worker may have several Tasks at once"),
        Field("sid", sid("WS"), "SID of the Workspace"),
        Field("timeout_activity_name", TEXT, "name of the Activity after a Reservation's timeout"),
        Field("timeout_activity_sid", sid("WA"), "Activity of a Worker after a Reservation's timeout"),
        Field(
            "prioritize_queue_order", _ORDER, "which kind of TaskQueue a Worker in both kinds serves first"
        ),
        OWN_URL,
        Field("media_adapter_url", URL, "the media adapter, where one is set", optional=True),
        Field(
            "media_adapter_secret",
            TEXT,
            "signs what the media adapter is told; only in the answer that set its URL",
            optional=True,
        ),
    ),
    links=(
        Link("activities", "/Activities"),
        Link("statistics", "/Statistics"),
        Link("real_time_statistics", "/RealTimeStatistics"),
        Link("cumulative_statistics", "/CumulativeStatistics"),
        Link("task_queues", "/TaskQueues"),
        Link("tasks", "/Tasks"),
        Link("workers", "/Workers"),
        Link("workflows", "/Workflows"),
        Link("task_channels", "/TaskChannels"),
        Link("events", "/Events"),
    ),
)

_CALLBACK: Final = form(
    "EventCallbackUrl",
    URL,
    "where events are posted",
    chosen=CLEARS,
    refused=PUBLIC,
)
_FILTER: Final = form(
    "EventsFilter",
    TEXT,
    "comma list of event types to post; blanks around them do not count",
    chosen="Sent empty, all are posted. A type that does not exist is refused with 400.",
)
_ADAPTER: Final = form(
    "MediaAdapterUrl",
    URL,
    "your service that places calls, see docs/media-adapter.md; empty: none",
    refused=PUBLIC,
    extension=True,
)

OPERATIONS: Final = (
    Operation(
        name="ListWorkspace",
        method="GET",
        path=WORKSPACES,
        summary="The Workspaces of the Account",
        resource="workspace",
        rows="workspaces",
        parameters=(query("FriendlyName", TEXT, "only those of this name", chosen=EMPTY_FILTER), *PAGING),
    ),
    Operation(
        name="CreateWorkspace",
        method="POST",
        path=WORKSPACES,
        summary="Create a Workspace with its first Activities and Task Channels",
        resource="workspace",
        status=201,
        parameters=(
            form("FriendlyName", NAME, "name for people", required=True),
            _CALLBACK,
            _FILTER,
            form(
                "MultiTaskEnabled", BOOLEAN, "whether a Worker may have several Tasks at once", default="true"
            ),
            form(
                "Template",
                words("NONE", "FIFO"),
                "`FIFO` also makes a TaskQueue of everybody and a Workflow that leads to it",
                default="NONE",
            ),
            form("PrioritizeQueueOrder", _ORDER, "which kind of TaskQueue goes first", default="FIFO"),
            _ADAPTER,
            IDEMPOTENCY_KEY,
        ),
    ),
    Operation(
        name="FetchWorkspace",
        method="GET",
        path=WORKSPACE,
        summary="One Workspace",
        resource="workspace",
        parameters=(IN,),
    ),
    Operation(
        name="UpdateWorkspace",
        method="POST",
        path=WORKSPACE,
        summary="Change a Workspace",
        resource="workspace",
        parameters=(
            IN,
            form(
                "DefaultActivitySid",
                sid("WA"),
                "Activity of new Workers",
                chosen="It must be of this Workspace.",
            ),
            _CALLBACK,
            _FILTER,
            form("FriendlyName", NAME, "name for people"),
            form(
                "MultiTaskEnabled",
                BOOLEAN,
                "whether a Worker may have several Tasks at once",
                chosen="Turning it on is one-way: true to false is refused with 400.",
            ),
            form(
                "TimeoutActivitySid",
                sid("WA"),
                "Activity of a Worker after a Reservation's timeout",
                chosen="It must be of this Workspace, and may be an available one.",
            ),
            form("PrioritizeQueueOrder", _ORDER, "which kind of TaskQueue goes first"),
            _ADAPTER,
        ),
    ),
    Operation(
        name="DeleteWorkspace",
        method="DELETE",
        path=WORKSPACE,
        summary="Delete a Workspace and all that is in it",
        status=204,
        parameters=(IN,),
        chosen=("Everything in it goes along; the children have no events of their own.",),
    ),
)

GROUP: Final = Group(title="Workspaces", about=RESOURCE.about, resources=(RESOURCE,), operations=OPERATIONS)
