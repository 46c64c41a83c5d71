"""Scenarios collect here, so that any implementation can be held against all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from engine.model import Order
from tests.scenarios.play import Play
from tests.scenarios.site import Flow, Queue, Site


class Scenario(Struct, frozen=True):
    name: str
    site: Site
    run: Callable[[Play], None]


SCENARIOS: Final[list[Scenario]] = []


def scenario(site: Site) -> Callable[[Callable[[Play], None]], Callable[[Play], None]]:
    """Registers a function as a scenario that plays in such a Workspace."""

    def register(run: Callable[[Play], None]) -> Callable[[Play], None]:
        SCENARIOS.append(Scenario(run.__name__, site, run))
        return run

    return register


def one_queue(
    order: Order = Order.FIFO,
    step: dict[str, Any] | None = None,
    answer_s: int = 120,
    max_reserved: int = 1,
    **site: Any,
) -> Site:
    """A Workspace whose Workflow sends every Task to one queue with every Worker."""
    document = {"task_routing": {"default_filter": {"queue": "all", **(step or {})}}}
    queue = Queue(order=order, max_reserved=max_reserved)
    return Site(queues={"all": queue}, workflows={"main": Flow(document, answer_s)}, **site)
