"""A contact centre run by the unmodified client from the first call to the last, and every Task checked."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

TASKS, WORKERS = 200, 10
LIMIT_S = 60.0

# Ada to Eve speak English, the others French; two of each are experts.
LEVELS = (1, 2, 3, 4, 5)


def _document(english: str, french: str) -> str:
    return json.dumps(
        {
            "task_routing": {
                "filters": [
                    {
                        "filter_friendly_name": "English",
                        "expression": "language == 'en'",
                        "targets": [
                            {"queue": english, "expression": "worker.level >= task.level", "priority": 1}
                        ],
                    },
                    {
                        "filter_friendly_name": "French",
                        "expression": "language == 'fr'",
                        "targets": [{"queue": french, "order_by": "worker.level DESC"}],
                    },
                ]
            }
        }
    )


def test_every_task_reaches_a_worker_that_the_rules_name_and_is_completed_once(client: Client) -> None:
    workspaces = client.taskrouter.v1.workspaces
    workspace: Any = workspaces.create("Contact centre", template="FIFO")
    assert [queue.friendly_name for queue in workspace.task_queues.list()] == ["Sample Queue"]
    english = workspace.task_queues.create("English", target_workers="skills HAS 'en'")
    french = workspace.task_queues.create("French", target_workers="skills HAS 'fr'")
    workflow = workspace.workflows.create("Languages", _document(english.sid, french.sid))
    available = next(activity for activity in workspace.activities.list() if activity.available)
    workers = {}
    for index in range(WORKERS):
        skills, level = ["en" if index < WORKERS // 2 else "fr"], LEVELS[index % len(LEVELS)]
        created = workspace.workers.create(
            f"worker {index}",
            activity_sid=available.sid,
            attributes=json.dumps({"skills": skills, "level": level}),
        )
        workers[created.sid] = (skills[0], level)
    wanted = {}
    for index in range(TASKS):
        language, level = ("en", index % 5 + 1) if index % 2 else ("fr", 1)
        task = workspace.tasks.create(
            attributes=json.dumps({"language": language, "level": level}), workflow_sid=workflow.sid
        )
        assert task.assignment_status == "pending"
        wanted[task.sid] = (language, level)

    finished = Counter(_work_off(workspace, list(workers), wanted, workers))
    assert set(finished) == set(wanted)
    assert set(finished.values()) == {1}

    listed = list(workspace.tasks.stream(page_size=37))
    assert [task.sid for task in listed] == list(wanted)
    assert {task.assignment_status for task in listed} == {"completed"}
    assert {task.priority for task in listed if task.task_queue_sid == english.sid} == {1}
    with pytest.raises(TwilioRestException) as refused:
        workspace.tasks(listed[0].sid).update(assignment_status="canceled")
    assert (refused.value.status, refused.value.code) == (400, 20001)
    assert workspace.delete()
    with pytest.raises(TwilioRestException) as gone:
        workspace.tasks(listed[0].sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)


def _work_off(
    workspace: Any, sids: list[str], wanted: dict[str, tuple[str, int]], workers: dict[str, tuple[str, int]]
) -> list[str]:
    """Every Worker accepts and completes what it is offered until nothing is left; the Tasks finished."""
    finished: list[str] = []
    deadline_s = time.monotonic() + LIMIT_S
    while len(finished) < len(wanted) and time.monotonic() < deadline_s:
        for sid in sids:
            for offer in workspace.workers(sid).reservations.list(reservation_status="pending"):
                language, level = wanted[offer.task_sid]
                speaks, able = workers[sid]
                assert speaks == language
                assert language == "fr" or able >= level
                assert offer.update(reservation_status="accepted").reservation_status == "accepted"
                assert offer.update(reservation_status="completed").reservation_status == "completed"
                finished.append(offer.task_sid)
    return finished
