"""The TaskRouter REST face: one module a resource, one function an operation."""

from __future__ import annotations

from typing import Final

from api.v1 import (
    activities,
    bulk,
    events,
    reservations,
    statistics,
    statistics_queues,
    statistics_workers,
    task_channels,
    task_queues,
    tasks,
    worker_channels,
    workers,
    workflows,
    workspaces,
)

ROUTES: Final = (
    *workspaces.ROUTES,
    *statistics.ROUTES,
    *statistics_queues.ROUTES,
    *statistics_workers.ROUTES,
    *activities.ROUTES,
    *task_channels.ROUTES,
    *task_queues.ROUTES,
    *workflows.ROUTES,
    *workers.ROUTES,
    *worker_channels.ROUTES,
    *bulk.ROUTES,
    *tasks.ROUTES,
    *reservations.ROUTES,
    *events.ROUTES,
)
