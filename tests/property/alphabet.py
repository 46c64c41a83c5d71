"""What histories are made of: few values of each kind, so that they collide.

The Workspace has something of everything that decides a match: FIFO and LIFO queues, rounds, steps that rank Workers,
compare Task with Worker, read the Activity or the load, time out, are skipped, or want one known Worker.
"""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import strategies as st

from engine.model import Order
from tests.property.documents import DOCUMENTS
from tests.scenarios.site import Flow, Queue, Site

KINDS: Final = (
    "plain",
    "call",
    "chat",
    "news",
    "load",
    "busy",
    "lunch",
    "slow",
    "slow",
    "hop",
    "hop",
    "vip",
    "vip",
)
CHANNELS: Final = ("default", "chat")
WORKER_NAMES: Final = ("ann", "ANN", "bo", "cy", "di")
ACTIVITIES: Final = ("Available", "Offline", "Lunch")
# In a single-tasking Workspace these stand for them: what its queues move Workers to can be asked for as well.
SINGLE_NAMES: Final = {"Available": "Idle", "Busy": "Busy", "Offline": "Offline", "Lunch": "Lunch"}
MULTI_NAMES: Final = {"Available": "Available", "Busy": "Unavailable", "Offline": "Offline", "Lunch": "Lunch"}
WORKER_ATTRIBUTES: Final = (
    "{}",
    '{"skills": ["en"], "level": 1}',
    '{"skills": ["en", "fr"], "level": 2}',
    '{"skills": ["fr"], "level": 1, "cost": 3}',
    '{"skills": ["fr"], "level": "2"}',
    '{"skills": ["en"], "level": 2, "cost": "3"}',
)
ANSWER_S: Final = 5
TTLS_S: Final = (5, 10, 60, 86400)
STEPS_MS: Final = (1, 1000, 1000, 5000, 5000, 9999, 10_000, 60_000, 300_000, 86_400_000, 86_400_000)
TARGETS: Final = ("1==1", "1==1", "skills HAS 'fr'", "level >= 1", "activity_name != 'Lunch'")
QUEUES: Final = ("all", "french", "stack")
GHOST: Final = "0" * 32  # ends the SID of something that was never there


def task_attributes(kind: str, level: int, **more: Any) -> str:
    return json.dumps({"kind": kind, "level": level, **more})


def site_of(
    preferred: Order,
    optimized: tuple[str, ...],
    timeout_activity: str,
    rounds: tuple[int, int, int],
    single: bool,
) -> Site:
    """The Workspace of a history as it begins."""
    everyone, french, stack = rounds
    return Site(
        queues={
            "all": Queue(max_reserved=everyone),
            "french": Queue("skills HAS 'fr'", max_reserved=french),
            "stack": Queue("level >= 1", Order.LIFO, max_reserved=stack, assignment_activity="Lunch"),
        },
        workflows={"main": Flow(DOCUMENTS["main"][0], ANSWER_S), "strict": Flow(DOCUMENTS["strict"][0], 120)},
        preferred=preferred,
        optimized=optimized,
        timeout_activity="Idle" if single and timeout_activity == "Available" else timeout_activity,
        extra_activities={"Lunch": True},
        single=single,
    )


sites: Final = st.builds(
    site_of,
    st.sampled_from(Order),
    st.sampled_from([(), ("chat",), ("default", "chat")]),
    st.sampled_from(["Offline", "Lunch", "Available"]),
    st.sampled_from([(1, 1, 1), (1, 2, 1), (3, 1, 2), (2, 5, 5)]),
    st.sampled_from([False, False, True]),
)
picks: Final = st.integers(0, 11)  # which of the things at hand, modulo their number
kinds: Final = st.sampled_from(KINDS)
levels: Final = st.integers(0, 2)
worker_attributes: Final = st.sampled_from(WORKER_ATTRIBUTES)
activities: Final = st.sampled_from(ACTIVITIES)
channels: Final = st.sampled_from(CHANNELS)
priorities: Final = st.sampled_from([None, 0, 1, 5])
ages_ms: Final = st.sampled_from([None, 0, 1, 1000, 60_000])  # how long before now a virtual start lies
matches: Final = st.sampled_from([*[None] * 7, 0, 0, -1, 1])  # If-Match: none, or how far from the present
reasons: Final = st.sampled_from([None, "done", "later"])
steps_ms: Final = st.sampled_from(STEPS_MS)
