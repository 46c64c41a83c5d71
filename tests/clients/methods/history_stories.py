"""Stories of what is told afterwards: Events and the fifteen views of statistics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from tests.clients.methods import library
from tests.clients.methods.config_stories import workspace_of
from tests.clients.methods.ground import Ground
from tests.clients.methods.way import Way, listed
from tests.clients.site import Site, until

OPEN = {"pending": 0, "reserved": 1, "assigned": 0, "wrapping": 0}
SPLIT = "0,3600"
_KEPT = "told"  # under which the site is kept
Check = Callable[["Told", Any], None]
Reach = Callable[[Any, Site], Any]
Story = Callable[[Way, Ground], Awaitable[None]]


class Told(Struct):
    """A site where one Task was completed and another one is offered, and all of that is in the log."""

    site: Site
    offer: dict[str, Any]  # Reservation of the completed Task
    waiting: dict[str, Any]  # Task
    since: datetime
    before: datetime

    def value(self, name: str) -> Any:
        """What a parameter of the views is given: it keeps everything that happened."""
        return {
            "minutes": 15,
            "start_date": self.since,
            "end_date": self.before,
            "task_channel": "default",
            "split_by_wait_time": SPLIT,
            "task_queue_sid": self.site.queue["sid"],
            "task_queue_name": self.site.queue["friendly_name"],
            "friendly_name": self.site.worker["friendly_name"],
        }[name]


def told(ground: Ground) -> Told:
    """The same site for all these stories, since they only read."""
    if _KEPT not in ground.kept:
        ground.kept[_KEPT] = _tell(ground.keep(ground.site()))
    found: Told = ground.kept[_KEPT]
    return found


def _tell(site: Site) -> Told:
    site.post("/TaskQueues", {"FriendlyName": "Empty"})
    site.post(f"/Workflows/{site.workflow['sid']}", {"TaskReservationTimeout": "86400"})
    now = datetime.now(UTC).replace(microsecond=0)
    offer = site.offer(site.task())
    for status in ("accepted", "completed"):
        form = {"ReservationStatus": status}
        answer = site.post(f"/Tasks/{offer['task_sid']}/Reservations/{offer['sid']}", form)
        assert answer.status_code == 200, answer.text
    waiting = site.task()
    site.offer(waiting)
    minute = timedelta(minutes=1)
    return Told(site, offer, waiting, now - minute, now + minute)


async def event(way: Way, ground: Ground) -> None:
    all_told = told(ground)
    site, offer = all_told.site, all_told.offer
    until(lambda: _logged(site, all_told.waiting["sid"], "reservation.created"))
    source = workspace_of(way, site).events
    rows = await way(source, "list")
    assert [row.event_date_ms for row in rows] == sorted((r.event_date_ms for r in rows), reverse=True)
    assert {row.resource_type for row in rows} >= {"task", "reservation", "worker", "workspace"}
    (sid,) = [row.sid for row in rows if row.event_type == "reservation.accepted"]
    matching = {
        "end_date": all_told.before,
        "event_type": "reservation.accepted",
        "minutes": 15,
        "reservation_sid": offer["sid"],
        "start_date": all_told.since,
        "task_queue_sid": site.queue["sid"],
        "task_sid": offer["task_sid"],
        "worker_sid": offer["worker_sid"],
        "workflow_sid": site.workflow["sid"],
        "task_channel": "default",
        "sid": sid,
    }
    await listed(way, source, [row.sid for row in rows], (matching, [sid]))
    absent = "0" * 32
    for wrong in (
        {"end_date": all_told.since},
        {"event_type": "reservation.rejected"},
        {"reservation_sid": f"WR{absent}"},
        {"start_date": all_told.before, "end_date": all_told.before + timedelta(hours=1)},
        {"task_sid": all_told.waiting["sid"]},
        {"task_channel": "voice"},
        {"sid": f"EV{absent}"},
    ):
        assert await way(source, "list", **{**matching, **wrong}, limit=1) == [], wrong
    await _one_event(way, source, sid, offer)


def _logged(site: Site, task: str, event_type: str) -> bool | None:
    found = site.get("/Events", TaskSid=task, EventType=event_type)
    assert found.status_code == 200, found.text
    return bool(found.json()["events"]) or None


async def _one_event(way: Way, source: Any, sid: str, offer: dict[str, Any]) -> None:
    record = await way(source(sid), "fetch")
    for found in (record, await way(record, "fetch"), await way(source.get(sid), "fetch")):
        assert (found.sid, found.event_type) == (sid, "reservation.accepted")
        assert (found.resource_sid, found.resource_type) == (offer["sid"], "reservation")
        assert found.event_data["task_sid"] == offer["task_sid"]
        assert all(isinstance(value, str) for value in found.event_data.values())
        assert int(found.event_date.timestamp()) == found.event_date_ms // 1000


def view(reach: Reach, check: Check) -> Story:
    """The story of a view that is fetched: with a look-back, with dates, and on a channel without Tasks."""

    async def story(way: Way, ground: Ground) -> None:
        all_told = told(ground)
        _await_counts(all_told)
        source = reach(workspace_of(way, all_told.site), all_told.site)
        context = source.get()
        names = library.parameters_of(type(context).fetch)
        given = {name: all_told.value(name) for name in names}
        dated = {"minutes"} & names
        record = await way(source(), "fetch", **given)
        for target in (record, context):
            check(all_told, await way(target, "fetch", **given))
            lately = {name: value for name, value in given.items() if not name.endswith("_date")}
            check(all_told, await way(target, "fetch", **lately))
            silent = await way(target, "fetch", **{**given, "task_channel": "voice"})
            assert _accepted(silent) == 0
            if dated and hasattr(silent, "start_time"):
                assert silent.start_time == all_told.since
                assert all_told.since < silent.end_time <= all_told.before  # the future has not happened

    return story


def _await_counts(all_told: Told) -> None:
    """Statistics follow the log: some milliseconds after what they count."""

    def look() -> bool | None:
        answer = all_told.site.get("/CumulativeStatistics")
        assert answer.status_code == 200, answer.text
        return answer.json()["reservations_created"] == 2 or None

    until(look)


def _accepted(record: Any) -> int:
    """Acceptances of a view, at the top or inside; 0 of one that has only real-time figures."""
    inside = getattr(record, "cumulative", None) or vars(record)
    return int(inside.get("reservations_accepted") or 0)


def cumulative(all_told: Told, record: Any) -> None:
    figures = getattr(record, "cumulative", None) or vars(record)
    assert (figures["reservations_created"], figures["reservations_accepted"]) == (2, 1)
    assert (figures["reservations_rejected"], figures["reservations_timed_out"]) == (0, 0)
    if "tasks_completed" in figures:
        assert (figures["tasks_completed"], figures["tasks_canceled"]) == (1, 0)
    if figures.get("split_by_wait_time"):
        split = figures["split_by_wait_time"]
        assert set(split) == set(SPLIT.split(","))
        assert split["0"]["above"]["reservations_accepted"] == 1
        assert split["3600"]["below"]["reservations_accepted"] == 1
    if "activity_durations" in figures:
        names = {row["friendly_name"] for row in figures["activity_durations"]}
        assert all_told.site.available["friendly_name"] in names


def realtime(all_told: Told, record: Any) -> None:
    figures = getattr(record, "realtime", None) or vars(record)
    if "total_tasks" in figures:
        assert (figures["total_tasks"], figures["tasks_by_status"]) == (1, OPEN)
        assert figures["tasks_by_priority"] == {"0": 1}
        assert figures["longest_task_waiting_sid"] == all_told.waiting["sid"]
    for total in ("total_workers", "total_eligible_workers", "total_available_workers"):
        assert figures.get(total, 1) == 1, total
    if "activity_statistics" in figures:
        at = {row["sid"]: row["workers"] for row in figures["activity_statistics"]}
        assert at[all_told.site.available["sid"]] == sum(at.values()) == 1


def combined(all_told: Told, record: Any) -> None:
    cumulative(all_told, record)
    realtime(all_told, record)


async def queues_statistics(way: Way, ground: Ground) -> None:
    all_told = told(ground)
    site = all_told.site
    _await_counts(all_told)
    source = workspace_of(way, site).task_queues.statistics
    rows = [row.task_queue_sid for row in await way(source, "list")]
    assert len(rows) == 2
    given = {
        "end_date": all_told.before,
        "friendly_name": site.queue["friendly_name"],
        "minutes": 15,
        "start_date": all_told.since,
        "task_channel": "default",
        "split_by_wait_time": SPLIT,
    }
    await listed(way, source, rows, (given, [site.queue["sid"]]), by="task_queue_sid")
    (found,) = await way(source, "list", **given)
    combined(all_told, found)


class Body(dict[str, Any]):
    """What the library takes for a body of JSON."""

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


async def bulk(way: Way, ground: Ground) -> None:
    all_told = told(ground)
    site = all_told.site
    absent = "WQ" + "0" * 32
    source = workspace_of(way, site).task_queues.bulk_real_time_statistics
    found = await way(source, "create", Body(queueSids=[site.queue["sid"], absent]), status=200)
    assert found.task_queue_response_count == 2
    rows = {row["task_queue_sid"]: row for row in found.task_queue_data}
    assert (rows[site.queue["sid"]]["total_tasks"], rows[absent]["total_tasks"]) == (1, 0)
    assert rows[site.queue["sid"]]["tasks_by_status"] == OPEN
