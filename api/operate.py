"""What every request goes through, whichever door it came in by: credentials, body, operation, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api import errors
from api.answer import Answer
from api.bodies import form_of, read_body
from api.call import Call, Face, Head
from api.forms import EMPTY, EMPTY_QUERY, Form, parse_pairs
from api.routes import Route

if TYPE_CHECKING:
    from litestar.types import Receive


async def operate(
    face: Face,
    route: Route,
    params: tuple[str, ...],
    head: Head,
    body: bytes | Receive,
) -> Answer:
    """The answer to one request; its `body` may still have to be received.

    Raises nothing: every error becomes an answer, ours also a line in the log.

    Credentials come first, so that a stranger's body is not read, nor one that no policy of a token allows.
    """
    headers, receive = head.headers, None if isinstance(body, bytes) else body
    try:
        authorization = headers.get(b"authorization")
        account = face.gate.remembered(authorization)
        grant = None
        if account is None:
            admitted = await face.gate.admit(authorization)
            account, grant = admitted.account, admitted.grant
        query = Form(parse_pairs(head.query, "query"), "query") if head.query else EMPTY_QUERY
        permit = None if grant is None else grant.at(route, params, query)
        form = EMPTY
        if route.method == "POST" and route.body_limit is not None:
            raw = body if isinstance(body, bytes) else await read_body(body, headers, route.body_limit)
            form = form_of(raw, headers, forgiving=route.forgiving)
        if permit is not None and route.body_limit is not None:
            permit.check(form)
        call = Call(face, account, head.path, params, face.base(head), headers, form, query, receive, permit)
        return await route.operation(call)
    except Exception as raised:  # the request's last frame: it is told to the caller, or logged
        return errors.answer(raised, head.path)


async def account_of(face: Face, headers: dict[bytes, bytes]) -> str:
    """The Account that the credentials of a request belong to, by now. Raises RequestError (401)."""
    authorization = headers.get(b"authorization")
    account = face.gate.remembered(authorization)
    return account if account is not None else (await face.gate.admit(authorization)).account
