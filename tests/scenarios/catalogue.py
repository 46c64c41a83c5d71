"""Every scenario: import SCENARIOS from here, so that all modules have registered theirs."""

from tests.scenarios import (  # noqa: F401  they register
    callbacks,
    conforming,
    conforming_steps,
    counts,
    crowds,
    known,
    lifecycle,
    restarts,
    rounds,
    routing,
    single,
    steps,
    targets,
    workers,
)
from tests.scenarios.registry import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario"]
