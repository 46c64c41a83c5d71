"""A Workspace as a test describes it: by names, before anything has a SID."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha1
from typing import Any, Final

from msgspec import Struct, field

from engine.matcher import TIMERS_A_RUN
from engine.model import Order
from engine.rules import Place, parse_expression, parse_workflow
from tests.model.records import ActivityRow, ChannelRow, QueueRow, WorkflowRow
from tests.model.router import Router

T0_MS: Final = 1_700_000_000_000  # every history begins at this instant
BUILT_IN_ACTIVITIES: Final = {"Offline": False, "Available": True, "Unavailable": False}
SINGLE_ACTIVITIES: Final = {"Offline": False, "Idle": True, "Busy": False, "Reserved": False}
BUILT_IN_CHANNELS: Final = ("default", "voice", "sms", "chat", "video")


class Queue(Struct, frozen=True):
    """The Activities go by their names; they are used in single-tasking Workspaces only."""

    target: str = "1==1"
    order: Order = Order.FIFO
    max_reserved: int = 1
    reservation_activity: str = "Reserved"
    assignment_activity: str = "Busy"


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
    single: bool = False  # single-tasking

    @property
    def activities(self) -> dict[str, bool]:
        """Every Activity there is, and whether it is available."""
        built_in = SINGLE_ACTIVITIES if self.single else BUILT_IN_ACTIVITIES
        return {**built_in, **self.extra_activities}


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


def with_sids(
    document: Mapping[str, Any], queues: Mapping[str, str], activities: Mapping[str, str] | None = None
) -> str:
    """A Workflow document with SIDs for the names of its queues, and for those of Activities in a skip_if.

    There an Activity stands in angle brackets: `workers.<Lunch> > 0`.
    """

    def text(value: str) -> str:
        for name, sid in (activities or {}).items():
            value = value.replace(f"<{name}>", sid)
        return value

    def replaced(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: replaced(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [replaced("", item) for item in value]
        if key == "queue":
            return queues[value]
        return text(value) if key == "skip_if" else value

    return json.dumps(replaced("", dict(document)))


def mint_names(site: Site, mint: CountingMint) -> Names:
    """SIDs for a model that runs without an engine."""
    return Names(
        activities={name: mint("WA") for name in site.activities},
        channels={name: mint("TC") for name in BUILT_IN_CHANNELS},
        queues={name: mint("WQ") for name in site.queues},
        workflows={name: mint("WW") for name in site.workflows},
    )


def model_of(site: Site, names: Names) -> Router:
    """The reference router of this Workspace."""
    return Router(
        preferred=site.preferred,
        activities=[
            ActivityRow(names.activities[name], name, free) for name, free in site.activities.items()
        ],
        default_activity_sid=names.activities["Offline"],
        timeout_activity_sid=names.activities[site.timeout_activity],
        channels=[
            ChannelRow(names.channels[name], name, name in site.optimized, T0_MS)
            for name in BUILT_IN_CHANNELS
        ],
        queues=[_queue_row(site, names, name, queue) for name, queue in site.queues.items()],
        workflows=[_workflow_row(names, name, flow) for name, flow in site.workflows.items()],
        single=site.single,
        max_assignments=site.max_assignments,
        timers_a_run=TIMERS_A_RUN,
    )


def _queue_row(site: Site, names: Names, name: str, queue: Queue) -> QueueRow:
    return QueueRow(
        names.queues[name],
        parse_expression(queue.target, Place.TARGET_WORKERS),
        queue.order,
        queue.max_reserved,
        names.activities[queue.reservation_activity] if site.single else None,
        names.activities[queue.assignment_activity] if site.single else None,
    )


def _workflow_row(names: Names, name: str, flow: Flow) -> WorkflowRow:
    document = with_sids(flow.document, names.queues, names.activities)
    known = set(names.queues.values())
    rules = parse_workflow(document, queue_exists=known.__contains__)
    return WorkflowRow(names.workflows[name], document, rules, flow.reservation_timeout_s)
