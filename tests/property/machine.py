"""One random history, told to the reference router and to the engine, which must agree after every step.

Agree means: the same error, or none; the same visible state to the last revision and instant; and data in
Redis that recounts to it. Time is an integer that only the history moves.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.property import alphabet as a
from tests.property.census import Census
from tests.property.config_rules import ConfigRules
from tests.property.task_rules import TaskRules
from tests.property.worker_rules import WorkerRules
from tests.scenarios.lab import Lab
from tests.scenarios.site import Site

MAX_STOPS: Final = 6  # a Task nobody answers comes back every 10 s: a day of that would be 8,640 sweeps


class HistoryMachine(TaskRules, WorkerRules, ConfigRules):
    """Use `machine_in(lab)`, which says where the engine is."""

    @initialize(site=a.sites, skills=st.lists(a.worker_attributes, min_size=1, max_size=3))
    def open(self, site: Site, skills: list[str]) -> None:
        self.begin(site)
        for name, text in zip(("ann", "bo", "cy"), skills, strict=False):
            self.add_worker(name, text, "Available")

    @rule(step_ms=a.steps_ms)
    def advance(self, step_ms: int) -> None:
        """Time passes, and whatever falls due is done at its very instant, up to MAX_STOPS times."""
        self.fold()
        until_ms = self.engine.now_ms + step_ms
        for _ in range(MAX_STOPS):
            due_ms = self.model.next_deadline_ms()
            self.engine.now_ms = until_ms if due_ms is None else min(due_ms, until_ms)
            self.sweep()
            if self.engine.now_ms == until_ms:
                return

    @rule(step_ms=a.steps_ms)
    def oversleep(self, step_ms: int) -> None:
        """Time passes while nobody looks; then everything due is done in one go."""
        self.engine.now_ms += step_ms
        self.sweep()

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat(self) -> None:
        """The last call once more, as from a client that lost the answer."""
        assert self.last is not None
        method, arguments = self.last
        self.both(method, **arguments)


def machine_in(lab: Lab | None, census: Census) -> type[HistoryMachine]:
    """A machine whose histories happen in this laboratory; without one, in the reference router alone."""
    return type("History", (HistoryMachine,), {"lab": lab, "census": census})
