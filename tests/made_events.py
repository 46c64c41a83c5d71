"""Events made by hand, and a log that has them: what statistics are counted from in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct, field

from engine.model import WorkspaceConfig


class Made(Struct, frozen=True):
    """An event as the log gives it, with the fields that statistics read."""

    type: str
    at_ms: int
    data: dict[str, str] = field(default_factory=dict)
    task_created_ms: int | None = None
    task_queue_entered_ms: int | None = None


class MadeLog:
    """A log with these events, in order of time; what was before `since_ms` has been dropped."""

    def __init__(self, events: Sequence[Made] = (), since_ms: int = 0) -> None:
        self.events, self.since_ms = list(events), since_ms

    async def caught_up(self, config: WorkspaceConfig) -> int:
        return self.since_ms

    async def between(
        self, config: WorkspaceConfig, start_ms: int, end_ms: int
    ) -> AsyncIterator[Sequence[Made]]:
        first_ms = max(start_ms, self.since_ms)
        found = [event for event in self.events if first_ms <= event.at_ms <= end_ms]
        for first in range(0, len(found), 3):
            yield found[first : first + 3]
