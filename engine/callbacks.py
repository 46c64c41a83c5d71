"""What comes of assignment callbacks in the engine, whoever makes them (engine/assignment.py)."""

from __future__ import annotations

from typing import Final

from engine.errors import IllegalState, NotFound
from engine.live import Live
from engine.records import text
from engine.scripts import Status

UNREACHABLE: Final = 15003  # the alert while neither URL of a Workflow gives an answer that counts


class Callbacks:
    """The assignment callbacks of all Workspaces. Every method raises NotFound and Unavailable."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def failed(
        self, account: str, workspace: str, task: str, sid: str, *, code: int = UNREACHABLE
    ) -> int:
        """Nobody answered: the Reservation is canceled, and its Task delayed before it is routed again.

        Returns by how many ms: 1 s, twice as much with each failure of the Workflow in a row, 30 s at most. Raises
        IllegalState where the Reservation is not pending any more, or an instruction for it is under way; nothing
        has changed then.
        """
        config = await self._live.known(account, workspace)
        reply = await self._live.script("fail_callback", config, (task, sid, code))
        match reply:
            case [Status.OK, int(delay_ms)]:
                return delay_ms
            case [Status.NOT_FOUND]:
                raise NotFound(sid)
            case [Status.ILLEGAL, present]:
                raise IllegalState(f"Reservation {sid} is already in state [{text(present)}]")
        raise AssertionError(f"unexpected reply {reply!r}")

    async def answered(self, account: str, workspace: str, workflow: str) -> None:
        """A callback of the Workflow was answered: failures from here on are the first in a row. Two round trips."""
        failing = self._live.keys(await self._live.known(account, workspace)).failing
        if await self._live.ask("HEXISTS", failing, workflow):
            await self._live.ask("HDEL", failing, workflow)

    async def alert(self, account: str, workspace: str, task: str, sid: str, code: int) -> None:
        """Note what was wrong with an answer, as an event of the Task."""
        config = await self._live.known(account, workspace)
        reply = await self._live.script("tell_alert", config, (task, sid, code))
        if reply[0] == Status.NOT_FOUND:
            raise NotFound(task)
