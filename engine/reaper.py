"""Deletes what a deleted Workspace has left behind, a bounded piece at a time."""

from __future__ import annotations

from typing import Final

from engine.config import asked
from engine.keys import ShardKeys, WorkspaceKeys
from engine.scripts import Scripts, Status

PIECE: Final = 125  # Tasks, Workers and pools a run, up to four keys each: 500 keys, about 1 ms of the server


async def reap(scripts: Scripts, shard: int, number: int) -> bool:
    """Delete some keys of the deleted Workspace with this number; whether more is left.

    One script call. A living Workspace is left alone, and so is one that was reaped before: False. Raises
    Unavailable.
    """
    keys = [WorkspaceKeys(shard, number).root, ShardKeys(shard).prefix]
    reply = await asked(scripts.run("reap_workspace", keys, [PIECE]), writes=True)
    match reply:
        case [Status.OK, int(more)]:
            return more == 1
        case [Status.ILLEGAL, _]:
            return False
    raise AssertionError(f"reap_workspace replied {reply!r}")
