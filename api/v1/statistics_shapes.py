"""What the JSON of all statistics is made of: parameters in, figures out.

Seconds are whole everywhere, cut and not rounded; only averages inside the `cumulative` of a combined view have
decimals, as clients know them from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.call import Call
from api.forms import Form
from api.render import iso
from engine.cumulative import KEPT_MINUTES, RESERVATIONS, TASKS, Durations, Interval, Tally
from engine.model import WorkspaceConfig
from engine.realtime import First, OpenTasks
from engine.statistics import Asked

WINDOW: Final = ("EndDate", "Minutes", "StartDate", "TaskChannel", "SplitByWaitTime")
_TASKS_IN: Final = ("tasks_canceled", "tasks_completed", "tasks_deleted", "tasks_moved")


def task_channel(query: Form) -> str | None:
    """The Task Channel that narrows a view, by SID or unique name."""
    return query.filter("TaskChannel")


def asked(query: Form, *, split: bool = True) -> Asked:
    """The interval, Task Channel and thresholds of a request; `split` False for views that have no thresholds."""
    return Asked(
        task_channel=task_channel(query),
        minutes=query.integer("Minutes", 1, KEPT_MINUTES),
        start_ms=query.instant_ms("StartDate"),
        end_ms=query.instant_ms("EndDate"),
        split_by_wait_time=query.filter("SplitByWaitTime") if split else None,
    )


def frame(call: Call, config: WorkspaceConfig) -> dict[str, Any]:
    """What every view has around its figures."""
    return {
        "account_sid": config.workspace.account_sid,
        "workspace_sid": config.workspace.sid,
        "url": f"{call.base}{call.path}",
    }


# ---- real time


def open_tasks(tasks: OpenTasks, now_ms: int) -> dict[str, Any]:
    """Open Tasks by status and priority, and the one that has waited longest since its creation."""
    age_s, sid = _longest(tasks.oldest, now_ms)
    return {
        "longest_task_waiting_age": age_s,
        "longest_task_waiting_sid": sid,
        "tasks_by_priority": {str(priority): count for priority, count in sorted(tasks.by_priority.items())},
        "tasks_by_status": tasks.by_status,
        "total_tasks": tasks.total,
    }


def in_queue(tasks: OpenTasks, now_ms: int) -> dict[str, Any]:
    """The one that has waited longest since it entered the TaskQueue."""
    age_s, sid = _longest(tasks.longest_here, now_ms)
    return {"longest_relative_task_age_in_queue": age_s, "longest_relative_task_sid_in_queue": sid}


def _longest(first: First | None, now_ms: int) -> tuple[int, str | None]:
    return (0, None) if first is None else (max(0, now_ms - first[0]) // 1_000, first[1])


def activity_statistics(config: WorkspaceConfig, workers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Workers by Activity."""
    return [
        {"friendly_name": activity.friendly_name, "sid": sid, "workers": workers.get(sid, 0)}
        for sid, activity in config.activities.items()
    ]


# ---- cumulative


def interval(used: Interval) -> dict[str, str]:
    """The interval that was used."""
    return {"start_time": iso(used.start_ms), "end_time": iso(used.end_ms)}


def reservations(tally: Tally) -> dict[str, int]:
    """Reservations by what became of them."""
    return {name: tally.count(kinds) for name, kinds in RESERVATIONS.items()}


def tasks(tally: Tally, *, also: tuple[str, ...], entered: str | None = None, whole: bool) -> dict[str, Any]:
    """What became of Tasks, and how long they waited.

    `also` are counts that only this scope has, `entered` the type of the event that says that a Task entered it.
    `whole` cuts averages to whole seconds.
    """
    counts = {name: tally.count(TASKS[name]) for name in (*_TASKS_IN, *also)}
    if entered is not None:
        counts["tasks_entered"] = tally.events[entered]
    return {
        **counts,
        **reservations(tally),
        "avg_task_acceptance_time": _average(tally.accepted, whole=whole),
        "split_by_wait_time": _split(tally),
        "wait_duration_until_accepted": duration(tally.accepted, whole=whole),
        "wait_duration_until_canceled": duration(tally.canceled, whole=whole),
    }


def duration(durations: Durations, *, whole: bool) -> dict[str, int | float]:
    """Average, least, greatest and sum, in seconds."""
    return {
        "avg": _average(durations, whole=whole),
        "min": durations.min_ms // 1_000,
        "max": durations.max_ms // 1_000,
        "total": durations.total_ms // 1_000,
    }


def activity_durations(
    config: WorkspaceConfig, found: Mapping[str, Durations], *, whole: bool
) -> list[dict[str, Any]]:
    """Stretches of time by Activity, all of them listed."""
    nothing = Durations()
    return [
        {"sid": sid, "friendly_name": activity.friendly_name} | duration(found.get(sid, nothing), whole=whole)
        for sid, activity in config.activities.items()
    ]


def _average(durations: Durations, *, whole: bool) -> int | float:
    return int(durations.avg_ms // 1_000) if whole else round(durations.avg_ms / 1_000, 3)


def _split(tally: Tally) -> dict[str, Any] | None:
    """None where no thresholds were asked for."""
    kinds = ("tasks_canceled", "reservations_accepted")
    return {
        str(seconds): {
            side: {kind: counts[kind] for kind in kinds}
            for side, counts in (("above", split.above), ("below", split.below))
        }
        for seconds, split in tally.split.items()
    } or None
