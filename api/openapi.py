"""The OpenAPI 3.1 description of this server, made from api/surface.

Only what the table of routes serves is described. It is made once a process, when the app is built: about 10 ms.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from api.surface import GROUPS
from api.surface.common import IDEMPOTENCY_KEY, IF_MATCH, PAGING
from api.surface.model import Group, Operation, Parameter, Type
from api.surface.schema import Schema, of_resource, of_type

FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
_SHARED: Final = (*PAGING, IF_MATCH, IDEMPOTENCY_KEY)
_ABOUT: Final = """\
Skills-based routing of Tasks to Workers. GET reads, POST creates and changes, DELETE removes; every GET answers HEAD
too. Parameters are PascalCase, fields snake_case. Bodies are forms; JSON objects with the same names are taken as
well, and there a JSON text may be the value itself. Parameters that are not listed are ignored. One that is left out
of an update leaves its value as it is. Fields that are listed are always there; others may be added."""

_ERRORS: Final = {
    400: "A parameter is missing or wrong, or the state does not allow it. Nothing was changed.",
    401: "The credentials are missing or wrong.",
    403: "The token does not allow this.",
    404: "There is no such resource.",
    410: "The Reservation has ended.",
    412: "If-Match names another revision. Nothing was changed.",
    413: "The body is too large.",
    415: "The body's Content-Type is not taken.",
    422: "Idempotency-Key was used for something else within 24 hours. Nothing was changed.",
    429: "Too many requests; Retry-After says in how many seconds to try again.",
    500: "A mistake of the server's.",
    503: "The database does not answer; the message says whether the change may have been made.",
}
_EVERYWHERE: Final = (400, 401, 403, 404, 429, 500, 503)


def document(served: Collection[str]) -> Schema:
    """The description of the operations named in `served`."""
    groups = [(group, [one for one in group.operations if one.name in served]) for group in GROUPS]
    used = {one.resource for _, operations in groups for one in operations}
    paths: dict[str, dict[str, Schema]] = {}
    for group, operations in groups:
        for one in operations:
            paths.setdefault(one.path, {})[one.method.lower()] = _operation(group, one)
    resources = [one for group in GROUPS for one in group.resources if one.name in used]
    bodies = {
        f"{one.name}Form": _form(one) for _, operations in groups for one in operations if _has_form(one)
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Trunkline", "version": "v1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"basic": []}, {"bearer": []}],
        "tags": [{"name": group.title, "description": group.about} for group, ops in groups if ops],
        "paths": paths,
        "components": {
            "securitySchemes": _SECURITY,
            "parameters": {_key(one): _parameter(one) for one in _SHARED},
            "headers": _HEADERS,
            "responses": {f"Error{status}": _error(status) for status in _ERRORS},
            "schemas": {
                "Error": _ERROR,
                "Meta": _META,
                **{pascal(one.name): of_resource(one) for one in resources},
                **bodies,
            },
        },
    }


def pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def described(one: Parameter) -> str:
    """A parameter in words: what it is, and what is special about it here."""
    note = f"{one.note[:1].upper()}{one.note[1:]}." if one.note else ""
    default = f"Default: {one.default}." if one.default and _default(one.type, one.default) is None else ""
    return " ".join(part for part in (note, one.chosen, one.refused, default) if part)


def _key(one: Parameter) -> str:
    return one.name.replace("-", "")


def _operation(group: Group, one: Operation) -> Schema:
    extra = [*one.chosen, *one.refused]
    if one.limit:
        extra.append("Limited in rate from the start: see X-Rate-Limit-Limit.")
    if one.extension:
        extra.append("Not in the original API.")
    described = {"description": " ".join(extra)} if extra else {}
    plain = [p for p in one.parameters if p.place in ("path", "query", "header")]
    made: Schema = {"operationId": one.name, "tags": [group.title], "summary": one.summary, **described}
    if plain:
        made["parameters"] = [
            {"$ref": f"#/components/parameters/{_key(p)}"} if p in _SHARED else _parameter(p) for p in plain
        ]
    if one.method == "POST":
        made["requestBody"] = _body(one)
    made["responses"] = {str(one.status): _success(one), **_errors(one)}
    return made


def _parameter(one: Parameter) -> Schema:
    made: Schema = {
        "name": one.name,
        "in": one.place,
        "required": one.required,
        "description": described(one),
        "schema": _valued(one),
    }
    if one.place == "query" and one.type.kind == "list":
        made |= {"style": "form", "explode": True}
    return made


def _valued(one: Parameter) -> Schema:
    """A parameter's schema; the default is one only where it is a value and no sentence about one."""
    schema = of_type(one.type, asked=True)
    default = _default(one.type, one.default)
    return schema if default is None else {**schema, "default": default}


def _default(kind: Type, text: str) -> Any:
    if not text:
        return None
    if kind.kind == "integer":
        return int(text) if text.isdigit() else None
    if kind.kind == "boolean":
        return {"true": True, "false": False}.get(text)
    if kind.words:
        return text if text in kind.words else None
    return text if kind.kind in ("text", "json") and " " not in text else None


def _has_form(one: Operation) -> bool:
    return any(p.place == "form" for p in one.parameters)


def _form(one: Operation) -> Schema:
    """The parameters in a body. Repeated values are an array: each element is a pair of the form."""
    parts = [p for p in one.parameters if p.place == "form"]
    required = [p.name for p in parts if p.required]
    return {
        "type": "object",
        "properties": {p.name: {**_valued(p), "description": described(p)} for p in parts},
        **({"required": required} if required else {}),
    }


def _body(one: Operation) -> Schema:
    if one.media_types:
        members = {
            p.name: {**_valued(p), "description": described(p)} for p in one.parameters if p.place == "json"
        }
        required = [p.name for p in one.parameters if p.place == "json" and p.required]
        schema: Schema = {"type": "object", "properties": members, "required": required}
        lines: Schema = {"type": "string", "description": "One JSON object a line."}
        return {
            "required": True,
            "content": {kind: {"schema": schema if members else lines} for kind in one.media_types},
        }
    reference = {"schema": {"$ref": f"#/components/schemas/{one.name}Form"}}
    needed = any(p.required for p in one.parameters if p.place == "form")
    return {"required": needed, "content": dict.fromkeys(FORMS, reference)}


def _success(one: Operation) -> Schema:
    names = [*_RATES, *(["ETag"] if one.tagged else [])]
    made: Schema = {
        "description": one.summary,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if one.resource:
        row = {"$ref": f"#/components/schemas/{pascal(one.resource)}"}
        schema = _listed(one.rows, row) if one.rows else row
        made["content"] = {"application/json": {"schema": schema}}
    elif one.status != 204:
        made["content"] = {kind: {"schema": {"type": "string"}} for kind in one.media_types}
    return made


def _listed(key: str, row: Schema) -> Schema:
    properties = {"meta": {"$ref": "#/components/schemas/Meta"}, key: {"type": "array", "items": row}}
    return {"type": "object", "properties": properties, "required": ["meta", key]}


def _errors(one: Operation) -> Schema:
    statuses = {*_EVERYWHERE, *one.errors}
    if one.method == "POST":
        statuses |= {413, 415}
    if IF_MATCH in one.parameters:
        statuses.add(412)
    if any(p.name == "Idempotency-Key" for p in one.parameters):
        statuses.add(422)
    return {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in sorted(statuses)}


def _error(status: int) -> Schema:
    made: Schema = {
        "description": _ERRORS[status],
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _RATES},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if status == 429:
        made["headers"]["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    return made


_SECURITY: Final[Schema] = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "An Account SID and its token, or an API key's SID and its secret.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A capability or access token.",
    },
}
_RATES: Final = ("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Config")


def _header(text: str, schema: Schema) -> Schema:
    return {"description": text, "required": True, "schema": schema}


_HEADERS: Final[Schema] = {
    "X-Rate-Limit-Limit": _header("Requests a second, or `unlimited`.", {"type": "string"}),
    "X-Rate-Limit-Remaining": _header("How many of them are left in this second.", {"type": "string"}),
    "X-Rate-Limit-Config": _header("Name of the limit, or `none`.", {"type": "string"}),
    "ETag": _header(
        "Revision of the resource; of a list a digest of its rows'.",
        {"type": "string", "pattern": '^(W/)?"[0-9]+"$'},
    ),
    "Retry-After": _header("Seconds until it is worth trying again.", {"type": "integer"}),
}
_ERROR: Final[Schema] = {
    "type": "object",
    "properties": {
        "code": {"type": "integer", "description": "what went wrong, for programs"},
        "message": {"type": "string", "description": "the same for people"},
        "more_info": {"type": "string", "format": "uri", "description": "where the code is explained"},
        "status": {"type": "integer", "description": "the HTTP status"},
    },
    "required": ["code", "message", "more_info", "status"],
}
_URL: Final = {"type": "string", "format": "uri"}
_META: Final[Schema] = {
    "type": "object",
    "properties": {
        "page": {"type": "integer", "minimum": 0},
        "page_size": {"type": "integer", "minimum": 1, "maximum": 1000},
        "first_page_url": _URL,
        "previous_page_url": {**_URL, "type": ["string", "null"]},
        "url": _URL,
        "next_page_url": {**_URL, "type": ["string", "null"]},
        "key": {"type": "string"},
    },
    "required": [
        "page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key",
    ],
}  # fmt: skip
