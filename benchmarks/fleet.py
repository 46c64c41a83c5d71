"""A large contact centre in memory: Workers with the attributes people give them, and pools people's rules make."""

from __future__ import annotations

import random
from typing import Any, Final

from msgspec import Struct

from engine.rules import (
    ChannelFacts,
    Condition,
    Identity,
    Place,
    Specialiser,
    WorkerFacts,
    parse_expression,
    parse_order_by,
)

LANGUAGES: Final = ("en", "fr", "de", "es", "it", "pt", "nl", "pl", "sv", "da", "fi", "cs")
SKILLS: Final = 200
SITES: Final = 40
TEAMS: Final = 1_000


def sid(number: int) -> str:
    """The SID of a Worker that exists in memory only."""
    return f"WK{number:032x}"


def attributes(chance: random.Random, number: int) -> dict[str, Any]:
    """What one Worker might have: arrays, numbers, texts and an object, some 300 bytes of JSON."""
    return {
        "skills": [f"skill{chance.randrange(SKILLS)}" for _ in range(chance.randint(1, 6))],
        "languages": [chance.choice(LANGUAGES) for _ in range(chance.randint(1, 3))],
        "site": f"site{chance.randrange(SITES)}",
        "team": f"team{chance.randrange(TEAMS)}",
        "level": chance.randint(1, 10),
        "months": chance.randint(0, 240),
        "certified": chance.random() < 0.5,
        "agent_id": f"agent{number:06d}",
        "contact_uri": f"client:agent{number:06d}",
        "address": {"city": f"city{chance.randrange(300)}"},
    }


def worker(
    chance: random.Random, number: int, activity: tuple[str, str], channels: dict[str, ChannelFacts]
) -> WorkerFacts:
    """A Worker with random attributes; its number is in its SID, its name and its agent_id."""
    return WorkerFacts(sid(number), f"worker {number}", *activity, attributes(chance, number), channels)


class Shape(Struct, frozen=True):
    """A kind of pool: what TargetWorkers, a step's expression and its order_by ask for.

    In the target `S`, `L` and `P` stand for a random skill, language and place (site); the Task brings the rest.
    """

    name: str
    target: str
    step: str | None = None
    order: str = ""
    known: str = ""  # the key by which the step knows its Worker


SHAPES: Final = (
    Shape("a skill", "skills HAS 'S'"),
    Shape("skill and language", "skills HAS 'S' AND languages HAS 'L'"),
    Shape("skill and level", "skills HAS 'S' AND level >= 5"),
    Shape("some sites, a language", "site IN ['P', 'site1', 'site2'] AND languages HAS 'L'"),
    Shape("either skill, not a site", "(skills HAS 'S' OR skills HAS 'skill1') AND NOT site == 'P'"),
    Shape("skill below an object", "skills HAS 'S' AND address.city != 'city5'"),
    Shape("by the Task's needs", "languages HAS 'L'", "worker.skills HAS task.skill AND worker.level > task.level"),
    Shape("preferred agents", "1 == 1", "worker.agent_id IN task.agents"),
    Shape("ranges", "level >= 10 AND months > 200", "worker.site == task.site"),
    Shape("part of a text", "contact_uri CONTAINS 'agent0'", "worker.team == task.team"),
    Shape("skill, in an order", "skills HAS 'S'", None, "worker.level DESC, worker.months ASC"),
    Shape("skill, by load", "skills HAS 'S'", "worker.channel.chat.assigned_tasks == 0"),
    Shape("a known SID", "skills HAS 'S'", known="sid"),
    Shape("a known name", "languages HAS 'L'", known="friendly_name"),
)  # fmt: skip
KNOWN: Final = SHAPES[-2:]


class Made(Struct, frozen=True):
    """What one pool needs of its Workers, and their order."""

    condition: Condition
    order: str


def pool(shape: Shape, chance: random.Random, workers: int) -> Made:
    """One pool of a shape, as a Task with random values asks for it."""
    target = shape.target.replace("'S'", f"'skill{chance.randrange(SKILLS)}'")
    target = target.replace("'L'", f"'{chance.choice(LANGUAGES)}'").replace(
        "'P'", f"'site{chance.randrange(SITES)}'"
    )
    number = chance.randrange(workers)
    task = {
        "skill": f"skill{chance.randrange(SKILLS)}",
        "level": chance.randint(1, 9),
        "agents": [f"agent{chance.randrange(workers):06d}" for _ in range(5)],
        "site": f"site{chance.randrange(SITES)}",
        "team": f"team{chance.randrange(TEAMS)}",
    }
    names: dict[str, Identity | None] = {
        "sid": ("sid", sid(number)),
        "friendly_name": ("friendly_name", f"worker {number}"),
    }
    specialiser = Specialiser(
        parse_expression(target, Place.TARGET_WORKERS),
        parse_expression(shape.step, Place.STEP) if shape.step is not None else None,
    )
    order = parse_order_by(shape.order).key if shape.order else ""
    return Made(specialiser.of(task, names.get(shape.known)), order)
