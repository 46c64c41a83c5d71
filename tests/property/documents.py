"""The Workflow documents of histories: two for each Workflow, so that Tasks may be on either."""

from __future__ import annotations

from typing import Any, Final

ALWAYS: Final = "1==1"
LEVEL: Final = "worker.level >= task.level"


def _filter(kind: str, *targets: dict[str, Any]) -> dict[str, Any]:
    return {"expression": f"kind == '{kind}'", "targets": list(targets)}


# A second filter for the same kind is reached by time-out or skip only.
MAIN: Final[dict[str, Any]] = {
    "task_routing": {
        "filters": [
            _filter("call", {"queue": "french", "expression": LEVEL, "priority": 5, "timeout": 10}),
            _filter("chat", {"queue": "all", "order_by": "worker.level DESC, worker.cost ASC"}),
            _filter("news", {"queue": "stack", "priority": 9}),
            _filter("load", {"queue": "all", "expression": "worker.channel.chat.assigned_tasks == 0"}),
            _filter(
                "busy",
                {
                    "queue": "stack",
                    "expression": "worker.channel.default.available_capacity_percentage < 100",
                },
            ),
            _filter("lunch", {"queue": "all", "expression": "worker.activity_name == 'Lunch'"}),
            _filter(
                "slow",
                {"queue": "french", "expression": LEVEL, "timeout": 5},
                {"queue": "stack", "priority": 1, "timeout": 5, "expression": "worker.level > task.level"},
                {"timeout": 10, "priority": 5, "skip_if": "workers.<Lunch> > 1"},
            ),
            _filter(
                "hop",
                {"queue": "french", "skip_if": "workers.available == 0", "timeout": 10},
                {"queue": "stack", "priority": 5, "skip_if": "workers.available < workers.unavailable"},
            ),
            _filter("vip", {"queue": "french", "known_worker_sid": "task.agent", "timeout": 5}),
            _filter("hop", {"queue": "french", "skip_if": ALWAYS, "expression": LEVEL}),
            _filter("slow", {"queue": "all", "expression": "worker.level == task.level", "timeout": 5}),
            _filter("vip", {"queue": "all", "known_worker_friendly_name": "task.name", "skip_if": ALWAYS}),
        ],
        "default_filter": {"queue": "all"},
    }
}
# The same with other steps, so that Tasks may be on either.
OTHER_MAIN: Final[dict[str, Any]] = {
    "task_routing": {
        "filters": [
            _filter(
                "slow",
                {"queue": "stack", "timeout": 10, "priority": 9, "skip_if": "workers.unavailable >= 2"},
                {"queue": "french", "timeout": 60},
            ),
            _filter("vip", {"queue": "stack", "known_worker_friendly_name": "task.name", "timeout": 10}),
            _filter("hop", {"queue": "stack", "skip_if": "workers.available == 0", "timeout": 5}),
            _filter("call", {"queue": "all", "order_by": "worker.cost"}),
        ],
        "default_filter": {"queue": "french", "priority": 1, "skip_if": ALWAYS},
    }
}
STRICT: Final[dict[str, Any]] = {
    "task_routing": {
        "filters": [
            _filter("call", {"queue": "stack", "priority": 1, "timeout": 5}),
            _filter("chat", {"queue": "french"}),
            _filter("hop", {"queue": "french", "expression": LEVEL, "skip_if": ALWAYS}),
            _filter("slow", {"queue": "french", "timeout": 5}, {"queue": "stack", "timeout": 5}),
        ]
    }
}
OTHER_STRICT: Final[dict[str, Any]] = {
    "task_routing": {
        "filters": [
            _filter("call", {"queue": "french", "timeout": 10}),
            _filter("slow", {"queue": "all", "expression": LEVEL, "skip_if": "workers.unavailable > 0"}),
        ]
    }
}
DOCUMENTS: Final = {"main": (MAIN, OTHER_MAIN), "strict": (STRICT, OTHER_STRICT)}
