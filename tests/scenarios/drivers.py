"""One face for the model and the engine, so that a scenario or a history runs on either."""

from __future__ import annotations

from typing import Any, Protocol

from tests.scenarios.site import T0_MS, CountingMint, Names, Site, mint_names, model_of

Snapshot = dict[str, Any]  # what tests.model.view.snapshot() gives


class Driver(Protocol):
    """A Workspace that does what it is told, at an instant that the test decides."""

    names: Names
    now_ms: int

    @property
    def mint(self) -> CountingMint:
        """Where the SIDs of new Tasks and Workers come from."""

    def call(self, method: str, **arguments: Any) -> None:
        """Runs a method of tests.model.router.Router and all that follows. Raises the engine's errors."""

    def sweep(self) -> None:
        """Does what is due at `now_ms`."""

    def snapshot(self) -> Snapshot:
        """Everything a client can see."""

    def alerts(self) -> list[tuple[str, int]]:
        """Task and code of every alert, in their order."""


class ModelDriver:
    """The reference router."""

    def __init__(self, site: Site) -> None:
        self.mint = CountingMint()
        self.names = mint_names(site, self.mint)
        self.now_ms = T0_MS
        self.router = model_of(site, self.names)

    def call(self, method: str, **arguments: Any) -> None:
        getattr(self.router, method)(now_ms=self.now_ms, **arguments)

    def sweep(self) -> None:
        self.router.fire_timers(now_ms=self.now_ms)

    def snapshot(self) -> Snapshot:
        return self.router.snapshot()

    def alerts(self) -> list[tuple[str, int]]:
        return list(self.router.state.alerts)
