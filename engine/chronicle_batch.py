"""A batch of the chronicle: some entries of a shard's `events` as the arguments of lua/log_events.lua."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from engine.chronicle_entry import Entry, Told
from engine.chronicle_facts import (
    TASK_FIELDS,
    WORKER_FIELDS,
    Scene,
    TaskFacts,
    kinds_of,
    task_facts,
    worker_facts,
)
from engine.config_names import ConfigNames
from engine.errors import NotFound
from engine.event_types import BY_NAME, TYPES
from engine.events import Place, event_sid
from engine.filter_names import Document, Key
from engine.keys import ShardKeys, WorkspaceKeys
from engine.live import Live
from engine.model import WorkspaceConfig

HEAD: Final = ("account", "sid", "version", "logged")
MAX_NAMES: Final = 1_000  # configurations of which it is kept how their records are shown

log = logging.getLogger("trunkline.relay")


class Batch(Struct, frozen=True):
    """What is written together, and what is said of it once it is."""

    arguments: list[str | bytes | int]  # behind the position it was read from
    missed: list[str]


class Part(Struct, frozen=True):
    """The entries of one Workspace, and what is needed to begin with."""

    keys: WorkspaceKeys
    entries: list[Entry]
    tasks: list[str]
    workers: list[str]

    @property
    def reads(self) -> list[tuple[str, ...]]:
        return [
            ("HMGET", self.keys.ws, *HEAD),
            *(("HMGET", self.keys.task(sid), *TASK_FIELDS) for sid in self.tasks),
            *(("HMGET", self.keys.worker(sid), *WORKER_FIELDS) for sid in self.workers),
        ]


class BatchReader:
    """Reads the records around transitions. `days_ms` and `kept` bound what a log keeps."""

    def __init__(self, live: Live, *, days_ms: int, kept: int) -> None:
        self._live, self._days_ms, self._kept = live, days_ms, kept
        self._documents: dict[Key, Document | None] = {}
        self._names: dict[str, ConfigNames] = {}  # by Workspace, least recently used first

    async def read(self, keys: ShardKeys, entries: Sequence[Entry]) -> Batch:
        """The batch of these entries, of which there is at least one. One round trip, and one for each Workspace whose
        configuration has changed or is not here. Raises Unavailable."""
        parts = _parts(keys.shard, entries)
        replies = await self._live.config.together(*(read for part in parts for read in part.reads))
        written: list[list[str | bytes | int]] = []
        missed: list[str] = []
        for part in parts:
            mine, replies = replies[: len(part.reads)], replies[len(part.reads) :]
            arguments = await self._written(part, mine, missed)
            if arguments:
                written.append(arguments)
        flat = [argument for arguments in written for argument in arguments]
        return Batch([entries[-1].id, len(written), *flat], missed)

    async def _written(self, part: Part, replies: list[Any], missed: list[str]) -> list[str | bytes | int]:
        """The arguments for one Workspace; [] for one that was deleted, or where all was logged before."""
        config = await self._config(replies[0])
        if config is None:
            return []
        last, last_seq = _logged(replies[0][3])
        tasks = {sid: task_facts(found) for sid, found in zip(part.tasks, replies[1:], strict=False)}
        found_workers = replies[1 + len(part.tasks) :]
        workers = {sid: worker_facts(found) for sid, found in zip(part.workers, found_workers, strict=True)}
        names = self._names_of(config)
        await self._fetch_documents(names, part, tasks)
        scene = Scene(names, tasks, workers, part.entries)
        rows: list[str | bytes] = []
        deliveries: list[str] = []
        for entry in part.entries:
            for told in entry.told:
                if told.seq <= last_seq:
                    continue  # a position that was lost: nothing is logged twice
                if told.seq > last_seq + 1:
                    missed.append(_gap(config, last_seq, told))
                last_seq = told.seq
                place = _next(last, told.at_ms)
                packed = _packed(scene, entry, told, place.ms - told.at_ms)
                if packed is None:
                    continue
                last = place
                rows += (place.id, packed)
                deliveries += _deliveries(config, told, place)
        if last is None or not rows:
            return []
        oldest_ms = max(0, last.ms - self._days_ms)
        head = (config.workspace.number, self._kept, oldest_ms, f"{last.id}|{last_seq}")
        return [*head, len(rows) // 2, *rows, len(deliveries) // 2, *deliveries]

    async def _config(self, head: list[bytes | None]) -> WorkspaceConfig | None:
        """The newest configuration; None once the Workspace was deleted."""
        owner, sid, version, _ = head
        if owner is None or sid is None or version is None:
            return None
        account, workspace = owner.decode(), sid.decode()
        known = self._live.config.cached(account, workspace)
        if known is not None and known.version == int(version):
            return known
        try:
            return await self._live.config.refresh(account, workspace)
        except NotFound:
            return None

    def _names_of(self, config: WorkspaceConfig) -> ConfigNames:
        sid = config.workspace.sid
        names = self._names.pop(sid, None)
        if names is None or names.config is not config:
            names = ConfigNames(config, self._documents)
        self._names[sid] = names
        if len(self._names) > MAX_NAMES:
            del self._names[next(iter(self._names))]
        return names

    async def _fetch_documents(
        self, names: ConfigNames, part: Part, tasks: Mapping[str, TaskFacts | None]
    ) -> None:
        """Replaced documents that the transitions are about and that are not here."""
        wanted: dict[str, tuple[str, str]] = {}
        for entry in part.entries:
            for told in entry.told:
                if not told.tag:
                    continue
                _, workflow, _, document = told.tag
                known = names.config.workflows.get(workflow)
                if known is not None and str(known.document) == document:
                    continue
                task = tasks.get(told.task or "")
                for at in (*told.rest[:2], "" if task is None else task.at):
                    if names.filters.missing(workflow, at):
                        wanted[f"{workflow}.{at.partition('.')[0]}"] = (workflow, at)
        if wanted:
            texts = await self._live.ask("HMGET", part.keys.docs, *wanted)
            for (workflow, at), text in zip(wanted.values(), texts, strict=True):
                names.filters.give(workflow, at, text)


def _parts(shard: int, entries: Iterable[Entry]) -> list[Part]:
    by_number: dict[int, list[Entry]] = {}
    for entry in entries:
        by_number.setdefault(entry.number, []).append(entry)
    parts = []
    for number, mine in by_number.items():
        tasks = dict.fromkeys(told.task for entry in mine for told in entry.told if told.task)
        workers = dict.fromkeys(told.worker for entry in mine for told in entry.told if told.worker)
        parts.append(Part(WorkspaceKeys(shard, number), mine, list(tasks), list(workers)))
    return parts


def _packed(scene: Scene, entry: Entry, told: Told, late_ms: int) -> bytes | None:
    """The transition for the log; None for one that cannot be understood, which must not stop the others."""
    try:
        return scene.packed(entry, told, late_ms)
    except Exception:
        log.exception("a transition is left out of the log of %s: %s", scene.names.config.workspace.sid, told)
        return None


def _next(last: Place | None, at_ms: int) -> Place:
    """The place behind the last one; the log's clock does not go back."""
    if last is None or at_ms > last.ms:
        return Place(at_ms, 0, 0)
    return Place(last.ms, last.n + 1, 0)


def _logged(text: bytes | None) -> tuple[Place | None, int]:
    """The field `logged` of a Workspace: where its log ends, and the number of the transition there."""
    if text is None:
        return None, 0
    entry, _, seq = text.decode().partition("|")
    ms, _, n = entry.partition("-")
    return Place(int(ms), int(n), 0), int(seq)


def _gap(config: WorkspaceConfig, last_seq: int, told: Told) -> str:
    first, last = last_seq + 1, told.seq - 1
    return f"transitions {first} to {last} of {config.workspace.sid} are not in its log: no relay ran for too long"


def _deliveries(config: WorkspaceConfig, told: Told, place: Place) -> list[str]:
    """Kind and SID of each delivery that an entry of the log asks for."""
    workspace = config.workspace
    found = []
    if workspace.event_callback_url:
        wanted = None
        if workspace.events_filter is not None:
            wanted = {name.strip() for name in workspace.events_filter.split(",")}
        for sub, kind in enumerate(kinds_of(told)):
            one = TYPES[BY_NAME[kind]]
            if one.public and (wanted is None or kind in wanted):
                found += ["event", event_sid(Place(place.ms, place.n, sub), config.shard, workspace.number)]
    if told.kind == "reservation.created" and told.tag:
        workflow = config.workflows.get(told.tag[1])
        if workflow is not None and workflow.assignment_callback_url:
            found += ["assignment", event_sid(place, config.shard, workspace.number)]
    return found
