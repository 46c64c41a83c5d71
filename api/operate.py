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

    Credentials come first, so that a stranger's body is not read, nor one that no policy of a token allows.
    """
    path = scope["path"]
    try:
        authorization = headers.get(b"authorization")
        account = face.gate.remembered(authorization)
        grant = None
        if account is None:
            admitted = await face.gate.admit(authorization)
            account, grant = admitted.account, admitted.grant
        asked = scope["query_string"]
        query = Form(parse_pairs(asked, "query"), "query") if asked else EMPTY_QUERY
        permit = None if grant is None else grant.at(route, params, query)
        form = await _form(route, headers, receive) if route.method == "POST" else EMPTY
        if permit is not None and route.body_limit is not None:
            permit.check(form)
        base = face.base(scope, headers)
        return await route.operation(
            Call(face, account, path, params, base, headers, form, query, receive, permit)
        )
    except Exception as raised:  # the request's last frame: it is told to the caller, or logged
        return errors.answer(raised, path)


async def _form(route: Route, headers: dict[bytes, bytes], receive: Receive) -> Form:
    """The form of a POST; empty where the body is left to the operation."""
    if route.body_limit is None:
        return EMPTY
    return await read_form(receive, headers, route.body_limit, forgiving=route.forgiving)


async def account_of(face: Face, headers: dict[bytes, bytes]) -> str:
    """The Account that the credentials of a request belong to, by now. Raises RequestError (401)."""
    authorization = headers.get(b"authorization")
    account = face.gate.remembered(authorization)
    return account if account is not None else (await face.gate.admit(authorization)).account
