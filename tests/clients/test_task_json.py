"""The fast rendering of a Task: the same JSON as the plain way would give, whatever its texts hold."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from api.v1 import task_json
from api.v1.task_json import TaskJSON
from engine.model import TaskQueue, TaskStatus, WorkspaceConfig
from tests.clients.fields import complaints
from tests.clients.test_doors import CONFIG, DATES, T0_MS, TASK, WQ, WS, WT

BASE = "http://router.example"
ODD = '100% "sure" %s %(x)d é\n\\ \U0001f600'
QUEUED = replace(TASK, task_queue_sid=WQ, task_queue_entered_ms=T0_MS)


def config_with_queue(name: str, version: int) -> WorkspaceConfig:
    return replace(CONFIG, version=version, queues={WQ: TaskQueue(sid=WQ, friendly_name=name, **DATES)})


def test_texts_with_percent_signs_and_quotes_come_out_as_they_are() -> None:
    task = replace(QUEUED, attributes=json.dumps({"a": ODD}), reason=ODD, routing_target=ODD)
    body = json.loads(TaskJSON().render(BASE, config_with_queue(ODD, 1), task, T0_MS))
    assert complaints("task", body) == []
    assert (body["reason"], body["routing_target"], body["task_queue_friendly_name"]) == (ODD, ODD, ODD)
    assert json.loads(body["attributes"]) == {"a": ODD}


def test_a_percent_sign_in_the_base_survives_beside_the_sid() -> None:
    body = json.loads(TaskJSON().render("http://a%20b", CONFIG, QUEUED, T0_MS))
    assert body["url"] == f"http://a%20b/v1/Workspaces/{WS}/Tasks/{WT}"
    assert body["links"]["reservations"] == f"{body['url']}/Reservations"


def test_a_renamed_queue_shows_in_the_next_answer() -> None:
    rendered = TaskJSON()
    names = [
        json.loads(rendered.render(BASE, config_with_queue(name, version), QUEUED, T0_MS))[
            "task_queue_friendly_name"
        ]
        for version, name in enumerate(["Old", "New"])
    ]
    assert names == ["Old", "New"]


def test_the_age_counts_while_the_task_is_open_and_stops_at_its_end() -> None:
    ended = replace(QUEUED, status=TaskStatus.COMPLETED, ended_ms=T0_MS + 3_999)
    ages = [
        json.loads(TaskJSON().render(BASE, CONFIG, task, T0_MS + elapsed_ms))["age"]
        for task, elapsed_ms in ((QUEUED, 9_999), (ended, 9_999), (QUEUED, -50))
    ]
    assert ages == [9, 3, 0]


def test_frames_are_made_anew_when_too_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_json, "MAX_FRAMES", 3)
    rendered = TaskJSON()
    for n in range(10):
        url = json.loads(rendered.render(f"http://host{n}", CONFIG, QUEUED, T0_MS))["url"]
        assert url.startswith(f"http://host{n}/")
        assert len(rendered._frames) <= 3
