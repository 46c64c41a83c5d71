"""What the services of Tasks, Workers and Reservations share: one call of a script, and reads beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from engine.config import ConfigCache, asked
from engine.errors import Invalid, NotFound, RevisionMismatch, Unavailable
from engine.keys import ShardKeys, WorkspaceKeys, root_of
from engine.model import WorkspaceConfig
from engine.records import Fields, fields_of
from engine.scripts import Status

ATTEMPTS: Final = 20  # decisions anew after a configuration or revision changed under the caller
CHUNK: Final = 200  # records read in one round trip of a list: some 100 kB
MAX_SCAN: Final = (
    10_000  # records one page of a filtered list looks at; then it is short and goes on from there
)

_SHARDS: dict[int, ShardKeys] = {}


def shard_keys(shard: int) -> ShardKeys:
    """The keys of a shard, made once."""
    keys = _SHARDS.get(shard)
    if keys is None:
        keys = _SHARDS[shard] = ShardKeys(shard)
    return keys


@lru_cache(maxsize=1_024)
def workspace_keys(shard: int, number: int) -> WorkspaceKeys:
    """The keys of a Workspace, made once while it is in use: making them takes 3 µs, and every read needs some."""
    return WorkspaceKeys(shard, number)


@lru_cache(maxsize=1_024)
def script_keys(shard: int, number: int) -> tuple[str, str]:
    """The two keys of every script about a Workspace: all of its keys, and all of its shard's, begin with them."""
    return root_of(shard, number), shard_keys(shard).prefix


def expected(if_match: int | None) -> int | str:
    """The revision a caller insists on, as scripts take it: '' for any."""
    return "" if if_match is None else if_match


def require_done(reply: list[Any], sid: str) -> None:
    """Raise what a script's refusal means for the resource that the call was about."""
    if reply[0] == Status.NOT_FOUND:
        raise NotFound(sid)
    if reply[0] == Status.REVISION:
        raise RevisionMismatch(sid, reply[1])


class Record(Struct, frozen=True):
    """A hash that was read, with what it was read under."""

    config: WorkspaceConfig
    fields: Fields
    now_ms: int


class Live:
    """Access to one deployment's living records."""

    def __init__(self, config: ConfigCache) -> None:
        self.config = config
        self._run = config.scripts.run
        self._pipeline = config.pipeline
        self._now_ms = config.now_ms

    def now(self) -> int | str:
        """The first argument of every script: the clock handed in, or '' for the server's."""
        return "" if self._now_ms is None else self._now_ms()

    def keys(self, config: WorkspaceConfig) -> WorkspaceKeys:
        return workspace_keys(config.shard, config.workspace.number)

    def script(
        self, name: str, config: WorkspaceConfig, args: Sequence[str | bytes | int]
    ) -> Awaitable[list[Any]]:
        """Run a script on a Workspace, with the time as its first argument. One round trip. Raises Unavailable."""
        return self.timeless(name, config, (self.now(), *args))

    def timeless(
        self, name: str, config: WorkspaceConfig, args: Sequence[str | bytes | int]
    ) -> Awaitable[list[Any]]:
        """The same for a script in which nothing depends on the time."""
        return asked(self._run(name, script_keys(config.shard, config.workspace.number), args), writes=True)

    async def known(self, account: str, workspace: str) -> WorkspaceConfig:
        """A configuration that may be out of date, for callers whose script checks its version."""
        return self.config.cached(account, workspace) or await self.config.get(account, workspace)

    async def deciding(
        self,
        account: str,
        workspace: str,
        act: Callable[[WorkspaceConfig], Awaitable[list[Any] | None]],
    ) -> tuple[WorkspaceConfig, list[Any]]:
        """The reply of `act`, repeated with a newer configuration while it is STALE (None: decide anew as well).

        An Invalid that `act` raises counts once the configuration was the newest. Raises Unavailable after 20 attempts;
        nothing was changed then.
        """
        config = await self.known(account, workspace)
        for _ in range(ATTEMPTS):
            try:
                reply = await act(config)
            except Invalid:
                newest = await self.config.refresh(account, workspace)
                if newest.version == config.version:
                    raise
                config = newest
                continue
            if reply is not None and reply[0] != Status.STALE:
                return config, reply
            config = await self.config.refresh(account, workspace)
        raise Unavailable(f"{workspace} changes faster than it can be read", outcome_unknown=False)

    async def record(self, account: str, workspace: str, kind: str, sid: str) -> Record:
        """The hash of a Task ("t") or Worker ("k") and the newest configuration. One round trip when cached.

        Raises NotFound, Unavailable.
        """
        cached = self.config.cached(account, workspace)
        if cached is None:
            cached = (await self.config.read(account, workspace)).config
        key = f"{self.keys(cached).root}{kind}:{sid}"
        commands: list[tuple[str, ...]] = [
            ("HMGET", self.keys(cached).ws, "account", "version"),
            ("HGETALL", key),
        ]
        if self._now_ms is None:
            commands.append(("TIME",))
        (owner, version), fields, *time = await self.config.together(*commands)
        if owner is None:
            self.config.forget(workspace)
            raise NotFound(workspace)
        if int(version) != cached.version:
            cached = await self.config.refresh(account, workspace)
        if not fields:
            raise NotFound(sid)
        return Record(cached, fields_of(fields), self.config.instant_ms(time))

    async def ask(self, *command: str | bytes | int) -> Any:
        """One reading command. Raises Unavailable."""
        return await asked(self._pipeline.send(*command))

    async def hashes(self, keys: Sequence[str]) -> list[Fields]:
        """Several hashes in one round trip; an empty one where there is none."""
        replies = await self.config.together(*(("HGETALL", key) for key in keys))
        return [fields_of(reply) for reply in replies]

    async def worker_names(self, config: WorkspaceConfig, sids: Sequence[str]) -> dict[str, str]:
        """Friendly names of Workers; "" for one that was deleted."""
        wanted = sorted(set(sids))
        keys = self.keys(config)
        replies = await self.config.together(*(("HGET", keys.worker(sid), "name") for sid in wanted))
        return {sid: name.decode() if name else "" for sid, name in zip(wanted, replies, strict=True)}
