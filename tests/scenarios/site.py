"""A Workspace as a test describes it: by names, before anything has a SID."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha1
from typing import Any, Final

from msgspec import Struct, field

from engine.model import Order
from engine.rules import Place, parse_expression, parse_workflow
from tests.model.records import ActivityRow, ChannelRow, QueueRow, WorkflowRow
from tests.model.router import Router

T0_MS: Final = 1_700_000_000_000  # every history begins at this instant
BUILT_IN_ACTIVITIES: Final = {"Offline": False, "Available": True, "Unavailable": False}
BUILT_IN_CHANNELS: Final = ("default", "voice", "sms", "chat", "video")


class Queue(Struct, frozen=True):
    target: str = "1==1"
    order: Order = Order.FIFO


class Flow(Struct, frozen=True):
    """A Workflow; `document` names its queues by their names here, not by SID."""

    document: dict[str, Any]
    reservation_timeout_s: int = 120


class Site(Struct, frozen=True, kw_only=True):
    queues: dict[str, Queue]
    workflows: dict[str, Flow]
    preferred: Order = Order.FIFO
    timeout_activity: str = "Offline"
    extra_activities: dict[str, bool] = field(default_factory=dict)  # name -> available
    optimized: tuple[str, ...] = ()  # channels that count idleness on their own
    max_assignments: int = 1000  # of the model only; the engine's is fixed


class Names(Struct):
    """From name to SID."""

    activities: dict[str, str]
    channels: dict[str, str]
    queues: dict[str, str]
    workflows: dict[str, str]


class CountingMint:
    """SIDs in a fixed order that is not the alphabetical one: ties by SID differ from ties by age."""

    def __init__(self) -> None:
        self._count = 0
        self.next_sid: str | None = None

    def __call__(self, prefix: str) -> str:
        """The SID that was asked for by name, if it is of this kind; else the next of the sequence."""
        if self.next_sid is not None and self.next_sid.startswith(prefix):
            return self.next_sid
        self._count += 1
        return prefix + sha1(f"{prefix}{self._count}".encode(), usedforsecurity=False).hexdigest()[:32]


def with_sids(document: Mapping[str, Any], queues: Mapping[str, str]) -> str:
    """A Workflow document with the SIDs of its queues in place of their names."""

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: queues[v] if k == "queue" else replaced(v) for k, v in value.items()}
        return [replaced(item) for item in value] if isinstance(value, list) else value

    return json.dumps(replaced(dict(document)))


def mint_names(site: Site, mint: CountingMint) -> Names:
    """SIDs for a model that runs without an engine."""
    return Names(
        activities={name: mint("WA") for name in {**BUILT_IN_ACTIVITIES, **site.extra_activities}},
        channels={name: mint("TC") for name in BUILT_IN_CHANNELS},
        queues={name: mint("WQ") for name in site.queues},
        workflows={name: mint("WW") for name in site.workflows},
    )


def model_of(site: Site, names: Names) -> Router:
    """The reference router of this Workspace."""
    activities = {**BUILT_IN_ACTIVITIES, **site.extra_activities}
    return Router(
        preferred=site.preferred,
        activities=[ActivityRow(names.activities[name], name, free) for name, free in activities.items()],
        default_activity_sid=names.activities["Offline"],
        timeout_activity_sid=names.activities[site.timeout_activity],
        channels=[
            ChannelRow(names.channels[name], name, name in site.optimized, T0_MS)
            for name in BUILT_IN_CHANNELS
        ],
        queues=[
            QueueRow(names.queues[name], parse_expression(queue.target, Place.TARGET_WORKERS), queue.order)
            for name, queue in site.queues.items()
        ],
        workflows=[_workflow_row(names, name, flow) for name, flow in site.workflows.items()],
        max_assignments=site.max_assignments,
    )


def _workflow_row(names: Names, name: str, flow: Flow) -> WorkflowRow:
    document = with_sids(flow.document, names.queues)
    known = set(names.queues.values())
    rules = parse_workflow(document, queue_exists=known.__contains__)
    return WorkflowRow(names.workflows[name], rules, flow.reservation_timeout_s)
