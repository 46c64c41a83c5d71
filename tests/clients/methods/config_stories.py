"""Stories of what is configured: Workspaces, Activities, Task Channels, TaskQueues, Workflows."""

from __future__ import annotations

import json
from typing import Any

from tests.clients.methods.ground import Ground
from tests.clients.methods.way import Way, both, listed
from tests.clients.site import Site

URL = "https://example.com/"


def workspace_of(way: Way, site: Site) -> Any:
    return way.workspaces(site.workspace["sid"])


async def workspace(way: Way, ground: Ground) -> None:
    name = f"Story {way.asynchronous} {way.info}"
    first = await way(
        way.workspaces,
        "create",
        name,
        event_callback_url=f"{URL}events",
        events_filter="task.created,worker.created",
        multi_task_enabled=False,
        template="FIFO",
        prioritize_queue_order="LIFO",
    )
    assert (first.friendly_name, first.event_callback_url) == (name, f"{URL}events")
    assert (first.events_filter, first.prioritize_queue_order) == ("task.created,worker.created", "LIFO")
    assert first.multi_task_enabled is False
    second = await way(way.workspaces, "create", name)
    assert (second.multi_task_enabled, second.prioritize_queue_order) == (True, "FIFO")
    rows = [first.sid, second.sid]
    none = ({"friendly_name": "no such name"}, [])
    await listed(way, way.workspaces, rows, none, among={"friendly_name": name})
    record, context = await both(way, way.workspaces, first.sid)
    activities = await way(record.activities, "list", limit=3)
    for target, told in ((record, activities[:2]), (context, activities[1:])):
        changed = await way(
            target,
            "update",
            default_activity_sid=told[0].sid,
            event_callback_url=f"{URL}{told[0].sid}",
            events_filter=None if target is record else "",
            friendly_name=f"{name} {told[0].sid}",
            multi_task_enabled=True,
            timeout_activity_sid=told[1].sid,
            prioritize_queue_order="FIFO",
        )
        assert (changed.default_activity_sid, changed.timeout_activity_sid) == (told[0].sid, told[1].sid)
        assert (changed.default_activity_name, changed.timeout_activity_name) == (
            told[0].friendly_name,
            told[1].friendly_name,
        )
        assert changed.event_callback_url == f"{URL}{told[0].sid}"
        assert changed.friendly_name == f"{name} {told[0].sid}"
        assert (changed.multi_task_enabled, changed.prioritize_queue_order) == (True, "FIFO")
    assert (await way(record, "update", events_filter="task.canceled")).events_filter == "task.canceled"
    assert await way(context, "delete") is True
    assert await way(second, "delete") is True
    assert await way(way.workspaces, "list", friendly_name=name, limit=1) == []


async def activity(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        source = workspace_of(way, site).activities
        before = [row.sid for row in await way(source, "list", limit=100)]
        lunch = await way(source, "create", "Lunch", available=False)
        ready = await way(source, "create", "Ready", available=True)
        assert (lunch.friendly_name, lunch.available, ready.available) == ("Lunch", False, True)
        await listed(
            way,
            source,
            [*before, lunch.sid, ready.sid],
            ({"friendly_name": "Ready", "available": "true"}, [ready.sid]),
            ({"friendly_name": "Ready", "available": "false"}, []),
        )
        record, context = await both(way, source, lunch.sid)
        assert (await way(record, "update", friendly_name="Break")).friendly_name == "Break"
        assert (await way(context, "update", friendly_name="Pause")).friendly_name == "Pause"
        assert await way(record, "delete") is True
        assert await way(source(ready.sid), "delete") is True
        assert [row.sid for row in await way(source, "list", limit=100)] == before


async def task_channel(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        source = workspace_of(way, site).task_channels
        before = [row.sid for row in await way(source, "list", limit=100)]
        fax = await way(source, "create", "Fax", "fax", channel_optimized_routing=True)
        mail = await way(source, "create", "Mail", "mail", channel_optimized_routing=False)
        assert (fax.friendly_name, fax.unique_name, fax.channel_optimized_routing) == ("Fax", "fax", True)
        assert mail.channel_optimized_routing is False
        await listed(way, source, [*before, fax.sid, mail.sid])
        record, context = await both(way, source, "fax")
        for target, name, optimized in ((record, "Faxes", False), (context, "Fax again", True)):
            changed = await way(target, "update", friendly_name=name, channel_optimized_routing=optimized)
            assert (changed.friendly_name, changed.channel_optimized_routing) == (name, optimized)
        assert await way(record, "delete") is True
        assert await way(source("mail"), "delete") is True


async def task_queue(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        source = workspace_of(way, site).task_queues
        away, worker = site.workspace["default_activity_sid"], site.worker["sid"]
        busy = site.available["sid"]
        made = await way(
            source,
            "create",
            "French",
            target_workers="skills HAS 'fr'",
            max_reserved_workers=3,
            task_order="LIFO",
            reservation_activity_sid=away,
            assignment_activity_sid=busy,
        )
        assert (made.target_workers, made.max_reserved_workers, made.task_order) == (
            "skills HAS 'fr'",
            3,
            "LIFO",
        )
        assert (made.reservation_activity_sid, made.assignment_activity_sid) == (away, busy)
        everyone = site.queue["sid"]
        rows = [row.sid for row in await way(source, "list")]
        assert set(rows) == {everyone, made.sid}
        await listed(
            way,
            source,
            rows,
            ({"friendly_name": "French", "ordering": "DateUpdated:asc"}, [made.sid]),
            ({"ordering": "DateUpdated:desc"}, [made.sid, everyone]),
            ({"friendly_name": "no such name"}, []),
            ({"worker_sid": worker}, [everyone]),
        )
        speaks = json.dumps({"skills": ["fr"]})
        for verb in ("list", "stream", "page"):
            found = await way(source, verb, evaluate_worker_attributes=speaks, page_size=50)
            assert [row.sid for row in found] == rows
        await _queue_changes(way, source, made.sid, away, busy)


async def _queue_changes(way: Way, source: Any, sid: str, away: str, busy: str) -> None:
    record, context = await both(way, source, sid)
    for target, name, reserved in ((record, "Basque", 5), (context, "Breton", 7)):
        changed = await way(
            target,
            "update",
            friendly_name=name,
            target_workers="1==1",
            reservation_activity_sid=busy,
            assignment_activity_sid=away,
            max_reserved_workers=reserved,
            task_order="FIFO",
        )
        assert (changed.friendly_name, changed.target_workers, changed.task_order) == (name, "1==1", "FIFO")
        assert (changed.reservation_activity_sid, changed.assignment_activity_sid) == (busy, away)
        assert changed.max_reserved_workers == reserved
    spare = await way(source, "create", "Spare")
    assert (spare.target_workers, spare.max_reserved_workers) == ("1==1", 1)
    assert await way(record, "delete") is True
    assert await way(source(spare.sid), "delete") is True


async def workflow(way: Way, ground: Ground) -> None:
    with ground.site() as site:
        source = workspace_of(way, site).workflows
        document = json.dumps({"task_routing": {"default_filter": {"queue": site.queue["sid"]}}}, indent=1)
        made = await way(
            source,
            "create",
            "Second",
            document,
            assignment_callback_url=f"{URL}assign",
            fallback_assignment_callback_url=f"{URL}fallback",
            task_reservation_timeout=77,
        )
        assert (made.configuration, made.task_reservation_timeout) == (document, 77)
        assert (made.assignment_callback_url, made.fallback_assignment_callback_url) == (
            f"{URL}assign",
            f"{URL}fallback",
        )
        await listed(
            way,
            source,
            [site.workflow["sid"], made.sid],
            ({"friendly_name": "Second"}, [made.sid]),
            ({"friendly_name": "no such name"}, []),
        )
        record, context = await both(way, source, made.sid)
        for target, name in ((record, "Third"), (context, "Fourth")):
            changed = await way(
                target,
                "update",
                friendly_name=name,
                assignment_callback_url=f"{URL}{name}",
                fallback_assignment_callback_url=f"{URL}{name}/fallback",
                configuration=document + "\n",
                task_reservation_timeout=len(name),
                re_evaluate_tasks="true",
            )
            assert (changed.friendly_name, changed.configuration) == (name, document + "\n")
            assert (changed.assignment_callback_url, changed.task_reservation_timeout) == (
                f"{URL}{name}",
                len(name),
            )
            assert changed.fallback_assignment_callback_url == f"{URL}{name}/fallback"
        spare = await way(source, "create", "Spare", document)
        assert await way(record, "delete") is True
        assert await way(source(spare.sid), "delete") is True
