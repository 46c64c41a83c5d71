"""Many Tasks in one request: not in the original."""

from __future__ import annotations

from typing import Final

from api.surface.common import IN, WORKSPACE
from api.surface.model import Group, Operation

_LINES: Final = "application/x-ndjson"

OPERATIONS: Final = (
    Operation(
        name="CreateTaskBulk",
        method="POST",
        path=f"{WORKSPACE}/Tasks/Bulk",
        summary="Create up to 10,000 Tasks, a JSON object a line; answered line by line",
        extension=True,
        media_types=(_LINES, "application/jsonl"),
        parameters=(IN,),
    ),
)

GROUP: Final = Group(
    title="Tasks in bulk",
    about="One line a Task with the names of CreateTask's parameters; see docs/bulk.md.",
    resources=(),
    operations=OPERATIONS,
)
