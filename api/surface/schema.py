"""Types of the surface as JSON Schema, for the OpenAPI description and for whoever checks an answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from api.surface.model import Field, Resource, Type

LONGEST_URL: Final = 2_048
_DATE: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_DIGITS: Final = "[0-9a-fA-F]{32}$"

Schema = dict[str, Any]


def of_type(kind: Type, *, asked: bool = False) -> Schema:
    """The schema of a value; `asked` for one that a request carries, where more spellings are taken."""
    match kind.kind:
        case "text":
            return _text(kind)
        case "sid":
            return {"type": "string", "pattern": f"^{kind.prefix or '[A-Z]{2}'}{_DIGITS}"}
        case "integer" | "number":
            return {"type": kind.kind, **_bounds(kind, "minimum", "maximum")}
        case "boolean":
            return {"type": "boolean"}
        case "date":
            return {"type": "string", "format": "date-time", **({} if asked else {"pattern": _DATE})}
        case "url":
            return {"type": "string", "format": "uri", **({"maxLength": LONGEST_URL} if asked else {})}
        case "json":
            sized = _bounds(kind, "minLength", "maxLength") if asked else {}
            return {"type": "string", "contentMediaType": "application/json", **sized}
        case "object":
            return of_fields(kind.members)
        case "map":
            return {"type": "object", "additionalProperties": _item(kind, asked)}
        case "list":
            return {"type": "array", "items": _item(kind, asked), **_bounds(kind, "minItems", "maxItems")}


def of_fields(fields: Iterable[Field]) -> Schema:
    """An object with these members. Others may come with a later version, so they are not excluded."""
    members = list(fields)
    return {
        "type": "object",
        "properties": {one.name: of_field(one) for one in members},
        "required": [one.name for one in members if not one.optional],
    }


def of_field(field: Field) -> Schema:
    schema = of_type(field.type)
    if field.nullable:
        schema["type"] = [schema["type"], "null"]
    if field.note:
        schema["description"] = field.note
    return schema


def of_resource(resource: Resource) -> Schema:
    """A resource with its links: absolute URLs, null where there is nothing to lead to."""
    schema = of_fields(resource.fields)
    if resource.about:
        schema["description"] = resource.about
    if resource.links:
        link = {"type": ["string", "null"], "format": "uri"}
        keys = [one.key for one in resource.links]
        always = {"type": "string", "format": "uri"}
        schema["properties"]["links"] = {
            "type": "object",
            "description": "what it leads to",
            "properties": {
                one.key: dict(link if may_be_null(resource, one.path) else always) for one in resource.links
            },
            "required": keys,
        }
        schema["required"].append("links")
    return schema


def may_be_null(resource: Resource, path: str) -> bool:
    """Whether a link's path names a field that may be null."""
    return any(one.nullable and f"{{{one.name}}}" in path for one in resource.fields)


def _text(kind: Type) -> Schema:
    if kind.words:
        return {"type": "string", "enum": list(kind.words)}
    pattern = {"pattern": f"^{kind.pattern}$"} if kind.pattern else {}
    return {"type": "string", **_bounds(kind, "minLength", "maxLength"), **pattern}


def _item(kind: Type, asked: bool) -> Schema:
    assert kind.item is not None, kind
    return of_type(kind.item, asked=asked)


def _bounds(kind: Type, low: str, high: str) -> Schema:
    named = {low: kind.low, high: kind.high}
    return {name: value for name, value in named.items() if value is not None}
