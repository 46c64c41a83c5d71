"""What histories are made of: few values of each kind, so that they collide.

The Workspace has something of everything that decides a match: FIFO and LIFO queues, a step that ranks
Workers, one that compares Task with Worker, one that reads the Activity, and two that read the load.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from engine.model import Order
from tests.scenarios.site import Flow, Queue, Site

KINDS: Final = ("plain", "call", "chat", "news", "load", "busy", "lunch")
CHANNELS: Final = ("default", "chat")
WORKER_NAMES: Final = ("ann", "ANN", "bo", "cy", "di")
ACTIVITIES: Final = ("Available", "Offline", "Lunch")
WORKER_ATTRIBUTES: Final = (
    "{}",
    '{"skills": ["en"], "level": 1}',
    '{"skills": ["en", "fr"], "level": 2}',
    '{"skills": ["fr"], "level": 1, "cost": 3}',
    '{"skills": ["fr"], "level": "2"}',
)
ANSWER_S: Final = 10
TTLS_S: Final = (5, 10, 60, 86400)
STEPS_MS: Final = (1, 1000, 1000, 5000, 5000, 9999, 10_000, 60_000, 300_000, 86_400_000)


def _step(kind: str, queue: str, **step: object) -> dict[str, object]:
    return {"expression": f"kind == '{kind}'", "targets": [{"queue": queue, **step}]}


MAIN: Final[dict[str, object]] = {
    "task_routing": {
        "filters": [
            _step("call", "french", expression="worker.level >= task.level", priority=5),
            _step("chat", "all", order_by="worker.level DESC, worker.cost ASC"),
            _step("news", "stack", priority=9),
            _step("load", "all", expression="worker.channel.chat.assigned_tasks == 0"),
            _step("busy", "stack", expression="worker.channel.default.available_capacity_percentage < 100"),
            _step("lunch", "all", expression="worker.activity_name == 'Lunch'"),
        ],
        "default_filter": {"queue": "all"},
    }
}
STRICT: Final[dict[str, object]] = {
    "task_routing": {"filters": [_step("call", "stack", priority=1), _step("chat", "french")]}
}
QUEUES: Final = {
    "all": Queue(),
    "french": Queue("skills HAS 'fr'"),
    "stack": Queue("level >= 1", Order.LIFO),
}


def task_attributes(kind: str, level: int) -> str:
    return f'{{"kind": "{kind}", "level": {level}}}'


def site_of(preferred: Order, optimized: tuple[str, ...], timeout_activity: str) -> Site:
    """The Workspace of a history; what varies is what no call can change later."""
    return Site(
        queues=QUEUES,
        workflows={"main": Flow(MAIN, ANSWER_S), "strict": Flow(STRICT, 120)},
        preferred=preferred,
        optimized=optimized,
        timeout_activity=timeout_activity,
        extra_activities={"Lunch": True},
    )


sites: Final = st.builds(
    site_of,
    st.sampled_from(Order),
    st.sampled_from([(), ("chat",), ("default", "chat")]),
    st.sampled_from(["Offline", "Lunch", "Available"]),
)
picks: Final = st.integers(0, 11)  # which of the things at hand, modulo their number
attributes: Final = st.builds(task_attributes, st.sampled_from(KINDS), st.integers(0, 2))
worker_attributes: Final = st.sampled_from(WORKER_ATTRIBUTES)
activities: Final = st.sampled_from(ACTIVITIES)
channels: Final = st.sampled_from(CHANNELS)
priorities: Final = st.sampled_from([None, 0, 1, 5])
ages_ms: Final = st.sampled_from([None, 0, 1, 1000, 60_000])  # how long before now a virtual start lies
matches: Final = st.sampled_from([*[None] * 7, 0, 0, -1, 1])  # If-Match: none, or how far from the present
reasons: Final = st.sampled_from([None, "done", "later"])
steps_ms: Final = st.sampled_from(STEPS_MS)
