"""What the log shows of a transition: what the script told, and around it what the records say.

The records are read some milliseconds after the transition. What a later transition may have changed by then is told
by the script (queue, status, Activity); names and attributes are those found. What was deleted meanwhile is taken from
the entry that tells of its deletion, if that is in the same batch, and is else left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine.chronicle_entry import Entry, Told
from engine.event_types import BY_NAME, TYPES
from engine.events import PREVIOUS_QUEUE, facts_of, pack
from engine.filter_names import FilterNames
from engine.model import WorkspaceConfig

TASK_FIELDS: Final = ("p", "tag", "c", "attrs")
WORKER_FIELDS: Final = ("name", "attrs", "act", "s")
_DELETED: Final = frozenset({"task.deleted", "task.system-deleted"})
_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_texts: Final = msgspec.json.Decoder(dict[str, str]).decode


class TaskFacts(Struct, frozen=True):
    """A Task as it was found, or as its deletion tells."""

    tag: list[str]
    priority: str
    created_ms: int
    entered: str  # ms from there to its entry of the queue, "-" for none
    attributes: str
    at: str


class WorkerFacts(Struct, frozen=True):
    """A Worker as it was found, or as its deletion tells."""

    name: str
    attributes: str
    activity: str
    revision: str


def task_facts(reply: list[bytes | None]) -> TaskFacts | None:
    """From TASK_FIELDS."""
    place, tag, times, attributes = reply
    if place is None or tag is None or times is None or attributes is None:
        return None
    parts = place.decode().split("|")
    created, _, entered, _ = times.decode().split("|")
    return TaskFacts(tag.decode().split("|"), parts[0], int(created), entered, attributes.decode(), parts[6])


def worker_facts(reply: list[bytes | None]) -> WorkerFacts | None:
    """From WORKER_FIELDS."""
    name, attributes, activity, state = (None if value is None else value.decode() for value in reply)
    if name is None or attributes is None or activity is None or state is None:
        return None
    return WorkerFacts(name, attributes, activity, state.partition("|")[2])


class Scene:
    """The records around the transitions of one Workspace."""

    def __init__(
        self,
        config: WorkspaceConfig,
        tasks: Mapping[str, TaskFacts | None],
        workers: Mapping[str, WorkerFacts | None],
        filters: FilterNames,
        entries: Iterable[Entry],
    ) -> None:
        self.config, self.filters = config, filters
        self._tasks, self._workers = dict(tasks), dict(workers)
        self._gone: dict[str, dict[str, str]] = {}  # deleted records of the configuration
        for entry in entries:
            for told in entry.told:
                self._remember(told)

    def _remember(self, told: Told) -> None:
        """What only the entry of a deletion still knows."""
        if told.kind in _DELETED and len(told.rest) == 5:
            _, priority, created, entered, attributes = told.rest
            known = TaskFacts(told.tag, priority, int(created), entered, attributes, "")
            self._tasks[told.parts[0]] = self._tasks.get(told.parts[0]) or known
        elif told.kind == "worker.deleted" and len(told.parts) == 5:
            sid, activity, revision, length, text = told.parts
            raw, size = text.encode(), int(length)
            name, attributes = raw[:size].decode(), raw[size:].decode()
            self._workers[sid] = WorkerFacts(name, attributes, activity, revision)
        elif told.kind.endswith(".deleted") and len(told.parts) == 2:
            self._gone[told.parts[0]] = _texts(told.parts[1])

    def packed(self, entry: Entry, told: Told, late_ms: int) -> bytes:
        """The transition as the log keeps it."""
        sid = told.task
        task = None if sid is None else self._tasks.get(sid)
        data: dict[str, str] = {}
        if sid is not None:
            self._about_task(data, entry, told, sid, task)
        elif told.worker is not None:
            self._about_worker(data, told, told.worker)
        else:
            self._about_record(data, told)
        return pack(
            told.seq,
            kinds_of(told),
            data,
            late_ms=late_ms,
            created_ms=None if task is None else task.created_ms,
            entered_ms=_entered_ms(told, task),
        )

    def _about_task(
        self, data: dict[str, str], entry: Entry, told: Told, sid: str, task: TaskFacts | None
    ) -> None:
        data["task_sid"] = sid
        tag = told.tag or ([] if task is None else task.tag)
        if tag:
            self._queue(data, tag[0])
            self._workflow(data, tag[1])
            self._channel(data, tag[2])
        if task is not None:
            data["task_attributes"] = task.attributes
            data["task_priority"] = task.priority
        at = self._about_change(data, told)
        self._step(data, tag, at or ("" if task is None else task.at), at, task)
        self._who_has_it(data, entry, told)

    def _about_change(self, data: dict[str, str], told: Told) -> str:
        """What the script told of the Task itself. Returns where it stands, if the transition is about that."""
        status, rest, at = TYPES[BY_NAME[told.kind]].task_status, told.rest, ""
        match told.kind:
            case "task.created":
                data["task_priority"] = rest[0]
                at = rest[1] if len(rest) > 1 else ""
            case "task-queue.timeout" | "workflow.target-matched":
                at = rest[0] if rest else ""
            case "task-queue.moved":
                before: dict[str, str] = {}
                self._queue(before, told.parts[1])
                data |= {name: before[shown] for name, shown in PREVIOUS_QUEUE.items() if shown in before}
            case "task.canceled" | "task.completed":
                if rest and rest[0]:
                    data[told.kind.replace(".", "_") + "_reason"] = rest[0]
            case "task.alert":
                data["alert_code"] = told.parts[1]
            case "reservation.instruction":
                data["setup_sid"], data["instruction"] = told.parts[3], told.parts[4]
            case _:
                status = rest[0] if rest else status
        if status:
            data["task_assignment_status"] = status
        return at

    def _who_has_it(self, data: dict[str, str], entry: Entry, told: Told) -> None:
        """The Reservation and its Worker; an end of the work is told right behind that of the Reservation."""
        about: Told | None = told
        if told.kind in {"task.completed", "task.wrapup"}:
            same = (
                one for one in entry.told if one.kind.startswith("reservation.") and one.task == told.task
            )
            about = next((one for one in same if one.seq < told.seq), None)
        elif told.kind.startswith("reservation.") and told.worker is not None:
            data["reservation_sid"] = told.parts[0]
        if about is not None and about.worker is not None:
            self._worker(data, about.worker)

    def _step(
        self, data: dict[str, str], tag: list[str], where: str, at: str, task: TaskFacts | None
    ) -> None:
        """The filter that a Task matched, where the transition is about that, and the Worker its step asks for."""
        if not tag:
            return
        step = self.filters.find(tag[1], where)
        if step is None:
            return
        if at:
            if step.filter_name is not None:
                data["workflow_filter_name"] = step.filter_name
            if step.expression is not None:
                data["workflow_filter_expression"] = step.expression
        if step.known_worker is not None and task is not None:
            known = step.known_worker(_object(task.attributes))
            if known is not None:
                data["known_worker_sid"] = known

    def _about_worker(self, data: dict[str, str], told: Told, sid: str) -> None:
        self._worker(data, sid)
        parts = told.parts
        if told.kind in {"worker.created", "worker.activity.update"}:
            self._activity(data, "worker_activity", parts[1])
        if told.kind == "worker.activity.update" and len(parts) == 4:
            self._activity(data, "worker_previous_activity", parts[2])
            data["worker_time_in_previous_activity_ms"] = str(max(0, told.at_ms - int(parts[3])))
        if told.kind in {"worker.capacity.update", "worker.channel.availability.update"} and len(parts) == 6:
            _, channel, capacity, available, assigned, before = parts
            self._channel(data, channel)
            data["worker_channel_available"] = "true" if available == "1" else "false"
            data["worker_channel_available_capacity"] = capacity
            data["worker_channel_task_count"] = assigned
            if told.kind == "worker.capacity.update":
                data["worker_channel_previous_capacity"] = before

    def _worker(self, data: dict[str, str], sid: str) -> None:
        data["worker_sid"] = sid
        worker = self._workers.get(sid)
        if worker is not None:
            data["worker_name"], data["worker_attributes"] = worker.name, worker.attributes
            data["worker_version"] = worker.revision
            self._activity(data, "worker_activity", worker.activity)

    def _about_record(self, data: dict[str, str], told: Told) -> None:
        sid = told.parts[0]
        if len(told.parts) == 2:
            data |= _texts(told.parts[1])
        elif not sid.startswith("WS"):
            data |= self._record(sid)

    def _record(self, sid: str) -> dict[str, str]:
        """What is shown of a Task Channel, TaskQueue, Workflow or Activity; {} for one that nobody knows."""
        config = self.config
        for table in (config.queues, config.workflows, config.channels, config.activities):
            if sid in table:
                return facts_of(table[sid])
        return self._gone.get(sid, {})

    def _queue(self, data: dict[str, str], sid: str) -> None:
        if sid != "-":
            data |= self._record(sid) or {"task_queue_sid": sid}

    def _workflow(self, data: dict[str, str], sid: str) -> None:
        data |= self._record(sid) or {"workflow_sid": sid}

    def _channel(self, data: dict[str, str], number: str) -> None:
        channel = self.config.channel_numbered(int(number))
        if channel is not None:
            data["task_channel_sid"], data["task_channel_unique_name"] = channel.sid, channel.unique_name

    def _activity(self, data: dict[str, str], name: str, sid: str) -> None:
        data[f"{name}_sid"] = sid
        known = self._record(sid).get("activity_name")
        if known is not None:
            data[f"{name}_name"] = known


def kinds_of(told: Told) -> list[str]:
    """The events that a transition is (semantics 6.11), causes first."""
    queue = told.tag[0] if told.tag else "-"
    entered = [] if queue == "-" else ["task-queue.entered"]
    if told.kind == "task-queue.moved":
        return (["task-queue.moved"] if told.parts[1] != "-" else []) + entered
    if told.kind != "task.created":
        return [told.kind]
    at = told.rest[1] if len(told.rest) > 1 else ""
    by_workflow = ["workflow.entered", "workflow.target-matched"] if len(at) > 1 else []
    return ["task.created", *by_workflow, *entered]


def _entered_ms(told: Told, task: TaskFacts | None) -> int | None:
    """When the Task came to the queue it was in then; None if it has been in another one since, or in none."""
    if told.kind in {"task.created", "task-queue.moved"}:
        return told.at_ms if told.tag and told.tag[0] != "-" else None
    if task is None or task.entered == "-" or (told.tag and told.tag[0] != task.tag[0]):
        return None
    entered_ms = task.created_ms + int(task.entered)
    return entered_ms if entered_ms <= told.at_ms else None
