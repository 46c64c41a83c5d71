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
