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
from engine.config_names import ConfigNames
from engine.event_types import BY_NAME, TYPES
from engine.events import PREVIOUS_QUEUE, Packed, pack, squeezed

TASK_FIELDS: Final = ("p", "tag", "c", "attrs")
WORKER_FIELDS: Final = ("name", "attrs", "act", "s")
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
    """The records around the transitions of one Workspace. What is shown of a record is packed once."""

    def __init__(
        self,
        names: ConfigNames,
        tasks: Mapping[str, TaskFacts | None],
        workers: Mapping[str, WorkerFacts | None],
        entries: Iterable[Entry],
    ) -> None:
        self.names = names
        self._tasks, self._workers = dict(tasks), dict(workers)
        self._packed_tasks: dict[str, Packed] = {}
        self._packed_workers: dict[str, Packed] = {}
        for entry in entries:
            for told in entry.told:
                if told.kind.endswith("deleted"):
                    self._remember(told)

    def _remember(self, told: Told) -> None:
        """What only the entry of a deletion still knows."""
        if told.task is not None and len(told.rest) == 5:
            _, priority, created, entered, attributes = told.rest
            known = TaskFacts(told.tag, priority, int(created), entered, attributes, "")
            self._tasks[told.task] = self._tasks.get(told.task) or known
        elif told.kind == "worker.deleted" and len(told.parts) == 5:
            sid, activity, revision, length, text = told.parts
            raw, size = text.encode(), int(length)
            name, attributes = raw[:size].decode(), raw[size:].decode()
            self._workers[sid] = WorkerFacts(name, attributes, activity, revision)
        elif told.task is None and told.worker is None and len(told.parts) == 2:
            self.names.remember(told.parts[0], _texts(told.parts[1]))

    def packed(self, entry: Entry, told: Told, late_ms: int) -> bytes:
        """The transition as the log keeps it."""
        task = None if told.task is None else self._tasks.get(told.task)
        facts: Packed = {}
        own: dict[str, str] = {}  # what this transition says wins over what the records say
        if told.task is not None:
            self._about_task(facts, own, entry, told, task)
        elif told.worker is not None:
            self._about_worker(facts, own, told, told.worker)
        elif len(told.parts) == 2:
            own = _texts(told.parts[1])
        else:
            facts |= self.names.record(told.parts[0])
        facts |= squeezed(own)
        entered_ms = _entered_ms(told, task)
        created_ms = None if task is None else task.created_ms
        return pack(
            told.seq, kinds_of(told), facts, late_ms=late_ms, created_ms=created_ms, entered_ms=entered_ms
        )

    def _about_task(
        self, facts: Packed, own: dict[str, str], entry: Entry, told: Told, task: TaskFacts | None
    ) -> None:
        assert told.task is not None
        facts |= self._task(told.task, task)
        tag = told.tag or ([] if task is None else task.tag)
        if tag:
            queue, workflow, channel, _ = tag
            if queue != "-":
                facts |= self.names.record(queue) or squeezed({"task_queue_sid": queue})
            facts |= self.names.record(workflow) or squeezed({"workflow_sid": workflow})
            facts |= self.names.channel(channel)
        at = self._about_change(own, told)
        if tag:
            self._step(own, tag, at, task)
        if told.worker is not None:
            own["reservation_sid"] = told.parts[0]
            facts |= self._worker(told.worker)
        elif told.kind in {"task.completed", "task.wrapup"}:
            # That of the Reservation is told right before.
            same = (
                one.worker
                for one in entry.told
                if one.worker and one.task == told.task and one.seq < told.seq
            )
            worker = next(same, None)
            facts |= {} if worker is None else self._worker(worker)

    def _task(self, sid: str, task: TaskFacts | None) -> Packed:
        known = self._packed_tasks.get(sid)
        if known is None:
            shown = {"task_sid": sid}
            if task is not None:
                shown |= {"task_attributes": task.attributes, "task_priority": task.priority}
            known = self._packed_tasks[sid] = squeezed(shown)
        return known

    def _about_change(self, own: dict[str, str], told: Told) -> str:
        """What the script told of the Task itself. Returns where it stands, if the transition is about that."""
        status, rest, at = TYPES[BY_NAME[told.kind]].task_status, told.rest, ""
        match told.kind:
            case "task.created":
                own["task_priority"] = rest[0]
                at = rest[1] if len(rest) > 1 else ""
            case "task-queue.timeout" | "workflow.target-matched":
                at = rest[0] if rest else ""
            case "task-queue.moved":
                if told.parts[1] != "-":
                    before = self.names.facts(told.parts[1]) or {"task_queue_sid": told.parts[1]}
                    own |= {name: before[shown] for name, shown in PREVIOUS_QUEUE.items() if shown in before}
            case "task.canceled" | "task.completed":
                if rest and rest[0]:
                    own[told.kind.replace(".", "_") + "_reason"] = rest[0]
            case "task.alert":
                own["alert_code"] = told.parts[1]
            case "reservation.instruction":
                own["setup_sid"], own["instruction"] = told.parts[3], told.parts[4]
            case _:
                status = rest[0] if rest else status
        if status:
            own["task_assignment_status"] = status
        return at

    def _step(self, own: dict[str, str], tag: list[str], at: str, task: TaskFacts | None) -> None:
        """The filter that a Task matched, where the transition is about that, and the Worker its step asks for."""
        filters, where = self.names.filters, at or ("" if task is None else task.at)
        if not at and not filters.may_ask_for_workers(tag[1], tag[3]):
            return
        step = filters.find(tag[1], where)
        if step is None:
            return
        if at:
            if step.filter_name is not None:
                own["workflow_filter_name"] = step.filter_name
            if step.expression is not None:
                own["workflow_filter_expression"] = step.expression
        if step.known_worker is not None and task is not None:
            known = step.known_worker(_object(task.attributes))
            if known is not None:
                own["known_worker_sid"] = known

    def _about_worker(self, facts: Packed, own: dict[str, str], told: Told, sid: str) -> None:
        facts |= self._worker(sid)
        parts = told.parts
        if told.kind in {"worker.created", "worker.activity.update"}:
            own |= self.names.activity("worker_activity", parts[1])
        if told.kind == "worker.activity.update" and len(parts) == 4:
            own |= self.names.activity("worker_previous_activity", parts[2])
            own["worker_time_in_previous_activity_ms"] = str(max(0, told.at_ms - int(parts[3])))
        if told.kind in {"worker.capacity.update", "worker.channel.availability.update"} and len(parts) == 6:
            _, channel, capacity, available, assigned, before = parts
            facts |= self.names.channel(channel)
            own["worker_channel_available"] = "true" if available == "1" else "false"
            own["worker_channel_available_capacity"] = capacity
            own["worker_channel_task_count"] = assigned
            if told.kind == "worker.capacity.update":
                own["worker_channel_previous_capacity"] = before

    def _worker(self, sid: str) -> Packed:
        known = self._packed_workers.get(sid)
        if known is None:
            shown, worker = {"worker_sid": sid}, self._workers.get(sid)
            if worker is not None:
                shown |= {"worker_name": worker.name, "worker_attributes": worker.attributes}
                shown |= {
                    "worker_version": worker.revision,
                    **self.names.activity("worker_activity", worker.activity),
                }
            known = self._packed_workers[sid] = squeezed(shown)
        return known


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
