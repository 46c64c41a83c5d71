"""How big the demo is, and how fast."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

POSTERS: Final = 24  # callers who post at the same time; more only queue in the client
CONNECTIONS: Final = 80  # kept alive: callers and agents together
POLL_S: Final = 0.1  # an agent with a free slot asks so often, so 50 agents ask at most 500 times a second
HANDLE_S: Final = (0.02, 0.2)  # an agent's work on one Task, drawn evenly
REJECTS: Final = 0.03  # share of offers that agents decline
GOLD: Final = 0.1  # share of callers who go first
QUIET_SHARE: Final = 20  # one Task of so many is posted slowly at first, to see offers while agents are free
QUIET_S: Final = 0.03  # between two of those
WORK_LIMIT_S: Final = 180.0  # then the audit says what is open; a run takes 10 s, on a crowded machine 50


class Plan(Struct, frozen=True, kw_only=True):
    """One run. The same seed gives the same callers, skills and handle times."""

    tasks: int = 2000
    workers: int = 50
    seed: int = 1
