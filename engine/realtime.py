"""Real-time figures: counted from the living records whenever they are asked for, never remembered.

One pass over the Tasks of a Workspace serves every queue and Workflow in it. It is no snapshot: a Task counts once,
in the state in which the pass met it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, field

from engine.flights import Flights
from engine.live import Live
from engine.model import TaskStatus, WorkspaceConfig

CHUNK: Final = 500  # Tasks or Workers read in one round trip
READING: Final = (
    4  # such reads at a time in a process: a fifth of what its connection takes, so others find room
)
OPEN: Final = tuple(status.value for status in TaskStatus if status not in ("completed", "canceled"))
_OPEN: Final = frozenset(status.encode() for status in OPEN)
_WAITING: Final = frozenset((b"pending", b"reserved"))  # semantics 10.4

First = tuple[int, str]  # an instant and the Task that has waited since then


class OpenTasks(Struct):
    """The open Tasks of one scope."""

    by_status: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OPEN, 0))
    by_priority: Counter[int] = field(default_factory=Counter)
    oldest: First | None = None  # of those that wait, by creation
    longest_here: First | None = None  # the same by entry into the queue

    @property
    def total(self) -> int:
        return sum(self.by_status.values())


class TaskPass(Struct):
    """What one pass has counted. A Task between two steps may be in no queue."""

    workspace: OpenTasks = field(default_factory=OpenTasks)
    queues: dict[str, OpenTasks] = field(default_factory=dict)
    workflows: dict[str, OpenTasks] = field(default_factory=dict)


class RealTime:
    """Counts what there is now. Every method raises Unavailable."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._passes: Flights[TaskPass] = Flights()
        self._room = asyncio.Semaphore(READING)

    async def tasks(self, config: WorkspaceConfig, channel: int | None) -> TaskPass:
        """The open Tasks, on the Task Channel of this number or on all of them.

        Cost: reads every Task, 500 in a round trip and some 10 µs each. Who asks together shares a pass.
        """
        key = (config.shard, config.workspace.number, channel)
        return await self._passes.join(key, lambda: self._pass(config, channel))

    async def activities(self, config: WorkspaceConfig) -> dict[str, int]:
        """Workers by Activity, all of them listed, from counters. One round trip."""
        fields = [f"a:{sid}" for sid in config.activities]
        counts = await self._live.ask("HMGET", self._live.keys(config).open, *fields)
        return {sid: int(count or 0) for sid, count in zip(config.activities, counts, strict=True)}

    async def fields(self, keys: Sequence[str], *names: str) -> list[list[Any]]:
        """These fields of up to CHUNK hashes. One round trip, which waits while many others read."""
        async with self._room:
            return await self._live.config.together(*(("HMGET", key, *names) for key in keys))

    async def _pass(self, config: WorkspaceConfig, channel: int | None) -> TaskPass:
        keys, counting, start = self._live.keys(config), _Counting(channel), "-inf"
        while True:
            index = await self._live.ask(
                "ZRANGEBYSCORE", keys.tasks, start, "+inf", "WITHSCORES", "LIMIT", 0, CHUNK
            )
            sids = [sid.decode() for sid in index[::2]]
            records = await self.fields([keys.task(sid) for sid in sids], "s", "p", "c", "tag")
            for sid, record in zip(sids, records, strict=True):
                counting.add(sid, record)
            if len(sids) < CHUNK:
                return counting.result()
            start = f"({index[-1].decode()}"


class _Group(Struct):
    """Tasks with the same queue, Workflow, channel and document."""

    counts: Counter[tuple[bytes, bytes]] = field(default_factory=Counter)  # by status and priority
    oldest: First | None = None
    longest_here: First | None = None


class _Counting:
    """A pass under way. Tasks are grouped by their `tag` first: there are few, and it is a third of the cost."""

    def __init__(self, channel: int | None) -> None:
        self._channel = None if channel is None else b"%d" % channel
        self._groups: dict[bytes, _Group] = {}

    def add(self, sid: str, record: list[Any]) -> None:
        """Count a Task by its `s`, `p`, `c` and `tag`; one that has ended, or is gone meanwhile, does not count."""
        state, place, times, tag = record
        if state is None or tag is None:
            return
        status = state[: state.index(b"|")]
        if status not in _OPEN or (self._channel is not None and tag.split(b"|")[2] != self._channel):
            return
        group = self._groups.get(tag)
        if group is None:
            group = self._groups[tag] = _Group()
        group.counts[status, place[: place.index(b"|")]] += 1
        if status in _WAITING:
            made, _, entered, _ = times.split(b"|")
            created_ms = int(made)
            group.oldest = _first(group.oldest, (created_ms, sid))
            if entered != b"-":
                group.longest_here = _first(group.longest_here, (created_ms + int(entered), sid))

    def result(self) -> TaskPass:
        counted = TaskPass()
        for tag, group in self._groups.items():
            queue, workflow, _, _ = tag.decode().split("|")
            _merge(counted.workspace, group)
            _merge(counted.workflows.setdefault(workflow, OpenTasks()), group)
            if queue != "-":
                _merge(counted.queues.setdefault(queue, OpenTasks()), group)
        return counted


def _merge(tasks: OpenTasks, group: _Group) -> None:
    for (status, priority), count in group.counts.items():
        tasks.by_status[status.decode()] += count
        tasks.by_priority[int(priority)] += count
    tasks.oldest = _first(tasks.oldest, group.oldest)
    tasks.longest_here = _first(tasks.longest_here, group.longest_here)


def _first(one: First | None, other: First | None) -> First | None:
    """The earlier of two; at the same instant the one with the lesser SID, so that the answer does not waver."""
    if one is None or other is None:
        return one or other
    return min(one, other)
