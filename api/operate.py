"""What every request goes through, whichever door it came in by: credentials, body, operation, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api import errors
from api.answer import Answer
from api.bodies import read_form
from api.call import Call, Face
from api.forms import EMPTY, EMPTY_QUERY, Form, parse_pairs
from api.routes import Route

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Receive


async def operate(
    face: Face,
    route: Route,
    params: tuple[str, ...],
    headers: dict[bytes, bytes],
    scope: HTTPScope,
    receive: Receive,
) -> Answer:
    """The answer to one request; `headers` are those of `scope` by lower-case name.

    Raises nothing: every error becomes an answer, ours also a line in the log.

    Credentials come first, so that a stranger's body is not read.
    """
    path = scope["path"]
    try:
        authorization = headers.get(b"authorization")
        account = face.gate.remembered(authorization)
        if account is None:
            account = await face.gate.admit(authorization)
        form = await read_form(receive, headers, route.body_limit) if route.method == "POST" else EMPTY
        asked = scope["query_string"]
        query = Form(parse_pairs(asked, "query"), "query") if asked else EMPTY_QUERY
        base = face.base(scope["scheme"], headers.get(b"host"), scope["server"])
        return await route.operation(Call(face, account, path, params, base, headers, form, query))
    except Exception as raised:  # the request's last frame: it is told to the caller, or logged
        return errors.answer(raised, path)
