"""Replications of a case: on the engine, side by side on one server, and on routers in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import uvloop
from msgspec import Struct

from tests.theory.cases import CASES, Case
from tests.theory.centre import Centre, server
from tests.theory.load import Arrival, arrivals
from tests.theory.plain import Plain, Way
from tests.theory.play import Play
from tests.theory.tally import Tally


class Played(Struct):
    """Some replications of one case; `differs` says where the engine first did other than the plain router."""

    tallies: list[Tally]
    routed: int  # Tasks that were served, those of the warm-up included
    differs: str = ""


async def on_engine(case: Case, numbers: Sequence[int], warm_up: int, tasks: int) -> Played:
    """Replications of `tasks` Tasks each, at most 16, by their numbers, which make the seeds.

    Each is played again by the plain router, which has to offer every Task to the same Worker at the same instant.
    """
    with server() as url:
        plays = (
            _on_engine(case, url, database, number, warm_up, tasks) for database, number in enumerate(numbers)
        )
        tallies = await asyncio.gather(*plays)
    differs = ""
    for number, tally in zip(numbers, tallies, strict=True):
        plain = await in_memory(case, Way.RIGHT, number, warm_up, tasks)
        differs = differs or difference(number, tally, plain)
    played = Played(list(tallies), sum(len(tally.starts) for tally in tallies), differs)
    for tally in tallies:
        tally.starts = []  # long, and of no more use
    return played


async def in_memory(case: Case, way: Way, number: int, warm_up: int, tasks: int) -> Tally:
    """One replication by a router in memory. 40 us a Task."""
    router = Plain(case.system, way)
    play = Play(case.system, router, _load(case, number), trusting=way is not Way.RIGHT)
    return await play.run(warm_up, tasks)


def engine_job(case: int, numbers: Sequence[int], tasks: int) -> Played:
    """For a process of its own: `case` by its place in CASES."""
    return uvloop.run(on_engine(CASES[case], numbers, CASES[case].warm_up, tasks))


def memory_job(case: int, way: Way, numbers: Sequence[int], tasks: int) -> list[Tally]:
    found = CASES[case]

    async def plays() -> list[Tally]:
        return [await in_memory(found, way, number, found.warm_up, tasks) for number in numbers]

    tallies = asyncio.run(plays())
    for tally in tallies:
        tally.starts = []
    return tallies


async def _on_engine(case: Case, url: str, database: int, number: int, warm_up: int, tasks: int) -> Tally:
    async with Centre(url, database, case.system) as centre:
        return await Play(case.system, centre, _load(case, number)).run(warm_up, tasks)


def _load(case: Case, number: int) -> Iterator[Arrival]:
    return arrivals(case.system, f"{case.system.name} {number}")


def difference(number: int, engine: Tally, plain: Tally) -> str:
    """Where the engine first did something else; empty if nowhere."""
    for ours, right in zip(engine.starts, plain.starts, strict=True):
        if ours != right:
            return f"replication {number}: (Task, Worker, ms) is {ours}, not {right}"
    return ""
