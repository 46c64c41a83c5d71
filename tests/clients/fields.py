"""Holds JSON against the tables of api/surface: each field with its type, each link with its path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from api.surface import RESOURCES
from api.surface.model import Field, Type

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


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
LINKED: Final = [name for name, resource in RESOURCES.items() if resource.links]


def complaints(kind: str, body: dict[str, Any]) -> list[str]:
    """What is wrong with a resource: fields missing, unknown, of the wrong type or null where they may not be."""
    resource = RESOURCES[kind]
    plain = {name: value for name, value in body.items() if name != "links"}
    wrong = list(_members("", resource.fields, plain))
    keys = [link.key for link in resource.links]
    if resource.links and list(body.get("links", {})) != keys:
        wrong.append(f"links has {list(body.get('links', {}))} and not {keys}")
    if "links" in body and not resource.links:
        wrong.append("links is not a field")
    wrong += [
        f"links.{key} is {target!r}"
        for key, target in body.get("links", {}).items()
        if not (target is None or _absolute(target))
    ]
    return wrong


def expected_links(kind: str, body: dict[str, Any], workspace_url: str) -> dict[str, str | None]:
    """The links a resource must have. One whose target is not set is null."""
    return {
        link.key: None if "None" in (filled := link.path.format(**body)) else workspace_url + filled
        for link in RESOURCES[kind].links
    }


def page_complaints(kind: str, key: str, body: dict[str, Any]) -> list[str]:
    """What is wrong with a page of a list: its rows, its `meta`, members that do not belong there."""
    wrong = [] if sorted(body) == sorted(["meta", key]) else [f"a page has {sorted(body)}"]
    meta = body["meta"]
    names = ["first_page_url", "key", "next_page_url", "page", "page_size", "previous_page_url", "url"]
    wrong += [] if sorted(meta) == names else [f"meta has {sorted(meta)}"]
    wrong += [
        f"meta.{name} is {meta[name]!r}" for name in ("first_page_url", "url") if not _absolute(meta[name])
    ]
    wrong += [] if meta["key"] == key else [f"meta.key is {meta['key']!r}"]
    return wrong + [complaint for row in body[key] for complaint in complaints(kind, row)]


def _members(prefix: str, fields: Iterable[Field], body: dict[str, Any]) -> Iterator[str]:
    known = {one.name: one for one in fields}
    yield from (f"{prefix}{name} is not a field" for name in body if name not in known)
    for name, one in known.items():
        if name not in body:
            yield from [] if one.optional else [f"{prefix}{name} is missing"]
        elif body[name] is not None or not one.nullable:
            yield from _value(f"{prefix}{name}", one.type, body[name])


def _value(name: str, kind: Type, value: Any) -> Iterator[str]:
    if kind.kind == "object" and isinstance(value, dict):
        yield from _members(f"{name}.", kind.members, value)
    elif kind.kind == "map" and isinstance(value, dict) and kind.item is not None:
        for key, inner in value.items():
            yield from _value(f"{name}.{key}", kind.item, inner)
    elif kind.kind == "list" and isinstance(value, list) and kind.item is not None:
        for place, inner in enumerate(value):
            yield from _value(f"{name}[{place}]", kind.item, inner)
    elif not _plain(kind, value):
        yield f"{name} is {value!r}"


def _plain(kind: Type, value: Any) -> bool:
    """Whether a value that has no parts is as it should be."""
    match kind.kind:
        case "text":
            return isinstance(value, str) and (not kind.words or value in kind.words)
        case "sid":
            return (
                isinstance(value, str) and value.startswith(kind.prefix) and _SID.fullmatch(value) is not None
            )
        case "integer":
            return type(value) is int and _between(kind, value)
        case "number":
            return type(value) in (int, float) and _between(kind, value)
        case "boolean":
            return type(value) is bool
        case "date":
            return isinstance(value, str) and _DATE.fullmatch(value) is not None
        case "url":
            return _absolute(value)
        case "json":
            return isinstance(value, str) and isinstance(json.loads(value), dict)
        case _:
            return False


def _between(kind: Type, value: float) -> bool:
    return (kind.low is None or value >= kind.low) and (kind.high is None or value <= kind.high)


def _absolute(value: Any) -> bool:
    return isinstance(value, str) and bool(urlsplit(value).scheme and urlsplit(value).netloc)
