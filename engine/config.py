"""Configuration: what changes rarely in a Workspace, cached in each process, changed by compare-and-set.

In Redis each record is one field of the `config` hash, and the `config_log` says which version last changed
it, so a process that is behind reads only what it missed. A change is planned against one version and written
by lua/commit_config.lua only while that is still the version; otherwise it is planned anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from engine.config_records import Change, Record, Snapshot, arguments_of, decode, revised
from engine.errors import IllegalState, NotFound, Unavailable
from engine.idempotency import made_before
from engine.keys import ShardKeys, WorkspaceKeys, shard_of
from engine.model import Workspace, WorkspaceConfig
from engine.redis import NotSent, Pipeline, PipelineError, ServerError
from engine.scripts import Scripts, Status
from engine.sids import is_sid

FIRST_FREE_CHANNEL: Final = 5  # numbers 0 to 4 are the built-in Task Channels
ATTEMPTS: Final = 20  # a loser of 20 races in a row competes with a flood of changes, not with people
CHUNK: Final = 500  # records read in one call: about 150 kB
BUGS: Final = ("ERR", "WRONGTYPE")  # first words of errors that a healthy server gives to wrong commands only
LARGE_CHUNK: Final = 20  # Workflows read in one call: their documents may have 1 MB each


class _Head(Struct, frozen=True):
    account: str | None
    version: int
    next_channel: int
    now_ms: int


class ConfigCache:
    """The configurations of the Workspaces this process deals with, the `limit` most recently used ones.

    A WorkspaceConfig handed out is never changed; a newer version is a new one. `now_ms` replaces the
    server's clock.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        scripts: Scripts,
        *,
        shards: int = 1,
        now_ms: Callable[[], int] | None = None,
        limit: int = 10_000,
    ) -> None:
        self.pipeline, self.scripts, self.shards, self.now_ms = pipeline, scripts, shards, now_ms
        self._limit = limit
        self._known: dict[str, WorkspaceConfig] = {}  # least recently used first
        self._loading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def cached(self, account: str, workspace: str) -> WorkspaceConfig | None:
        """What this process has of the Workspace, without asking: it may be out of date, or deleted by now.

        None when it is not here or is another account's. For callers whose script checks the version.
        """
        config = self._known.pop(workspace, None)
        if config is None:
            return None
        self._known[workspace] = config
        return config if config.workspace.account_sid == account else None

    async def get(self, account: str, workspace: str) -> WorkspaceConfig:
        """The newest configuration. One round trip when it is here, five when it has to be loaded.

        Raises NotFound (in the same words for an unknown, a deleted and another account's Workspace),
        Unavailable.
        """
        return (await self.read(account, workspace)).config

    async def refresh(self, account: str, workspace: str) -> WorkspaceConfig:
        """The newest configuration, for a caller whose script found its own out of date. Like `get`."""
        return (await self.read(account, workspace)).config

    async def read(self, account: str, workspace: str) -> Snapshot:
        """The newest configuration and the time it was read. Cost and errors as with `get`."""
        if not is_sid(workspace, "WS"):
            raise NotFound(workspace)
        base = self.cached(account, workspace)
        if base is not None:
            head = await self._head(WorkspaceKeys(base.shard, base.workspace.number))
            if head.account == account and head.version == base.version:
                return Snapshot(config=base, now_ms=head.now_ms, next_channel=head.next_channel)
        async with _lock(self._loading, workspace):  # a hundred callers of a cold Workspace load it once
            return await self._catch_up(account, workspace)

    async def change(
        self, account: str, workspace: str, plan: Callable[[Snapshot], Change | None], once: str = ""
    ) -> Snapshot:
        """Commit what `plan` makes of the newest configuration; plan anew when somebody else was faster.

        `plan` checks everything and raises what is wrong; it may run up to 20 times and has no effects of its
        own. None from it means that nothing has to change. Returns the configuration that then holds, where `once`
        (engine/idempotency.py) was used before with what it made. Raises besides IllegalState when what a guard
        names is in use, KeyReused, NotFound, Unavailable.
        """
        async with _lock(self._changing, workspace):  # changes of one process queue up instead of racing
            for _ in range(ATTEMPTS):
                before = await self.read(account, workspace)
                made = await made_before(self, before.config, once) if once else None
                if made is not None:  # maybe by a change that came after what was read
                    return replace(await self.read(account, workspace), made=made)
                change = plan(before)
                if change is None:
                    return before
                after = await self.commit(before, replace(change, once=once) if once else change)
                if after is not None:
                    return after
        raise Unavailable(
            f"the configuration of {workspace} changed {ATTEMPTS} times meanwhile; nothing was changed",
            outcome_unknown=False,
        )

    async def commit(self, before: Snapshot, change: Change) -> Snapshot | None:
        """Write a change if the configuration is still the one of `before`; None when it is not.

        Raises IllegalState for a guard, NotFound when the Workspace was deleted, Unavailable.
        """
        config, workspace = before.config, before.config.workspace
        keys = [WorkspaceKeys(config.shard, workspace.number).root, ShardKeys(config.shard).prefix]
        args = arguments_of(change, config, None if self.now_ms is None else self.now_ms())
        reply = await asked(self.scripts.run("commit_config", keys, args), writes=True)
        match reply:
            case [Status.OK, int(version), int(now_ms)]:
                renewed = revised(config, config.shard, version, change.put, change.delete)
                self.keep(renewed)
                next_channel = int(change.fields.get("channels", before.next_channel))
                return Snapshot(config=renewed, now_ms=now_ms, next_channel=next_channel)
            case [Status.STALE]:
                return None
            case [Status.NOT_FOUND]:
                self.forget(workspace.sid)
                raise NotFound(workspace.sid)
            case [Status.IN_USE, int(index), int(count)]:
                raise IllegalState(change.guards[index].refusal.format(count=count))
        raise AssertionError(f"commit_config replied {reply!r}")

    def keep(self, config: WorkspaceConfig) -> None:
        """Take a configuration into the cache; the least recently used one leaves when it is full."""
        sid = config.workspace.sid
        known = self._known.pop(sid, None)
        self._known[sid] = config
        if known is None and len(self._known) > self._limit:
            del self._known[next(iter(self._known))]

    def forget(self, workspace: str) -> None:
        """Drop a Workspace from the cache; no error if it is not there."""
        self._known.pop(workspace, None)

    async def _catch_up(self, account: str, workspace: str) -> Snapshot:
        base = self.cached(account, workspace)
        number = await self._number(account, workspace) if base is None else base.workspace.number
        shard = shard_of(workspace, self.shards)
        keys = WorkspaceKeys(shard, number)
        for _ in range(ATTEMPTS):
            head = await self._head(keys)
            if head.account != account:
                self.forget(workspace)
                raise NotFound(workspace)
            if base is not None and base.version == head.version:
                # The version was the same before and after the records were read, so they are all of that
                # version.
                self.keep(base)
                return Snapshot(config=base, now_ms=head.now_ms, next_channel=head.next_channel)
            if base is not None and base.version > head.version:
                base = None  # the server was set back to an older state: what we know never happened
            base = await self._missed(base, keys, shard, head.version)
        raise Unavailable(
            f"the configuration of {workspace} changes faster than it can be read", outcome_unknown=False
        )

    async def _missed(
        self, base: WorkspaceConfig | None, keys: WorkspaceKeys, shard: int, version: int
    ) -> WorkspaceConfig | None:
        """`base` brought up to `version`; None when there is no Workspace record (it is being reaped)."""
        after = 0 if base is None else base.version
        log = await asked(self.pipeline.call("ZRANGEBYSCORE", keys.config_log, f"({after}", "+inf"))
        sids = [sid.decode() for sid in log]
        put: list[Record] = []
        delete: list[str] = []
        for chunk in _chunks(sids):
            texts = await asked(self.pipeline.call("HMGET", keys.config, *chunk))
            for sid, text in zip(chunk, texts, strict=True):
                if text is None:
                    delete.append(sid)
                else:
                    put.append(decode(sid, text))
        if base is None and not any(isinstance(record, Workspace) for record in put):
            return None
        return revised(base, shard, version, put, delete)

    async def _number(self, account: str, workspace: str) -> int:
        """The Workspace's number, looked up under its owner: another's takes as long as none at all."""
        keys = ShardKeys(shard_of(workspace, self.shards))
        owned, number = await self.together(
            ("ZSCORE", keys.owned_by(account), workspace), ("HGET", keys.directory, workspace)
        )
        if owned is None or number is None:
            raise NotFound(workspace)
        return int(number)

    async def _head(self, keys: WorkspaceKeys) -> _Head:
        commands: list[tuple[str, ...]] = [("HMGET", keys.ws, "account", "version", "channels")]
        if self.now_ms is None:
            commands.append(("TIME",))
        (account, version, channels), *time = await self.together(*commands)
        return _Head(
            account=None if account is None else account.decode(),
            version=int(version or 0),
            next_channel=int(channels or FIRST_FREE_CHANNEL),
            now_ms=self.instant_ms(time),
        )

    async def together(self, *commands: Sequence[str | bytes | int]) -> list[Any]:
        """The replies to several reading commands, asked in one round trip. Raises Unavailable."""
        replies: list[Any] = await asked(self._gathered(commands))
        return replies

    async def _gathered(self, commands: Iterable[Sequence[str | bytes | int]]) -> list[Any]:
        futures = [self.pipeline.send(*command) for command in commands]
        try:
            # They come in this order and mostly together, so there is one wake-up; gather costs 4 µs for each of them.
            return [await future for future in futures]
        except BaseException:
            for future in futures:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # looked at, so that it is not reported as forgotten
            raise

    def instant_ms(self, time: list[Any]) -> int:
        """ms since the epoch, by the clock handed in or else by `time`, which holds the reply to TIME."""
        if self.now_ms is not None:
            return self.now_ms()
        seconds, microseconds = time[0]
        return int(seconds) * 1000 + int(microseconds) // 1000


def _chunks(sids: Iterable[str]) -> Iterator[list[str]]:
    """The SIDs in the portions that are read at once."""
    small: list[str] = []
    large: list[str] = []
    for sid in sids:
        (large if sid.startswith("WW") else small).append(sid)
    for group, size in ((small, CHUNK), (large, LARGE_CHUNK)):
        for start in range(0, len(group), size):
            yield group[start : start + size]


async def asked(reply: Awaitable[Any], *, writes: bool = False) -> Any:
    """A reply from Redis, with what may go wrong on the way turned into Unavailable.

    An error inside a script is our bug and stays a ServerError.
    """
    try:
        return await reply
    except PipelineError as error:
        if isinstance(error, ServerError) and error.code in BUGS:
            raise
        # A script is refused at its first write (out of memory, a replica, loading): nothing has changed.
        unknown = writes and not isinstance(error, NotSent | ServerError)
        raise Unavailable(str(error), outcome_unknown=unknown) from error


def _lock(locks: WeakValueDictionary[str, asyncio.Lock], name: str) -> asyncio.Lock:
    """The lock of this name, which lives as long as somebody holds or awaits it."""
    lock = locks.get(name)
    if lock is None:
        lock = locks[name] = asyncio.Lock()
    return lock
