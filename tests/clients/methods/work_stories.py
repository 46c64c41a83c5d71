"""Stories of what lives: Workers, their channels, and Tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from tests.clients.methods.config_stories import workspace_of
from tests.clients.methods.ground import Ground
from tests.clients.methods.way import Way, both, listed
from tests.clients.site import Site, created

LONG_AGO = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def revision(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"].strip('"')


async def worker(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        source = workspace_of(way, site).workers
        away, ready = site.workspace["default_activity_sid"], site.available["sid"]
        made = await way(source, "create", "Bo", activity_sid=ready, attributes='{"level": 3}')
        assert (made.friendly_name, made.activity_sid, made.attributes) == ("Bo", ready, '{"level": 3}')
        assert made.available is True
        matching = {
            "activity_name": site.available["friendly_name"],
            "activity_sid": ready,
            "available": "true",
            "friendly_name": "Bo",
            "target_workers_expression": "level > 2",
            "task_queue_name": site.queue["friendly_name"],
            "ordering": "DateStatusChanged:asc",
        }
        rows = [row.sid for row in await way(source, "list")]
        assert set(rows) == {site.worker["sid"], made.sid}
        latest = ({"ordering": "DateStatusChanged:desc"}, [made.sid, site.worker["sid"]])
        await listed(way, source, rows, latest, (matching, [made.sid]))
        for wrong in (
            {"activity_name": "Offline"},
            {"activity_sid": away},
            {"available": "false"},
            {"friendly_name": "Cy"},
            {"target_workers_expression": "level > 3"},
            {"task_queue_name": "no such name"},
        ):
            assert await way(source, "list", **{**matching, **wrong}, limit=1) == [], wrong
        for verb in ("list", "stream", "page"):
            found = await way(source, verb, task_queue_sid=site.queue["sid"], page_size=50)
            assert [row.sid for row in found] == rows
        await _worker_changes(way, source, site, made.sid)


async def _worker_changes(way: Way, source: Any, site: Site, sid: str) -> None:
    away, ready = site.workspace["default_activity_sid"], site.available["sid"]
    record, context = await both(way, source, sid)
    for target, name in ((record, "Cy"), (context, "Di")):
        changed = await way(
            target,
            "update",
            if_match=revision(site.get(f"/Workers/{sid}")),
            activity_sid=away,
            attributes=f'{{"name": "{name}"}}',
            friendly_name=name,
            reject_pending_reservations=True,
        )
        assert (changed.friendly_name, changed.activity_sid) == (name, away)
        assert (changed.attributes, changed.available) == (f'{{"name": "{name}"}}', False)
        assert (await way(target, "update", activity_sid=ready)).available is True
    spare = await way(source, "create", "Spare")
    assert (spare.activity_sid, spare.attributes) == (away, "{}")
    assert await way(record, "delete", if_match=revision(site.get(f"/Workers/{sid}"))) is True
    seen = revision(site.get(f"/Workers/{spare.sid}"))
    assert await way(source(spare.sid), "delete", if_match=seen) is True


async def worker_channel(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        source = workspace_of(way, site).workers(site.worker["sid"]).worker_channels
        rows = await way(source, "list", limit=100)
        assert [row.task_channel_unique_name for row in rows] == ["default", "voice", "sms", "chat", "video"]
        await listed(way, source, [row.sid for row in rows])
        record, context = await both(way, source, rows[3].sid)
        for target, capacity, available in ((record, 4, False), (context, 5, True)):
            changed = await way(target, "update", capacity=capacity, available=available)
            assert (changed.configured_capacity, changed.available) == (capacity, available)
            assert (changed.assigned_tasks, changed.available_capacity_percentage) == (0, 100)
        assert (await way(source("chat"), "fetch")).sid == rows[3].sid


async def task(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        source = workspace_of(way, site).tasks
        made = await way(
            source,
            "create",
            timeout=600,
            priority=5,
            task_channel="chat",
            workflow_sid=site.workflow["sid"],
            attributes='{"kind": "x"}',
            virtual_start_time=LONG_AGO,
        )
        assert (made.timeout, made.priority, made.attributes) == (600, 5, '{"kind": "x"}')
        assert (made.task_channel_unique_name, made.virtual_start_time) == ("chat", LONG_AGO)
        assert made.workflow_sid == site.workflow["sid"]
        aimed = await way(
            source,
            "create",
            routing_target=site.worker["sid"],
            ignore_capacity="true",
            task_queue_sid=site.queue["sid"],
        )
        assert (aimed.routing_target, aimed.ignore_capacity) == (site.worker["sid"], True)
        assert aimed.task_queue_sid == site.queue["sid"]
        site.offer({"sid": made.sid})
        await _task_lists(way, source, site, made.sid, aimed.sid)
        await _task_changes(way, source, site)


async def _task_lists(way: Way, source: Any, site: Site, sid: str, aimed: str) -> None:
    matching = {
        "priority": 5,
        "assignment_status": ["reserved", "assigned"],
        "workflow_sid": site.workflow["sid"],
        "workflow_name": site.workflow["friendly_name"],
        "task_queue_sid": site.queue["sid"],
        "task_queue_name": site.queue["friendly_name"],
        "evaluate_task_attributes": "kind == 'x'",
        "ordering": "Priority:desc,DateCreated:asc",
        "has_addons": False,
    }
    await listed(
        way, source, [sid, aimed], (matching, [sid]), ({"ordering": "DateCreated:desc"}, [aimed, sid])
    )
    for wrong in (
        {"priority": 6},
        {"assignment_status": ["pending"]},
        {"workflow_name": "no such name"},
        {"task_queue_name": "no such name"},
        {"evaluate_task_attributes": "kind == 'y'"},
        {"has_addons": True},
    ):
        assert await way(source, "list", **{**matching, **wrong}, limit=1) == [], wrong
    for verb in ("list", "stream", "page"):
        found = await way(source, verb, routing_target=site.worker["sid"], page_size=50)
        assert [row.sid for row in found] == [aimed]


async def _task_changes(way: Way, source: Any, site: Site) -> None:
    for through_record in (True, False):
        sid = created(site.post("/Tasks", {"TaskChannel": "video"}))["sid"]
        record, context = await both(way, source, sid)
        target = record if through_record else context
        site.offer({"sid": sid})
        changed = await way(
            target,
            "update",
            if_match=revision(site.get(f"/Tasks/{sid}")),
            attributes='{"kind": "y"}',
            priority=9,
            task_channel="sms",
            virtual_start_time=LONG_AGO,
        )
        assert (changed.attributes, changed.priority) == ('{"kind": "y"}', 9)
        assert (changed.task_channel_unique_name, changed.virtual_start_time) == ("sms", LONG_AGO)
        ended = await way(target, "update", assignment_status="canceled", reason="called back")
        assert (ended.assignment_status, ended.reason) == ("canceled", "called back")
        assert await way(target, "delete", if_match=revision(site.get(f"/Tasks/{sid}"))) is True
        assert site.get(f"/Tasks/{sid}").status_code == 404
