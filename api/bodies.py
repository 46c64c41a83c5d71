"""Request bodies: how much is read, and which encodings become a Form."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import msgspec
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartParser,
    parse_options_header,
)

from api.errors import CLOSE, RequestError
from api.forms import EMPTY, MAX_PARAMETERS, Form, Pairs, parse_pairs

if TYPE_CHECKING:
    from litestar.types import Receive

LIMIT: Final = 64 * 1024  # bytes; attributes of 4,096 characters take 48 kB when every one is percent-encoded
WORKFLOW_LIMIT: Final = 4 * 1024 * 1024  # bytes; a configuration of 1,038,576 bytes, percent-encoded

URLENCODED: Final = b"application/x-www-form-urlencoded"

_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_json: Final = msgspec.json.Decoder(msgspec.Raw).decode
_encode: Final = msgspec.json.Encoder().encode


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """A request's body.

    Raises RequestError: 413 over `limit` bytes, before reading when the length is declared; 400 for one that
    was cut off.
    """
    declared = headers.get(b"content-length")
    if declared is not None and not (declared.isdigit() and len(declared) < 20):
        raise RequestError(400, 20001, "Content-Length is not a number", CLOSE)
    if declared is not None and int(declared) > limit:
        raise _too_large(limit)
    return await _read(receive, limit)


def form_of(raw: bytes, headers: dict[bytes, bytes], *, forgiving: bool = False) -> Form:
    """The parameters in a request's body; no body is an empty form.

    With `forgiving`, a body labelled JSON that does not parse is read as urlencoded: one client sends such.

    Raises RequestError: 415 for an encoding other than urlencoded, multipart or JSON; 400 for a body that its
    encoding does not allow.
    """
    if not raw:
        return EMPTY
    media_type = headers.get(b"content-type", b"")
    kind = media_type if media_type == URLENCODED else media_type.partition(b";")[0].strip().lower()
    if kind == URLENCODED:
        return Form(parse_pairs(raw, "post body"))
    if kind == b"application/json":
        if forgiving and not _is_json(raw):
            return Form(parse_pairs(raw, "post body"))
        return Form(json_pairs(raw, "post body"))
    if kind == b"multipart/form-data":
        return Form(_multipart_pairs(raw, media_type))
    raise RequestError(415, 20001, f"The Content-Type of a body must be {URLENCODED.decode()}")


async def _read(receive: Receive, limit: int) -> bytes:
    message = await receive()
    chunks: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        chunk = message["body"]
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if not message["more_body"]:
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)
        message = await receive()
    raise RequestError(400, 20001, "The connection was closed before the body was complete", CLOSE)


def _too_large(limit: int) -> RequestError:
    return RequestError(413, 20001, f"The body must have at most {limit} bytes", CLOSE)


def json_pairs(raw: bytes, place: str) -> Pairs:
    """A JSON object with the names of the form. Objects in it become JSON text: Attributes may be one.

    `place` is what an error (RequestError, 400) calls the text.
    """
    try:
        members = _object(raw)
        return [pair for name, value in members.items() for pair in _json_values(name, value)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestError(400, 20001, f"The {place} is not a JSON object") from None


def _is_json(raw: bytes) -> bool:
    try:
        _json(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _json_values(name: str, value: Any) -> Pairs:
    """One pair a value: `null` none, an array one for each element."""
    if value is None:
        return []
    if isinstance(value, list):
        return [(name, _json_text(element)) for element in value]
    return [(name, _json_text(value))]


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()


def _multipart_pairs(raw: bytes, media_type: bytes) -> Pairs:
    _, options = parse_options_header(media_type.decode("latin-1"))
    parser = MultipartParser(
        BytesIO(raw),
        options.get("boundary") or "none",
        content_length=len(raw),
        part_limit=MAX_PARAMETERS,
        spool_limit=WORKFLOW_LIMIT,  # nothing goes to disk: the whole body is smaller
        memory_limit=WORKFLOW_LIMIT,
    )
    try:
        return [(part.name, part.raw.decode("utf-8")) for part in parser]
    except (MultipartError, UnicodeDecodeError):
        raise RequestError(400, 20001, "The post body is not a valid multipart form") from None
