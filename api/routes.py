"""Route: one line of the table that says which operation answers a method and path."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from api.bodies import LIMIT
from api.call import Operation

WORKSPACES: Final = "/v1/Workspaces"
WORKSPACE: Final = "/v1/Workspaces/{WorkspaceSid}"


class Route(Struct, frozen=True):
    """`{Name}` in the path stands for one segment; their values reach the operation from left to right."""

    method: Literal["GET", "POST", "DELETE"]  # GET answers HEAD too
    path: str
    name: str  # of the operation, as API descriptions call it
    operation: Operation
    body_limit: int | None = LIMIT  # bytes, POST only; None leaves the body to the operation
    forgiving: bool = False  # a body labelled JSON that is none is read as a form
