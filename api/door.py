"""The door: a small ASGI app in front of Litestar that takes the hottest POSTs itself.

A life of a Task is three or four calls: create, accept, complete. Litestar's routing, request and response
objects make a create cost three times as much CPU, so these paths do not go through them:

    POST /v1/Workspaces/{WS}/Tasks
    POST /v1/Workspaces/{WS}/Tasks/Bulk
    POST /v1/Workspaces/{WS}/Tasks/{WT}
    POST /v1/Workspaces/{WS}/Tasks/{WT}/Reservations/{WR}
    POST /v1/Workspaces/{WS}/Workers/{WK}/Reservations/{WR}

They are the same operations, reached through the same `operate`, as when Litestar serves them. A body that is
not urlencoded goes the ordinary way, but for Bulk, which takes none of that kind. Most of them do not even come
by ASGI: the server's protocol (protocol.py) asks the door what they are, and for the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litestar.enums import ScopeType

from api.answer import send_answer
from api.bodies import URLENCODED
from api.call import head_of
from api.operate import operate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from litestar.types import ASGIApp, Receive, Scope, Send

    from api.answer import Answer
    from api.call import Face, Head
    from api.routes import Route

    Taken = tuple[Route, tuple[str, ...]]

_HTTP: Final = ScopeType.HTTP
HOT: Final = ("CreateTask", "UpdateTask", "UpdateTaskReservation", "UpdateWorkerReservation")
BULK: Final = "CreateTaskBulk"


class Door:
    """ASGI app: hot POSTs to their operation, everything else to `inner`.

    `routes` is the table with the operations named in HOT and BULK; `face.engine` may be any object with the methods
    that they call, which is how a benchmark puts a bare script behind the same door.
    """

    def __init__(self, face: Face, routes: Sequence[Route], inner: ASGIApp) -> None:
        by_name = {route.name: route for route in routes}
        self._face, self._inner = face, inner
        self._create, self._update, self._of_task, self._of_worker = (by_name[name] for name in HOT)
        self._bulk = by_name[BULK]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == _HTTP and scope["method"] == "POST":
            taken = self.taken(scope["path"])
            if taken is not None:
                head = head_of(scope)
                kind = head.headers.get(b"content-type", b"")
                if kind.startswith(URLENCODED) or taken[0] is self._bulk:
                    await send_answer(await self.answer(taken, head, receive), send)
                    return
        await self._inner(scope, receive, send)

    def answer(self, taken: Taken, head: Head, body: bytes | Receive) -> Awaitable[Answer]:
        """The answer to a request that the door takes. Awaiting it raises nothing."""
        return operate(self._face, *taken, head, body)

    def taken(self, path: str) -> Taken | None:
        """The operation that a POST to this path is for and its path parameters, if the path is one of ours."""
        taken: Taken
        match path.split("/"):
            case ["", "v1", "Workspaces", workspace, "Tasks"]:
                taken = self._create, (workspace,)
            case ["", "v1", "Workspaces", workspace, "Tasks", "Bulk"]:
                taken = self._bulk, (workspace,)
            case ["", "v1", "Workspaces", workspace, "Tasks", task]:
                taken = self._update, (workspace, task)
            case ["", "v1", "Workspaces", workspace, "Tasks", task, "Reservations", sid]:
                taken = self._of_task, (workspace, task, sid)
            case ["", "v1", "Workspaces", workspace, "Workers", worker, "Reservations", sid]:
                taken = self._of_worker, (workspace, worker, sid)
            case _:
                return None
        return taken if all(taken[1]) else None
