"""What several resources and operations have in common."""

from __future__ import annotations

from typing import Final

from api.surface.model import COUNT, DATE, URL, Field, Parameter, Type, integer, path, query, sid, text

NAME: Final = text(1, 64)
LONG_NAME: Final = text(1, 255)
PRIORITY: Final = integer(0, 2_147_483_647)

WORKSPACES: Final = "/v1/Workspaces"
WORKSPACE: Final = "/v1/Workspaces/{WorkspaceSid}"

DATES: Final = (
    Field("date_created", DATE, "when it was created"),
    Field("date_updated", DATE, "when it last changed"),
)
ACCOUNT: Final = Field("account_sid", sid("AC"), "the Account it belongs to")
IN_WORKSPACE: Final = Field("workspace_sid", sid("WS"), "the Workspace it is in")
OWN_URL: Final = Field("url", URL, "where this is")

IN: Final = path("WorkspaceSid", sid("WS"), "the Workspace")

IF_MATCH: Final = Parameter(
    name="If-Match",
    place="header",
    type=Type(kind="text"),
    note="the revision that the change is meant for, as an ETag gave it; another one is answered with 412",
    chosen='`7`, `"7"`, `W/"7"` and `*` are understood; anything else matches nothing. The code of the 412 is 20412.',
)
IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    type=Type(kind="text", low=1, high=255, pattern="[ -~]{1,255}"),
    note="makes the creation safe to repeat for 24 hours: the same key and content create once",
    extension=True,
)
PAGING: Final = (
    query(
        "PageSize",
        Type(kind="integer", low=1),
        "rows a page; at most 1,000",
        default="50",
        chosen="More than 1,000 counts as 1,000; less than 1 is refused with 400.",
    ),
    query(
        "Page",
        COUNT,
        "index of the page, for the client's own use",
        default="0",
        chosen="Without its PageToken a page other than 0 is refused with 400 and code 20001.",
    ),
    query(
        "PageToken",
        Type(kind="text"),
        "place to go on from, out of `next_page_url`",
        chosen="Rows that come and go do not shift later pages. A full last page has no empty page behind it.",
    ),
)
EMPTY_FILTER: Final = "Sent empty, it narrows nothing."
CLEARS: Final = "Sent empty, it is cleared."


PUBLIC: Final = (
    "An address in a loopback, link-local or private network is refused with 400, unless a setting allows it."
)
