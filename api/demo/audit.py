"""The audit: asks the API what became of every Task, and believes nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from api.demo.client import Client

READERS: Final = 16  # requests at a time


async def audit(client: Client, created: Sequence[str]) -> list[str]:
    """What is wrong, one line each; empty when every created Task was completed exactly once.

    Reads the whole Task list page by page, then the Reservations of each Task.
    """
    tasks = await client.pages("/Tasks", "tasks")
    wrong = list(_compare([task["sid"] for task in tasks], created))
    rest = iter(tasks)

    async def reader() -> None:
        for task in rest:  # shared: each takes the next one
            reservations = await client.pages(f"/Tasks/{task['sid']}/Reservations", "reservations")
            wrong.extend(judge(task, reservations))

    async with asyncio.TaskGroup() as group:
        for _ in range(READERS):
            group.create_task(reader())
    return wrong


def judge(task: dict[str, Any], reservations: Sequence[dict[str, Any]]) -> list[str]:
    """What is wrong with one Task: its status, and the number of its completed and open Reservations."""
    states = [reservation["reservation_status"] for reservation in reservations]
    completed = states.count("completed")
    still_open = sum(states.count(state) for state in ("pending", "accepted", "wrapping"))
    wrong = []
    if task["assignment_status"] != "completed":
        wrong.append(f"{task['sid']} is {task['assignment_status']}")
    if completed != 1:
        wrong.append(f"{task['sid']} has {completed} completed Reservations")
    if still_open:
        wrong.append(f"{task['sid']} has {still_open} open Reservations")
    return wrong


def _compare(listed: Sequence[str], created: Sequence[str]) -> Iterable[str]:
    yield from (f"{sid} was created and is not listed" for sid in sorted(set(created) - set(listed)))
    yield from (f"{sid} is listed and was not created" for sid in sorted(set(listed) - set(created)))
    if len(listed) != len(set(listed)):
        yield f"the list has {len(listed) - len(set(listed))} Tasks twice"
