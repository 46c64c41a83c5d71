"""What an expression may know about a Worker."""

from typing import Any

from msgspec import Struct, field


class ChannelFacts(Struct, frozen=True):
    """One Worker Channel: Tasks it may hold, Tasks accepted on it, free share in whole percent."""

    configured_capacity: int
    assigned_tasks: int
    available_capacity_percentage: int


class WorkerFacts(Struct):
    """A Worker as rules see it. `attributes` is decoded JSON and must not be changed once it is handed in."""

    sid: str
    friendly_name: str
    activity_sid: str
    activity_name: str
    attributes: dict[str, Any]
    channels: dict[str, ChannelFacts] = field(default_factory=dict)  # by unique_name
