"""The words in which the surface is written: types, fields, parameters, operations.

A Type is one of a few kinds with bounds. It says how a value is spelt in a request and in JSON alike; what a value
means is said in the note of the field or parameter that has it.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

Kind = Literal["text", "sid", "integer", "number", "boolean", "date", "url", "json", "object", "map", "list"]
Place = Literal["path", "query", "form", "header", "json"]
Method = Literal["GET", "POST", "DELETE"]


class Type(Struct, frozen=True, kw_only=True):
    kind: Kind
    prefix: str = ""  # sid: the kind it is of; "": any
    words: tuple[str, ...] = ()  # text: the closed set it comes from
    low: int | None = None  # integer: least value; text and list: least length
    high: int | None = None
    item: Type | None = None  # list: of what; map: from text to what
    members: tuple[Field, ...] = ()  # object: all of its members
    pattern: str = ""  # text: what it must match as a whole


class Field(Struct, frozen=True):
    """A member of a JSON object. Every member is always there, unless `optional`."""

    name: str
    type: Type
    note: str = ""
    nullable: bool = False
    optional: bool = False  # of our own making, and left out where it has no value


class Link(Struct, frozen=True):
    """A member of `links`. `{names}` in the path are fields of the resource; null where one of them is null."""

    key: str
    path: str


class Resource(Struct, frozen=True, kw_only=True):
    name: str
    title: str
    about: str
    fields: tuple[Field, ...]
    links: tuple[Link, ...] = ()


class Parameter(Struct, frozen=True, kw_only=True):
    """What a request may say. `default` is shown, and applied by the engine; "" where there is none."""

    name: str
    place: Place
    type: Type
    note: str = ""
    required: bool = False
    default: str = ""
    chosen: str = ""  # where the original's documents leave something open: what holds here
    refused: str = ""  # where less is taken than there: what is answered
    extension: bool = False  # not in the original
    aliases: tuple[str, ...] = ()  # other names it is read by


class Operation(Struct, frozen=True, kw_only=True):
    name: str
    method: Method
    path: str
    summary: str
    resource: str = ""  # name of the Resource answered with, "" for none
    rows: str = ""  # for lists: the key of the rows
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    tagged: bool = False  # the answer carries an ETag
    errors: tuple[int, ...] = ()  # beside those that every operation has
    chosen: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    extension: bool = False
    limit: str = ""  # name of the rate limit that is on from the start
    media_types: tuple[str, ...] = ()  # of a body that is no form; "" for the usual encodings


class Group(Struct, frozen=True, kw_only=True):
    """A resource with its operations: a chapter of the documentation."""

    title: str
    about: str
    resources: tuple[Resource, ...]
    operations: tuple[Operation, ...]


TEXT: Final = Type(kind="text")
COUNT: Final = Type(kind="integer", low=0)
NUMBER: Final = Type(kind="number", low=0)
BOOLEAN: Final = Type(kind="boolean")
DATE: Final = Type(kind="date")
URL: Final = Type(kind="url")
JSON_TEXT: Final = Type(kind="json")
ANY_SID: Final = Type(kind="sid")


def text(low: int, high: int) -> Type:
    return Type(kind="text", low=low, high=high)


def integer(low: int, high: int) -> Type:
    return Type(kind="integer", low=low, high=high)


def sid(prefix: str) -> Type:
    return Type(kind="sid", prefix=prefix)


def words(*allowed: str) -> Type:
    return Type(kind="text", words=allowed)


def rows(item: Type) -> Type:
    return Type(kind="list", item=item)


def mapping(item: Type) -> Type:
    return Type(kind="map", item=item)


def shape(*members: Field) -> Type:
    return Type(kind="object", members=members)


def form(name: str, kind: Type, note: str = "", **more: str | bool) -> Parameter:
    return Parameter(name=name, place="form", type=kind, note=note, **more)  # type: ignore[arg-type]


def query(name: str, kind: Type, note: str = "", **more: str | bool) -> Parameter:
    return Parameter(name=name, place="query", type=kind, note=note, **more)  # type: ignore[arg-type]


def path(name: str, kind: Type, note: str = "") -> Parameter:
    return Parameter(name=name, place="path", type=kind, note=note, required=True)
