"""Workflow documents for scenarios; queues go by their names in the Site."""

from __future__ import annotations

from typing import Any, Final

from tests.scenarios.site import Flow, Queue, Site

Document = dict[str, Any]
EVERY: Final = "1==1"  # skip whenever nobody can be reserved at once


def by_kind(*filters: Document, default: Document | None = None) -> Document:
    """A Workflow document."""
    routing: Document = {"filters": list(filters)}
    return {"task_routing": routing if default is None else {**routing, "default_filter": default}}


def kind(name: str, queue: str, **step: Any) -> Document:
    """A filter for Tasks with this `kind`, with one step."""
    return {"expression": f"kind == '{name}'", "targets": [{"queue": queue, **step}]}


def steps(*targets: Document, expression: str = "1==1") -> Document:
    """A filter with these steps."""
    return {"expression": expression, "targets": list(targets)}


def one_filter(*targets: Document, default: Document | None = None) -> Document:
    """A Workflow document whose only filter takes every Task through these steps."""
    return by_kind(steps(*targets), default=default)


def flow(document: Document, *queues: str, answer_s: int = 120, **site: Any) -> Site:
    """A Workspace with this Workflow and with queues of these names, each with every Worker."""
    return Site(
        queues={name: Queue() for name in queues},
        workflows={"main": Flow(document, answer_s)},
        **site,
    )
