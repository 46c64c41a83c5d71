"""Reservations: one Task offered to one Worker. They are reached through either, and answered once."""

from __future__ import annotations

from typing import Any, Final

from engine import checks
from engine.config_pages import created, sorted_page_of
from engine.errors import Gone, IllegalState, Invalid, NotFound, RevisionMismatch
from engine.live import Live, expected
from engine.model import Found, Page, Reservation, ReservationStatus, WorkspaceConfig
from engine.records import reservation as reservation_of
from engine.records import reservations_of, text
from engine.scripts import Status
from engine.sids import is_sid

COMPLETED: Final = (
    "All reservations were completed"  # semantics 3.3: the Task's reason when its Reservation completes
)

_ANSWERS: Final = {
    "accepted": "accept_reservation",
    "rejected": "reject_reservation",
    "wrapping": "wrap_task",
    "completed": "complete_task",
}


class Reservations:
    """The Reservations of all Workspaces. Every method raises NotFound and Unavailable."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def of_task(
        self,
        account: str,
        workspace: str,
        task: str,
        *,
        status: str | None = None,
        worker_sid: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[Reservation]]:
        """A Task's Reservations, newest first. Two round trips. Raises Invalid."""
        record = await self._live.record(account, workspace, "t", task)
        packed = [(sid, task, value) for sid, value in reservations_of(record.fields).items()]
        found = await self._named(record.config, packed)
        if worker_sid is not None:
            found = [reservation for reservation in found if reservation.worker_sid == worker_sid]
        return Found(config=record.config, value=_page(found, status, after, limit), now_ms=record.now_ms)

    async def of_worker(
        self,
        account: str,
        workspace: str,
        worker: str,
        *,
        status: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Found[Page[Reservation]]:
        """The Reservations of a Worker whose Tasks still exist, newest first. Three round trips. Raises Invalid."""
        read = await self._live.config.read(account, workspace)
        keys = self._live.keys(read.config)
        name, index = await self._live.config.together(
            ("HGET", keys.worker(worker), "name"), ("HGETALL", keys.reservations(worker))
        )
        if name is None:
            raise NotFound(worker)
        pairs = [(text(sid), text(task)) for sid, task in zip(index[::2], index[1::2], strict=True)]
        values = await self._live.config.together(*(("HGET", keys.task(task), sid) for sid, task in pairs))
        found = [
            reservation_of(sid, task, value, text(name))
            for (sid, task), value in zip(pairs, values, strict=True)
            if value is not None
        ]
        return Found(config=read.config, value=_page(found, status, after, limit), now_ms=read.now_ms)

    async def fetch_of_task(self, account: str, workspace: str, task: str, sid: str) -> Found[Reservation]:
        """One Reservation of a Task. Two round trips."""
        record = await self._live.record(account, workspace, "t", task)
        packed = record.fields.get(sid.encode()) if is_sid(sid, "WR") else None
        if packed is None:
            raise NotFound(sid)
        (found,) = await self._named(record.config, [(sid, task, packed)])
        return Found(config=record.config, value=found, now_ms=record.now_ms)

    async def fetch_of_worker(
        self, account: str, workspace: str, worker: str, sid: str
    ) -> Found[Reservation]:
        """One Reservation of a Worker. Four round trips."""
        config = await self._live.config.get(account, workspace)
        task = await self._live.ask("HGET", self._live.keys(config).reservations(worker), sid)
        if task is None:
            raise NotFound(sid)
        return await self.fetch_of_task(account, workspace, text(task), sid)

    async def answer_of_task(
        self,
        account: str,
        workspace: str,
        task: str,
        sid: str,
        *,
        status: str,
        worker_activity_sid: str | None = None,
        if_match: int | None = None,
    ) -> Found[Reservation]:
        """Accept, reject, wrap up or complete a Reservation of this Task. One round trip.

        Raises Invalid, IllegalState, Gone (accepting one that ended), RevisionMismatch.
        """
        return await self._answer(account, workspace, task, "", sid, status, worker_activity_sid, if_match)

    async def answer_of_worker(
        self,
        account: str,
        workspace: str,
        worker: str,
        sid: str,
        *,
        status: str,
        worker_activity_sid: str | None = None,
        if_match: int | None = None,
    ) -> Found[Reservation]:
        """The same, reached through the Worker."""
        return await self._answer(account, workspace, "", worker, sid, status, worker_activity_sid, if_match)

    async def _answer(
        self,
        account: str,
        workspace: str,
        task: str,
        worker: str,
        sid: str,
        status: str,
        activity: str | None,
        if_match: int | None,
    ) -> Found[Reservation]:
        script = _ANSWERS.get(status)
        if script is None:
            raise Invalid("reservation_status", f"must be one of {', '.join(_ANSWERS)}")
        if activity is not None and status != "rejected":
            raise Invalid("worker_activity_sid", "is only allowed when rejecting")
        if not is_sid(sid, "WR"):
            raise NotFound(sid)
        revision = expected(if_match)

        async def act(config: WorkspaceConfig) -> list[Any]:
            args: tuple[str | int, ...] = (task, worker, sid, revision)
            if status == "rejected":
                args += _activity_args(config, activity)
            elif status != "accepted":
                args += (COMPLETED if status == "completed" else "",)
            return await self._live.script(script, config, args)

        config, reply = await self._live.deciding(account, workspace, act)
        if reply[0] != Status.OK:
            raise _refusal(reply, sid, status)
        answered = reservation_of(sid, text(reply[1]), reply[2], text(reply[3]))
        return Found(config=config, value=answered, now_ms=answered.updated_ms)

    async def _named(
        self, config: WorkspaceConfig, packed: list[tuple[str, str, bytes]]
    ) -> list[Reservation]:
        names = await self._live.worker_names(config, [text(value).split("|")[1] for _, _, value in packed])
        return [
            reservation_of(sid, task, value, names[text(value).split("|")[1]]) for sid, task, value in packed
        ]


def _activity_args(config: WorkspaceConfig, activity: str | None) -> tuple[str | int, ...]:
    if activity is None:
        return "", "", ""
    known = config.activities.get(activity)
    if known is None:
        raise Invalid("worker_activity_sid", "is not the SID of an Activity of this Workspace")
    return config.version, activity, "1" if known.available else "0"


def _refusal(reply: list[Any], sid: str, wanted: str) -> Exception:
    match reply:
        case [Status.NOT_FOUND]:
            return NotFound(sid)
        case [Status.REVISION, int(revision)]:
            return RevisionMismatch(sid, revision)
        case [Status.ILLEGAL, b"single"]:
            return IllegalState(checks.NO_WRAPPING)
        case [Status.ILLEGAL, b"setup"]:
            return IllegalState(
                f"Reservation {sid} is being set up; it takes no other answer than a rejection"
            )
        case [Status.ILLEGAL | Status.GONE as kind, present]:
            message = (
                f"Reservation {sid} is already in state [{text(present)}] and cannot be updated to [{wanted}]"
            )
            return Gone(message) if kind == Status.GONE else IllegalState(message)
    raise AssertionError(f"unexpected reply {reply!r}")


def _page(found: list[Reservation], status: str | None, after: str | None, limit: int) -> Page[Reservation]:
    if status is not None:
        if status not in ReservationStatus.__members__.values():
            raise Invalid("reservation_status", f"must be one of {', '.join(ReservationStatus)}")
        found = [reservation for reservation in found if reservation.status == status]
    return sorted_page_of(found, created, descending=True, after=after, limit=limit)
