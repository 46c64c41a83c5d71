"""What every resource must look like on the wire: each field with its type, each link with its path.

A field type is a check on the decoded JSON value; `optional` ones may be null as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

Check = Callable[[Any], bool]

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def sid(prefix: str) -> Check:
    pattern = re.compile(prefix + "[0-9a-f]{32}")
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def date(value: Any) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def integer(value: Any) -> bool:
    return type(value) is int


def boolean(value: Any) -> bool:
    return type(value) is bool


def text(value: Any) -> bool:
    return isinstance(value, str)


def document(value: Any) -> bool:
    """JSON inside a string."""
    return isinstance(value, str) and isinstance(json.loads(value), dict)


def url(value: Any) -> bool:
    return isinstance(value, str) and bool(urlsplit(value).scheme and urlsplit(value).netloc)


def word(*allowed: str) -> Check:
    return lambda value: value in allowed


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def texts(value: Any) -> bool:
    """An object whose values are texts."""
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def links(value: Any) -> bool:
    return isinstance(value, dict) and all(optional(url)(target) for target in value.values())


_DATED: Final = {"account_sid": sid("AC"), "date_created": date, "date_updated": date, "url": url}
_INSIDE: Final = {**_DATED, "workspace_sid": sid("WS")}
_STATUS: Final = word(
    "pending", "accepted", "rejected", "timeout", "canceled", "rescinded", "wrapping", "completed"
)

FIELDS: Final[dict[str, dict[str, Check]]] = {
    "workspace": {
        **_DATED,
        "default_activity_name": text,
        "default_activity_sid": sid("WA"),
        "event_callback_url": text,
        "events_filter": optional(text),
        "friendly_name": text,
        "multi_task_enabled": boolean,
        "sid": sid("WS"),
        "timeout_activity_name": text,
        "timeout_activity_sid": sid("WA"),
        "prioritize_queue_order": word("FIFO", "LIFO"),
        "links": links,
    },
    "event": {
        "account_sid": sid("AC"),
        "actor_sid": sid("WS"),
        "actor_type": word("workspace"),
        "actor_url": url,
        "description": text,
        "event_data": texts,
        "event_date": date,
        "event_date_ms": integer,
        "event_type": text,
        "resource_sid": sid("[A-Z]{2}"),
        "resource_type": text,
        "resource_url": url,
        "sid": sid("EV"),
        "source": word("trunkline"),
        "source_ip_address": optional(text),
        "url": url,
        "workspace_sid": sid("WS"),
    },
    "activity": {
        **_INSIDE,
        "available": boolean,
        "friendly_name": text,
        "sid": sid("WA"),
        "links": links,
    },
    "task": {
        **_INSIDE,
        "age": integer,
        "assignment_status": word("pending", "reserved", "assigned", "wrapping", "completed", "canceled"),
        "attributes": document,
        "addons": document,
        "task_queue_entered_date": optional(date),
        "priority": integer,
        "reason": optional(text),
        "sid": sid("WT"),
        "task_queue_sid": optional(sid("WQ")),
        "task_queue_friendly_name": optional(text),
        "task_channel_sid": sid("TC"),
        "task_channel_unique_name": text,
        "timeout": integer,
        "workflow_sid": sid("WW"),
        "workflow_friendly_name": text,
        "links": links,
        "virtual_start_time": date,
        "ignore_capacity": boolean,
        "routing_target": optional(text),
    },
    "reservation": {
        **_INSIDE,
        "reservation_status": _STATUS,
        "sid": sid("WR"),
        "task_sid": sid("WT"),
        "worker_name": text,
        "worker_sid": sid("WK"),
        "links": links,
    },
    "task_channel": {
        **_INSIDE,
        "friendly_name": text,
        "sid": sid("TC"),
        "unique_name": text,
        "channel_optimized_routing": boolean,
        "links": links,
    },
    "task_queue": {
        **_INSIDE,
        "assignment_activity_sid": optional(sid("WA")),
        "assignment_activity_name": optional(text),
        "friendly_name": text,
        "max_reserved_workers": integer,
        "reservation_activity_sid": optional(sid("WA")),
        "reservation_activity_name": optional(text),
        "sid": sid("WQ"),
        "target_workers": text,
        "task_order": word("FIFO", "LIFO"),
        "links": links,
    },
    "worker": {
        **_INSIDE,
        "activity_name": text,
        "activity_sid": sid("WA"),
        "attributes": document,
        "available": boolean,
        "date_status_changed": date,
        "friendly_name": text,
        "sid": sid("WK"),
        "links": links,
    },
    "worker_channel": {
        **_INSIDE,
        "assigned_tasks": integer,
        "available": boolean,
        "available_capacity_percentage": integer,
        "configured_capacity": integer,
        "sid": sid("WC"),
        "task_channel_sid": sid("TC"),
        "task_channel_unique_name": text,
        "worker_sid": sid("WK"),
    },
    "workflow": {
        **_INSIDE,
        "assignment_callback_url": optional(text),
        "configuration": document,
        "document_content_type": word("application/json"),
        "fallback_assignment_callback_url": optional(text),
        "friendly_name": text,
        "sid": sid("WW"),
        "task_reservation_timeout": integer,
        "links": links,
    },
}

# Paths below the Workspace's own; {names} are fields of the resource.
LINKS: Final[dict[str, dict[str, str]]] = {
    "workspace": {
        "activities": "/Activities",
        "statistics": "/Statistics",
        "real_time_statistics": "/RealTimeStatistics",
        "cumulative_statistics": "/CumulativeStatistics",
        "task_queues": "/TaskQueues",
        "tasks": "/Tasks",
        "workers": "/Workers",
        "workflows": "/Workflows",
        "task_channels": "/TaskChannels",
        "events": "/Events",
    },
    "activity": {"workspace": ""},
    "task_channel": {"workspace": ""},
    "task": {
        "task_queue": "/TaskQueues/{task_queue_sid}",
        "workflow": "/Workflows/{workflow_sid}",
        "workspace": "",
        "reservations": "/Tasks/{sid}/Reservations",
    },
    "reservation": {"task": "/Tasks/{task_sid}", "worker": "/Workers/{worker_sid}", "workspace": ""},
    "task_queue": {
        "assignment_activity": "/Activities/{assignment_activity_sid}",
        "reservation_activity": "/Activities/{reservation_activity_sid}",
        "workspace": "",
        "statistics": "/TaskQueues/{sid}/Statistics",
        "real_time_statistics": "/TaskQueues/{sid}/RealTimeStatistics",
        "cumulative_statistics": "/TaskQueues/{sid}/CumulativeStatistics",
        "list_statistics": "/TaskQueues/Statistics",
        "bulk_real_time_statistics": "/TaskQueues/RealTimeStatistics",
    },
    "worker": {
        "channels": "/Workers/{sid}/Channels",
        "activity": "/Activities/{activity_sid}",
        "workspace": "",
        "statistics": "/Workers/Statistics",
        "real_time_statistics": "/Workers/RealTimeStatistics",
        "cumulative_statistics": "/Workers/CumulativeStatistics",
        "worker_statistics": "/Workers/{sid}/Statistics",
        "worker_channels": "/Workers/{sid}/Channels",
        "reservations": "/Workers/{sid}/Reservations",
    },
    "workflow": {
        "statistics": "/Workflows/{sid}/Statistics",
        "real_time_statistics": "/Workflows/{sid}/RealTimeStatistics",
        "cumulative_statistics": "/Workflows/{sid}/CumulativeStatistics",
    },
}


def complaints(kind: str, body: dict[str, Any]) -> list[str]:
    """What is wrong with a resource: fields missing, unknown or of the wrong type."""
    expected = FIELDS[kind]
    wrong = [f"{name} is missing" for name in expected if name not in body]
    wrong += [f"{name} is not a field" for name in body if name not in expected]
    wrong += [
        f"{name} is {body[name]!r}" for name in expected if name in body and not expected[name](body[name])
    ]
    return wrong


def expected_links(kind: str, body: dict[str, Any], workspace_url: str) -> dict[str, str | None]:
    """The links a resource must have. One whose target is not set is null."""
    return {
        key: None if "None" in (filled := path.format(**body)) else workspace_url + filled
        for key, path in LINKS[kind].items()
    }
