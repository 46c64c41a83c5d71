"""The REST surface as data: every operation with its parameters, every resource with its fields.

This is the one source of the OpenAPI description, of docs/compatibility.md and of the tests that hold the program to
both. It describes and does nothing: no handler reads it, and it reads no handler.
"""

from __future__ import annotations

from typing import Final

from api.surface import (
    activities,
    bulk,
    events,
    reservations,
    statistics,
    task_channels,
    task_queues,
    tasks,
    worker_channels,
    workers,
    workflows,
    workspaces,
)
from api.surface.model import Group, Operation, Resource

GROUPS: Final[tuple[Group, ...]] = (
    workspaces.GROUP,
    activities.GROUP,
    task_channels.GROUP,
    task_queues.GROUP,
    workflows.GROUP,
    workers.GROUP,
    worker_channels.GROUP,
    tasks.GROUP,
    bulk.GROUP,
    reservations.GROUP,
    events.GROUP,
    statistics.GROUP,
)
OPERATIONS: Final[dict[str, Operation]] = {one.name: one for group in GROUPS for one in group.operations}
RESOURCES: Final[dict[str, Resource]] = {one.name: one for group in GROUPS for one in group.resources}
